import type { Value } from "../document.ts";

/** The names of what a policy may refer to; what is left out is not known, and nothing is said about it. */
export interface References {
  readonly backends?: readonly string[] | undefined;
  readonly fragments?: readonly string[] | undefined;
  readonly loggers?: readonly string[] | undefined;
  readonly certificates?: readonly string[] | undefined;
  /** Values by display name; null where the value is secret. */
  readonly namedValues?: ReadonlyMap<string, string | null> | undefined;
  /** Names of the parameters in the URL template of the operation that the policy stands at. */
  readonly templateParameters?: readonly string[] | undefined;
}

/** What a value is when it is saved. `unknown`: it depends on a named value that is not known. */
export type Meaning = { readonly kind: "literal"; readonly text: string } | { readonly kind: "expression" } | { readonly kind: "unknown" };

const namedValue = /\{\{\s*([\w.-]+)\s*\}\}/g;

/** Reads a value as the service does: named values are put in as text before anything else is looked at. */
export function meaningOf(value: Value, namedValues: References["namedValues"]): Meaning {
  if (value.kind === "expression") return { kind: "expression" };
  if (!value.text.includes("{{")) return { kind: "literal", text: value.text };
  let known = true;
  const text = value.text.replace(namedValue, (_, name: string) => {
    const replacement = namedValues?.get(name);
    known &&= typeof replacement === "string";
    return replacement ?? "";
  });
  if (!known) return { kind: "unknown" };
  return /^\s*@[({]/.test(text) ? { kind: "expression" } : { kind: "literal", text };
}

const placeholder = new RegExp(
  [
    /[$#%]\{[^}]*\}/, // ${name}, #{name}#, %{ if name }
    /\$\([A-Za-z_][\w.-]*\)/, // $(name)
    /(?<![{$#%])\{(?:\d+|[A-Za-z_][\w.-]*)\}(?!\})/, // {name}, {0}
    /#[A-Za-z_][\w.-]*#/, // #name#
    /\b__[A-Za-z]\w*__\b/, // __name__
    /<%.*?%>/, // <%= name %>
  ]
    .map(({ source }) => source)
    .join("|"),
);

/** The first thing in a text that looks like the place of a value in someone's template, e.g. `{backend-id}`; null without one. */
export function placeholderIn(text: string): string | null {
  return placeholder.exec(text)?.[0] ?? null;
}
