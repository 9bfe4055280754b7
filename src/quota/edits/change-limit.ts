import { GatewayError } from "../../errors.ts";
import type { DocumentId } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { scopeTitle, subscriptionName } from "../../gateway/model.ts";
import { attribute, attributeNode, type Element, parse } from "../../policy/document.ts";
import { applyEdits, type Edit, setAttribute } from "../../policy/edit.ts";
import type { Audience } from "../audience.ts";
import type { Limit, TeamLimits } from "../limit.ts";
import { holdsNarrowerLimits } from "../written-limits.ts";
import { branchAround, copyOf, ownBefore, type Team } from "./branch.ts";
import { placesOfNamedValue, textOf, withText } from "./documents.ts";
import { attributeOf, type OwnValues, ownCopy, stackedCopy, type Window } from "./elements.ts";
import { type DataOrigin, dataOrigin, numberEdit } from "./number.ts";
import { familyOf, ownKey } from "./own-key.ts";

/** A limit of one team, what it is to come to, and what is known of who meets it. */
export interface Change {
  readonly inventory: Inventory;
  readonly team: TeamLimits;
  readonly as: Team;
  readonly limit: Limit;
  /** As the attribute holds it: of `rpm` per renewal period. */
  readonly number: number;
  /** The period, where it is to be another. */
  readonly window: Window | null;
  readonly audience: Audience;
  /** Whether the team has to count by another key: on v2 tiers one key never carries two numbers. */
  readonly rekey: boolean;
}

/** One way to give the team its number: the service as it would be. */
export interface Way {
  readonly inventory: Inventory;
  readonly document: DocumentId;
  readonly warnings: readonly string[];
  /** Whether teams that come later are meant to get the number too. */
  readonly forLater: boolean;
  /** Whether the team's calls are counted on another counter then. */
  readonly counts: "as before" | "anew";
}

/**
 * The ways to change the number, the one that changes least first. Where the counter is shared there is one: a lower limit of the team's own before
 * it. Else the number itself where only this team is behind it; else the limit's element where only this team meets it; else a branch for the team around
 * the variable that feeds the limit, and last around the limit. A number that an expression decides is only ever given in a branch: the
 * expression stays as it is for whoever else meets it.
 */
export function* waysToChange(change: Change): Generator<Way> {
  const { limit, audience } = change;
  if (isShared(limit)) {
    yield stacked(change);
    return;
  }
  const bySubscription = familyOf(limit.element.name) === "subscription";
  const literal = !change.rekey && change.window === null;
  const origin = dataOrigin(limit.number.origin);
  const alone = origin !== null && limit.numberGroup.size === 1 && (origin.text !== "named-value" || isAloneBehind(change, origin));
  if (literal && alone && (audience.number !== "others" || bySubscription)) yield numberSet(change, origin);
  if (isPart(limit.element) || holdsNarrowerLimits(limit.element)) return;
  if (isWritten(limit) && (audience.element === "team" || (audience.element === "everyone" && audience.alone && !literal)))
    yield elementSet(change);
  const fed = origin?.text === "attribute" && origin.element !== limit.element;
  if (literal && fed) yield variableBranch(change, origin);
  yield limitBranch(change);
}

/** Whether teams spend from one counter, or may, each of them as a whole. What each call counts by is nobody's as a whole. */
export const isShared = ({ counterGroup, mayShare, perCall }: Limit): boolean =>
  perCall === undefined && (counterGroup.size > 1 || mayShare !== undefined);

/** Whether the limit's own attribute holds the number, or a named value that does: no expression. */
const isWritten = (limit: Limit): boolean => attributeNode(limit.element, attributeOf(limit))?.value.kind === "literal";

/** Limits for single APIs or operations inside of a `rate-limit` cannot be split. */
const isPart = ({ name, parent }: Element): boolean => name === "api" || (name === "operation" && parent?.name === "api");

const nameOf = ({ team }: Change): string => subscriptionName(team.subscription);

/** Whether the named value is written for this team's number alone, wherever it is used. */
const isAloneBehind = ({ inventory, audience }: Change, origin: DataOrigin): boolean =>
  placesOfNamedValue(inventory, origin.document) === 1 && audience.reads === "known";

function numberSet(change: Change, origin: DataOrigin): Way {
  const { limit, number, audience } = change;
  const later = audience.number !== "team";
  return {
    ...edited(change, origin.document, () => [numberEdit(origin, number, origin.text === "attribute" ? origin.element : null)]),
    warnings: later ? [laterToo(change)] : [],
    forLater: later,
    counts: "as before",
  };
  function laterToo({ team }: Change): string {
    return `Subscriptions that are created later with the same scope (${scopeTitle(team.subscription.scope)}) get this ${limit.kind} limit too.`;
  }
}

