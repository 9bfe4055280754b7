import { GatewayError } from "../../errors.ts";
import { type DocumentId, documentTitle } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { subscriptionName } from "../../gateway/model.ts";
import { attribute, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import { applyEdits, type Edit, removeAttribute, setAttribute } from "../../policy/edit.ts";
import type { Limit } from "../limit.ts";
import { candidate, sharedWith } from "../target.ts";
import { withoutOwn } from "./branch.ts";
import { type Change, isShared, type Way } from "./change-limit.ts";
import { textOf, withText } from "./documents.ts";
import { attributeOf } from "./elements.ts";
import { dataOrigin } from "./number.ts";

/**
 * The ways to take away a limit that only this team has: its element, or the variable that feeds it, each with a branch for the team that holds nothing
 * else, so that the team meets again what is there for everyone. Throws `unsupported` where other teams meet it.
 */
export function* waysToRemove(change: Removal): Generator<Way> {
  const { limit, audience, team } = change;
  const name = subscriptionName(team.subscription);
  if (isShared(limit)) throw notAlone(change, `its counter ${sharedWith(limit, name)}`);
  const origin = dataOrigin(limit.number.origin);
  const isVariable = origin?.text === "attribute" && origin.element !== limit.element;
  if (audience.alone && audience.element === "team") yield* elementGone(change);
  if (isVariable && audience.number === "team" && limit.numberGroup.size === 1) {
    yield* branchGone(change, origin, false);
    return;
  }
  if (!audience.alone || limit.numberGroup.size > 1) throw notAlone(change, "other teams meet it");
  if (audience.element === "others" || audience.number === "others") throw notAlone(change, "it is for whoever has no limit of its own");
  if (audience.element === "everyone") yield* elementGone(change);
}

/** A limit to take away. */
export interface Removal extends Omit<Change, "number" | "window" | "rekey"> {
  /** Where its element limits something else too: what the team would meet of the kind without it. */
  readonly fallback: readonly Limit[];
}

/** The service without the team's own element, where that holds a limit of another kind too; null where it does not, or cannot be told. */
export function withoutElement(change: Omit<Removal, "fallback">): Inventory | null {
  const { limit, audience, inventory, as } = change;
  if (!holdsBoth(change) || !audience.alone || audience.element !== "team") return null;
  const source = textIn(change, limit.document);
  const edit = withoutOwn(parse(source), limit.element, as);
  return edit === null ? null : withText(inventory, limit.document, applyEdits(source, [edit]));
}

function* elementGone(change: Removal): Generator<Way> {
  const { limit, audience } = change;
  const forLater = audience.element !== "team";
  if (!holdsBoth(change)) {
    yield* branchGone(change, limit, forLater);
    return;
  }
  const [instead, ...more] = change.fallback;
  if (instead !== undefined) {
    if (more.length > 0 || instead.amount.status !== "value" || instead.conditions.length > 0 || isShared(instead)) throw notBeside(change);
    yield likeOthers(change, instead, instead.amount.value);
    return;
  }
  const names = limit.kind === "tpm" ? ["tokens-per-minute"] : ["token-quota", "token-quota-period"];
  yield without(change, limit.document, forLater, (parsed) =>
    names.filter((one) => attribute(limit.element, one) !== undefined).map((one) => removeAttribute(parsed, limit.element, one)),
  );
}

/** The element stays for the other limit in it: what everyone else has of the kind is written beside that. */
function likeOthers(change: Removal, { limitId, period }: Limit, number: number): Way {
  const { limit, team } = change;
  const way = without(change, limit.document, false, (parsed) => [
    setAttribute(parsed, limit.element, attributeOf(limit), String(number)),
    ...(period === undefined ? [] : [setAttribute(parsed, limit.element, "token-quota-period", period)]),
  ]);
  const kept = limit.kind === "tpm" ? "token quota" : "limit per minute";
  const name = subscriptionName(team.subscription);
  const copied = `The ${kept} of '${name}' stays in its own element, which gets ${number} of ${limitId} beside it: a later change of that does not reach '${name}'.`;
  return { ...way, warnings: [copied] };
}

interface Place {
  readonly document: DocumentId;
  readonly element: Element;
}

function* branchGone(change: Removal, { document, element }: Place, forLater: boolean): Generator<Way> {
  const edit = withoutOwn(parse(textIn(change, document)), element, change.as);
  if (edit !== null) yield without(change, document, forLater, () => [edit]);
}

function without(change: Removal, document: DocumentId, forLater: boolean, edits: (parsed: PolicyDocument) => readonly Edit[]): Way {
  const source = textIn(change, document);
  return {
    inventory: withText(change.inventory, document, applyEdits(source, edits(parse(source)))),
    document,
    warnings: forLater ? ["Subscriptions that are created later with the same scope have no such limit either."] : [],
    forLater,
    counts: "as before",
  };
}

function textIn({ inventory }: Pick<Removal, "inventory">, document: DocumentId): string {
  const source = textOf(inventory, document);
  if (source === null) throw new Error(`${document} was not read`);
  return source;
}

/** Whether the element limits tokens both per minute and per period: the other limit stays. */
const holdsBoth = ({ limit: { element } }: Pick<Change, "limit">): boolean =>
  attribute(element, "tokens-per-minute") !== undefined && attribute(element, "token-quota") !== undefined;

function notBeside({ limit, team, fallback }: Removal): GatewayError {
  const name = subscriptionName(team.subscription);
  return new GatewayError(
    "unsupported",
    `The ${limit.kind} limit of '${name}' in ${documentTitle(limit.document)}, line ${limit.line}, cannot go alone: its element holds another limit of '${name}' too, and what others have in its place cannot stand beside that.`,
    {
      hint: "Remove both limits, or ask for a number.",
      details: fallback.map((one) => candidate(one, team)),
    },
  );
}

function notAlone({ limit, team }: Pick<Change, "limit" | "team">, reason: string): GatewayError {
  const name = subscriptionName(team.subscription);
  const place: DocumentId = documentTitle(limit.document);
  return new GatewayError(
    "unsupported",
    `The ${limit.kind} limit of '${name}' in ${place}, line ${limit.line}, is not its own to remove: ${reason}.`,
    {
      hint: "Give the team a higher number instead; or edit the policy with apply_policy, for everyone who meets it.",
    },
  );
}
