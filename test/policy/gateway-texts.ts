import type { Document, JsonObject, ListedDocument } from "../../src/gateway/documents.ts";
import type { PolicyTexts } from "../../src/gateway/inventory.ts";

/** Policies of a gateway in shorthand. Names of fragments and named values may begin with a workspace's path: `workspaces/team/limits`. */
export interface Shorthand {
  /** Documents by id. */
  readonly policies: Readonly<Record<string, string>>;
  readonly fragments?: Readonly<Record<string, string>>;
  /** Values by display name; null for a secret one. */
  readonly namedValues?: Readonly<Record<string, string | null>>;
}

export function textsOf(gateway: Shorthand): PolicyTexts {
  const fragments = fragmentsOf(gateway);
  const policies = Object.entries(gateway.policies).map(([id, value]): [string, Document] => [
    id,
    { id, etag: '"1"', properties: raw(value) },
  ]);
  return { policies: new Map(policies), fragments, namedValues: namedValuesOf(gateway) };
}

/** All documents by path, as a service would hold them. */
export function documentsOf(gateway: Shorthand): readonly (readonly [path: string, properties: JsonObject])[] {
  const listed = [...fragmentsOf(gateway), ...namedValuesOf(gateway, "canary")];
  return [
    ...Object.entries(gateway.policies).map(([id, value]) => [id, raw(value)] as const),
    ...listed.map(({ id, properties }) => [id, properties] as const),
  ];
}

const raw = (value: string): JsonObject => ({ format: "rawxml", value });

const fragmentsOf = ({ fragments = {} }: Shorthand): readonly ListedDocument[] =>
  Object.entries(fragments).map(([given, value]) => {
    const { level, name } = placed(given);
    return { id: `${level}policyFragments/${name}`, properties: raw(value) };
  });

/** `secret`: the value of secret ones; they have none where it is left out. */
const namedValuesOf = ({ namedValues = {} }: Shorthand, secret?: string): readonly ListedDocument[] =>
  Object.entries(namedValues).map(([given, value], index) => {
    const { level, name: displayName } = placed(given);
    const hidden = { displayName, secret: true, ...(secret === undefined ? {} : { value: secret }) };
    return { id: `${level}namedValues/nv-${index}`, properties: value === null ? hidden : { displayName, value } };
  });

/** `workspaces/team/limits` taken apart. */
function placed(given: string): { readonly level: string; readonly name: string } {
  const end = given.lastIndexOf("/") + 1;
  return { level: given.slice(0, end), name: given.slice(end) };
}

/** A policy with one element a line; the first of `inbound` stands on line 3. */
export const inbound = (...elements: readonly string[]): string =>
  ["<policies>", "<inbound>", ...elements, "</inbound>", "</policies>"].join("\n");

/** A fragment with one element a line; the first stands on line 2. */
export const fragment = (...elements: readonly string[]): string => ["<fragment>", ...elements, "</fragment>"].join("\n");
