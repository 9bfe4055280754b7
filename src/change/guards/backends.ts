import { documentTitle } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { findBackend, poolMembers } from "../../pool/backend.ts";
import { allRoutes, type Route, reachedBy } from "../../pool/routes.ts";
import { changesRoutes } from "./further.ts";
import { type Guard, judgeEach, type Subject } from "./guard.ts";
import { propertiesOn } from "./states.ts";

/**
 * Every pool keeps a member, and what an API's traffic goes to exists, as far as it can be told before any call: what each call decides by
 * itself is not judged, and neither is what was missing before.
 */
export const noBackendLeft: Guard = {
  name: "no_backend_left",
  passed: "Every pool keeps a member, and every API has a backend to go to.",
  objections(subject) {
    const pools = judgeEach(subject.documents.filter(hasMembers), emptied);
    const apis = strandedApis(subject);
    return pools === null && apis === null ? null : [...(pools ?? []), ...(apis ?? [])];
  },
};

const hasMembers = (document: ProposedDocument): boolean => poolMembers(propertiesOn(document, "before") ?? {}).length > 0;

const emptied = ({ id, after }: ProposedDocument): readonly string[] =>
  poolMembers(after ?? {}).length === 0 ? [`${documentTitle(id)} would have no member left.`] : [];

/** What APIs would go to in vain; null where the change alters no route or backend of any. */
function strandedApis({ states, documents }: Subject): readonly string[] | null {
  if (states === null || states.after.apis.length === 0 || !changesRoutes(documents)) return null;
  const before = allRoutes(states.before, states.csharp);
  return [...allRoutes(states.after, states.csharp)].flatMap(([apiId, routes]) => {
    const had = before.get(apiId) ?? [];
    if (routes.length === 0) {
      return had.length === 0
        ? []
        : [`API '${apiId}' would have no backend: no policy chooses one and it has no service URL, or its policies end every call before.`];
    }
    const missing = deadEnds(states.before, had);
    return [...deadEnds(states.after, routes)].flatMap(([backendId, reason]) =>
      missing.has(backendId) ? [] : [`API '${apiId}' would go to backend '${backendId}', which ${reasonOf(reason, backendId, documents)}.`],
    );
  });
}

type DeadEnd = "missing" | "empty";

/** Backends that routes lead to and that are not there, and pools without members. */
function deadEnds({ backends }: Inventory, routes: readonly Route[]): ReadonlyMap<string, DeadEnd> {
  const missing = reachedBy(routes).filter((id) => findBackend(backends, id) === undefined);
  const empty = routes.filter(({ kind, members }) => kind === "pool" && members.length === 0).flatMap(({ backendId }) => backendId ?? []);
  return new Map<string, DeadEnd>([...missing.map((id) => [id, "missing"] as const), ...empty.map((id) => [id, "empty"] as const)]);
}

function reasonOf(reason: DeadEnd, backendId: string, documents: readonly ProposedDocument[]): string {
  if (reason === "empty") return "has no member";
  const deleted = documents.some(({ id, after }) => after === null && sameName(id, `backends/${backendId}`));
  return deleted ? "this change deletes" : "does not exist";
}
