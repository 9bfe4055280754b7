import { redactedText } from "../../gateway/keys.ts";
import { sameName } from "../../gateway/model.ts";
import type { LimitChange } from "../../gateway/proposal.ts";
import type { Element } from "../../policy/document.ts";
import { teamLimits } from "../../quota/limits.ts";
import { signature } from "../../quota/plan.ts";
import { changesRoutes } from "./further.ts";
import { type Guard, judgeEach, type Subject } from "./guard.ts";
import type { States } from "./states.ts";
import { openViews, type Views } from "./views.ts";

export const limitCut: Guard = {
  name: "limit_cut",
  passed: "No limit is cut by more than half.",
  objections: ({ limits }) =>
    judgeEach(intended(limits), ({ subscriptionId, kind, before, after }) =>
      before !== null && after !== null && after < before / 2
        ? [`${subscriptionId}: ${kind} ${before} -> ${after} cuts the limit by more than half.`]
        : [],
    ),
};

/**
 * A limit that goes is the highest raise. One that can no longer be told counts as gone: so the finder answers it. So does one that counts
 * by another key, unless both count each subscription by itself: each call may then be its own counter's first.
 */
export const limitRaise: Guard = {
  name: "limit_raise",
  passed: "No limit is raised more than tenfold.",
  objections: ({ limits }) => judgeEach(intended(limits), (limit) => [...raisedNumber(limit), ...otherCounter(limit)]),
};

function raisedNumber({ subscriptionId, kind, before, after }: LimitChange): readonly string[] {
  if (before === null) return [];
  if (after === null) return [`${subscriptionId}: ${kind} ${before} -> none that can be told takes the limit away.`];
  return after > before * 10 ? [`${subscriptionId}: ${kind} ${before} -> ${after} raises the limit more than tenfold.`] : [];
}

function otherCounter({ subscriptionId, kind, counter }: LimitChange): readonly string[] {
  if (counter === undefined || counter.perSubscription) return [];
  const [was, is] = [shortKey(counter.before), shortKey(counter.after)];
  return [
    `${subscriptionId}: the counter of its ${kind} limit goes from ${was} to ${is}; they are not both known to count per subscription.`,
  ];
}

const longestKey = 200;

/** An expression of any length, on one line. */
function shortKey(key: string): string {
  const line = redactedText(key).replace(/\s+/g, " ").trim();
  return line.length > longestKey ? `${line.slice(0, longestKey)}...` : line;
}

const intended = (limits: readonly LimitChange[] | undefined): readonly LimitChange[] | undefined =>
  limits?.filter((limit) => limit.intended);

export const sharedDocument: Guard = {
  name: "shared_document",
  passed: "No other team's limit, counter or route changes.",
  objections(subject) {
    const numbers = judgeEach(subject.limits, (limit) => (limit.intended || limit.before === limit.after ? [] : [sharedLimit(limit)]));
    const others = otherTeams(subject);
    return numbers === null && others === null ? null : [...(numbers ?? []), ...(others ?? [])];
  },
};

const sharedLimit = ({ subscriptionId, kind, before, after }: LimitChange): string =>
  `${subscriptionId}, which the call does not name, would go from ${kind} ${before ?? "none"} to ${after ?? "none"}.`;

/** Null where the call names no team: it then means everyone whom its documents reach. */
function otherTeams({ states, teams, documents, limits = [] }: Subject): readonly string[] | null {
  if (states === null || teams === undefined) return null;
  const isOther = (id: string) => !teams.some((team) => sameName(team, id));
  const told = new Set(limits.filter((limit) => limit.before !== limit.after).map(({ subscriptionId }) => subscriptionId));
  const counted = changedLimits(states)
    .filter((id) => isOther(id) && !told.has(id))
    .map((id) => `${id}, which the call does not name, would be limited or counted in another way.`);
  if (!changesRoutes(documents)) return counted;
  return [...counted, ...routedElsewhere(states, isOther)];
}

function routedElsewhere(states: States, isOther: (id: string) => boolean): readonly string[] {
  const [before, after] = [openViews(states.before), openViews(states.after)];
  const routes = (views: Views, id: string) => views.pathsOf(id).map((path) => views.view(path, id, selectsBackend).text);
  return states.before.subscriptions
    .filter(({ id }) => isOther(id) && routes(before, id).join("\n") !== routes(after, id).join("\n"))
    .map(({ id }) => `${id}, which the call does not name, would be sent to other backends.`);
}

const selectsBackend = ({ name }: Element): boolean => name === "set-backend-service";

/** Ids of the subscriptions whose limits, conditions or counters differ. */
export function changedLimits({ before, after }: States): readonly string[] {
  const later = new Map(teamLimits(after).map((team) => [team.subscription.id, signature(team)]));
  return teamLimits(before)
    .filter((team) => later.get(team.subscription.id) !== signature(team))
    .map(({ subscription }) => subscription.id);
}
