import type { Inventory } from "../gateway/inventory.ts";
import { attribute, type Element } from "../policy/document.ts";
import { metLimits, policySources } from "./effective-limits.ts";
import type { LimitReach } from "./reach.ts";

/** No subscription can have it: `*` may not stand in a `sid`. */
const anyLaterSid = "*";

/**
 * Whom a limit that one team alone meets today is for: `team`, by a condition that no other subscription fulfils; `others`, where it stands
 * for whoever no branch names (`<otherwise>`, or a `when` by subscription that lets unknown ones in), so that the team is only the last of
 * them; `everyone`, where nothing tells subscriptions apart and the team happens to be the only one. Assumed: subscriptions that are
 * created later have the scope of the team's.
 */
export type Audience = "team" | "others" | "everyone";

export function audienceOf(inventory: Inventory, reach: LimitReach): Audience {
  if (!isMetLater(inventory, reach)) return "team";
  return isForOthers(reach.limit.element) ? "others" : "everyone";
}

/** Whether a subscription that does not exist yet would meet the limit. */
function isMetLater(inventory: Inventory, { limit, paths }: LimitReach): boolean {
  const sources = policySources(inventory);
  return paths.some(({ chain, productId }) =>
    metLimits(sources, chain, { subscriptionId: anyLaterSid, productId }).some((met) => met.limit.limitId === limit.limitId),
  );
}

function isForOthers(element: Element): boolean {
  for (let branch = element.parent; branch !== null; branch = branch.parent) {
    if (branch.name === "otherwise") return true;
    if (branch.name === "when" && /\bcontext\s*\.\s*Subscription\b/.test(attribute(branch, "condition") ?? "")) return true;
  }
  return false;
}
