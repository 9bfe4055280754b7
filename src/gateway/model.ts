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
}

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
