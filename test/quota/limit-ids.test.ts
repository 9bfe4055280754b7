import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { loadGrammar } from "../../src/grammar.ts";
import type { Limit } from "../../src/quota/limit.ts";
import { resolveLimitId } from "../../src/quota/limit-ids.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { choose, gateway, tokenLimit, withoutMark } from "./gateway-under-test.ts";

const csharp = await loadGrammar();

const limitsOf = (inbound: string, team = "growth"): readonly Limit[] =>
  teamLimits(gateway({ teams: { growth: "aoai", core: "aoai" }, inbound: { "product:aoai": inbound } }), csharp).find(
    ({ subscription }) => subscription.id === team,
  )?.limits ?? [];

const idOf = (inbound: string, team = "growth"): string => limitsOf(inbound, team)[0]?.limitId ?? "";

const isTeam = (id: string) => `@(context.Subscription?.Id == "${id}")`;
const header = '@(context.Request.Headers.ContainsKey("x"))';

/** The id of the limit that is meant, or the code and details of the error. */
function resolved(limits: readonly Limit[], id: string): unknown {
  try {
    return resolveLimitId(limits, id).limitId;
  } catch (error) {
    if (error instanceof GatewayError) return [error.code, error.message, error.details];
    throw error;
  }
}

describe("a limit's id", () => {
  it("does not depend on its number, its place among spaces or what stands beside it", () => {
    expect(idOf(tokenLimit(5))).toBe(idOf(`<trace source="x" />\n\n${tokenLimit(500)}`));
  });

  it.each([
    ["another key", tokenLimit(5, "all")],
    ["another element", tokenLimit(5).replace("llm-token-limit", "azure-openai-token-limit")],
    ["a condition", choose([header, tokenLimit(5)])],
    ["another branch", choose([isTeam("core"), ""], [null, tokenLimit(5)])],
  ])("tells %s", (_, inbound) => {
    expect(withoutMark(idOf(inbound))).toBe("products/aoai#tpm/1");
    expect(idOf(inbound)).not.toBe(idOf(tokenLimit(5)));
  });
});

describe("resolveLimitId", () => {
  const before = choose([isTeam("growth"), tokenLimit(4000)], [null, tokenLimit(5000)]);
  const after = choose([isTeam("core"), tokenLimit(3000)], [isTeam("growth"), tokenLimit(4000)], [null, tokenLimit(5000)]);

  it("finds a limit whose place an edit for another team has changed", () => {
    const id = idOf(before);
    expect(withoutMark(id)).toBe("products/aoai#tpm/1");
    const limits = limitsOf(after);
    expect(limits.map(({ amount }) => amount)).toEqual([{ status: "value", value: 4000 }]);
    expect(resolved(limits, id)).toBe(limits[0]?.limitId);
    expect(withoutMark(limits[0]?.limitId ?? "")).toBe("products/aoai#tpm/2");
  });

  it("never takes another limit that stands at the place now", () => {
    const id = idOf(tokenLimit(5000), "core");
    const limits = limitsOf(choose([isTeam("core"), tokenLimit(3000)], [null, tokenLimit(5000)]), "core");
    expect(resolved(limits, id)).toEqual([
      "invalid_input",
      expect.stringContaining("its document has changed"),
      limits.map(({ limitId }) => limitId),
    ]);
  });

  it.each<[string, string, string, string | null]>([
    ["the only one of its kind in the document", tokenLimit(5), "products/aoai#tpm/1", "products/aoai#tpm/1"],
    ["one of two, of which the team meets one", before, "products/aoai#tpm/1", null],
    ["one of two", `${tokenLimit(5)}\n${tokenLimit(6, "all")}`, "products/aoai#tpm/2", null],
    ["a place that there is not", tokenLimit(5), "products/aoai#tpm/2", null],
    ["another document", tokenLimit(5), "products/other#tpm/1", null],
    ["no id at all", tokenLimit(5), "tpm", null],
    ["two with one mark", `${tokenLimit(5)}\n${tokenLimit(6)}`, idOf(tokenLimit(5)).replace("/1.", "/3."), null],
  ])("takes an id without a mark only where it can mean nothing else: %s", (_, inbound, id, expected) => {
    const found = resolved(limitsOf(inbound), id);
    if (expected === null) expect(found).toEqual(["invalid_input", expect.any(String), expect.any(Array)]);
    else expect(withoutMark(String(found))).toBe(expected);
  });

  it("takes the one that comes to another number on another API, by its API", () => {
    const world = { teams: { all: "apis" }, products: { aoai: ["chat", "images"] } };
    const inbound = { global: tokenLimit('@(context.Api.Id == "chat" ? 100 : 50)') };
    const limits = teamLimits(gateway({ ...world, inbound }), csharp)[0]?.limits ?? [];
    for (const { limitId } of limits) expect(resolved(limits, limitId)).toBe(limitId);
    expect(resolved(limits, limits[0]?.limitId.replace(/@.*/, "") ?? "")).toEqual(["invalid_input", expect.any(String), expect.any(Array)]);
  });

  test("any text is an id of one of the team's limits, or is refused", () => {
    const limits = limitsOf(`${tokenLimit(5)}\n${tokenLimit(6, "all")}`);
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = resolved(limits, text);
        expect(Array.isArray(found) || limits.some(({ limitId }) => limitId === found)).toBe(true);
      }),
    );
  });
});
