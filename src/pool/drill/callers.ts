import type { Inventory } from "../../gateway/inventory.ts";
import { type Subscription, sameName, subscriptionTitle } from "../../gateway/model.ts";

/** The built-in subscription to everything: an administrator's, and no team's. */
const builtIn = "master";

/** Whether a subscription's key opens the API. Assumed: those of the service to all APIs do, whatever products the API is in. */
function opens({ products }: Inventory, apiId: string, { scope }: Subscription): boolean {
  switch (scope.kind) {
    case "service":
    case "apis":
      return true;
    case "api":
      return sameName(scope.apiId, apiId);
    case "product":
      return products.some(({ id, apiIds }) => sameName(id, scope.productId) && apiIds.some((one) => sameName(one, apiId)));
  }
}

const calls = (inventory: Inventory, apiId: string, subscription: Subscription): boolean =>
  subscription.state === "active" && opens(inventory, apiId, subscription);

/** Whether these subscriptions are all that can call the API, the built-in one aside. False where nobody can. */
export function isEveryone(inventory: Inventory, apiId: string, ids: readonly string[]): boolean {
  const callers = inventory.subscriptions.filter((one) => !sameName(one.id, builtIn) && calls(inventory, apiId, one));
  return callers.length > 0 && callers.every(({ id }) => ids.some((named) => sameName(named, id)));
}

/** Of those among them whose calls the gateway refuses today: nothing of theirs would go elsewhere. */
export function callerWarnings(inventory: Inventory, apiId: string, ids: readonly string[]): readonly string[] {
  return inventory.subscriptions
    .filter(({ id }) => ids.some((named) => sameName(named, id)))
    .flatMap((subscription) => {
      if (subscription.state !== "active") return [`Subscription '${subscription.id}' is ${subscription.state}: it can make no calls.`];
      if (opens(inventory, apiId, subscription)) return [];
      return [
        `Subscription '${subscription.id}' (${subscriptionTitle(subscription)}) does not open API '${apiId}': it can make no calls to it.`,
      ];
    });
}
