import type { JsonObject, ListedDocument } from "../../gateway/documents.ts";
import type { DrillMember } from "../../gateway/drill.ts";
import { sameName } from "../../gateway/model.ts";
import { backendIdOf, findBackend, itemBackendId, objectOf, poolItems } from "../backend.ts";

/** https://learn.microsoft.com/rest/api/apimanagement/backend/create-or-update#uri-parameters */
const longestId = 80;

/**
 * The id of a drill's own pool: what it is, of which member, of which pool. Two drills of one pool have such ids, and so never run at once: the
 * clean-up of one would be an edit of the other's.
 */
export const drillPoolId = (what: "without" | "one-failing" | "all-failing", backendId: string, poolId: string): string =>
  shortened(`drill-${what}-${backendId}-${poolId}`);

/** The id of a member's copy that fails. */
export const failingId = (backendId: string): string => shortened(`drill-failing-${backendId}`);

const shortened = (id: string): string => id.slice(0, longestId).replace(/-+$/, "");

/** Whether an id is that of a drill's pool for this one. */
export const isOfPool = (id: string, poolId: string): boolean =>
  /^drill-(?:without|one-failing|all-failing)-/i.test(id) &&
  (id.toLowerCase().endsWith(`-${poolId.toLowerCase()}`) || id.length >= longestId);

/** The pool's properties with each entry as `change` has it; an entry of null goes. Everything else stays. */
export function poolWith(properties: JsonObject, change: (item: JsonObject) => JsonObject | null): JsonObject {
  const services = poolItems(properties)
    .map(change)
    .filter((item) => item !== null);
  return { ...properties, pool: { ...objectOf(properties.pool), services } };
}

export const isMember = (item: JsonObject, backendId: string): boolean => sameName(itemBackendId(item), backendId);

/** An entry for another backend, in the form in which this one is written. */
export function renamed(item: JsonObject, backendId: string): JsonObject {
  const id = typeof item.id === "string" ? item.id : "";
  return { ...item, id: `${id.slice(0, id.lastIndexOf("/") + 1)}${backendId}` };
}

/** What is known of the backends of a pool. */
export function drillMembers(backends: readonly ListedDocument[], pool: ListedDocument): readonly DrillMember[] {
  return poolItems(pool.properties).map((item) => {
    const found = findBackend(backends, itemBackendId(item));
    const backendId = found === undefined ? itemBackendId(item) : backendIdOf(found.id);
    const { azureRegion, title, url } = found?.properties ?? {};
    const host = typeof url === "string" && URL.canParse(url) ? new URL(url).hostname.toLowerCase() : null;
    const words = [azureRegion, title, backendId, host].filter((word) => typeof word === "string");
    return { backendId, host, words };
  });
}

/**
 * The member that has answered from this region, as `x-ms-region` names it (`East US`); null where none or several fit. Assumed: a member's
 * document names its region where the answer does.
 */
export function memberIn(members: readonly DrillMember[], region: string): DrillMember | null {
  const wanted = letters(region);
  const fitting = members.filter(({ words }) => words.some((word) => regionsIn(letters(word), wanted)));
  const [found] = fitting;
  return found !== undefined && fitting.length === 1 && wanted !== "" ? found : null;
}

const letters = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

/** Whether the word has the region, and not a longer one that begins so, such as `eastus2`. */
function regionsIn(word: string, region: string): boolean {
  const at = word.indexOf(region);
  return at >= 0 && !/^\d/.test(word.slice(at + region.length));
}
