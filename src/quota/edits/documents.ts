import {
  type DocumentId,
  documentKind,
  type JsonObject,
  type ListedDocument,
  policyText,
  withPolicyText,
  workspaceOf,
} from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import { namedValuesIn } from "../../policy/document.ts";

/** One document whose text an edit has changed; `before` is null where it is new. */
export interface TextChange {
  readonly id: DocumentId;
  readonly before: ListedDocument | null;
  readonly after: JsonObject;
}

/** The text of a policy, a fragment or a named value; null where there is no such document. */
export function textOf(inventory: Inventory, id: DocumentId): string | null {
  const document = documentIn(inventory, id);
  return document === null ? null : textIn(document);
}

/** The service with another text of one document; a policy that is not there yet is created. */
export function withText(inventory: Inventory, id: DocumentId, text: string): Inventory {
  const document = documentIn(inventory, id);
  if (documentKind(id) === "named_value") {
    const replaced = (listed: ListedDocument): ListedDocument =>
      listed === document ? { ...listed, properties: { ...listed.properties, value: text } } : listed;
    return { ...inventory, namedValues: inventory.namedValues.map(replaced) };
  }
  const properties = withPolicyText(document?.properties ?? null, text);
  if (documentKind(id) === "fragment") {
    return { ...inventory, fragments: inventory.fragments.map((listed) => (listed === document ? { ...listed, properties } : listed)) };
  }
  const key = document?.id ?? id;
  const policies = new Map(inventory.policies);
  policies.set(key, { id: key, etag: inventory.policies.get(key)?.etag ?? "", properties });
  return { ...inventory, policies };
}

/** What differs between two states of one service, document by document. */
export function textChanges(before: Inventory, after: Inventory): readonly TextChange[] {
  return textDocuments(after).flatMap(({ id, properties }) => {
    const document = documentIn(before, id);
    return document?.properties === properties ? [] : [{ id, before: document, after: properties }];
  });
}

/** How many documents of its level refer to a named value: policies, fragments, backends, other named values. */
export function placesOfNamedValue(inventory: Inventory, id: DocumentId): number {
  const document = documentIn(inventory, id);
  const { displayName } = document?.properties ?? {};
  const name = typeof displayName === "string" ? displayName : id.replace(/^.*\//, "");
  const level = workspaceOf(id) ?? "";
  return [...textDocuments(inventory), ...inventory.backends]
    .filter((other) => sameName(workspaceOf(other.id) ?? "", level))
    .reduce((count, { properties }) => count + occurrences(properties, name), 0);
}

function occurrences(properties: JsonObject, name: string): number {
  const text = JSON.stringify(properties);
  return namedValuesIn(text).includes(name) ? text.split(`{{${name}}}`).length - 1 : 0;
}

/** Whether a text stands anywhere in what limits may be read from, but for the places that `without` takes out. */
export function standsSomewhere(inventory: Inventory, text: string, without: string): boolean {
  return textDocuments(inventory).some((document) => textIn(document).replaceAll(without, "").includes(text));
}

const textDocuments = ({ policies, fragments, namedValues }: Inventory): readonly ListedDocument[] => [
  ...namedValues,
  ...fragments,
  ...policies.values(),
];

/** ARM's names are not case-sensitive. */
function documentIn(inventory: Inventory, id: DocumentId): ListedDocument | null {
  return inventory.policies.get(id) ?? textDocuments(inventory).find((document) => sameName(document.id, id)) ?? null;
}

function textIn(document: ListedDocument): string {
  const { value } = document.properties;
  if (documentKind(document.id) !== "named_value") return policyText(document);
  return typeof value === "string" ? value : "";
}
