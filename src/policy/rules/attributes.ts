import { nearest } from "../../errors.ts";
import type { Constraint, ElementDefinition } from "../catalogue/types.ts";
import { attributeNode, type Element } from "../document.ts";
import { error, type Finding, judged, none, warning } from "./finding.ts";
import { isPolicy, type Place } from "./place.ts";

/** Every attribute is declared, but for `id`, which any policy may have, and those of other namespaces. */
export function unknownAttribute({ element, definition }: Place): readonly Finding[] {
  if (definition === null) return none;
  const known = definition.attributes ?? {};
  return element.attributes
    .filter(({ name }) => !Object.hasOwn(known, name) && !(name === "id" && isPolicy(definition)) && !/^xmlns$|:/.test(name))
    .map(({ name }) => {
      return judged(
        "undocumented" in definition,
        element,
        `The '${name}' attribute is not declared.`,
        insteadOf(name, element, definition),
      );
    });
}

function insteadOf(name: string, element: Element, { attributes = {}, content }: ElementDefinition): string {
  const names = Object.keys(attributes);
  if (typeof content === "object" && Object.hasOwn(content.elements, name)) return `Write it as an element: <${name}>...</${name}>.`;
  const [near] = nearest(name, names, 1);
  if (near !== undefined) return `Did you mean ${near}?`;
  return `Remove it; <${element.name}> has ${names.length === 0 ? "no attributes" : names.join(", ")}.`;
}

export function missingAttribute({ element, definition }: Place): readonly Finding[] {
  return Object.entries(definition?.attributes ?? {})
    .filter(([name, { required }]) => required !== undefined && attributeNode(element, name) === undefined)
    .map(([name, { required }]) =>
      required === true
        ? error(element, `The required attribute '${name}' is missing.`, `Add ${name}="...".`)
        : warning(element, `The attribute '${name}' is documented as required.`, `Add ${name}="...".`),
    );
}

export function missingOneOf(place: Place): readonly Finding[] {
  return violated(place, (constraint, element) => {
    if (!("atLeastOneOf" in constraint) || constraint.atLeastOneOf.some((name) => has(element, name))) return null;
    const names = quoted(constraint.atLeastOneOf);
    return judged(
      constraint.disputed === true,
      element,
      `At least one of the attributes ${names} must be specified.`,
      `Add one of ${names}.`,
    );
  });
}

export function conflictingAttributes(place: Place): readonly Finding[] {
  return violated(place, (constraint, element) => {
    if (!("atMostOneOf" in constraint)) return null;
    const given = constraint.atMostOneOf.filter((name) => has(element, name));
    if (given.length < 2) return null;
    const message = `Only one of the attributes ${quoted(constraint.atMostOneOf)} can be specified.`;
    return judged(constraint.disputed === true, element, message, `Keep one of ${quoted(given)}.`);
  });
}

export function missingCompanion(place: Place): readonly Finding[] {
  return violated(place, (constraint, element) => {
    if (!("needs" in constraint) || !has(element, constraint.attribute) || has(element, constraint.needs)) return null;
    const message = `The attribute '${constraint.attribute}' must be specified together with '${constraint.needs}'.`;
    return judged(constraint.disputed === true, element, message, `Add ${constraint.needs}="..." or remove ${constraint.attribute}.`);
  });
}

function violated({ element, definition }: Place, check: (constraint: Constraint, element: Element) => Finding | null): readonly Finding[] {
  return (definition?.constraints ?? []).map((constraint) => check(constraint, element)).filter((finding) => finding !== null);
}

const has = (element: Element, name: string): boolean => attributeNode(element, name) !== undefined;

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");
