import type { ScopeName, Section } from "../catalogue.ts";
import type { Element, PolicyDocument } from "../document.ts";
import type { Finding } from "../rules/finding.ts";
import { placeholderIn } from "../rules/meaning.ts";
import type { DocumentForm, Place } from "../rules/place.ts";

/** Another policy document that calls meet beside the one that is looked at. */
export interface AppliedDocument {
  /** How people call it: `product 'aoai' policy`. */
  readonly title: string;
  readonly scope: ScopeName;
  readonly document: PolicyDocument;
}

/** Everything that a lint may look at. */
export interface Subject {
  readonly document: PolicyDocument;
  readonly form: DocumentForm;
  /** Every element that the catalogue has an opinion on, in the order of the text. */
  readonly places: readonly Place[];
  /** Null where it is not known. */
  readonly scope: ScopeName | "fragment" | null;
  /** Members of each pool that is known, by the pool's name in lower case. */
  readonly poolSizes: ReadonlyMap<string, number>;
  readonly others: readonly (AppliedDocument & { readonly places: readonly Place[] })[];
}

/** A practice that a document may go against. */
export interface Lint {
  /** Where the practice is documented. */
  readonly source: string;
  readonly check: (subject: Subject) => readonly Finding[];
}

/** The policies of these names, by whichever of their names; also of those inside of other policies. */
export function policiesNamed(places: readonly Place[], ...names: readonly string[]): readonly Place[] {
  return places.filter(({ policy }) => policy !== null && names.includes(policy.name));
}

/** A literal attribute as the service reads it; null where it is missing, an expression or not known before the policy is saved. */
export function literal(place: Place, name: string): string | null {
  const meaning = place.values.find(({ attribute }) => attribute.name === name)?.meaning;
  return meaning?.kind === "literal" && placeholderIn(meaning.text) === null ? meaning.text.trim() : null;
}

/** The expressions in an element's attributes and text, children not included. */
export function expressionsOf({ attributes, children }: Element): readonly string[] {
  const values = [...attributes.map(({ value }) => value), ...children.flatMap((child) => (child.type === "text" ? [child.value] : []))];
  return values.filter(({ kind }) => kind === "expression").map(({ text }) => text);
}

/** Whether an element runs only under a condition of its own document. */
export function isConditional(element: Element): boolean {
  return isInside(element, "when") || isInside(element, "otherwise");
}

export function isInside({ parent }: Element, container: string): boolean {
  for (let above = parent; above !== null; above = above.parent) if (above.name === container) return true;
  return false;
}

export function inSection(places: readonly Place[], section: Section): readonly Place[] {
  return places.filter((place) => place.section === section);
}
