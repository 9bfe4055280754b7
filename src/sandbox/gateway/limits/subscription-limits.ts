import type { Call, PolicyNode } from "../policy.ts";

/** The counter of the call's subscription at the scope where the policy stands; null for a call without one, to which such limits do not apply. */
export function subscriptionCounter({ name, place }: PolicyNode, { context }: Call): string | null {
  return context.subscription === null ? null : `${name} ${place.scope} ${context.subscription.id}`;
}

/** A limit that binds a call, and the key of its counter. */
export interface SubscriptionLimit {
  readonly limit: PolicyNode;
  readonly key: string;
}

/**
 * The limits of `rate-limit` or `quota` that bind a call: the policy's own, and those of its `api` and `operation` children that are meant
 * (by name or id), each with a counter of its own (https://learn.microsoft.com/azure/api-management/rate-limit-policy#elements).
 */
export async function subscriptionLimits(node: PolicyNode, call: Call, key: string): Promise<readonly SubscriptionLimit[]> {
  const { api, operation } = call.context;
  const limits: SubscriptionLimit[] = [{ limit: node, key }];
  for (const apiLimit of node.children) {
    if (apiLimit.name !== "api" || !(await names(apiLimit, call, api))) continue;
    if (apiLimit.attributes.has("calls")) limits.push({ limit: apiLimit, key: `${key} ${api.id}` });
    for (const operationLimit of apiLimit.children) {
      if (operation === null || operationLimit.name !== "operation" || !(await names(operationLimit, call, operation))) continue;
      limits.push({ limit: operationLimit, key: `${key} ${api.id} ${operation.id}` });
    }
  }
  return limits;
}

/** The id counts where both are given. */
async function names(limit: PolicyNode, call: Call, { id, name }: { readonly id: string; readonly name: string }): Promise<boolean> {
  const [wantedId, wantedName] = [await call.text(limit, "id"), await call.text(limit, "name")];
  return wantedId === "" ? wantedName === name : wantedId.toLowerCase() === id.toLowerCase();
}
