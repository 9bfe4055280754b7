import type { Element } from "../document.ts";
import { error, type Finding, warning } from "./finding.ts";
import type { Context, Place } from "./place.ts";

/**
 * Policies that may be used once in a section, or in the whole definition. Side by side two of them are a mistake; in branches of `choose`
 * that exclude one another they are none.
 */
export function repeatedPolicy({ places }: Context): readonly Finding[] {
  const first = new Map<string, Place>();
  const parents = new Map<string, Set<Element | null>>();
  const findings: Finding[] = [];
  for (const place of places) {
    const { policy, section } = place;
    if (policy?.once === undefined) continue;
    const key = `${policy.name} ${policy.once === "section" ? section : ""}`;
    const earlier = first.get(key);
    const siblings = parents.get(key) ?? new Set();
    const isSibling = siblings.has(place.element.parent);
    parents.set(key, siblings.add(place.element.parent));
    if (earlier === undefined) first.set(key, place);
    else if (isSibling || !areExclusive(earlier, place)) findings.push(repeated(place, isSibling && !policy.onceDisputed));
  }
  return findings;
}

function repeated({ element, policy }: Place, certain: boolean): Finding {
  const where = policy?.once === "definition" ? "per policy definition" : "in a policy section";
  const fix = `Keep one <${element.name}>, or put them into branches of <choose> that exclude one another.`;
  return certain
    ? error(element, `Policy '${element.name}' can be used only once ${where}.`, fix)
    : warning(element, `Policy '${element.name}' is documented to be used once ${where}.`, fix);
}

/** Whether the two stand in different branches of one `choose`. */
function areExclusive(a: Place, b: Place): boolean {
  const branches = branchesOf(a);
  for (const [choose, branch] of branchesOf(b)) {
    const other = branches.get(choose);
    if (other !== undefined && other !== branch) return true;
  }
  return false;
}

/** For each `choose` around a place, the branch that the place is in. */
function branchesOf(place: Place): ReadonlyMap<Element, Element> {
  const branches = new Map<Element, Element>();
  for (let { element } = place; element.parent !== null; element = element.parent) {
    if (element.parent.name === "choose") branches.set(element.parent, element);
  }
  return branches;
}
