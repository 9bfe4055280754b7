/** The gateway as the tools see it: Azure's resources, with only what a decision needs. */

export type Tier = "consumption" | "classic" | "v2";

/** The API Management instance. */
export interface Service {
  readonly name: string;
  /** Whole ARM id, `/subscriptions/.../service/<name>`. */
  readonly resourceId: string;
  readonly location: string;
  /** ARM's `sku.name`, e.g. `StandardV2`. */
  readonly sku: string;
  readonly tier: Tier;
  readonly gatewayUrl: string | null;
  /** Of the service's managed identity; null where it has none. */
  readonly tenantId: string | null;
  /** Where gateways of its own serve, as ARM names the regions: its location first, enabled additional locations after it. Each counts for itself. */
  readonly regions: readonly string[];
  /** Gateways that run elsewhere; `unknown` where ARM does not let them be listed. */
  readonly selfHostedGateways: number | "unknown";
}

export interface Product {
  readonly id: string;
  readonly displayName: string;
  /** Ids of the APIs in the product. */
  readonly apiIds: readonly string[];
}

export interface Api {
  readonly id: string;
  readonly displayName: string;
  readonly path: string;
  readonly serviceUrl: string | null;
  readonly subscriptionRequired: boolean;
  /** Where its calls bring the subscription's key; left out for the names that Azure gives. */
  readonly subscriptionKeyNames?: SubscriptionKeyNames;
  /** Left out where they were not read: nothing in the policies is for single ones of them. */
  readonly operations?: readonly Operation[];
}

/** Of a header and a query parameter. */
export interface SubscriptionKeyNames {
  readonly header: string;
  readonly query: string;
}

/** https://learn.microsoft.com/azure/api-management/api-management-subscriptions#use-a-subscription-key */
export const usualSubscriptionKeyNames: SubscriptionKeyNames = { header: "Ocp-Apim-Subscription-Key", query: "subscription-key" };

export interface Operation {
  readonly id: string;
  readonly displayName: string;
  readonly method: string;
  readonly urlTemplate: string;
}

/** What a subscription's key opens. */
export type SubscriptionScope =
  | { readonly kind: "service" }
  | { readonly kind: "apis" }
  | { readonly kind: "product"; readonly productId: string }
  | { readonly kind: "api"; readonly apiId: string };

/** An APIM subscription (a team's key); `id` is its `sid`, the value that policies see as `context.Subscription.Id`. */
export interface Subscription {
  readonly id: string;
  readonly displayName: string;
  readonly state: string;
  readonly scope: SubscriptionScope;
  /** The user whose it is, whom policies see as `context.User`; left out where it is nobody's. */
  readonly ownerId?: string;
  /** The workspace that it is in, and its scope with it; left out for those of the service itself. */
  readonly workspaceId?: string;
}

/**
 * What a workspace has. Its subscriptions open what is in it, and nothing else does: an API of a workspace is in that workspace's products alone,
 * and subscriptions to it are created there (https://learn.microsoft.com/azure/api-management/workspaces-overview). Assumed: so subscriptions
 * of the service to all APIs, the built-in one too, do not open it.
 */
export interface Workspace {
  readonly id: string;
  readonly products: readonly Product[];
  readonly apis: readonly Api[];
  readonly subscriptions: readonly Subscription[];
}

/** Whether two names, ids or paths mean the same: ARM's are not case-sensitive. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** `sku.name` to the family that decides limits and counters; unknown names read as classic. */
export function tierOf(sku: string): Tier {
  if (/^consumption$/i.test(sku)) return "consumption";
  return /v2$/i.test(sku) ? "v2" : "classic";
}

/** A scope for people: `product 'aoai'`, `API 'azure-openai'`, `all APIs`, `service`. */
export function scopeTitle(scope: SubscriptionScope): string {
  switch (scope.kind) {
    case "service":
      return "service";
    case "apis":
      return "all APIs";
    case "product":
      return `product '${scope.productId}'`;
    case "api":
      return `API '${scope.apiId}'`;
  }
}

/** A name of a subscription that no other has: its `sid`, which is a workspace's own where it is in one. */
export const subscriptionName = ({ id, workspaceId }: Pick<Subscription, "id" | "workspaceId">): string =>
  workspaceId === undefined ? id : `workspaces/${workspaceId}/subscriptions/${id}`;

/** What a subscription opens, for people: as `scopeTitle`, with its workspace. */
export const subscriptionTitle = ({ scope, workspaceId }: Pick<Subscription, "scope" | "workspaceId">): string =>
  workspaceId === undefined ? scopeTitle(scope) : `workspace '${workspaceId}' ${scopeTitle(scope)}`;

/** Sids in lower case that several subscriptions have, each in a workspace of its own: logs name nothing else of a subscription. */
export function sharedSids(subscriptions: readonly Pick<Subscription, "id">[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(
    subscriptions.flatMap(({ id }) => {
      const sid = id.toLowerCase();
      if (seen.has(sid)) return [sid];
      seen.add(sid);
      return [];
    }),
  );
}
