import type { Document, ListedDocument } from "../../../src/gateway/documents.ts";
import type { PolicyTexts } from "../../../src/gateway/inventory.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import type { Known, StaticCall, Variables } from "../../../src/policy/static/values.ts";
import { type StaticPolicies, staticPolicies } from "../../../src/policy/static/walk.ts";

export const csharp = await loadGrammar();

/** The call of the team `growth`. */
export const growth: StaticCall = {
  subscription: { id: "growth", name: "Growth team" },
  product: { id: "aoai", name: "Azure OpenAI" },
  api: { id: "azure-openai", name: "Azure OpenAI", path: "openai" },
  operation: { id: "chat" },
};

export const namedValue = (name: string, value: string | null, secret = false): ListedDocument => ({
  id: `namedValues/${name}-id`,
  properties: { displayName: name, secret, ...(value === null ? {} : { value }) },
});

/** Policies by the id of their document. */
export function texts(
  policies: Readonly<Record<string, string>> = {},
  namedValues: readonly ListedDocument[] = [],
  fragments: Readonly<Record<string, string>> = {},
): PolicyTexts {
  const documents = Object.entries(policies).map(([id, value]): [string, Document] => [
    id,
    { id, etag: '"1"', properties: { format: "rawxml", value } },
  ]);
  return {
    policies: new Map(documents),
    namedValues,
    fragments: Object.entries(fragments).map(([name, value]) => ({
      id: `policyFragments/${name}`,
      properties: { format: "rawxml", value },
    })),
  };
}

export const policies = (given: PolicyTexts): StaticPolicies => staticPolicies(given, csharp);

/** A value in short: what a table can hold. */
export function shown(value: Known): unknown {
  switch (value.kind) {
    case "constant":
    case "json":
      return value.value;
    case "several":
      return { several: value.values.map(({ value: one }) => one), by: value.inputs.map(({ what, name }) => `${what}:${name}`) };
    case "list":
      return { list: value.items.map(shown) };
    case "present":
      return { present: value.what };
    case "unknown":
      return { unknown: value.parts.map((part) => (typeof part === "string" ? part : `{${part.what}:${part.name}}`)).join("") };
    case "throws":
      return "throws";
  }
}

export const none: Variables = new Map();
