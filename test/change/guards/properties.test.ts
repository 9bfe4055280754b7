import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge } from "../../../src/change/guards/index.ts";
import { overridableGuards } from "../../../src/change/guards/names.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { Inventory } from "../../../src/gateway/inventory.ts";
import {
  change,
  csharp,
  fragment,
  judged,
  jwt,
  limits,
  namedValue,
  policy,
  pool,
  proposed,
  protecting,
  rules,
  serviceOf,
  single,
  verdictOf,
} from "./judged.ts";

const product = "products/aoai/policies/policy";
const chat = "apis/chat/policies/policy";

describe("properties", () => {
  const amount = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: null });
  const limit = fc.record({
    subscriptionId: fc.constantFrom("growth", "prod", "search"),
    kind: fc.constantFrom("tpm" as const, "rpm" as const),
    before: amount,
    after: amount,
    intended: fc.boolean(),
  });

  test("a cut blocks exactly below the half, a raise exactly above ten times", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: -2, max: 2 }), (before, beside) => {
        const halved = Math.floor(before / 2) + beside;
        expect(verdictOf(limits({ before, after: halved }), "limit_cut")).toBe(halved * 2 < before ? "blocked" : "passed");
        const raised = before * 10 + beside;
        expect(verdictOf(limits({ before, after: raised }), "limit_raise")).toBe(beside > 0 ? "blocked" : "passed");
      }),
    );
  });

  test("another team's limit changes if and only if the change is blocked as shared", () => {
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1 }), (changes) => {
        const touched = changes.some(({ intended, before, after }) => !intended && before !== after);
        expect(verdictOf({ documents: [], service: null, limits: changes }, "shared_document")).toBe(touched ? "blocked" : "passed");
      }),
    );
  });

  const part = fc.constantFrom(
    "<base />",
    jwt,
    "<cors />",
    "<!-- x -->",
    "<choose><when condition='@(context.Subscription.Id == \"growth\")'><base /></when></choose>",
    "<broken",
    "</inbound>",
    '<include-fragment fragment-id="auth" />',
    '<include-fragment fragment-id="{{which}}" />',
    '<set-backend-service backend-id="p" />',
    '<set-backend-service backend-id="{{secret}}" />',
    '<llm-token-limit counter-key="x" tokens-per-minute="{{tpm}}" />',
  );
  const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  const properties = fc.oneof(
    text.map((inbound) => policy(inbound)),
    text.map((content) => fragment(content)),
    fc.constantFrom(single(), pool("a"), pool(), pool("p"), namedValue("which", "auth"), namedValue("tpm", "x"), {
      displayName: "secret",
      secret: true,
    }),
    fc.string().map((value): JsonObject => ({ value })),
    fc.constantFrom<JsonObject>({}, { value: 1 }, { pool: [] }, { credentials: "x" }, { properties: null }),
  );
  const id = fc.constantFrom(
    product,
    chat,
    "policies/policy",
    "apis/chat/operations/Op/policies/policy",
    "apis/other;rev=2/policies/policy",
    "policyFragments/auth",
    "namedValues/nv-0",
    "backends/a",
    "backends/p",
  );
  const everything = protecting("api:chat", "product:aoai", "subscription:growth", "backend:a", "api:gone");
  const documents = fc.uniqueArray(fc.tuple(id, fc.option(properties), fc.option(properties)), { selector: ([key]) => key, maxLength: 4 });
  const service = fc.record({ global: text, api: text, product: text, content: text }).map((texts) =>
    serviceOf(
      {
        apis: { chat: null },
        products: { aoai: ["chat"] },
        policies: {
          "policies/policy": String(policy(texts.global).value),
          [chat]: String(policy(texts.api).value),
          [product]: String(policy(texts.product).value),
        },
        fragments: { auth: String(fragment(texts.content).value) },
        namedValues: { which: "auth", tpm: "1", secret: null },
        backends: { a: single(), p: pool("a") },
      },
      { growth: "aoai", prod: "aoai" },
    ),
  );

  test("judging never throws, whatever the documents hold", () => {
    fc.assert(
      fc.property(fc.option(service), documents, fc.boolean(), (live, changes, naming) => {
        const subject = {
          service: live === null ? null : { inventory: live, csharp },
          documents: changes.map(([key, before, after]) => proposed(key, before, after)),
          ...(naming ? { teams: ["growth"] } : {}),
        };
        expect(() => judged(subject, everything)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  test("what alters nothing passes every guard, protected or not", () => {
    fc.assert(
      fc.property(
        service,
        fc.subarray([product, chat, "policies/policy", "policyFragments/auth", "backends/a", "namedValues/nv-0"]),
        (live, ids) => {
          // Documents without a difference are left out of a plan before it is judged.
          const { guards } = judged({ ...change(live, {}), teams: ["growth"] }, everything);
          expect(guards.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
          const same = change(live, Object.fromEntries(ids.map((key) => [key, propertiesOf(live, key)])));
          expect(judged(same).guards.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
        },
      ),
    );
  });

  const propertiesOf = (live: Inventory, key: string): JsonObject | null =>
    [...live.policies.values(), ...live.fragments, ...live.backends, ...live.namedValues].find((one) => one.id === key)?.properties ?? null;

  test("without a request to override nothing is overridden, whatever is allowed", () => {
    fc.assert(
      fc.property(fc.array(limit), fc.subarray([...overridableGuards]), (changes, allowOverride) => {
        const { guards } = judge({ documents: [], service: null, limits: changes }, [], rules({ allowOverride }));
        expect(guards.map(({ verdict }) => verdict)).not.toContain("overridden");
      }),
    );
  });
});
