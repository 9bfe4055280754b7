import { type DocumentId, documentTitle } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { containsPolicies } from "../policy/catalogue.ts";
import { attribute, type Element, type PolicyDocument } from "../policy/document.ts";
import { resolved } from "../policy/named-values.ts";
import { type Step, type StepReader, stepReader } from "../policy/steps.ts";
import { type CallFacts, decide } from "./condition.ts";
import { type WrittenLimit, writtenLimits } from "./limit-elements.ts";

/** A limit that a call meets, with what has to be true for that and cannot be decided beforehand. */
export interface MetLimit {
  readonly limit: WrittenLimit;
  readonly conditions: readonly string[];
  /** The scope of the policy, and the fragment where it stands in one. */
  readonly scope: string;
}

/** The policies of one inventory, with the limits that stand in them. */
export interface PolicySources {
  readonly reader: StepReader;
  readonly limitsOf: (step: Step) => readonly WrittenLimit[];
}

export function policySources(inventory: Inventory): PolicySources {
  const reader = stepReader(inventory);
  const read = new Map<PolicyDocument, ReadonlyMap<Element, readonly WrittenLimit[]>>();
  const limitsOf = ({ element, policy, place }: Step): readonly WrittenLimit[] => {
    const limits = read.get(policy) ?? writtenLimits(place.document, policy, reader.namedValues);
    read.set(policy, limits);
    return limits.get(element) ?? [];
  };
  return { reader, limitsOf };
}

/** One call's way through the policies; `chain` has the documents of its scopes, the narrowest first. */
interface Walk {
  readonly sources: PolicySources;
  readonly chain: readonly DocumentId[];
  readonly facts: CallFacts;
}

/** The limits of the `inbound` sections that a call goes through. */
export function metLimits(sources: PolicySources, chain: readonly DocumentId[], facts: CallFacts): readonly MetLimit[] {
  return [...inPolicies({ sources, chain, facts }, sources.reader.steps(chain).inbound, [])];
}

function* inPolicies(walk: Walk, steps: readonly Step[], conditions: readonly string[]): Generator<MetLimit> {
  for (const step of steps) {
    const { name } = step.element;
    if (name === "choose") yield* inChoose(walk, step.children(), conditions);
    else if (containsPolicies(name)) yield* inPolicies(walk, step.children(), conditions);
    else for (const limit of walk.sources.limitsOf(step)) yield metLimit(walk, step, limit, conditions);
  }
}

function* inChoose(walk: Walk, branches: readonly Step[], conditions: readonly string[]): Generator<MetLimit> {
  const { namedValues } = walk.sources.reader;
  const passedOver: string[] = [];
  for (const { element, children } of branches) {
    const otherwise = passedOver.map((condition) => `not ${condition}`);
    if (element.name === "otherwise") {
      yield* inPolicies(walk, children(), [...conditions, ...otherwise]);
      return;
    }
    if (element.name !== "when") continue;
    const condition = attribute(element, "condition") ?? "";
    const verdict = decide(resolved(condition, namedValues) ?? condition, walk.facts);
    if (verdict === "fails") return;
    if (verdict === false) continue;
    if (verdict === true) {
      yield* inPolicies(walk, children(), [...conditions, ...otherwise]);
      return;
    }
    yield* inPolicies(walk, children(), [...conditions, ...otherwise, condition]);
    passedOver.push(condition);
  }
}

function metLimit({ chain }: Walk, { breadth, place, includedAt }: Step, limit: WrittenLimit, conditions: readonly string[]): MetLimit {
  const scope = titleOf(chain[breadth] ?? place.document);
  return {
    limit,
    conditions: limit.countCondition === null ? conditions : [...conditions, `counts only where ${limit.countCondition}`],
    scope: includedAt === null ? scope : `${titleOf(place.document)} in ${scope}`,
  };
}

/** `product 'aoai'`, `API 'azure-openai'`, `fragment 'limits'`, `global`. */
function titleOf(id: DocumentId): string {
  return documentTitle(id).replace(/ policy$/, "");
}
