import { accountOptions } from "../gateway/azure-cli.ts";
import type { ModelAccount, ModelDeployment } from "../gateway/model-accounts.ts";
import { type DeploymentLoad, findDeployment, hostAt, loadFor, modelHostOf, refusalAt, servedAt } from "./accounts.ts";
import { type Finding, ok } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { countOf, openers } from "./failure-counts.ts";
import { boundOf } from "./limits.ts";
import { rewritesAnswer } from "./policies-in-effect.ts";
import { type Failure, rewritten429 } from "./traffic.ts";
import { ofBackends } from "./unsent-calls.ts";
import { some } from "./wording.ts";

/** A deployment that has answered 429 itself. */
interface Throttled {
  readonly deployment: string;
  /** The backend, or the account where no log names a backend. */
  readonly at: string;
  /** Null where nobody could be asked, or does not know it. */
  readonly known: { readonly account: ModelAccount; readonly own: ModelDeployment; readonly load: DeploymentLoad | null } | null;
}

/** 429 of the model deployment itself: its own limits beside those of the teams, as raising one does nothing for the other. */
export function deployments(evidence: Evidence): Finding | null {
  const { traffic, symptom } = evidence;
  const rewritten = traffic.calls.kind === "read" ? countOf(traffic.calls.value, [rewritten429]) : 0;
  // Callers have seen no 5xx of it otherwise.
  if (symptom === "5xx" && rewritten === 0) return null;
  return ofBackends(evidence, "deployments", symptom === "429" || symptom === "5xx", (failures) => {
    const named = byLogs(evidence, failures);
    const throttled = named.length === 0 ? byOwnCount(evidence) : named;
    const which = throttled.length === 0 ? "" : `: ${throttled.slice(0, 2).map(textOf).join("; ")}`;
    const teams = boundOf(
      evidence,
      failures.flatMap(({ subscription }) => subscription ?? []),
      "tpm",
    );
    const raised =
      teams.length === 0
        ? "a team's limit in the gateway"
        : `the gateway's own limit (${some(
            teams.map(({ text }) => text),
            2,
          )})`;
    return [
      `The model deployment itself refuses${which}. Raising ${raised} changes nothing.${rewrittenText(evidence, failures)}${earlyText(throttled)}`,
      remedy(throttled),
    ];
  });
}

/** What callers have seen in place of a 429. */
function rewrittenText(evidence: Evidence, failures: readonly Failure[]): string {
  const seen = failures.filter(({ cause }) => cause === rewritten429).map(({ status }) => status);
  if (seen.length === 0) return "";
  const by = [...new Set(seen)].flatMap((status) => rewritesAnswer(evidence, status) ?? []);
  return ` Callers got ${some(seen.map((status) => `${status}`))}: a policy makes that of the 429${by.length === 0 ? "" : `, ${some(by, 2)}`}.`;
}

/** As the logs name them, those with the most refused calls first. */
function byLogs(evidence: Evidence, failures: readonly Failure[]): readonly Throttled[] {
  const named = failures.flatMap(({ backend, deployment }) => (backend === null || deployment === null ? [] : [{ backend, deployment }]));
  const each = new Map(named.map((one) => [`${one.backend}/${one.deployment}`.toLowerCase(), one]));
  const backends = evidence.backends.kind === "read" ? evidence.backends.value : [];
  return [...each.values()].map(({ backend, deployment }): Throttled => {
    const served = servedAt(evidence.accounts, backend, backends);
    const own = served?.kind === "read" ? findDeployment(served.deployments, deployment) : undefined;
    if (served?.kind !== "read" || own === undefined) return { deployment, at: backend, known: null };
    return {
      deployment,
      at: backend,
      known: { account: served.account, own, load: loadFor(evidence.accounts, served.account, deployment) },
    };
  });
}

/** Where no log tells: what the accounts themselves have counted as 429. */
function byOwnCount({ accounts }: Evidence): readonly Throttled[] {
  const read = [...accounts.served.values()].flatMap((one) => (one.kind === "read" ? [one] : []));
  const each = new Map(read.map((one) => [one.account.resourceId, one]));
  return [...each.values()].flatMap(({ account, deployments: all }) =>
    all.flatMap((own): readonly Throttled[] => {
      const load = loadFor(accounts, account, own.name);
      return refusedBy(load) === 0 ? [] : [{ deployment: own.name, at: account.name, known: { account, own, load } }];
    }),
  );
}

const refusedBy = (load: DeploymentLoad | null): number => load?.answered.get(429) ?? 0;

function textOf({ deployment, at, known }: Throttled): string {
  if (known === null) return `'${deployment}' at ${at} (its own limits are unknown here)`;
  const { own, load } = known;
  const counted = load === null ? [] : countedIn(load);
  return `'${deployment}' at ${at} may use ${limitsText(own)}${counted.length === 0 ? "" : `, has counted ${counted.join(" and ")}`}`;
}

function limitsText({ tokensPerMinute, requestsPerMinute }: ModelDeployment): string {
  const parts = [
    ...(tokensPerMinute === null ? [] : [`${tokensPerMinute} tokens`]),
    ...(requestsPerMinute === null ? [] : [`${requestsPerMinute} calls`]),
  ];
  return parts.length === 0 ? "what its SKU allows, which Azure gives no number of" : `${parts.join(" and ")} per minute`;
}

