import type { Document } from "../../src/gateway/documents.ts";
import type { PolicyTexts } from "../../src/gateway/inventory.ts";

/** Policies of a gateway in shorthand. */
export interface Shorthand {
  /** Documents by id. */
  readonly policies: Readonly<Record<string, string>>;
  readonly fragments?: Readonly<Record<string, string>>;
  /** Values by display name; null for a secret one. */
  readonly namedValues?: Readonly<Record<string, string | null>>;
}

export function textsOf({ policies, fragments = {}, namedValues = {} }: Shorthand): PolicyTexts {
  return {
    policies: new Map(
      Object.entries(policies).map(([id, value]): [string, Document] => [id, { id, etag: '"1"', properties: { format: "rawxml", value } }]),
    ),
    fragments: Object.entries(fragments).map(([id, value]) => ({ id: `policyFragments/${id}`, properties: { format: "rawxml", value } })),
    namedValues: Object.entries(namedValues).map(([displayName, value], index) => ({
      id: `namedValues/nv-${index}`,
      properties: value === null ? { displayName, secret: true } : { displayName, value },
    })),
  };
}

/** A policy with one element a line; the first of `inbound` stands on line 3. */
export const inbound = (...elements: readonly string[]): string =>
  ["<policies>", "<inbound>", ...elements, "</inbound>", "</policies>"].join("\n");

/** A fragment with one element a line; the first stands on line 2. */
export const fragment = (...elements: readonly string[]): string => ["<fragment>", ...elements, "</fragment>"].join("\n");
