import type { ListedDocument } from "../gateway/documents.ts";
import { namedValueReference, namedValuesIn } from "./document.ts";

/** Values of the named values that can be read, by the display name that policies use. Secret ones are not among them. */
export type NamedValues = ReadonlyMap<string, string>;

export function readableNamedValues(documents: readonly ListedDocument[]): NamedValues {
  return new Map(
    documents.flatMap(({ id, properties: { displayName, value, secret } }): [string, string][] => {
      if (typeof value !== "string" || secret === true) return [];
      return [[typeof displayName === "string" ? displayName : id.replace(/^.*\//, ""), value]];
    }),
  );
}

/** A text with its named values put in, as the service does on saving; `missing` names those that do not exist or are secret. */
export interface Substituted {
  readonly text: string;
  readonly missing: readonly string[];
}

export function substitute(text: string, values: NamedValues): Substituted {
  return {
    text: text.replace(namedValueReference, (whole, name: string) => values.get(name) ?? whole),
    missing: namedValuesIn(text).filter((name) => !values.has(name)),
  };
}

/** The text with its named values put in; null where one is missing or secret. */
export function resolved(text: string, values: NamedValues): string | null {
  const { text: whole, missing } = substitute(text, values);
  return missing.length === 0 ? whole : null;
}
