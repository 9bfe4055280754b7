import { attribute, childElements, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import {
  applyEdits,
  attributeText,
  type Edit,
  insertAfter,
  insertBefore,
  removeAttribute,
  removeElement,
  replaceElement,
} from "../../policy/edit.ts";
import { indented, relativeSource } from "../../policy/indentation.ts";

/** What the team's calls make of a condition: null where it cannot be told beforehand. */
export type Decides = (condition: string) => boolean | null;

/** The team that gets something of its own. */
export interface Team {
  readonly subscriptionId: string;
  readonly decides: Decides;
}

/**
 * Gives one team its own element where others meet the same, or may later: a `when` for the subscription with `own`, the element itself in `otherwise`.
 * Where it stands alone in a branch of a `choose` that only tells subscriptions apart, the `when` joins that `choose`.
 */
export function branchAround(document: PolicyDocument, element: Element, own: string, team: Team): Edit {
  const when = teamWhen(team.subscriptionId, own);
  const branch = subscriptionBranch(element, team);
  if (branch !== null) return insertBefore(document, branch, when);
  const otherwise = `<otherwise>\n${inner(relativeSource(document, element))}\n</otherwise>`;
  return replaceElement(document, element, `<choose>\n${inner(when)}\n${inner(otherwise)}\n</choose>`);
}

/** Puts an element of the team's own before another that everyone goes on to meet; joins the `choose` that stands there for other teams. */
export function ownBefore(document: PolicyDocument, element: Element, own: string, team: Team): Edit {
  const siblings = element.parent === null ? [] : childElements(element.parent);
  const before = siblings[siblings.indexOf(element) - 1];
  const joined = before === undefined ? null : lastBranchOfOthers(before, own, team);
  return joined === null
    ? insertBefore(document, element, ownBranch(own, team))
    : insertAfter(document, joined, teamWhen(team.subscriptionId, own));
}

/** A `choose` with nothing but the team's own element in it. */
export const ownBranch = (own: string, { subscriptionId }: Team): string => `<choose>\n${inner(teamWhen(subscriptionId, own))}\n</choose>`;

/** The last branch of a `choose` that holds such elements for other teams and nothing for this one; null where it is another. */
export function lastBranchOfOthers(choose: Element, own: string, { decides }: Team): Element | null {
  const name = parse(own).root?.name;
  const branches = childElements(choose);
  const forOthers = branches.every((when) => {
    const [only, ...more] = childElements(when);
    return when.name === "when" && only?.name === name && more.length === 0 && decides(attribute(when, "condition") ?? "") === false;
  });
  return choose.name === "choose" && forOthers ? (branches.at(-1) ?? null) : null;
}

/** An element as the edits take XML, with some of its own text changed. */
export function copyOf(
  document: PolicyDocument,
  element: Element,
  change: (copy: PolicyDocument, root: Element) => readonly Edit[],
): string {
  const copy = parse(relativeSource(document, element));
  if (copy.root === null) throw new Error(`the copy of <${element.name}> has no element`);
  return applyEdits(copy.source, change(copy, copy.root));
}

/**
 * Takes the team's own element away. A branch for the team with nothing else in it goes with it, so that the team meets what the `choose` has for
 * everyone; the last such branch takes the `choose` along. Null where other branches of a `choose` that asks for something else would take its place.
 */
export function withoutOwn(document: PolicyDocument, element: Element, { decides }: Team): Edit | null {
  const branch = element.parent;
  const choose = branch?.parent;
  if (branch === null || choose?.name !== "choose" || contentOf(branch).length > 1) return removeElement(document, element);
  const branches = childElements(choose);
  if (branches.length === 1) return removeElement(document, choose);
  if (branch.name !== "when" || decides(attribute(branch, "condition") ?? "") !== true) return null;
  if (branches.some(({ name }, index) => name === "when" && branches[index] !== branch)) return removeElement(document, branch);
  const otherwise = branches.find(({ name }) => name === "otherwise");
  return otherwise === undefined || contentOf(otherwise).length === 0
    ? removeElement(document, choose)
    : replaceElement(document, choose, sourceInside(document, otherwise));
}

/** Attributes taken out of a copy, as far as it has them. */
export const withoutAttributes = (copy: PolicyDocument, root: Element, names: (name: string) => boolean): readonly Edit[] =>
  root.attributes.filter(({ name }) => names(name)).map(({ name }) => removeAttribute(copy, root, name));

/** A branch for one subscription. */
export function teamWhen(subscriptionId: string, xml: string): string {
  // `?.`: a call without a subscription must get past the condition.
  const condition = attributeText(`@(context.Subscription?.Id == ${textLiteral(subscriptionId)})`, '"');
  return `<when condition="${condition}">\n${inner(xml)}\n</when>`;
}

/** A text of C#. `{{` would stand for a named value, so it is written in two parts. */
export const textLiteral = (text: string): string => JSON.stringify(text).replaceAll("{{", '{" + "{');

const layout = { lineEnding: "\n", unit: "    " };

/** XML one level deeper. */
const inner = (xml: string): string => layout.unit + indented(xml, layout.unit, layout);

/** The branch around the element, where it has nothing else in it and its `choose` only tells subscriptions apart. */
function subscriptionBranch(element: Element, { decides }: Team): Element | null {
  const branch = element.parent;
  const choose = branch?.parent;
  if (branch === null || choose?.name !== "choose" || childElements(branch).length !== 1) return null;
  return childElements(choose, "when").every((when) => decides(attribute(when, "condition") ?? "") !== null) ? branch : null;
}

/** Children that are more than white space. */
const contentOf = ({ children }: Element): Element["children"] =>
  children.filter((child) => child.type !== "text" || child.value.raw.trim() !== "");

const sourceInside = (document: PolicyDocument, parent: Element): string =>
  contentOf(parent)
    .map((child) => (child.type === "element" ? relativeSource(document, child) : document.source.slice(child.span.start, child.span.end)))
    .join("\n");
