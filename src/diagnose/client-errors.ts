import type { ServedModels } from "../gateway/model-accounts.ts";
import { roleCommand, servedAt } from "./accounts.ts";
import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { brokenOffWhileAnswering, ofCauses, ofDetails, sum, withoutCalls } from "./failure-counts.ts";
import { isSignedIn } from "./policies-in-effect.ts";
import { closedTeams, deletedAddress, isAccess, isRejected, type Rejection, rejectionOf, rewritten } from "./rejection-kinds.ts";
import { fixOfPolicy, isAsked, quoted, reasons, statuses } from "./server-errors.ts";
import type { Failure } from "./traffic.ts";
import { calls as callsText, short, some, windowInput } from "./wording.ts";

/** Failures that were rejected for one of these reasons; of a symptom that is meant, 401 and 403 alone. */
const rejectedFor =
  (evidence: Evidence, ...kinds: readonly Rejection[]) =>
  (failure: Failure): boolean =>
    isRejected(failure) && (evidence.symptom !== "403" || isAccess(failure)) && kinds.includes(rejectionOf(failure, evidence));

const latencyOf = ({ window }: Evidence): string => `get_metrics {"include":["latency"],${windowInput(window)}}`;

/** Connections to callers that broke off. */
export const clients = (evidence: Evidence): Finding =>
  ofCauses(evidence, ["error:client"], isAsked(evidence, "5xx", "latency"), (failures) =>
    failures.length === 0 || failures.some(brokenOffWhileAnswering)
      ? [
          "The connection to the caller broke off while the answer was on its way: the logs do not say whether the caller hung up or the backend broke its stream off.",
          `Ask the callers what they saw, and the model's own metrics for the same minutes; then compare the client's timeout with ${latencyOf(evidence)}`,
        ]
      : [
          "The callers hung up before there was an answer: neither the gateway nor the backend has failed.",
          `Compare the client's timeout with the latency: ${latencyOf(evidence)}`,
        ],
  );

/** Calls without a key, or with one that opens nothing: of whom, no log says. */
export const keys = (evidence: Evidence): Finding => {
  if (evidence.subscriptionId !== null) return keysOfTeam(evidence, evidence.subscriptionId);
  const found = ofDetails(evidence, rejectedFor(evidence, "key"), isAsked(evidence, "403"), (failures) => {
    const missing = failures.filter(({ reason }) => reason === "SubscriptionKeyNotFound");
    const invalid = sum(failures) - sum(missing);
    const counts = [
      ...(missing.length > 0 ? [`${sum(missing)} without a key`] : []),
      ...(invalid > 0 ? [`${invalid} with one that does not open the API`] : []),
    ];
    const closed =
      invalid === 0
        ? []
        : closedTeams(
            evidence,
            failures.map(({ api }) => api),
          );
    const means = `Calls come ${counts.join(", ")}${reasons(failures)}; the logs do not say whose.`;
    if (closed === "unknown")
      return [means, "Check that the subscriptions are active and open the API, then the header's name and the key: list_subscriptions"];
    if (closed.length === 0)
      return [
        `${means} Every subscription is active: a mistake of callers, no role that is missing.`,
        "Check the header's name and the key that callers send: list_subscriptions",
      ];
    return [`${means} Refused like that: ${some(closed)}.`, openAgain];
  });
  return found.status === "ok" ? knowing({ subscriptions: evidence.subscriptions }, () => found) : found;
};

const openAgain =
  "Meant so? Else activate the subscription, or put the API back into its product (portal, Subscriptions, Products): list_subscriptions";

/** `20 calls of the service were rejected for their key`. */
export function keysRejected(failures: readonly Failure[]): string {
  const count = sum(failures);
  return `${callsText(count)} of the service ${count === 1 ? "was rejected for its key" : "were rejected for their key"}`;
}

/** Calls of nobody that the logs know whose key was rejected. */
export const unownedKeys = (evidence: Evidence, failures: readonly Failure[]): readonly Failure[] =>
  failures.filter((failure) => rejectionOf(failure, evidence) === "key");

/** What is known of one team's key: the team's own state, and whether anybody's key was rejected. */
function keysOfTeam(evidence: Evidence, team: string): Finding {
  const { calls, unowned } = evidence.traffic;
  return knowing({ calls, unowned, subscriptions: evidence.subscriptions }, ({ calls: { requests }, unowned: all }) => {
    const rejected = unownedKeys(evidence, all);
    const closed = closedTeams(
      evidence,
      rejected.map(({ api }) => api),
    );
    if (closed !== "unknown" && closed.length > 0) {
      return problem(
        `${some(closed)}.`,
        rejected.length === 0
          ? "Its key is refused, whoever sends it; no call of the window was rejected for its key."
          : `Its key is refused. Such calls carry no team in the logs: ${keysRejected(rejected)}, its own perhaps among them.`,
        openAgain,
      );
    }
    if (rejected.length > 0) {
      return untold(
        `${keysRejected(rejected)} and carry no team: whether ${team}'s were among them is not known.`,
        `Compare the key and the header's name that ${team} sends with list_subscriptions; diagnose_gateway {"symptom":"403",${windowInput(evidence.window)}} shows the rejected keys of all`,
      );
    }
    return requests === 0 ? withoutCalls(evidence) : ok();
  });
}

