import { GatewayError } from "../errors.ts";
import { documentTitle } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, sameName, subscriptionName } from "../gateway/model.ts";
import { changeIdMark, type LimitChange, type Proposal } from "../gateway/proposal.ts";
import { shadowCause } from "../gateway/shadow.ts";
import { attribute, descendants, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { applyEdits } from "../policy/edit.ts";
import { type TextChange, textChanges, textOf, withText } from "./edits/documents.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { shadowEdits, withoutShadowEdits } from "./shadow-text.ts";

interface ShadowRequest {
  readonly team: TeamLimits;
  /** The team's enforced limit that the shadow is to stand on; null where it has none. */
  readonly limit: Limit | null;
  /** Tokens per minute. */
  readonly proposed: number;
}

/** A change of texts that changes no limit: `limits` is empty, and guards compare all teams before and after as for any other. */
interface ShadowEdit extends Pick<Proposal, "action" | "summary" | "affected" | "warnings" | "teams" | "after"> {
  readonly documents: readonly TextChange[];
  readonly limits: readonly LimitChange[];
}

/** An enforced limit whose remaining tokens tell how many one team has used. */
interface Enforced extends Place {
  readonly limit: Limit;
  readonly value: number;
  /** As the shadow writes it down: the number, or the named value that holds it. */
  readonly written: string;
}

/**
 * A team's proposed token limit as a shadow: calls that come while more tokens than that have been used are let through and recorded
 * (`shadow:token-rate-limit`), and the enforced limit stays. No documents where the same shadow is there already.
 *
 * What has been used is the enforced number less what the limit says is left of it. In classic tiers, whose window slides, that is the use of the
 * last minute; in v2 tiers, whose bucket fills up all the time, only of bursts
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes). Assumed: see `shadowEdits`.
 *
 * Throws `unsupported` where there is no enforced limit to stand on: none, one without a known number, under a condition, or on a counter that other
 * teams spend from; `invalid_input` where the proposed number is not below the enforced one.
 */
export function planShadow(inventory: Inventory, { team: { subscription }, limit, proposed }: ShadowRequest): ShadowEdit {
  const enforced = enforcedLimit(inventory, subscription, limit);
  const { parsed, element, value, written } = enforced;
  const { document } = enforced.limit;
  const name = subscriptionName(subscription);
  if (proposed >= value) {
    throw new GatewayError("invalid_input", `A shadow limit of ${proposed} TPM would record nothing: ${value} is enforced for '${name}'.`, {
      hint: "Calls beyond the enforced limit are refused. Ask for a number below it, or for mode 'enforce' to raise it.",
    });
  }
  const text = applyEdits(parsed.source, shadowEdits(parsed, element, { subscription, enforced: written, proposed }));
  return {
    action: `${name} shadow tpm ${proposed}, enforced ${value} stays`,
    summary: `${titleOf(subscription)}: a shadow limit of ${proposed} tpm in ${documentTitle(document)}; the enforced ${value} stays.`,
    documents: text === parsed.source ? [] : textChanges(inventory, withText(inventory, document, text)),
    affected: [titleOf(subscription)],
    teams: [name],
    warnings: warnings(inventory, enforced, proposed),
    limits: [],
    after: `get_metrics ${JSON.stringify({ change_id: changeIdMark, subscriptions: [name], group_by: ["cause"] })}`,
  };
}

/**
 * The service without the team's shadow of a token limit, for whoever enforces, changes or removes that limit: the shadow reckons with its number. The
 * same inventory where there is none. Limits are what they were; their elements are those of another text. `team`: as `subscriptionName` says it.
 */
export function withoutShadow(inventory: Inventory, limit: Limit, team: string): Inventory {
  const place = limit.kind === "tpm" ? placeOf(inventory, limit) : null;
  if (place === null) return inventory;
  const edits = withoutShadowEdits(place.parsed, place.element, team);
  return edits.length === 0 ? inventory : withText(inventory, limit.document, applyEdits(place.parsed.source, edits));
}

/** A limit in its text. */
interface Place {
  readonly parsed: PolicyDocument;
  readonly element: Element;
}

function placeOf(inventory: Inventory, { document, element }: Limit): Place | null {
  const text = textOf(inventory, document);
  if (text === null) return null;
  const parsed = parse(text);
  const elements = parsed.root === null ? [] : [...descendants(parsed.root)];
  // Read from the same text, so at the same place.
  const found = elements.find(({ name, span }) => name === element.name && span.start === element.span.start);
  if (found === undefined) throw new Error(`<${element.name}> is not where it was in ${document}`);
  return { parsed, element: found };
}

function enforcedLimit(inventory: Inventory, subscription: Subscription, limit: Limit | null): Enforced {
  if (limit === null || limit.kind !== "tpm") throw nothingToStandOn(subscription, "it has no TPM limit");
  const { amount, conditions, counterGroup, mayShare, perCall, scope, line } = limit;
  const where = `its limit in ${scope}, line ${line},`;
  if (amount.status !== "value") throw nothingToStandOn(subscription, `${where} has no known number: ${amount.why}`);
  if (conditions.length > 0) throw nothingToStandOn(subscription, `${where} applies to some calls only`);
  if (counterGroup.size > 1) throw nothingToStandOn(subscription, `${where} counts ${counterGroup.size - 1} more on the same counter`);
  if (perCall !== undefined) throw nothingToStandOn(subscription, `${where} counts per value of ${perCall}`);
  if (mayShare !== undefined) throw nothingToStandOn(subscription, `${where} may count others on the same counter`);
  const place = placeOf(inventory, limit);
  if (place === null) throw nothingToStandOn(subscription, `${where} stands in a document that was not read`);
  return { ...place, limit, value: amount.value, written: writtenNumber(place.element, amount.value) };
}

const nothingToStandOn = (subscription: Subscription, why: string): GatewayError =>
  new GatewayError(
    "unsupported",
    `A shadow limit needs an enforced TPM limit that '${subscriptionName(subscription)}' alone spends from and surely meets, but ${why}.`,
    {
      hint: "Enforce a limit first, one high enough to refuse nobody will do: update_quota with mode 'enforce'.",
    },
  );

/** A named value is read by the gateway, so that the shadow goes along where it is changed. */
function writtenNumber(element: Element, value: number): string {
  const written = attribute(element, "tokens-per-minute")?.trim() ?? "";
  return /^\{\{[\w.-]+\}\}$/.test(written) ? written : String(value);
}

function warnings({ service: { tier } }: Inventory, { limit, element, value, written }: Enforced, proposed: number): readonly string[] {
  const others = limit.numberGroup.size - 1;
  const adds = attribute(element, "remaining-tokens-variable-name") === undefined;
  return [
    "Assumed, since Microsoft does not document it: the limit's variable of remaining tokens is set before the call is sent, and the trace stands in the column TraceRecords.",
    ...(tier === "classic"
      ? [
          `It records calls that come while more than ${proposed} tokens were used within a minute. Enforced, it would refuse at most as many, retries aside: what is refused spends nothing.`,
        ]
      : [
          `${tier === "v2" ? "On v2 tiers" : "On this tier"} what was used is only approximated: the enforced limit is a bucket that fills up by ${value} a minute, so bursts of more than ${proposed} are recorded and a steady load between ${proposed} and ${value} is not.`,
        ]),
    `get_metrics counts '${shadowCause}' in resource logs: they have to go to Log Analytics, with a verbosity other than 'error'. The metric needs Application Insights with custom metrics.`,
    ...(adds && others > 0
      ? [`The limit gets remaining-tokens-variable-name, which ${others} others meet too: nothing that limits them changes.`]
      : []),
    ...(written === String(value) ? [`It reckons with ${value} enforced: where that is changed by hand, plan the shadow again.`] : []),
    ...(limit.gateways === 1 ? [] : [`Each gateway and region counts for itself, the shadow as well as the enforced limit.`]),
  ];
}

function titleOf(subscription: Subscription): string {
  const { id, displayName } = subscription;
  const name = subscriptionName(subscription);
  return displayName === "" || sameName(displayName, id) ? name : `${name} (${displayName})`;
}
