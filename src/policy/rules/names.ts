import { nearest } from "../../errors.ts";
import { sameName } from "../../gateway/model.ts";
import type { ReferenceKind } from "../catalogue/types.ts";
import { namedValuesIn } from "../document.ts";
import { error, type Finding, none } from "./finding.ts";
import { placeholderIn } from "./meaning.ts";
import type { Context, Place } from "./place.ts";

/*
 * Backends, fragments, loggers and certificates that a policy names exist, where the service's own are known. Planning a change reads no
 * loggers and certificates: that is two more lists, and rights to read them, for elements that few policies have, and the service itself
 * refuses unknown ones on saving.
 */

export const missingBackend = missing("backend", "backends", (name) => `Backend with id '${name}' could not be found.`);

export const missingFragment = missing("fragment", "fragments", (name) => `Policy fragment with id '${name}' could not be found.`);

export const missingLogger = missing("logger", "loggers", () => "Logger not found");

export const missingCertificate = missing("certificate", "certificates", (name) => `Certificate with id '${name}' could not be found.`);

type NameList = "backends" | "fragments" | "loggers" | "certificates";

function missing(kind: ReferenceKind, list: NameList, message: (name: string) => string) {
  return ({ element, values }: Place, { references }: Context): readonly Finding[] => {
    const known = references[list];
    if (known === undefined) return none;
    return values.flatMap(({ definition, meaning }) => {
      if (definition.refersTo !== kind || meaning.kind !== "literal" || placeholderIn(meaning.text) !== null) return none;
      const name = meaning.text.trim();
      // Assumed: the service compares ids as ARM does, whatever their case.
      if (known.some((candidate) => sameName(candidate, name))) return none;
      return [error(element, message(name), `${suggestion(name, known)} or create the ${kind} first.`)];
    });
  };
}

function suggestion(name: string, known: readonly string[]): string {
  const [near] = nearest(name, known, 1);
  return near === undefined ? "Write the name of an existing one," : `Did you mean '${near}'? Write it,`;
}

/**
 * Named values that a document refers to as `{{Name}}` exist; their display names count, in the same case. In Liquid, `{{...}}` is
 * Liquid's own.
 */
export function missingNamedValue({ element, definition, values }: Place, { references }: Context): readonly Finding[] {
  const { namedValues } = references;
  if (namedValues === undefined) return none;
  const isLiquid = values.some(
    ({ attribute, meaning }) => attribute.name === "template" && meaning.kind === "literal" && /^\s*liquid\s*$/i.test(meaning.text),
  );
  const texts = element.attributes.map(({ value }) => value.raw);
  if (!isLiquid && definition !== null) for (const child of element.children) if (child.type === "text") texts.push(child.value.raw);
  return [...new Set(texts.flatMap(namedValuesIn))]
    .filter((name) => !namedValues.has(name))
    .map((name) =>
      error(element, `Cannot find a property '${name}'`, `${suggestion(name, [...namedValues.keys()])} or create the named value first.`),
    );
}

/** https://github.com/Azure/azure-powershell/issues/9171 */
export function unknownTemplateParameter({ element, policy, values }: Place, { references }: Context): readonly Finding[] {
  const known = references.templateParameters;
  if (policy?.name !== "rewrite-uri" || known === undefined) return none;
  return values.flatMap(({ attribute, meaning }) => {
    if (attribute.name !== "template" || meaning.kind !== "literal") return none;
    return [...meaning.text.matchAll(/\{\*?([^{}]+)\}/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !known.includes(name))
      .map((name) =>
        error(
          element,
          "Only parameters specified in the original URL template can be used in the rewrite template",
          `'${name}' is not one of them${known.length === 0 ? "; the operation has none" : `: ${known.join(", ")}`}.`,
        ),
      );
  });
}
