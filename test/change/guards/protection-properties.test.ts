import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Protected } from "../../../src/change/guards/names.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { change, fragment, policy, pool, protecting, serviceOf, single, textOf, verdictOf } from "./judged.ts";
import { ask, chat, free, global, gold, limit, mail, service, when } from "./protected-service.ts";

describe("properties", () => {
  const own: readonly (readonly [`${Protected["kind"]}:${string}`, readonly string[]])[] = [
    ["api:chat", [chat, ask, "apis/CHAT/policies/policy", "apis/chat;rev=7/policies/policy"]],
    ["product:gold", [gold, "products/Gold/policies/policy"]],
    ["backend:a", ["backends/a", "backends/A"]],
  ];
  const anything = fc.oneof(
    fc.constantFrom<JsonObject | null>(null, policy("<base />"), policy(limit(1)), single(), pool("a"), pool()),
    fc.string().map((value): JsonObject => ({ value })),
  );

  test("no change of its own documents ever passes, whatever else is in the change", () => {
    const cases = own.flatMap(([thing, ids]) => ids.map((id) => [thing, id] as const));
    const others = fc.dictionary(fc.constantFrom(mail, free, "policyFragments/spare", "backends/c"), anything, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...cases), anything, others, ([thing, id], after, more) => {
        expect(verdictOf(change(service, { ...more, [id]: after }), "protected", protecting(thing))).toBe("blocked");
      }),
    );
  });

  const piece = fc.constantFrom("<cors />", limit(1_000), limit(500), "<trace />", '<include-fragment fragment-id="used" />', "");
  const team = fc.constantFrom("growth", "labs", "nobody");

  test("a branch for others never touches a team, and a policy beside it always does", () => {
    fc.assert(
      fc.property(piece, fc.array(fc.tuple(team, piece, piece)), (common, branches) => {
        const choose = (column: 1 | 2) =>
          branches.length === 0
            ? ""
            : `<choose>${branches.map((branch) => when(branch[0], branch[column])).join("")}<otherwise>${common}</otherwise></choose>`;
        const live = serviceOf(
          {
            apis: { chat: null },
            products: { gold: ["chat"] },
            policies: { [gold]: textOf(policy(`<base />${choose(1)}`)) },
            fragments: { used: textOf(fragment("<cors />")) },
          },
          { growth: "gold", prod: "gold" },
        );
        const protect = protecting("subscription:prod");
        expect(verdictOf(change(live, { [gold]: policy(`<base />${choose(2)}`) }), "protected", protect)).toBe("passed");
        expect(verdictOf(change(live, { [gold]: policy(`<base />${choose(2)}<mock-response />`) }), "protected", protect)).toBe("blocked");
      }),
    );
  });

  test("what is touched inline is touched in a fragment, and the other way round", () => {
    fc.assert(
      fc.property(piece, piece, fc.constantFrom(chat, gold, global), (was, is, id) => {
        const clean = (text: string) => text.replace(/<include.*/, "");
        const world = (inbound: string) =>
          serviceOf(
            {
              apis: { chat: null },
              products: { gold: ["chat"] },
              policies: { [chat]: textOf(policy("<base />")), [id]: textOf(policy(inbound)) },
              fragments: { f: textOf(fragment(clean(was))) },
            },
            { prod: "gold" },
          );
        const apart = world(`<base /><include-fragment fragment-id="f" />`);
        const touched = verdictOf(
          change(apart, { "policyFragments/f": fragment(clean(is)) }),
          "protected",
          protecting("subscription:prod"),
        );
        expect(touched).toBe(clean(was) === clean(is) ? "passed" : "blocked");
      }),
    );
  });
});
