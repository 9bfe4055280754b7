import { GatewayError } from "../errors.ts";
import type { Tier } from "../gateway/model.ts";
import { attribute, childElements, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { applyEdits, type Edit, insertBefore, replaceElement, setAttribute } from "../policy/edit.ts";
import { indented, relativeSource } from "../policy/indentation.ts";
import { decide } from "./condition.ts";
import type { WrittenLimit } from "./limit-elements.ts";

const layout = { lineEnding: "\n", unit: "    " };

/** What the service and the team's other limits allow. */
export interface Surroundings {
  readonly tier: Tier;
  /** Keys of the counters that count the team's calls by key already. */
  readonly callKeys: readonly (string | null)[];
}

const teamKey = "@(context.Subscription.Id)";

/**
 * Gives one team its own number where others meet the same element, or may later: a `when` for the subscription with a copy of the element, the element
 * itself in `otherwise`. Where it stands alone in a branch of a `choose` that only tells subscriptions apart, the `when` joins that `choose`.
 */
export function teamBranch(limit: WrittenLimit, subscriptionId: string, amount: number, surroundings: Surroundings): Edit {
  const { parsed, element } = limit;
  const when = whenFor(subscriptionId, teamElement(limit, amount, surroundings));
  const branch = subscriptionBranch(element, subscriptionId);
  if (branch !== null) return insertBefore(parsed, branch, when);
  const otherwise = `<otherwise>\n${inner(relativeSource(parsed, element))}\n</otherwise>`;
  return replaceElement(parsed, element, `<choose>\n${inner(when)}\n${inner(otherwise)}\n</choose>`);
}

function whenFor(subscriptionId: string, xml: string): string {
  // `?.`: a call without a subscription must get past the condition.
  return `<when condition="@(context.Subscription?.Id == ${JSON.stringify(subscriptionId)})">\n${inner(xml)}\n</when>`;
}

/** XML one level deeper. */
function inner(xml: string): string {
  return layout.unit + indented(xml, layout.unit, layout);
}

/** The branch around the element, where it has nothing else in it and its `choose` only tells subscriptions apart. */
function subscriptionBranch(element: Element, subscriptionId: string): Element | null {
  const branch = element.parent;
  const choose = branch?.parent;
  if (branch === null || choose?.name !== "choose" || childElements(branch).length !== 1) return null;
  const facts = { subscriptionId, productId: undefined };
  const decided = childElements(choose, "when").every((when) => typeof decide(attribute(when, "condition") ?? "", facts) === "boolean");
  return decided ? branch : null;
}

function teamElement(limit: WrittenLimit, amount: number, surroundings: Surroundings): string {
  const { parsed, element } = limit;
  if (limit.counter === "subscription") return limitByKey(limit, amount, surroundings);
  const copy = parse(relativeSource(parsed, element));
  if (copy.root === null) throw new Error(`the copy of <${element.name}> has no element`);
  return applyEdits(copy.source, [setAttribute(copy, copy.root, limit.attribute, String(amount))]);
}

/** `rate-limit` may stand only once in a policy, so a team's own one is `rate-limit-by-key`, with the team as its key. */
function limitByKey({ parsed, element, attribute: changed }: WrittenLimit, amount: number, { tier, callKeys }: Surroundings): string {
  if (tier === "consumption") {
    throw new GatewayError("unsupported", `A <${element.name}> that several teams share cannot be split on the Consumption tier.`, {
      hint: "The Consumption tier has no rate-limit-by-key: put the team into a product of its own.",
    });
  }
  if (callKeys.includes(teamKey)) {
    throw new GatewayError(
      "unsupported",
      `A <${element.name}-by-key> for the team would count its calls twice: another limit has the key ${teamKey}.`,
      {
        hint: "Edit the policy with apply_policy.",
      },
    );
  }
  const attributes = element.attributes.map((found) => (found.name === changed ? `${changed}="${amount}"` : sourceOf(parsed, found.span)));
  return `<${element.name}-by-key ${attributes.join(" ")} counter-key="${teamKey}" />`;
}

function sourceOf({ source }: PolicyDocument, { start, end }: { readonly start: number; readonly end: number }): string {
  return source.slice(start, end);
}
