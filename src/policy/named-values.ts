import type { DocumentId, ListedDocument } from "../gateway/documents.ts";
import { namedValueReference, namedValuesIn } from "./document.ts";

/** Values of the named values that can be read, by the display name that policies use. Secret ones are not among them. */
export type NamedValues = ReadonlyMap<string, string>;

export function readableNamedValues(documents: readonly ListedDocument[]): NamedValues {
  return new Map(
    documents.flatMap((document): [string, string][] => {
      const { value, secret } = document.properties;
      return typeof value !== "string" || secret === true ? [] : [[displayNameOf(document), value]];
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

/** A named value as policies refer to it. */
export type NamedValueSource =
  | { readonly name: string; readonly document: DocumentId; readonly value: string }
  /** `why`: `the named value 'tiers' is secret`. */
  | { readonly name: string; readonly document: DocumentId | null; readonly value: null; readonly why: string };

/** The named values that the documents of one level may refer to. */
export interface NamedValueSources {
  named(name: string): NamedValueSource;
}

/** Of these documents, each with where its value stands or why it cannot be read. */
export function namedValueSources(documents: readonly ListedDocument[]): NamedValueSources {
  const known = new Map(documents.map((document) => [displayNameOf(document), document]));
  return {
    named(name) {
      const document = known.get(name);
      if (document === undefined) return { name, document: null, value: null, why: `the named value '${name}' does not exist` };
      const { id, properties } = document;
      if (properties.secret === true) return { name, document: id, value: null, why: `the named value '${name}' is secret` };
      if (typeof properties.value === "string") return { name, document: id, value: properties.value };
      return { name, document: id, value: null, why: `the named value '${name}' has no readable value` };
    },
  };
}

const displayNameOf = ({ id, properties: { displayName } }: ListedDocument): string =>
  typeof displayName === "string" ? displayName : id.replace(/^.*\//, "");
