import { GatewayError } from "../../errors.ts";
import { policyDocumentId } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { staticPolicies } from "../../policy/static/walk.ts";
import { changedWays } from "../../pool/moved.ts";
import { allWays, type Way, wayText } from "../../pool/ways.ts";
import { changesRoutes } from "./further.ts";
import type { States } from "./states.ts";

/** Calls named one by one; the others are counted. */
const mostNamed = 5;

/**
 * Whose calls come to go elsewhere, product by product, where a change names no team: none where it is all calls of an API whose own policy
 * the change shows, and none where it cannot be followed, of which other guards speak.
 */
export function callsSentElsewhere({ before, after, csharp }: States, documents: readonly ProposedDocument[]): readonly string[] {
  if (!changesRoutes(documents)) return [];
  const ways = (inventory: Inventory, other: Inventory): readonly Way[] => allWays(inventory, staticPolicies(inventory, csharp), other);
  const [were, are] = [waysOrNone(() => ways(before, after)), waysOrNone(() => ways(after, before))];
  if (were === null || are === null) return [];
  const moved = changedWays(were, are).flatMap(([was, is]) => was ?? is ?? []);
  const isShown = (apiId: string) => documents.some(({ id }) => id === policyDocumentId({ kind: "api", apiId }));
  const isWhole = (apiId: string) => moved.filter((way) => way.apiId === apiId).length === were.filter((way) => way.apiId === apiId).length;
  const told = moved.filter(({ apiId }) => !(isShown(apiId) && isWhole(apiId))).map(wayText);
  if (told.length === 0) return [];
  const more = told.length > mostNamed ? `; and ${told.length - mostNamed} more` : "";
  return [`Calls that come to go elsewhere: ${told.slice(0, mostNamed).join("; ")}${more}.`];
}

function waysOrNone(read: () => readonly Way[]): readonly Way[] | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError && error.code === "unsupported") return null;
    throw error;
  }
}
