import type { ListedDocument } from "../gateway/documents.ts";
import { namedValuesIn } from "../policy/document.ts";

/** Values of the named values that can be read, by the name that policies use (the display name). */
export type NamedValues = ReadonlyMap<string, string>;

export function readableNamedValues(documents: readonly ListedDocument[]): NamedValues {
  return new Map(
    documents.flatMap(({ id, properties: { displayName, value, secret } }): [string, string][] => {
      if (typeof value !== "string" || secret === true) return [];
      return [[typeof displayName === "string" ? displayName : id.replace(/^namedValues\//, ""), value]];
    }),
  );
}

/** The text with its `{{named values}}` put in, as the service does on saving; null where one is missing or secret. */
export function resolved(text: string, values: NamedValues): string | null {
  if (namedValuesIn(text).some((name) => !values.has(name))) return null;
  return text.replace(/\{\{([\w.-]+)\}\}/g, (whole, name: string) => values.get(name) ?? whole);
}
