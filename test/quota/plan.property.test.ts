import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policyText } from "../../src/gateway/documents.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import { parse } from "../../src/policy/document.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { planQuota } from "../../src/quota/plan.ts";
import { changed, choose, gateway, tokenLimit } from "./gateway-under-test.ts";

const names = ["growth", "core", "batch", "search", "lab"];

/** The product's limit, alone, in a branch of a choose, among other policies; sometimes under branches that teams have already. */
const limitPolicy = fc.record({
  tpm: fc.integer({ min: 1000, max: 900_000 }),
  branches: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1000, max: 900_000 })), {
    selector: ([name]) => name,
    maxLength: 3,
  }),
  noise: fc.subarray([
    "<base />",
    '<set-variable name="a" value="@("x" + (1 < 2))" />',
    "<!-- limits -->",
    '<rate-limit calls="9" renewal-period="60" />',
  ]),
  around: fc.constantFrom(null, '<limit-concurrency key="k" max-count="3">', '<retry condition="@(false)" count="1" interval="1">'),
  lineEnding: fc.constantFrom("\n", "\r\n"),
});

function policyOf({ tpm, branches, noise, around }: typeof limitPolicy extends fc.Arbitrary<infer T> ? T : never): string {
  const whens = branches.map(([name, value]) => [`@(context.Subscription.Id == "${name}")`, tokenLimit(value)] as const);
  const limit = whens.length === 0 ? tokenLimit(tpm) : choose(...whens, [null, tokenLimit(tpm)]);
  const wrapped = around === null ? limit : `${around}\n    ${limit.replaceAll("\n", "\n    ")}\n</${around.slice(1).split(" ")[0]}>`;
  return [...noise, wrapped].join("\n");
}

function withLineEnding(inventory: Inventory, lineEnding: string): Inventory {
  const policies = [...inventory.policies].map(
    ([id, document]) =>
      [id, { ...document, properties: { format: "rawxml", value: policyText(document).replaceAll("\n", lineEnding) } }] as const,
  );
  return { ...inventory, policies: new Map(policies) };
}

/** What a team would get that subscribes to the product now. */
function tpmOfLaterTeam(inventory: Inventory): number | null | "unknown" | undefined {
  const team = { id: "later", displayName: "Later", state: "active", scope: { kind: "product", productId: "aoai" } } as const;
  return teamLimits({ ...inventory, subscriptions: [...inventory.subscriptions, team] }).at(-1)?.tpm;
}

describe("planQuota, for any product policy and any edits", () => {
  it("changes the named team's limit to exactly the value and no other team's anything", () => {
    const edits = fc.array(fc.tuple(fc.nat(names.length - 1), fc.integer({ min: 1, max: 2_000_000 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(limitPolicy, fc.integer({ min: 1, max: names.length }), edits, (policy, count, requests) => {
        const teams = Object.fromEntries(names.slice(0, count).map((name) => [name, "aoai"]));
        let inventory = withLineEnding(
          gateway({ teams: { ...teams, master: "service" }, inbound: { "product:aoai": policyOf(policy) } }),
          policy.lineEnding,
        );
        for (const [pick, tpm] of requests) {
          const team = names[pick % count] ?? "growth";
          const before = teamLimits(inventory);
          const edit = planQuota(inventory, { subscriptionId: team, tpm });
          const next = changed(inventory, edit);
          for (const { after } of edit.documents) {
            const text = after === null ? "" : policyText({ id: "", properties: after });
            expect(parse(text).problems).toEqual([]);
            expect(text.replaceAll(policy.lineEnding, "")).not.toMatch(/[\r\n]/);
          }
          const view = (limits: typeof before) =>
            limits.map(({ subscription: { id }, tpm: value, rpm, limits: all }) => [
              id,
              id === team ? tpm : value,
              rpm,
              all.map(({ kind, counterKey, sharedWith }) => [kind, counterKey, sharedWith]),
            ]);
          expect(view(teamLimits(next))).toEqual(view(before));
          expect(teamLimits(next).find(({ subscription }) => subscription.id === team)?.tpm).toBe(tpm);
          expect(edit.limits.every(({ intended }) => intended)).toBe(true);
          const warned = edit.warnings.some((warning) => warning.includes("created later"));
          expect(tpmOfLaterTeam(next)).toBe(warned ? tpm : tpmOfLaterTeam(inventory));
          inventory = next;
        }
      }),
      { numRuns: 150 },
    );
  });
});
