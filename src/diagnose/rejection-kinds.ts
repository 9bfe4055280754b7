import { sameName } from "../gateway/model.ts";
import type { Evidence } from "./evidence.ts";
import { answeredBy, rewrittenBy } from "./policies-in-effect.ts";
import { lackBehind } from "./pool-members.ts";
import type { Failure } from "./traffic.ts";

/**
 * Why a call was rejected with a 4xx. `credential`: the backend refuses the gateway's own. `key`: no key, or one that opens nothing. `policy`: a
 * policy has refused it. `address`: no operation has its path. `deployment`: the backend has not what the path names. `member`: it has not, and another
 * member of its pool has. `request`: the backend rejects what is in it. `other`: the gateway has rejected it, and no log says why.
 */
export type Rejection = "credential" | "key" | "policy" | "address" | "deployment" | "member" | "request" | "other";

/** https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies#predefined-errors-for-built-in-steps */
const keyReasons = ["SubscriptionKeyNotFound", "SubscriptionKeyInvalid"];

/** Those of the same list that policies give which refuse callers: metrics know no source. */
const policyReasons = /^(?:FailedToParseCallerIP|CallerIp|Header|Token|Jwt|CallbackParameter)/;

export const isRejected = ({ cause }: Failure): boolean => cause.startsWith("rejected:");

export const isAccess = ({ status }: Failure): boolean => status === 401 || status === 403;

export function rejectionOf(failure: Failure, evidence: Evidence): Rejection {
  const { status, backendStatus, reason, source } = failure;
  if (backendStatus === status) {
    if (isAccess(failure)) return "credential";
    if (status !== 404) return "request";
    return lackBehind(failure, evidence) === null ? "deployment" : "member";
  }
  if (keyReasons.includes(reason)) return "key";
  if (reason === "OperationNotFound") return "address";
  // What the backend had answered, a policy has made another answer of.
  return source !== "" || policyReasons.test(reason) || backendStatus !== 0 || answeredBy(evidence, status) !== null ? "policy" : "other";
}

/** As changes are held against it: what a backend has not is one cause, whoever else has it. */
export const rejectedAs = (kind: Rejection): string => `rejected:${kind === "member" ? "deployment" : kind}`;

/** Subscriptions whose key is refused, whoever sends it, for people; `unknown` where they could not be read. */
export function closedTeams(evidence: Evidence, apis: readonly (string | null)[]): readonly string[] | "unknown" {
  const { subscriptions, products, subscriptionId } = evidence;
  if (subscriptions.kind === "refused" || products.kind === "refused") return "unknown";
  return subscriptions.value
    .filter(({ id }) => subscriptionId === null || sameName(id, subscriptionId))
    .flatMap(({ id, state, scope }) => {
      if (!sameName(state, "active")) return [`${id} is ${state}`];
      if (scope.kind !== "product") return [];
      const product = products.value.find((one) => sameName(one.id, scope.productId));
      if (product === undefined) return [`${id} is of product '${scope.productId}', which does not exist`];
      if (product.apiIds.length === 0) return [`${id} opens product '${product.id}', which has no API`];
      const taken = apis.find(
        (api) =>
          api !== null && !product.apiIds.some((own) => sameName(own, api)) && isGone(evidence, `products/${product.id}/apis/${api}`),
      );
      return taken == null ? [] : [`${id} opens product '${product.id}', which has lost API '${taken}'`];
    });
}

/** Whether somebody has deleted this of late. */
const isGone = (evidence: Evidence, path: string): boolean => deletions(evidence).some(({ target }) => sameName(target, path));

/** What was deleted of the service shortly before or in the window, by whomever. */
const deletions = ({ activity }: Evidence): readonly { readonly target: string; readonly text: string }[] =>
  activity.kind === "refused"
    ? []
    : activity.value
        .filter(({ operation, outcome }) => /\/delete$/i.test(operation) && outcome !== "failed")
        .map(({ target, caller }) => ({ target, text: `${caller} has deleted ${target}` }));

/** The API or operation that was deleted and that calls may be for. */
export const deletedAddress = (evidence: Evidence): string | null =>
  deletions(evidence).find(({ target }) => /^apis\/[^/]+(?:\/operations\/[^/]+)?$/i.test(target))?.text ?? null;

/** What else than its caller may have made a request that the backend rejects; null for nothing that is known. */
export const rewritten = (evidence: Evidence): string | null => rewrittenBy(evidence);
