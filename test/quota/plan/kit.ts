import { expect, it } from "vitest";
import type { Inventory } from "../../../src/gateway/inventory.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { teamLimits } from "../../../src/quota/limits.ts";
import { planQuota, type QuotaEdit, type QuotaRequest } from "../../../src/quota/plan.ts";
import { changed, gateway, inboundOf, own, type Shorthand } from "../gateway-under-test.ts";

export const csharp = await loadGrammar();
export const growth = '@(context.Subscription?.Id == "growth")';
export const core = '@(context.Subscription?.Id == "core")';
export const header = '@(context.Request.Headers.ContainsKey("x"))';
export const both = { growth: "aoai", core: "aoai" };
export const three = { ...both, lab: "aoai" };

export const v2 = { name: "StandardV2", tier: "v2" } as const;
export const bySub = (text: string): string => `@("${text}" + context.Subscription.Id)`;
export const byUser = '@(context.Request.Headers.GetValueOrDefault("x-user", ""))';
export const daily = ' token-quota="6000" token-quota-period="Daily"';
export const variable = (value: number): string => `<set-variable name="tpm" value="${value}" />`;
export const readsVariable = '@(int.Parse((string)context.Variables["tpm"]))';
export const newLimit = (tpm: number, key = own): string =>
  `<llm-token-limit counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />`;

export type Case = readonly [
  name: string,
  shorthand: Shorthand,
  request: Omit<QuotaRequest, "subscriptionId">,
  scope: string,
  after: string,
];

/** The edit for the team `growth`; a `limitId` may do without its mark. */
export function plan(inventory: Inventory, { limitId, ...asked }: Partial<QuotaRequest>): QuotaEdit {
  const request = { subscriptionId: "growth", ...asked };
  if (limitId === undefined) return planQuota(inventory, csharp, request);
  const team = teamLimits(inventory, csharp).find(({ subscription }) => subscription.id === request.subscriptionId);
  const meant = team?.limits.find((limit) => limit.limitId.startsWith(`${limitId}.`));
  return planQuota(inventory, csharp, { ...request, limitId: meant?.limitId ?? limitId });
}

/** Each case's document is as it says and nothing else is; asked once more there is nothing to do, and another number takes no second branch. */
export function takesAndRepeats(cases: readonly Case[]): void {
  it.each(cases)("%s", (_, shorthand, request, scope, after) => {
    const inventory = gateway(shorthand);
    const edit = plan(inventory, request);
    expect(edit.documents).toHaveLength(1);
    expect(inboundOf(changed(inventory, edit), scope)).toBe(after);
    expect(edit.limits.map(({ subscriptionId, kind, after: value, intended }) => ({ subscriptionId, kind, value, intended }))).toEqual(
      (["tpm", "rpm"] as const).flatMap((kind) =>
        request[kind] === undefined ? [] : [{ subscriptionId: "growth", kind, value: request[kind], intended: true }],
      ),
    );
  });

  it.each(cases)("takes a second edit and none for what is there: %s", (_, shorthand, request, scope) => {
    const before = gateway(shorthand);
    const once = changed(before, plan(before, request));
    expect(plan(once, request).documents).toEqual([]);
    const twice = changed(once, plan(once, { ...request, ...(request.tpm == null ? {} : { tpm: request.tpm - 1 }) }));
    expect(inboundOf(twice, scope).match(/== "growth"/g)?.length).toBe(inboundOf(once, scope).match(/== "growth"/g)?.length);
  });
}