/** The model refuses the gateway's own credential. */
export const backendAccess = (evidence: Evidence): Finding =>
  ofDetails(evidence, rejectedFor(evidence, "credential"), isAsked(evidence, "403", "failover"), (failures) => {
    const codes = statuses(failures);
    if (
      isSignedIn(
        evidence,
        failures.flatMap(({ backend }) => backend ?? []),
      ) === false
    ) {
      return [
        `The backend refuses the call (${codes}), as nothing signs it in: no policy and no backend document sends a credential.`,
        'Put <authentication-managed-identity resource="https://cognitiveservices.azure.com" /> back into inbound with apply_policy, or give the backend credentials',
      ];
    }
    return [
      failures.some(({ status }) => status === 403)
        ? `The backend refuses the gateway's credential (${codes}): its managed identity lacks the role, or the account's network rules keep the gateway out.`
        : `The backend refuses the gateway's credential (${codes}): a key or token that it does not take, or an identity without the role.`,
      roleCommand(evidence.service, accountId(evidence, failures)),
    ];
  });

/** 4xx of a policy: an address, a token, a header; and what the gateway rejects without a word. */
export const refusals = (evidence: Evidence): Finding =>
  ofDetails(evidence, rejectedFor(evidence, "policy", "other"), isAsked(evidence, "403"), (failures) => {
    const [most] = failures;
    const by = most === undefined || most.source === "" ? "A policy, or the gateway itself," : `Policy ${most.source}`;
    return [`${by} refuses callers${reasons(failures)}${quoted(most?.message ?? "")}.`, fixOfPolicy(evidence, failures)];
  });

/** Paths that no API or operation has. */
export const addresses = (evidence: Evidence): Finding =>
  ofDetails(evidence, rejectedFor(evidence, "address"), false, (failures) => {
    const paths = some(
      failures.map(({ path }) => short(path, 80)).filter((path) => path !== ""),
      2,
    );
    const deleted = deletedAddress(evidence);
    const means = `No API or operation has the path${paths === "" ? "" : ` (${paths})`}`;
    return deleted === null
      ? [
          `${means}: it was deleted or moved, or callers have it wrong; the activity log shows no deletion in this time.`,
          "Compare it with the API's path and operations in the portal (Azure keeps 90 days of its activity log); list_changes",
        ]
      : [`${means}: ${deleted}.`, "Create it again (import the API's definition), or tell its callers the new path"];
  });

/** What the model itself rejects. */
export const requests = (evidence: Evidence): Finding =>
  ofDetails(evidence, rejectedFor(evidence, "deployment", "request"), false, (failures) => {
    const [most] = failures;
    const absent = failures.filter((failure) => rejectionOf(failure, evidence) === "deployment");
    if (most !== undefined && absent.includes(most)) {
      const names = some(absent.map(({ deployment, path }) => (deployment === null ? short(path, 80) : `deployment '${deployment}'`)));
      const has = deploymentsAt(evidence, absent);
      if (has !== null) {
        return [
          `The backend answers 404: it has not what is asked for (${names}), but ${has}: callers name a wrong one, or it was deleted there.`,
          "Tell callers a name that exists, or deploy the model under theirs",
        ];
      }
      return [
        `The backend answers 404: it has not what is asked for (${names}): callers name a wrong one, or it was deleted there.`,
        `az cognitiveservices account deployment list --name ${accountOf(evidence, absent)} --resource-group <group> --query "[].name"`,
      ];
    }
    const by = rewritten(evidence);
    return [
      `The model rejects what it is sent (${statuses(failures)})${by === null ? ": callers send requests that it does not take" : `: what callers send, or what ${by} makes of it`}.`,
      by === null
        ? "Compare the request with the model's API version; the answer's body says what is wrong"
        : fixOfPolicy(evidence, failures),
    ];
  });

/** What serves at the first backend of the failures that is known as an account of Azure's. */
function servedIn({ accounts, backends }: Evidence, failures: readonly Failure[]): ServedModels | undefined {
  const listed = backends.kind === "read" ? backends.value : [];
  return failures.flatMap(({ backend }) => (backend === null ? [] : (servedAt(accounts, backend, listed) ?? []))).at(0);
}

/** What the account has that was asked; null where it cannot be read. */
function deploymentsAt(evidence: Evidence, failures: readonly Failure[]): string | null {
  const served = servedIn(evidence, failures);
  return served?.kind === "read" ? some(served.deployments.map(({ name }) => `'${name}'`)) : null;
}

function accountId(evidence: Evidence, failures: readonly Failure[]): string {
  const served = servedIn(evidence, failures);
  const account = served === undefined || served.kind === "unseen" ? null : served.account;
  return account?.resourceId ?? "<ARM id of the Azure OpenAI account>";
}

/** Assumed: an account is named like the first part of its host, as its custom domain mostly is. */
function accountOf({ backends }: Evidence, failures: readonly Failure[]): string {
  const names = new Set(failures.flatMap(({ backend }) => backend ?? []));
  const urls =
    backends.kind === "read"
      ? backends.value.filter(({ id }) => names.has(id.replace(/^backends\//, ""))).map(({ properties }) => properties.url)
      : [];
  const host = urls.find((url) => typeof url === "string" && URL.canParse(url));
  return typeof host === "string" ? (new URL(host).hostname.split(".")[0] ?? "<account>") : "<account>";
}
