import { documentKind, documentTitle } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { credentialsOf, findBackend } from "../../pool/backend.ts";
import { signedInByPolicy } from "../../pool/credentials.ts";
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

/**
 * Calls that a member with credentials gets now and that one without would get: one of the two comes or goes, or shares or routes change. Judged
 * are the shares while the breakers of all members are closed. Null where no route changes of an API that goes to credentials; where policies sign in every
 * call, no backend has to.
 */
export function lostOnMembers({ states, documents }: Pick<Subject, "states" | "documents">): readonly string[] | null {
  if (states === null || !changesRoutes(documents)) return null;
  const { before, after, csharp } = states;
  const routes = allRoutes(after, csharp);
  const judged = [...allRoutes(before, csharp)].flatMap(([apiId, was]) => {
    const next = routes.get(apiId) ?? [];
    return JSON.stringify(was) !== JSON.stringify(next) && was.some((route) => signsIn(before, route)) ? [{ apiId, was, next }] : [];
  });
  if (judged.length === 0) return null;
  return judged.flatMap(({ apiId, was, next }) => {
    const known = signedInByPolicy(before, apiId) ? [] : was;
    const more = next.filter((route) => bareShare(route) > bareShareNow(known, route));
    if (more.length === 0 || signedInByPolicy(after, apiId)) return [];
    const told = more.map(
      (route) =>
        `API '${apiId}' would send ${bareShare(route)} % of its calls to ${destination(route)} on to ${bareNames(route)}, without credentials and signed in by no policy; now it is ${bareShareNow(known, route)} %.`,
    );
    return [...new Set(told)];
  });
}

const bareOf = ({ members }: Route) =>
  members.filter(({ credentials, isMissing, share }) => credentials.length === 0 && isMissing !== true && share > 0);

const bareShare = (route: Route): number => Math.round(bareOf(route).reduce((sum, { share }) => sum + share, 0) * 10) / 10;

const bareNames = (route: Route): string =>
  bareOf(route)
    .map(({ backendId }) => `'${backendId}'`)
    .join(", ");

/** At the same backend or pool; of a new one, the most that any of the API's calls meet now. */
function bareShareNow(now: readonly Route[], { backendId }: Route): number {
  const same = now.filter((route) => route.backendId !== null && backendId !== null && sameName(route.backendId, backendId));
  return Math.max(0, ...(same.length > 0 ? same : now).map(bareShare));
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
