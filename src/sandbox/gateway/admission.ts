import { objectAt, textAt } from "../json.ts";
import { sandboxService } from "../service.ts";
import { nameOf, type Resource, type World } from "../world.ts";
import { keyRefused } from "./answers.ts";
import { subscriptionKeys } from "./keys.ts";
import type { PolicyError } from "./policy.ts";
import type { RoutedApi } from "./routing.ts";

/** Subscriptions by each of their keys. */
export type KeyRing = ReadonlyMap<string, Resource>;

export function keyRing(world: World): KeyRing {
  return new Map(
    world.list("subscriptions").flatMap((subscription) => {
      const { primary, secondary } = subscriptionKeys(world.secret, nameOf(subscription.path));
      return [primary, secondary].map((key) => [key, subscription] as const);
    }),
  );
}

/** Header and query parameter that an API takes keys in. */
export function keyNames({ resource }: RoutedApi): { readonly header: string; readonly query: string } {
  const names = objectAt(resource.properties, "subscriptionKeyParameterNames");
  return { header: textAt(names, "header") || "Ocp-Apim-Subscription-Key", query: textAt(names, "query") || "subscription-key" };
}

/** Who calls, and as what: nulls where nobody has to say. */
export interface Admission {
  readonly subscription: Resource | null;
  readonly product: Resource | null;
}

/**
 * Lets a request in, or says why not. A key in the header comes before one in the query; without a key an open product that holds the API
 * lets everyone in, and so does an API that requires no subscription
 * (https://learn.microsoft.com/azure/api-management/api-management-subscriptions#how-api-management-handles-requests-with-or-without-subscription-keys).
 * Measured: where no subscription is required, a valid key still says who calls.
 *
 * Assumed: where none is required, a key that is not valid counts for nothing.
 */
export function admit(world: World, ring: KeyRing, api: RoutedApi, url: URL, headers: Headers): Admission | PolicyError {
  const names = keyNames(api);
  const key = headers.get(names.header) || url.searchParams.get(names.query) || null;
  const subscription = key === null ? undefined : ring.get(key);
  if (subscription !== undefined && isActive(subscription)) {
    const scope = scopeOf(subscription);
    if (opens(world, scope, api)) return { subscription, product: isProduct(scope) ? (world.get(scope) ?? null) : null };
  }
  const required = api.resource.properties.subscriptionRequired !== false;
  if (key !== null && required) return keyRefused("invalid", keyPlace(world, api, names.header));
  const product = key === null ? openProduct(world, api) : null;
  if (product !== null || !required) return { subscription: null, product };
  return keyRefused("missing", keyPlace(world, api, names.header));
}

const isActive = ({ properties }: Resource): boolean => properties.state === "active";

/** Below the service, in lower case: empty for the whole service, `apis` for all APIs. */
function scopeOf({ properties }: Resource): string {
  const scope = (textAt(properties, "scope") ?? "").toLowerCase();
  const service = sandboxService.resourceId.toLowerCase();
  return (scope.startsWith(service) ? scope.slice(service.length) : scope).replace(/^\/+|\/+$/g, "");
}

const isProduct = (scope: string): boolean => /^products\/[^/]+$/.test(scope);

function opens(world: World, scope: string, { id }: RoutedApi): boolean {
  if (scope === "" || scope === "apis" || scope === `apis/${id.toLowerCase()}`) return true;
  return isProduct(scope) && world.get(`${scope}/apis/${id}`) !== undefined;
}

const openProduct = (world: World, { id }: RoutedApi): Resource | null =>
  world
    .list("products")
    .find(({ path, properties }) => properties.subscriptionRequired === false && world.get(`${path}/apis/${id}`) !== undefined) ?? null;

function keyPlace(world: World, { resource }: RoutedApi, header: string): { readonly realm: string; readonly header: string } {
  const origin = textAt(world.service.properties, "gatewayUrl") ?? "";
  const path = textAt(resource.properties, "path") ?? "";
  return { realm: path === "" ? origin : `${origin}/${path}`, header };
}
