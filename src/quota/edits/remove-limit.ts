import { GatewayError } from "../../errors.ts";
import { type DocumentId, documentTitle } from "../../gateway/documents.ts";
import { subscriptionName } from "../../gateway/model.ts";
import { attribute, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import { applyEdits, type Edit, removeAttribute } from "../../policy/edit.ts";
import { named } from "../limits.ts";
import { namesBut } from "../proof.ts";
import { withoutOwn } from "./branch.ts";
import type { Change, Way } from "./change-limit.ts";
import { textOf, withText } from "./documents.ts";

/**
 * The ways to take away a limit that only this team has: its element, or the variable that feeds it, each with a branch for the team that holds nothing
 * else, so that the team meets again what is there for everyone. Throws `unsupported` where other teams meet it.
 */
export function* waysToRemove(change: Removal): Generator<Way> {
  const { limit, audience, team } = change;
  const name = subscriptionName(team.subscription);
  if (limit.counterGroup.size > 1) throw notAlone(change, `its counter is shared with ${named(namesBut(limit.counterGroup, name))}`);
  const { origin } = limit.number;
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
export type Removal = Omit<Change, "number" | "period" | "rekey">;

function* elementGone(change: Removal): Generator<Way> {
  const { limit, audience } = change;
  const forLater = audience.element !== "team";
  if (!holdsBoth(change)) {
    yield* branchGone(change, limit, forLater);
    return;
  }
  const names = limit.kind === "tpm" ? ["tokens-per-minute"] : ["token-quota", "token-quota-period"];
  yield without(change, limit.document, forLater, (parsed) =>
    names.filter((one) => attribute(limit.element, one) !== undefined).map((one) => removeAttribute(parsed, limit.element, one)),
  );
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

function textIn({ inventory }: Removal, document: DocumentId): string {
  const source = textOf(inventory, document);
  if (source === null) throw new Error(`${document} was not read`);
  return source;
}

/** Whether the element limits tokens both per minute and per period: the other limit stays. */
const holdsBoth = ({ limit: { element } }: Pick<Change, "limit">): boolean =>
  attribute(element, "tokens-per-minute") !== undefined && attribute(element, "token-quota") !== undefined;

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
