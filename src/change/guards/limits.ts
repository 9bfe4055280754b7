import { redactedText } from "../../gateway/keys.ts";
import { type Subscription, sameName, subscriptionName } from "../../gateway/model.ts";
import type { LimitChange } from "../../gateway/proposal.ts";
import type { Element } from "../../policy/document.ts";
import { changedTeams, stateOf } from "../../quota/proof.ts";
import { changesRoutes } from "./further.ts";
import { type Guard, judgeEach, type Subject } from "./guard.ts";
import { callsSentElsewhere } from "./rerouted.ts";
import { type States, subscriptionsOf } from "./states.ts";
import { openViews, type Views } from "./views.ts";

export const limitCut: Guard = {
  name: "limit_cut",
  passed: "No limit is cut by more than half.",
  objections: ({ limits }) =>
    judgeEach(intended(limits), (limit) => {
      const growth = growthOf(limit);
      if (limit.eachValue !== undefined && limit.after !== null) {
        return [
          `${inWords(limit)} limits the team as a whole, which was limited to ${limit.eachValue}: how far that cuts it cannot be told.`,
        ];
      }
      return growth !== null && growth < 1 / 2 ? [`${inWords(limit)} cuts the limit by more than half.`] : [];
    }),
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

function raisedNumber(limit: LimitChange): readonly string[] {
  if (limit.before === null) return [];
  if (limit.after === null) return [`${inWords(limit)}: the limit goes, and none that can be told takes its place.`];
  const growth = growthOf(limit);
  if (growth === null) return [`${inWords(limit)}: how the periods compare cannot be told.`];
  return growth > 10 ? [`${inWords(limit)} raises the limit more than tenfold.`] : [];
}

function inWords({ subscriptionId, kind, before, after, period, calls }: LimitChange): string {
  const periodOf = (side: "before" | "after") => (period === undefined ? "" : ` ${period[side] ?? "in a period that cannot be told"}`);
  const of = calls === undefined ? "" : ` (${shortKey(calls)})`;
  const number = (side: "before" | "after", value: number | null) =>
    value === null ? "none" : `${Math.round(value * 100) / 100}${periodOf(side)}`;
  return `${subscriptionId}: ${kind}${of} ${number("before", before)} -> ${number("after", after)}`;
}

/** How many times as much the limit lets through as before; null where that cannot be told. */
function growthOf({ before, after, period }: LimitChange): number | null {
  if (before === null || after === null) return null;
  if (period === undefined) return before === 0 ? (after === 0 ? 1 : Number.POSITIVE_INFINITY) : after / before;
  const [was, is] = [hoursIn(period.before), hoursIn(period.after)];
  return was === null || is === null || before === 0 ? null : after / is / (before / was);
}

const hours: Readonly<Record<string, number>> = { Hourly: 1, Daily: 24, Weekly: 7 * 24, Monthly: 30 * 24, Yearly: 365 * 24 };

function hoursIn(period: string | null): number | null {
  const [, seconds] = /^(\d+) s$/.exec(period ?? "") ?? [];
  return seconds === undefined ? (hours[period ?? ""] ?? null) : Number(seconds) / 3600;
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
    const numbers = judgeEach(subject.limits, (limit) =>
      limit.intended || (limit.before === limit.after && limit.period === undefined) ? [] : [sharedLimit(limit)],
    );
    const others = otherTeams(subject);
    return numbers === null && others === null ? null : [...(numbers ?? []), ...(others ?? [])];
  },
  remarks: ({ states, teams, documents }) => (states === null || teams !== undefined ? [] : callsSentElsewhere(states, documents)),
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
  const [before, after] = [openViews(states.before, states.csharp), openViews(states.after, states.csharp)];
  const routes = (views: Views, name: string, { id }: Subscription) =>
    views.pathsOf(name).map((path) => views.view(path, id, selectsBackend).text);
  return subscriptionsOf(states.before)
    .map((subscription) => ({ subscription, name: subscriptionName(subscription) }))
    .filter(({ name }) => isOther(name))
    .filter(({ name, subscription }) => routes(before, name, subscription).join("\n") !== routes(after, name, subscription).join("\n"))
    .map(({ name }) => `${name}, which the call does not name, would be sent to other backends.`);
}

const selectsBackend = ({ name }: Element): boolean => name === "set-backend-service";

/** Names of the subscriptions whose limits, conditions or counters differ. */
export const changedLimits = ({ before, after, csharp }: States): readonly string[] =>
  changedTeams(stateOf(before, csharp), stateOf(after, csharp), "");
