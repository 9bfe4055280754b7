import type { DocumentId } from "../gateway/documents.ts";
import type { PolicyTexts } from "../gateway/inventory.ts";
import { containsPolicies, type Section, sections } from "./catalogue.ts";
import { anyOf, conditionText } from "./conditions.ts";
import { attribute, childElements, type Element, type PolicyDocument, textOf } from "./document.ts";
import type { Substituted } from "./named-values.ts";
import { type CallPath, holdsPolicies, type Place, policyChain, type Step, stepReader } from "./steps.ts";

/** A policy's element with its named values put in; one that is secret or does not exist stays as `{{name}}`. */
export interface ElementContent {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Directly inside of it, without the white space around it. */
  readonly text: string;
  /** What it holds that is no policy itself, e.g. the `value` of a `set-header`. */
  readonly content: readonly ElementContent[];
}

/** One policy as calls meet it. */
export interface EffectiveElement extends ElementContent {
  readonly section: Section;
  readonly place: Place;
  /** The `include-fragment` that put it there; null outside of fragments. */
  readonly includedAt: Place | null;
  /** The policies that it stands in, such as `retry`, outermost first; those of `choose` are conditions. */
  readonly within: readonly string[];
  /** When it runs: all of them hold. Outermost first. */
  readonly conditions: readonly string[];
  /** The element in its tree. */
  readonly step: Step;
}

export interface EffectivePolicy {
  /** Section by section, in the order in which they run. */
  readonly elements: readonly EffectiveElement[];
  /** Named values without a readable value that the elements refer to. */
  readonly unknownNamedValues: readonly string[];
}

/**
 * The policies that a call meets: those of its operation, API, product, workspace and of the whole service merged at `<base />`, fragments
 * and named values put in. `choose`, `when` and `otherwise` become conditions; the policies that hold others otherwise (`retry`) come before
 * what they hold. Throws `unsupported` as `StepReader.steps` does.
 */
export function effective(texts: PolicyTexts, call: CallPath): EffectivePolicy {
  const reader = stepReader(texts);
  const unknown = new Set<string>();
  const resolve = (text: string, document: DocumentId): Substituted => {
    const substituted = reader.resolve(text, document);
    for (const name of substituted.missing) unknown.add(name);
    return substituted;
  };
  const steps = reader.steps(policyChain(call));
  const elements = sections.flatMap((section) => [...inPolicies({ section, resolve }, steps[section], [], [])]);
  return { elements, unknownNamedValues: [...unknown] };
}

interface Walk {
  readonly section: Section;
  /** Named values put into a text of this document. */
  readonly resolve: (text: string, document: DocumentId) => Substituted;
}

function* inPolicies(
  walk: Walk,
  steps: readonly Step[],
  within: readonly string[],
  conditions: readonly string[],
): Generator<EffectiveElement> {
  for (const step of steps) {
    const { name } = step.element;
    if (name === "choose") yield* inChoose(walk, step.children(), within, conditions);
    else {
      const { place, includedAt } = step;
      const content = contentOf(step.policy, step.element, (text) => walk.resolve(text, place.document).text);
      yield { ...content, section: walk.section, place, includedAt, within, conditions, step };
      if (containsPolicies(name)) yield* inPolicies(walk, step.children(), [...within, name], conditions);
    }
  }
}

/** A branch runs where its condition holds and none before it did (https://learn.microsoft.com/azure/api-management/choose-policy). */
function* inChoose(
  walk: Walk,
  branches: readonly Step[],
  within: readonly string[],
  conditions: readonly string[],
): Generator<EffectiveElement> {
  const before: string[] = [];
  for (const { element, place, children } of branches) {
    if (element.name !== "when" && element.name !== "otherwise") continue;
    const passedOver = before.length === 0 ? [] : [`not (${anyOf(before)})`];
    const resolve = (text: string): Substituted => walk.resolve(text, place.document);
    const own = element.name === "when" ? [conditionText(attribute(element, "condition") ?? "", { resolve })] : [];
    yield* inPolicies(walk, children(), within, [...conditions, ...passedOver, ...own]);
    if (element.name === "otherwise") return;
    before.push(...own);
  }
}

/** Content nested more deeply than any policy's is left out. */
const deepest = 50;

/** What an element says, but for the policies that it holds. `resolve` puts named values in. */
export function contentOf(policy: PolicyDocument, element: Element, resolve: (text: string) => string, depth = 0): ElementContent {
  const children = holdsPolicies(element) || depth > deepest ? [] : childElements(element);
  return {
    name: element.name,
    attributes: Object.fromEntries(element.attributes.map(({ name, value }) => [name, resolve(value.text)])),
    text: resolve(textOf(policy, element)),
    content: children.map((child) => contentOf(policy, child, resolve, depth + 1)),
  };
}
