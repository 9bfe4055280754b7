import { documentKind, documentTitle } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { credentialsOf, findBackend } from "../../pool/backend.ts";
import { allRoutes, type Route, reachedBy } from "../../pool/routes.ts";
import { changesRoutes } from "./further.ts";
import type { Subject } from "./guard.ts";

/** Credentials that a backend's document has now and would not have. One that is deleted sends nothing any more. */
export function lostCredentials(documents: readonly ProposedDocument[]): readonly string[] | null {
  const judged = documents.flatMap(({ id, before, after }) => {
    if (documentKind(id) !== "backend" || before === null || after === null) return [];
    const had = credentialsOf(before.properties);
    return had.length === 0 ? [] : [{ id, lost: had.filter((kind) => !credentialsOf(after).includes(kind)) }];
  });
  if (judged.length === 0) return null;
  return judged.flatMap(({ id, lost }) =>
    lost.length === 0 ? [] : [`${documentTitle(id)}: its credentials (${lost.join(", ")}) would be removed.`],
  );
}

/** Where an API's traffic would go without credentials, while all that it goes to now carries some. Null where no route changes of such an API. */
export function lostOnRoutes({ states, documents }: Pick<Subject, "states" | "documents">): readonly string[] | null {
  if (states === null || !changesRoutes(documents)) return null;
  const after = allRoutes(states.after, states.csharp);
  const judged = [...allRoutes(states.before, states.csharp)].flatMap(([apiId, routes]) => {
    const next = after.get(apiId) ?? [];
    if (routes.length === 0 || JSON.stringify(routes) === JSON.stringify(next)) return [];
    return routes.every((route) => signsIn(states.before, route)) ? [{ apiId, routes, next }] : [];
  });
  if (judged.length === 0) return null;
  return judged.flatMap(({ apiId, routes, next }) => {
    const bare = new Set(next.filter((route) => isBare(states.after, route) && !isServedNow(routes, route)).map(destination));
    return [...bare].map((name) => `API '${apiId}' would go to ${name}, without the credentials that its backend carries now.`);
  });
}

const destination = ({ backendId, url, expression }: Route): string =>
  backendId === null ? (url ?? `what ${expression ?? "an expression"} says`) : `backend '${backendId}'`;

/** Of a pool it is enough that one member does: whether each of them should is not a matter of routes. */
const signsIn = ({ backends }: Inventory, { members }: Route): boolean =>
  members.some(({ backendId }) => credentialsOf(findBackend(backends, backendId)?.properties ?? {}).length > 0);

/**
 * Whether the API's calls go to each of its members already. Where the members of a pool are unequal, the one without credentials serves the
 * API as it is: that another one goes takes nothing from a call to it. A pool without members is `no_backend_left`'s.
 */
function isServedNow(now: readonly Route[], { backendId, members }: Route): boolean {
  const reached = new Set(reachedBy(now).map((id) => id.toLowerCase()));
  return backendId !== null && members.every((member) => reached.has(member.backendId.toLowerCase()));
}

/** One that does not exist is `no_backend_left`'s. */
const isBare = (state: Inventory, route: Route): boolean =>
  (route.backendId === null || findBackend(state.backends, route.backendId) !== undefined) && !signsIn(state, route);
