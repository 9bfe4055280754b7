import { policyScopeOf } from "../gateway/documents.ts";
import { allOf } from "./conditions.ts";
import { type Element, type PolicyDocument, positionsIn } from "./document.ts";
import { contentOf, type EffectiveElement, type ElementContent } from "./effective.ts";
import { excerpt } from "./excerpt.ts";
import { segmentsIn } from "./select.ts";
import { holdsPolicies, type Place } from "./steps.ts";

const indentation = "  ";
/** Nobody reads deeper ones, and lines that only nest would grow with each level. */
const deepest = 20;

const indented = (depth: number, line: string): string => `${indentation.repeat(Math.min(depth, deepest))}${line}`;

/**
 * A policy document in short, a line for each policy: indented as they nest, each under the name that a `select` of an edit takes, with
 * its line, its attributes and the start of its content.
 */
export function outline(document: PolicyDocument): readonly string[] {
  const position = positionsIn(document.source);
  const lines: string[] = [];
  const pending = document.root === null ? [] : levelOf(document.root, 0);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { element, segment, depth } = next;
    const said = { ...contentOf(document, element, (text) => text), name: segment };
    lines.push(indented(depth, `${position(element.span.start).line} ${summary(said)}`));
    for (const inner of holdsPolicies(element) ? levelOf(element, depth + 1) : []) pending.push(inner);
  }
  return lines;
}

/** The last one first, as a stack takes them. */
const levelOf = (parent: Element, depth: number) =>
  [...segmentsIn(parent)].map(([element, segment]) => ({ element, segment, depth })).toReversed();

/**
 * The policies that calls meet, a line for each under its section and the document that it stands in, with the conditions under which it
 * runs.
 */
export function effectiveOutline(elements: readonly EffectiveElement[]): readonly string[] {
  const conditionTexts = new Map<readonly string[], string>();
  const conditionOf = ({ conditions }: EffectiveElement): string => {
    const text = conditionTexts.get(conditions) ?? excerpt(allOf(conditions), longestCondition);
    conditionTexts.set(conditions, text);
    return text === "" ? "" : ` if ${text}`;
  };
  return elements.flatMap((element, index) => {
    const before = elements[index - 1];
    const sameSection = before?.section === element.section;
    const sameSource = sameSection && before.place.document === element.place.document && samePlace(before.includedAt, element.includedAt);
    return [
      ...(sameSection ? [] : [element.section]),
      ...(sameSource ? [] : [indented(1, sourceOf(element))]),
      indented(2 + element.within.length, `${element.place.line} ${summary(element)}${conditionOf(element)}`),
    ];
  });
}

function sourceOf({ place, includedAt }: EffectiveElement): string {
  const { document } = place;
  if (includedAt !== null) return `${document} (included at ${placeText(includedAt)})`;
  return policyScopeOf(document)?.kind === "global" ? `${document} (global)` : document;
}

const samePlace = (a: Place | null, b: Place | null): boolean => a?.document === b?.document && a?.line === b?.line;

/** A place as answers name it, `products/aoai/policies/policy:6`. */
const placeText = ({ document, line }: Place): string => `${document}:${line}`;

const longestValue = 60;
const longestCondition = 200;

function summary({ name, attributes, text, content }: ElementContent): string {
  const said = Object.entries(attributes)
    .filter(([attribute]) => !namesResult.test(attribute))
    .map(([attribute, value]) => ` ${attribute}="${excerpt(value, longestValue)}"`);
  return `${name}${said.join("")}${contentSummary(text, content)}`;
}

/** Attributes that only say in which header or variable a result comes. */
const namesResult = /-(?:header|variable)-name$/;

function contentSummary(text: string, content: readonly ElementContent[]): string {
  const [first] = content;
  if (first === undefined) return text === "" ? "" : `: ${excerpt(text, longestValue)}`;
  if (first.name === "value") return `: ${excerpt(content.map((value) => value.text).join(", "), longestValue)}`;
  const counts = new Map<string, number>();
  for (const { name } of content) counts.set(name, (counts.get(name) ?? 0) + 1);
  return ` (${[...counts].map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(", ")})`;
}
