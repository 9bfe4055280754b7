import { subscriptionName } from "../../../src/gateway/model.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import type { Binding, Limit, LimitAmount, TeamLimits } from "../../../src/quota/limit.ts";
import { teamLimits } from "../../../src/quota/limits.ts";
import { gateway, own, type Shorthand, withoutMark } from "../gateway-under-test.ts";

const csharp = await loadGrammar();

export const teamsOf = (shorthand: Shorthand): readonly TeamLimits[] => teamLimits(gateway(shorthand), csharp);

export function teamOf(shorthand: Shorthand, name: string): TeamLimits {
  const team = teamsOf(shorthand).find(({ subscription }) => subscriptionName(subscription) === name);
  if (team === undefined) throw new Error(`no team ${name}`);
  return team;
}

export function limitOf(shorthand: Shorthand, name: string, index = 0): Limit {
  const limit = teamOf(shorthand, name).limits[index];
  if (limit === undefined) throw new Error(`${name} has no limit`);
  return limit;
}

const amountText = (amount: LimitAmount): string =>
  amount.status === "value" ? String(amount.value) : amount.status === "several" ? amount.values.join("|") : amount.status;

const bindingText = ({ status, value }: Binding): string => (status === "value" ? String(value) : status);

/** `apis/openai#tpm/1=500 Monthly on gpt-4o, if`: `if` where it is under a condition. */
function limitText({ limitId, amount, period, deployment, conditions, apiIds, operations, accounting, perCall }: Limit): string {
  return [
    `${withoutMark(limitId)}=${amountText(amount)}`,
    ...(period === undefined ? [] : [period]),
    ...(deployment === undefined ? [] : [`on ${deployment}`]),
    ...(apiIds === null ? [] : [`of ${apiIds.join("+")}`]),
    ...(operations === null ? [] : [`for ${operations.join("+")}`]),
    ...(perCall === undefined ? [] : [`per ${perCall}`]),
    ...(accounting ? ["accounting"] : []),
    ...(conditions.length === 0 ? [] : ["if"]),
  ].join(" ");
}

/** Of every team: what binds, as `tpm 500`, and its limits. */
export function read(shorthand: Shorthand): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    teamsOf(shorthand).map(({ subscription, binding, limits }) => [
      subscriptionName(subscription),
      [
        ...Object.entries(binding).flatMap(([kind, found]) => (found.status === "none" ? [] : [`${kind} ${bindingText(found)}`])),
        ...limits.map(limitText),
      ],
    ]),
  );
}

export const growth = '@(context.Subscription.Id == "growth")';
export const header = '@(context.Request.Headers.ContainsKey("x"))';
export const deployment = (name: string) => `@((string)context.Request.MatchedParameters["deployment-id"] == "${name}")`;
export const quota = (tokens: number | string, period: string, key = own) =>
  `<llm-token-limit counter-key="${key}" token-quota="${tokens}" token-quota-period="${period}" estimate-prompt-tokens="true" />`;

export const twoProducts = { gold: ["openai"], silver: ["openai"] };

/** A gateway, and of its teams what `read` tells. */
export type Reading = readonly [name: string, shorthand: Shorthand, expected: ReturnType<typeof read>];
