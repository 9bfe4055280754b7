import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contentHash, unheard } from "../../src/change/audited.ts";
import type { AuditedPlan } from "../../src/change/types.ts";
import type { Json, JsonObject } from "../../src/gateway/documents.ts";
import { apiPolicy, halved, limitPolicy, never, openService, productPolicy, proposalOf } from "./service.ts";

const policy = (value: string): JsonObject => ({ format: "rawxml", value });

/** The same value with the members of its objects the other way round. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
}

test("a document that a plan leaves as it is, is no part of it", async () => {
  const service = openService();
  const plans: AuditedPlan[] = [];
  const planner = service.changes.planner(service.gateway.reader(never), { ...unheard, planned: (plan) => plans.push(plan) });
  const same = await service.read(apiPolicy);
  await planner.plan(proposalOf({ documents: [await halved(service), { id: same.id, before: same, after: same.properties }] }));
  expect(plans.map(({ documents }) => documents.map(({ id }) => id))).toEqual([[productPolicy]]);
});

describe("the hash of a document", () => {
  test("is null where there is none", () => {
    expect(contentHash(productPolicy, null)).toBeNull();
  });

  test("is that of what a policy means, not of its layout", () => {
    const text = limitPolicy(200_000);
    const hash = contentHash(productPolicy, policy(text));
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(contentHash(productPolicy, policy(text.replaceAll("\n    ", "\r\n\t")))).toBe(hash);
    expect(contentHash(productPolicy, { ...policy(text), format: "xml" })).toBe(hash);
    expect(contentHash(productPolicy, policy(limitPolicy(200_001)))).not.toBe(hash);
  });

  test("has no part in the order of members, and every part in their values", () => {
    const properties = fc.dictionary(
      fc.string(),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(properties, (object) => {
        const hash = contentHash("backends/b", object);
        expect(contentHash("backends/b", turned(object) as JsonObject)).toBe(hash);
        expect(contentHash("backends/b", { ...object, url: `${JSON.stringify(object.url)}-other` })).not.toBe(hash);
      }),
    );
  });
});
