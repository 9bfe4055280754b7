import type { Tier } from "../../gateway/model.ts";
import type { AttributeDefinition, ElementDefinition } from "../catalogue/types.ts";
import { type Policy, policyNamed, type ScopeName, type Section, sections } from "../catalogue.ts";
import { type Attribute, childElements, type Element, type PolicyDocument } from "../document.ts";
import { type Meaning, meaningOf, type References } from "./meaning.ts";

/** An element with what the catalogue says of it. */
export interface Place {
  readonly element: Element;
  /** Null for an element that is not known, about which nothing can be said. */
  readonly definition: ElementDefinition | null;
  /** The policy that the element is, where it runs as one; null for what belongs to another policy, such as a header of `send-request`. */
  readonly policy: Policy | null;
  readonly parent: Place | null;
  /** Null in a fragment, which does not know where it will be included. */
  readonly section: Section | null;
  /** The attributes that the definition knows. */
  readonly values: readonly KnownValue[];
}

export interface KnownValue {
  readonly attribute: Attribute;
  readonly definition: AttributeDefinition;
  readonly meaning: Meaning;
}

/** What a document is by its root. */
export type DocumentForm = "policies" | "fragment" | "resolver" | "unknown";

/** Everything that a rule may look at. */
export interface Context {
  readonly document: PolicyDocument;
  readonly form: DocumentForm;
  /** Every element that the catalogue has an opinion on, in the order of the text. */
  readonly places: readonly Place[];
  readonly scope: ScopeName | "fragment" | null;
  readonly tier: Tier | null;
  readonly references: References;
}

const sectionDefinition: ElementDefinition = { content: "policies" };

const policiesDefinition: ElementDefinition = {
  content: { order: "any", elements: Object.fromEntries(sections.map((name) => [name, sectionDefinition])) },
};

export function formOf({ root }: PolicyDocument): DocumentForm {
  if (root === null) return "unknown";
  if (root.name === "policies" || root.name === "fragment") return root.name;
  return policyNamed(root.name)?.resolver ? "resolver" : "unknown";
}

/** Walks a document from its root as far as the catalogue knows the way. */
export function placesOf(document: PolicyDocument, { namedValues }: References): readonly Place[] {
  const { root } = document;
  if (root === null) return [];
  const places: Place[] = [];
  const pending: Omit<Place, "values">[] = [rootPlace(root)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const place: Place = { ...next, values: knownValues(next.element, next.definition, namedValues) };
    places.push(place);
    for (const child of childElements(place.element).toReversed()) {
      const found = childPlace(place, child);
      if (found !== null) pending.push(found);
    }
  }
  return places;
}

function rootPlace(root: Element): Omit<Place, "values"> {
  const place = { element: root, policy: null, parent: null, section: null };
  if (root.name === "policies") return { ...place, definition: policiesDefinition };
  if (root.name === "fragment") return { ...place, definition: sectionDefinition };
  // A section without <policies> around it is one mistake; what stands in it is looked at all the same.
  const section = sections.find((name) => name === root.name) ?? null;
  if (section !== null) return { ...place, definition: sectionDefinition, section };
  const policy = policyNamed(root.name);
  return { ...place, definition: policy?.resolver ? policy : null };
}

function childPlace(parent: Place, element: Element): Omit<Place, "values"> | null {
  const content = parent.definition?.content;
  const isRoot = parent.parent === null && parent.element.name === "policies";
  const section = isRoot ? (sections.find((name) => name === element.name) ?? null) : parent.section;
  if (content === "policies") {
    const policy = policyNamed(element.name) ?? null;
    return { element, definition: policy, policy, parent, section };
  }
  if (typeof content !== "object" || !Object.hasOwn(content.elements, element.name)) return null;
  const child = content.elements[element.name];
  if (child === undefined) return null;
  if (!child.policy) return { element, definition: child, policy: null, parent, section };
  const policy = policyNamed(element.name) ?? null;
  return { element, definition: policy, policy: parent.policy?.name === "wait" ? policy : null, parent, section };
}

function knownValues(
  element: Element,
  definition: ElementDefinition | null,
  namedValues: References["namedValues"],
): readonly KnownValue[] {
  const known = definition?.attributes;
  if (known === undefined) return [];
  const values: KnownValue[] = [];
  for (const attribute of element.attributes) {
    if (!Object.hasOwn(known, attribute.name)) continue;
    const found = known[attribute.name];
    if (found !== undefined) values.push({ attribute, definition: found, meaning: meaningOf(attribute.value, namedValues) });
  }
  return values;
}

/** Whether the element is a policy, be it one that belongs to another. */
export function isPolicy(definition: ElementDefinition): boolean {
  return "sections" in definition;
}