/** The values written into the limit itself, which only this team meets. */
function elementSet(change: Change): Way {
  const { limit, number, window, audience } = change;
  const key = change.rekey ? ownKeyFor(change) : null;
  const later = audience.element !== "team";
  return {
    ...edited(change, limit.document, (source) => {
      const parsed = parse(source);
      return [
        setAttribute(parsed, limit.element, attributeOf(limit), String(number)),
        ...(window === null ? [] : [setAttribute(parsed, limit.element, window.attribute, window.value)]),
        ...(key === null ? [] : [setAttribute(parsed, limit.element, "counter-key", key)]),
      ];
    }),
    warnings: [
      ...(later
        ? [`Subscriptions that are created later with the same scope (${scopeTitle(change.team.subscription.scope)}) get it too.`]
        : []),
      ...countedAnew(change, key),
    ],
    forLater: later,
    counts: key === null ? "as before" : "anew",
  };
}

/** A branch for the team around the variable that the limit reads. */
function variableBranch(change: Change, origin: Extract<DataOrigin, { readonly text: "attribute" }>): Way {
  const { number, as } = change;
  return {
    ...edited(change, origin.document, (source) => {
      const parsed = parse(source);
      const own = copyOf(parsed, origin.element, (_, root) => [numberEdit(origin, number, root)]);
      return [branchAround(parsed, origin.element, own, as)];
    }),
    warnings: [],
    forLater: false,
    counts: "as before",
  };
}

/** A branch for the team around the limit, with the number as a literal. */
function limitBranch(change: Change): Way {
  const { limit, as, inventory } = change;
  const becomesByKey = familyOf(limit.element.name) === "subscription";
  if (becomesByKey && inventory.service.tier === "consumption") throw notOnConsumption(limit);
  const key = change.rekey || becomesByKey ? ownKeyFor(change) : null;
  const values = ownValues(change, key);
  const anew = `The calls of '${nameOf(change)}' are counted anew, by rate-limit-by-key: ${limit.element.name} may stand only once in a policy.`;
  return {
    ...edited(change, limit.document, (source) => {
      const parsed = parse(source);
      return [branchAround(parsed, limit.element, ownCopy(parsed, limit, values), as)];
    }),
    warnings: [...(becomesByKey ? [anew] : []), ...countedAnew(change, becomesByKey ? null : key)],
    forLater: false,
    counts: key === null ? "as before" : "anew",
  };
}

/** A lower limit of the team's own before the one on the counter that it shares. */
function stacked(change: Change): Way {
  const { limit, as, inventory } = change;
  if (isPart(limit.element)) throw new Error("a part of a rate-limit counts each subscription by itself");
  const key = ownKey(inventory, change.team, familyOf(limit.element.name), limit.kind);
  return {
    ...edited(change, limit.document, (source) => {
      const parsed = parse(source);
      return [ownBefore(parsed, limit.element, stackedCopy(parsed, limit, ownValues(change, key)), as)];
    }),
    warnings: [
      `The counter ${limit.counterKey ?? ""} ${limit.counterGroup.size > 1 ? "is" : "may be"} shared, and stays so: '${nameOf(change)}' gets a lower limit of its own before it, counted by ${key}.`,
      ...(limit.kind === "token_quota" ? [`What '${nameOf(change)}' has used of its own quota starts at zero.`] : []),
    ],
    forLater: false,
    counts: "as before",
  };
}

const ownValues = ({ number, window }: Change, counterKey: string | null): OwnValues => ({
  number,
  ...(window === null ? {} : { window }),
  ...(counterKey === null ? {} : { counterKey }),
});

const ownKeyFor = ({ inventory, team, limit }: Change): string =>
  ownKey(inventory, team, familyOf(limit.element.name) === "tokens" ? "tokens" : "calls", limit.kind);

function countedAnew(change: Change, key: string | null): readonly string[] {
  const { limit, window } = change;
  const hasQuota = limit.kind === "token_quota" || attribute(limit.element, "token-quota") !== undefined;
  const name = nameOf(change);
  return [
    ...(key === null ? [] : [`'${name}' counts by a key of its own now (${key}): on v2 tiers one key must not carry two limits.`]),
    ...(hasQuota && key !== null ? [`What '${name}' has used of its token quota starts anew, as the key is another.`] : []),
    ...(window === null ? [] : [newWindow(change, window)]),
  ];
}

function newWindow(change: Change, window: Window): string {
  const { kind, written } = change.limit;
  if (kind === "token_quota") return `What '${nameOf(change)}' has used of its token quota starts anew, as the period is another.`;
  const anew = `'${nameOf(change)}' is counted anew, per ${window.value} s: the ${written?.renewalSeconds ?? "other"} s of before do not hold the number exactly.`;
  return Number(window.value) > (written?.renewalSeconds ?? 0) ? `${anew} Up to ${change.number} may come at once now.` : anew;
}

const notOnConsumption = ({ element }: Limit): GatewayError =>
  new GatewayError("unsupported", `A <${element.name}> that several teams share cannot be split on the Consumption tier.`, {
    hint: "The Consumption tier has no rate-limit-by-key: put the team into a product of its own.",
  });

function edited(
  { inventory }: Change,
  document: DocumentId,
  edits: (source: string) => readonly Edit[],
): Pick<Way, "inventory" | "document"> {
  const source = textOf(inventory, document);
  if (source === null) throw new Error(`${document} was not read`);
  return { inventory: withText(inventory, document, applyEdits(source, edits(source))), document };
}
