import type { Inventory } from "../../gateway/inventory.ts";
import { attributeText } from "../../policy/edit.ts";
import type { Limit, TeamLimits } from "../limit.ts";
import { standsSomewhere } from "./documents.ts";
import { isTokenLimit, teamKey } from "./elements.ts";

/** Counters of one family with one key are one counter. */
type Family = "tokens" | "calls" | "call_quota" | "subscription";

export function familyOf(elementName: string): Family {
  if (isTokenLimit(elementName)) return "tokens";
  return elementName === "rate-limit-by-key" ? "calls" : elementName === "quota-by-key" ? "call_quota" : "subscription";
}

/**
 * A key under which nothing else counts the team: its id alone where no other limit of the family is met by it, else its id behind a text that stands
 * nowhere in the service but in such keys, and in none that the team meets.
 */
export function ownKey(inventory: Inventory, { limits }: TeamLimits, family: Family, kind: Limit["kind"]): string {
  const met = limits.filter(({ element }) => familyOf(element.name) === family);
  if (met.length === 0) return teamKey;
  for (let number = 1; ; number++) {
    const prefix = `own-${kind.replaceAll("_", "-")}${number === 1 ? "" : `-${number}`}:`;
    const key = `@("${prefix}" + context.Subscription.Id)`;
    const isMet = met.some(({ counterKey }) => counterKey === key);
    if (!isMet && !standsSomewhere(inventory, prefix, attributeText(key, '"'))) return key;
  }
}
