import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holds, sameContent } from "../../src/change/compare.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";

const policyId = "apis/openai/policies/policy";
const backendId = "backends/eastus";
const xml = (value: string): JsonObject => ({ format: "rawxml", value });

describe("sameContent", () => {
  test.each<[what: string, id: string, a: JsonObject | null, b: JsonObject | null, same: boolean]>([
    ["no document twice", policyId, null, null, true],
    ["a document and none", policyId, xml("<policies />"), null, false],
    [
      "a policy that APIM has reformatted",
      policyId,
      xml("<policies><inbound><base /></inbound></policies>"),
      xml("<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t</inbound>\r\n</policies>"),
      true,
    ],
    ["another attribute", policyId, xml(`<policies><a b="1" /></policies>`), xml(`<policies><a b="2" /></policies>`), false],
    ["a lost comment", policyId, xml("<policies><!-- why --></policies>"), xml("<policies></policies>"), false],
    ["the format that a policy travels in", policyId, { format: "xml", value: "<policies />" }, xml("<policies />"), true],
    [
      "a fragment's description",
      "policyFragments/f",
      { description: "a", value: "<fragment />" },
      { description: "b", value: "<fragment />" },
      false,
    ],
    [
      "a state that ARM sets",
      "policyFragments/f",
      { value: "<fragment />", provisioningState: "InProgress" },
      { value: "<fragment />" },
      true,
    ],
    ["the order of members", backendId, { url: "https://a", protocol: "http" }, { protocol: "http", url: "https://a" }, true],
    ["null and absent", backendId, { url: "https://a", title: null }, { url: "https://a" }, true],
    ["null and absent within", backendId, { tls: { a: true, b: null } }, { tls: { a: true } }, true],
    ["one more member", backendId, { url: "https://a" }, { url: "https://a", description: "" }, false],
    ["the order of items", backendId, { x: ["a", "b"] }, { x: ["b", "a"] }, false],
    ["a list and an object", backendId, { x: [] }, { x: {} }, false],
    [
      "pool members by name and by whole id",
      backendId,
      { pool: { services: [{ id: "/backends/West", weight: 1 }] } },
      {
        pool: {
          services: [{ id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x/backends/west", weight: 1 }],
        },
      },
      true,
    ],
    [
      "another pool member",
      backendId,
      { pool: { services: [{ id: "/backends/west" }] } },
      { pool: { services: [{ id: "/backends/east" }] } },
      false,
    ],
    ["a pool without a list of members", backendId, { pool: {} }, { pool: {} }, true],
    ["members that are none", backendId, { pool: { services: [{ weight: 1 }, "x"] } }, { pool: { services: [{ weight: 1 }, "x"] } }, true],
    ["a named value", "namedValues/tpm", { displayName: "tpm", value: "1" }, { displayName: "tpm", value: "2" }, false],
  ])("%s", (_, id, a, b, same) => {
    expect(sameContent(id, a, b)).toBe(same);
    expect(sameContent(id, b, a)).toBe(same);
  });

  test("is there for every JSON, and tells any change of a leaf", () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean());
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf))),
        fc.string(),
        leaf,
        (content, key, value) => {
          expect(sameContent(backendId, content, structuredClone(content))).toBe(true);
          fc.pre(key !== "provisioningState" && key !== "pool" && JSON.stringify(content[key]) !== JSON.stringify(value));
          expect(sameContent(backendId, content, { ...content, [key]: value })).toBe(false);
        },
      ),
    );
  });
});

describe("holds", () => {
  const before: JsonObject = { url: "https://a", circuitBreaker: { rules: [{ name: "r", tripDuration: "PT1M" }] } };
  test.each<[what: string, live: JsonObject | null, intended: JsonObject | null, before: JsonObject | null, held: boolean]>([
    ["exactly what was written", { url: "https://b" }, { url: "https://b" }, before, true],
    ["a default that ARM adds", { url: "https://b", tls: { validate: true } }, { url: "https://b" }, before, true],
    [
      "a default within",
      { circuitBreaker: { rules: [{ name: "r", acceptRetryAfter: false }] } },
      { circuitBreaker: { rules: [{ name: "r" }] } },
      null,
      true,
    ],
    ["what should be gone", before, { url: "https://a" }, before, false],
    [
      "what should be gone within",
      { circuitBreaker: { rules: [{ name: "r", tripDuration: "PT1M" }] } },
      { circuitBreaker: { rules: [{ name: "r" }] } },
      before,
      false,
    ],
    ["one of two items", { x: ["a", "c"] }, { x: ["a", "b"] }, null, false],
    ["a text for an object", { tls: "validate" }, { tls: { validate: true } }, null, false],
    ["a text for an empty object", { tls: "validate" }, { tls: {} }, null, false],
    ["one item too many", { x: [1, 2] }, { x: [1] }, null, false],
    ["another value", { url: "https://c" }, { url: "https://b" }, before, false],
    ["a missing member", {}, { url: "https://b" }, before, false],
    ["a delete that took effect", null, null, before, true],
    ["a delete that did not", before, null, before, false],
    ["a create that did not", null, before, null, false],
  ])("%s: %#", (_, live, intended, earlier, held) => {
    expect(holds(backendId, live, intended, earlier)).toBe(held);
  });
});
