import { describe, expect, test } from "vitest";
import { type Judged, judge, waysOut } from "../../../src/change/guards/index.ts";
import { firmGuards, overridableGuards } from "../../../src/change/guards/names.ts";
import type { GatewayError } from "../../../src/errors.ts";
import { change, document, judged, limits, pool, protecting, rules, serviceOf, single } from "./judged.ts";

const product = "products/aoai/policies/policy";

describe("override", () => {
  const cut = limits({ before: 1_000, after: 1 });
  const large = document(product, null, { value: "x".repeat(300 * 1024) });

  test.each<[what: string, change: Judged, override: string[], allowed: string[], guard: string, verdict: string, message: RegExp]>([
    ["asked and allowed", cut, ["limit_cut"], ["limit_cut"], "limit_cut", "overridden", /more than half\.$/],
    ["asked, not allowed", cut, ["limit_cut"], ["auth_removed"], "limit_cut", "blocked", /AIGW_ALLOW_OVERRIDE/],
    ["allowed, not asked", cut, [], ["limit_cut"], "limit_cut", "blocked", /more than half\.$/],
    ["asked and allowed for another", cut, ["auth_removed"], ["auth_removed"], "limit_cut", "blocked", /more than half\.$/],
    ["never", large, ["too_large"], ["too_large"], "too_large", "blocked", /cannot be overridden/],
    ["asked though it passes", limits({}), ["limit_cut"], ["limit_cut"], "limit_cut", "passed", /No limit/],
  ])("%s", (_, subject, override, allowOverride, guard, verdict, message) => {
    expect(judge(subject, override, rules({ allowOverride })).guards.find(({ name }) => name === guard)).toEqual({
      name: guard,
      verdict,
      message: expect.stringMatching(message),
    });
  });

  test("what is protected is never overridden, whatever is allowed", () => {
    const subject = change(serviceOf({}), { "backends/a": single() });
    const { guards } = judge(subject, ["protected"], { allowOverride: ["protected"], protect: protecting("backend:a") });
    expect(guards.find(({ name }) => name === "protected")).toMatchObject({
      verdict: "blocked",
      message: expect.stringContaining("cannot be overridden"),
    });
  });

  test("an unknown guard is refused with the known ones, which are those that an operator can name and the firm ones", () => {
    expect(() => judge(cut, ["limit_cut", "nonsense", "x"], rules({ allowOverride: ["limit_cut"] }))).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        message: "Unknown guard in override: nonsense, x.",
        hint: expect.stringMatching(/^Guards: policy_invalid, limit_cut, .*, too_large\.$/),
      } satisfies Partial<GatewayError>),
    );
    expect(() => judge(cut, [...overridableGuards, ...firmGuards], rules())).not.toThrow();
  });

  test("the ways out name what the operator allows already, and what not", () => {
    const blocked = judged({ ...cut, ...document("backends/p", pool("a"), null) }).guards.filter(({ verdict }) => verdict === "blocked");
    expect(blocked.map(({ name }) => name)).toEqual(["limit_cut", "no_backend_left"]);
    expect(waysOut(blocked, ["limit_cut", "no_backend_left"])).toMatch(
      /if the user wants exactly this, plan again with override: \["limit_cut","no_backend_left"\]/,
    );
    expect(waysOut(blocked, ["limit_cut"])).toMatch(/operator lists no_backend_left in AIGW_ALLOW_OVERRIDE/);
    expect(waysOut(blocked, [])).toMatch(/operator lists limit_cut, no_backend_left in AIGW_ALLOW_OVERRIDE/);
    expect(
      waysOut(
        judged(large).guards.filter(({ verdict }) => verdict === "blocked"),
        [],
      ),
    ).toBe("Change the call so that the guards pass.");
  });
});
