import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AttributeDefinition, ElementDefinition } from "../../src/policy/catalogue/types.ts";
import { catalogue, containsPolicies, policyNamed, policyNames } from "../../src/policy/catalogue.ts";
import { isOutside, typeFault } from "../../src/policy/rules/value-types.ts";

const factsFile = new URL("../../../shared/fixtures/policy-facts.json", import.meta.url);
const haveFacts = existsSync(factsFile);
const absent = haveFacts ? "" : " (skipped: ../shared/fixtures is absent)";

const entries = Object.values(catalogue).flatMap((table) => Object.entries(table));

/** Every element of every policy with a path to it. */
const elements = entries.flatMap(([name, definition]) => [...below(name, definition)]);

function* below(path: string, definition: ElementDefinition): Generator<readonly [path: string, definition: ElementDefinition]> {
  yield [path, definition];
  if (typeof definition.content !== "object") return;
  for (const [name, child] of Object.entries(definition.content.elements)) yield* below(`${path}/${name}`, child);
}

const attributes = elements.flatMap(([path, definition]) =>
  Object.entries(definition.attributes ?? {}).map(([name, attribute]): [string, AttributeDefinition] => [`${path}@${name}`, attribute]),
);

describe("the catalogue", () => {
  it("has each policy once, and aliases of no other", () => {
    const names = entries.flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
    expect([...policyNames()].toSorted()).toEqual(names.toSorted());
    expect(new Set(names).size).toBe(names.length);
  });

  it("finds a policy by its alias", () => {
    expect(policyNamed("azure-openai-token-limit")?.name).toBe("llm-token-limit");
    expect(policyNamed("toString")).toBeUndefined();
  });

  it.each(elements)("%s is consistent", (_, { attributes: known = {}, constraints = [], content }) => {
    const constrained = constraints.flatMap((constraint) =>
      "needs" in constraint
        ? [constraint.attribute, constraint.needs]
        : "atLeastOneOf" in constraint
          ? constraint.atLeastOneOf
          : constraint.atMostOneOf,
    );
    expect(Object.keys(known)).toEqual(expect.arrayContaining([...constrained]));
    const children = typeof content === "object" ? Object.entries(content.elements) : [];
    expect(children.filter(([, { max = 1 }]) => max < 1)).toEqual([]);
    expect(children.filter(([name, { policy }]) => policy && policyNamed(name)?.name !== name)).toEqual([]);
  });

  it.each(attributes)("%s is consistent", (_, { type, default: usual, range, refersTo }) => {
    const bound = range === undefined ? undefined : String(range.min ?? range.max);
    const wrong = [usual, bound].filter((value) => value !== undefined && typeFault(type, value) !== null);
    expect(wrong).toEqual([]);
    expect(usual !== undefined && range !== undefined && isOutside(usual, range)).toBe(false);
    expect(refersTo === undefined || type === "name").toBe(true);
  });

  it("knows which elements hold the policies of a section", () => {
    const holders = elements.filter(([, { content }]) => content === "policies").map(([path]) => path.split("/").at(-1) ?? "");
    expect(holders.filter((name) => name !== "value" && !containsPolicies(name))).toEqual([]);
  });
});

interface Fact {
  readonly sections: readonly string[];
  readonly scopes: readonly string[];
  readonly gateways: readonly string[];
  readonly attributes: Readonly<Record<string, { readonly required: string; readonly expr?: boolean | null }>>;
  readonly xsd_only_attributes: Readonly<Record<string, unknown>>;
}

describe(`the catalogue beside the collected facts${absent}`, { skip: !haveFacts }, () => {
  const { policies, corrections, xsd_only_policies } = haveFacts
    ? JSON.parse(readFileSync(factsFile, "utf8"))
    : { policies: {}, corrections: { sections_to_add: {} }, xsd_only_policies: {} };
  const facts: readonly [string, Fact][] = Object.entries(policies);

  it("has every policy that the schemas have", () => {
    const parts = ["policies", "set-url"];
    const missing = Object.keys(xsd_only_policies).filter((name) => policyNamed(name) === undefined && !parts.includes(name));
    expect(missing).toEqual([]);
  });

  it.each(facts)("%s is as documented", (name, fact) => {
    const policy = policyNamed(name);
    expect(policy).toBeDefined();
    if (policy === undefined) return;
    const added = (corrections.sections_to_add[name] ?? []).map((section: string) => section.split(" ")[0]);
    const isSection = (section: string): boolean => ["inbound", "backend", "outbound", "on-error"].includes(section);
    expect(policy.sections.toSorted()).toEqual([...fact.sections.filter(isSection), ...added].toSorted());
    if (policy.scopes.length > 0) expect(policy.scopes.toSorted()).toEqual(fact.scopes.map((scope) => scope.toLowerCase()).toSorted());
    if (!fact.gateways.includes("dedicated")) expect(policy.gateways.toSorted()).toEqual(fact.gateways.toSorted());
    const known = policy.attributes ?? {};
    for (const attribute of Object.keys({ ...fact.attributes, ...fact.xsd_only_attributes })) {
      if (attribute !== "id") expect(known).toHaveProperty([attribute]);
    }
  });

  it("differs on expressions only where the page is contradicted", () => {
    const contradicted = facts.flatMap(([name, fact]) =>
      Object.entries(fact.attributes).flatMap(([attribute, { expr }]) => {
        const known = policyNamed(name)?.attributes?.[attribute]?.expression;
        return typeof expr !== "boolean" || known === (expr ? "yes" : "no") ? [] : [`${name}@${attribute}`];
      }),
    );
    expect(contradicted).toEqual(["llm-token-limit@token-quota"]);
  });
});
