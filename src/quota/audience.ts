import type { Inventory } from "../gateway/inventory.ts";
import type { Subscription } from "../gateway/model.ts";
import { attribute, type Element } from "../policy/document.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { Origin } from "../policy/static/values.ts";
import { dataOrigin } from "./edits/number.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { openSignatures, type State, stateOf } from "./proof.ts";

/** No subscription can have it: `*` may not stand in a `sid`. */
const anyLaterSid = "*";

/**
 * Whom something is for that one team alone meets today: `team`, by a condition that no other subscription fulfils; `others`, where it stands for
 * whoever is not named (an `<otherwise>`, a default entry), so that the team is only the last of them; `everyone`, where nothing tells
 * subscriptions apart and the team happens to be the only one.
 */
export type For = "team" | "others" | "everyone";

export interface Audience {
  readonly number: For;
  readonly element: For;
  /** Whether no other team meets the element today. */
  readonly alone: boolean;
  /** Whether the number that each team reads by this limit is known: else another may read this team's. */
  readonly reads: "known" | "unknown";
}

/** The team and one like it that is created later, alone in the service. Assumed: later ones have the scope of the team's. */
export function laterState({ inventory, csharp }: { readonly inventory: Inventory; readonly csharp: CSharp }, team: Subscription): State {
  const later: Subscription = { ...team, id: anyLaterSid, displayName: anyLaterSid };
  return stateOf({ ...inventory, subscriptions: [team, later], workspaces: [] }, csharp);
}

const laterIn = ({ teams }: State): readonly Limit[] => teams.find(({ subscription }) => subscription.id === anyLaterSid)?.limits ?? [];

/** What teams that come later would be limited by: equal texts, equal limits. */
export function laterSignatures(before: State, after: State): readonly [string, string] {
  const signatures = openSignatures();
  const ofLater = (state: State): string => laterIn(state).map(signatures.limit).toSorted().join("\n");
  return [ofLater(before), ofLater(after)];
}

export function audienceOf({ teams }: State, later: State, { subscription }: TeamLimits, limit: Limit): Audience {
  const alike = laterIn(later).find(({ limitId }) => limitId === limit.limitId);
  const others = teams.filter((team) => team.subscription !== subscription).flatMap(({ limits }) => limits);
  const meeting = others.filter(({ limitId }) => limitId === limit.limitId);
  const readsSame = alike !== undefined && samePlace(writable(alike), writable(limit));
  const inMap = limit.number.origin?.text === "named-value" && limit.number.origin.start > 0;
  return {
    number: !readsSame ? "team" : inMap || isForOthers(limit.number.element ?? limit.element) ? "others" : "everyone",
    element: alike === undefined ? "team" : isForOthers(limit.element) ? "others" : "everyone",
    alone: meeting.length === 0,
    reads: [...meeting, ...(alike === undefined ? [] : [alike])].every(
      ({ amount }) => amount.status === "value" || amount.status === "none",
    )
      ? "known"
      : "unknown",
  };
}

const writable = ({ number: { origin } }: Limit): Origin | null => dataOrigin(origin) ?? origin;

function samePlace(a: Origin | null, b: Origin | null): boolean {
  if (a === null || b === null || a.text !== b.text || a.document !== b.document) return false;
  if (a.text === "expression" || b.text === "expression") return true;
  if (a.start !== b.start || a.end !== b.end) return false;
  return a.text !== "attribute" || b.text !== "attribute" || (a.element.span.start === b.element.span.start && a.attribute === b.attribute);
}

/** Whether it stands in an `<otherwise>`, or in a branch by subscription. */
function isForOthers(element: Element): boolean {
  for (let branch = element.parent; branch !== null; branch = branch.parent) {
    if (branch.name === "otherwise") return true;
    if (branch.name === "when" && /\bcontext\s*\.\s*Subscription\b/.test(attribute(branch, "condition") ?? "")) return true;
  }
  return false;
}