function countedIn(load: DeploymentLoad): readonly string[] {
  const [refused, peak] = [refusedBy(load), load.peakTokens ?? 0];
  return [...(refused === 0 ? [] : [`${refused} 429s`]), ...(peak === 0 ? [] : [`at most ${peak} tokens in a minute`])];
}

/** From this share of a limit on the limit is what was met. Assumed. */
const nearly = 0.8;

/** Below this share it was not, whatever tokens calls were expected to need. Assumed. */
const far = 0.1;

/** How much of its limit of tokens a deployment has used in its busiest minute; null where that is not known. */
function shareUsed({ known }: Throttled): number | null {
  const [limit, peak] = [known?.own.tokensPerMinute ?? null, known?.load?.peakTokens ?? null];
  return limit === null || peak === null || limit === 0 ? null : peak / limit;
}

/** In how many calls of one minute, at most: only those of the whole window are known. */
function mayMeetCalls({ known }: Throttled): boolean {
  const calls = [...(known?.load?.answered.values() ?? [])].reduce((sum, count) => sum + count, 0);
  return known?.own.requestsPerMinute != null && calls >= nearly * known.own.requestsPerMinute;
}

const isFarBelow = (one: Throttled): boolean => (shareUsed(one) ?? 1) < far && !mayMeetCalls(one);

/**
 * Below its limit a deployment still refuses: by the tokens that a call may need, by calls within seconds
 * (https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota#understanding-rate-limits), and while the region has much to do
 * (https://learn.microsoft.com/answers/a/12567967).
 */
function earlyText(throttled: readonly Throttled[]): string {
  if (throttled.some(isFarBelow))
    return " It refuses far below its limit: for calls that come at once, for a large max_tokens, or as the region itself is busy; more capacity may change nothing.";
  return throttled.some((one) => (shareUsed(one) ?? 1) < nearly)
    ? " It refuses below its limit, too: by the tokens that a call may need."
    : "";
}

/** Only the SKU is changed so: https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/update */
function remedy([first]: readonly Throttled[]): string {
  const more = "or add a backend with update_backend_pool";
  if (first?.known == null) {
    return `Read its limits: az cognitiveservices account deployment list --resource-group <group> --name <account> --query "[].{name:name, sku:sku, limits:properties.rateLimits}"; raise its capacity, ${more}`;
  }
  const { account, own } = first.known;
  if (isFarBelow(first)) {
    return "Leave its capacity: read the 429's message and Retry-After at a caller, lower max_tokens and calls at once; add a backend in another region with update_backend_pool, or deploy it with provisioned throughput";
  }
  if (own.sku === null || own.capacity === null) {
    return `Read its capacity: az cognitiveservices account deployment show ${accountOptions(account)} --deployment-name ${own.name} --query sku; raise it, ${more}`;
  }
  const body = JSON.stringify({ sku: { name: own.sku, capacity: 2 * own.capacity } });
  return `Double its capacity, if the region has it: az rest --method patch --url "${account.resourceId}/deployments/${own.name}?api-version=2025-06-01" --body '${body}'; ${more}`;
}

/** The deployments' own limits, to whoever asks about 429, or where they matter; null for everybody else. */
export function deploymentLimits(evidence: Evidence): Finding | null {
  const { accounts, backends, traffic, symptom } = evidence;
  const throttled = traffic.calls.kind === "read" && countOf(traffic.calls.value, openers.deployments) > 0;
  if (backends.kind === "refused" || !(throttled || symptom === "429")) return null;
  const failures = traffic.failures.kind === "read" ? traffic.failures.value : [];
  const refusing = failures.filter(({ cause }) => openers.deployments.some((one) => one === cause)).flatMap(({ backend }) => backend ?? []);
  const meant = refusing.flatMap((place) => hostAt(place, backends.value) ?? []);
  const hosts = new Set(meant.length > 0 ? meant : backends.value.flatMap(({ properties }) => modelHostOf(properties.url) ?? []));
  const served = [...hosts].flatMap((host) => {
    const one = accounts.served.get(host);
    return one === undefined ? [] : [{ host, one }];
  });
  const refusals = served.flatMap(({ host, one }) => refusalAt(host, one) ?? []);
  const unread = served.flatMap(({ one }) => {
    const load = one.kind === "read" ? accounts.loads.get(one.account.resourceId) : undefined;
    return load?.kind === "refused" ? [load] : [];
  });
  if (refusals.length + unread.length > 0) return { status: "unknown", refusals: [...refusals, ...unread] };
  const read = new Map(served.flatMap(({ one }) => (one.kind === "read" ? [[one.account.resourceId, one] as const] : [])));
  const used = [...read.values()].flatMap(({ account, deployments: all }) =>
    all.flatMap((own) => {
      const load = loadFor(accounts, account, own.name);
      const counted = load === null || (symptom !== "429" && refusedBy(load) === 0) ? [] : countedIn(load);
      return counted.length === 0 ? [] : [`${account.name}/${own.name}: ${counted.join(", ")}; may use ${limitsText(own)}`];
    }),
  );
  return ok(used.length === 0 || deployments(evidence)?.status === "problem" ? undefined : some(used));
}
