import type { PastRequest } from "../../gateway/past-requests.ts";
import { attribute } from "../../policy/document.ts";
import type { Limit, LimitKind } from "../limit.ts";
import { isQuotaPeriod } from "./counters.ts";
import { isDeployment, type ReplayLimit } from "./replay.ts";

/** The limits of a team that a replay can judge, and what it cannot. */
export interface Replayed {
  readonly limits: readonly ReplayLimit[];
  /** More would be refused than a replay of them says. */
  readonly atLeast: readonly string[];
  /** Fewer may be refused. */
  readonly atMost: readonly string[];
}

/** Kinds in which a team's limits differ. */
export function changedKinds(before: readonly Limit[], after: readonly Limit[]): readonly LimitKind[] {
  const kinds: readonly LimitKind[] = ["tpm", "rpm", "token_quota", "call_quota"];
  return kinds.filter((kind) => signature(before, kind) !== signature(after, kind));
}

const signature = (limits: readonly Limit[], kind: LimitKind): string =>
  JSON.stringify(
    limits
      .filter((limit) => limit.kind === kind)
      .map(({ amount, written, period, counterKey, conditions, deployment, apiIds }) => [
        amount,
        written,
        period,
        counterKey,
        conditions.map(({ text, negated }) => [text, negated]),
        deployment,
        apiIds,
      ]),
  );

/** A team's limits of some kinds for a replay: those that can stop it and of which the number is known. */
export function replayedLimits(all: readonly Limit[], kinds: readonly LimitKind[]): Replayed {
  const met = all.filter(({ kind, accounting, amount }) => kinds.includes(kind) && !accounting && amount.status !== "none");
  const judged = met.flatMap((limit) => {
    const replayed = replayLimit(limit);
    return replayed === null ? [] : [{ limit, replayed }];
  });
  const left = met.filter((limit) => !judged.some((one) => one.limit === limit));
  const conditional = judged.filter(({ limit }) => limit.conditions.some(({ deployment }) => deployment === undefined));
  const finer = judged.filter(({ limit: { counterKey } }) => keyParts(counterKey) === "finer");
  const shared = judged.filter(({ limit: { counterGroup } }) => counterGroup.size > 1);
  const named = (some: readonly { readonly limit: Limit }[]): string => some.map(({ limit }) => limit.limitId).join(", ");
  return {
    limits: judged.map(({ replayed }) => replayed),
    atLeast: [
      ...(left.length === 0 ? [] : [`Not replayed: ${left.map(({ limitId }) => limitId).join(", ")}.`]),
      ...(shared.length === 0 ? [] : [`${named(shared)}: others spend from the same counter, whose requests are not replayed.`]),
    ],
    atMost: [
      ...(conditional.length === 0 ? [] : [`${named(conditional)}: replayed as if the condition always held.`]),
      ...(finer.length === 0 ? [] : [`${named(finer)}: the key tells the team's callers apart, the replay does not.`]),
    ],
  };
}

/** Null for what no replay can judge: a number that is not known, a quota of calls, a limit of single operations. */
function replayLimit(limit: Limit): ReplayLimit | null {
  const { kind, amount, written, period, element, operationsOnly } = limit;
  if (amount.status !== "value" || operationsOnly || kind === "call_quota") return null;
  if (kind === "token_quota" && !isQuotaPeriod(period)) return null;
  const common = {
    kind,
    estimates: attribute(element, "estimate-prompt-tokens")?.trim().toLowerCase() === "true",
    applies: applicationOf(limit),
    counterOf: counterOf(limit),
  };
  if (kind === "token_quota") return { ...common, amount: amount.value, windowMs: 0, period: isQuotaPeriod(period) ? period : null };
  const rate = kind === "rpm" && written !== undefined ? written : { calls: amount.value, renewalSeconds: 60 };
  return { ...common, amount: rate.calls, windowMs: rate.renewalSeconds * 1000, period: null };
}

/** Conditions that ask for the deployment alone are met by each request or not; any other is taken to hold. */
function applicationOf({ apiIds, deployment, conditions }: Limit): (request: PastRequest) => boolean {
  const apis = apiIds === null ? null : new Set(apiIds.map((id) => id.toLowerCase()));
  return (request) =>
    (apis === null || apis.has(request.apiId.toLowerCase())) &&
    (deployment === undefined || isDeployment(request, deployment)) &&
    conditions.every(
      (condition) => condition.deployment === undefined || isDeployment(request, condition.deployment) !== condition.negated,
    );
}

type KeyPart = "api" | "deployment";

function counterOf({ counterKey }: Limit): (request: PastRequest) => string {
  const parts = keyParts(counterKey);
  if (parts === "finer") return () => "";
  return ({ apiId, deployment }) => parts.map((part) => (part === "api" ? apiId : deployment).toLowerCase()).join("\n");
}

/** What of a request a key tells apart, where the history knows it; `finer` where it does not, e.g. an address or a header. */
function keyParts(key: string | null): readonly KeyPart[] | "finer" {
  if (key === null) return [];
  if (/\.\s*(?:IpAddress|Headers|User|Body|Url|OriginalUrl|Operation|Certificate)\b|\bRequestId\b|\bVariables\b/.test(key)) return "finer";
  return [...(/context\s*\.\s*Api\b/.test(key) ? (["api"] as const) : []), ...(/deployment-id/.test(key) ? (["deployment"] as const) : [])];
}
