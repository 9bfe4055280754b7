import type { DocumentId } from "../../gateway/documents.ts";
import type { PolicyTexts } from "../../gateway/inventory.ts";
import { containsPolicies, type Section } from "../catalogue.ts";
import { conditionText } from "../conditions.ts";
import { attribute } from "../document.ts";
import type { CSharp } from "../expression-syntax.ts";
import { policyChain, type Step, type StepReader, stepReader } from "../steps.ts";
import { inputsOf, mergedInputs } from "./data.ts";
import { type Programs, programs } from "./programs.ts";
import type { Condition, Input, Known, StaticCall, Variables } from "./values.ts";
import { endsCall, joinedVariables, repeated, set, unsettled } from "./variables.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

export type { Verdict } from "./verdict.ts";

/** A policy that a call runs through. */
export interface MetStep {
  readonly step: Step;
  /** What must hold besides who calls; empty: it surely runs, unless the call ends before it. Outermost first. */
  readonly conditions: readonly Condition[];
  /** Policies that hold it, such as `retry`, outermost first. */
  readonly within: readonly string[];
  /** As they are when it runs. */
  readonly variables: Variables;
  /** Of one of its attributes, named values and expressions evaluated; null where it has none of that name. */
  value(attribute: string): Known | null;
}

/** The policies of one inventory, as far as they can be followed before a call is made. */
export interface StaticPolicies {
  readonly reader: StepReader;
  /**
   * The policies of one section that the call runs through, in order. Those that hold others (`retry`) come before what they hold, `choose`
   * becomes conditions, `set-variable` has its effect on what follows, in later sections too. What stands behind a certain
   * `return-response` or a certain throw is left out. Throws `unsupported` as `StepReader.steps` does.
   */
  met(call: StaticCall, section: Section): readonly MetStep[];
  /** An expression or text, as `value` reads it. */
  evaluate(text: string, call: StaticCall, variables: Variables, document?: DocumentId): Known;
  /** Whether the condition of a `when` holds. */
  decide(condition: string, call: StaticCall, variables: Variables, document?: DocumentId): Verdict;
}

export function staticPolicies(texts: PolicyTexts, csharp: CSharp): StaticPolicies {
  const reader = stepReader(texts);
  const known = programs(texts.namedValues, csharp);
  const evaluate: StaticPolicies["evaluate"] = (text, call, variables, document) => known.text(text, document)({ call, variables });
  return {
    reader,
    evaluate,
    decide: (condition, call, variables, document) => verdictOf(evaluate(condition, call, variables, document), condition),
    met: (call, section) => walked({ reader, known, call }, section),
  };
}

interface Walk {
  readonly reader: StepReader;
  readonly known: Programs;
  readonly call: StaticCall;
}

/** One way through the policies: null where no call goes on. */
type Way = Variables | null;

interface Standing {
  readonly walk: Walk;
  readonly met: MetStep[];
}

const before: Readonly<Record<Section, readonly Section[]>> = {
  inbound: [],
  backend: ["inbound"],
  outbound: ["inbound", "backend"],
  "on-error": ["inbound", "backend", "outbound"],
};

function walked(walk: Walk, section: Section): readonly MetStep[] {
  const { workspaceId, api, operation, product } = walk.call;
  const chain = policyChain({
    workspaceId,
    apiId: api?.id ?? null,
    operationId: operation?.id ?? null,
    productId: product?.id ?? null,
  });
  const steps = walk.reader.steps(chain);
  const [met, earlierMet]: [MetStep[], MetStep[]] = [[], []];
  let way: Way = new Map();
  for (const earlier of before[section]) {
    way = way === null ? null : inPolicies({ walk, met: earlierMet }, steps[earlier], [], [], way);
  }
  // An error may come at any time: nobody knows which variables are set by then.
  if (section === "on-error") way = unsettled([...earlierMet.map(({ variables }) => variables), ...(way === null ? [] : [way])]);
  if (way !== null) inPolicies({ walk, met }, steps[section], [], [], way);
  return met;
}

function inPolicies(
  at: Standing,
  steps: readonly Step[],
  within: readonly string[],
  conditions: readonly Condition[],
  start: Variables,
): Way {
  let variables: Variables = start;
  for (const step of steps) {
    const next = inPolicy(at, step, within, conditions, variables);
    if (next === null) return null;
    variables = next;
  }
  return variables;
}

function inPolicy(at: Standing, step: Step, within: readonly string[], conditions: readonly Condition[], variables: Variables): Way {
  const { name } = step.element;
  if (name === "choose") return inChoose(at, step.children(), within, conditions, variables);
  const met = metStep(at.walk, step, within, conditions, variables);
  at.met.push(met);
  if (endsCall(name)) return null;
  if (!containsPolicies(name)) return set(met);
  const inside = (standing: Standing, start: Variables): Way => inPolicies(standing, step.children(), [...within, name], conditions, start);
  const start =
    name === "retry" ? repeated(variables, (from) => inside({ ...at, met: [] }, from), { what: "response", name: "retry" }) : variables;
  return inside(at, start);
}

function metStep(
  { known, call }: Walk,
  step: Step,
  within: readonly string[],
  conditions: readonly Condition[],
  variables: Variables,
): MetStep {
  const { element, place } = step;
  const value = (name: string): Known | null => known.attribute(place.document, element, name)?.({ call, variables }) ?? null;
  return { step, conditions, within, variables, value };
}

/** A branch runs where its condition holds and none before it did (https://learn.microsoft.com/azure/api-management/choose-policy). */
function inChoose(
  at: Standing,
  branches: readonly Step[],
  within: readonly string[],
  conditions: readonly Condition[],
  variables: Variables,
): Way {
  const ways: Way[] = [];
  const passed: Condition[] = [];
  const inputs: Input[] = [];
  const joined = (): Way => joinedVariables(ways, mergedInputs(inputs));
  for (const branch of branches) {
    const { name } = branch.element;
    if (name === "otherwise") {
      ways.push(inPolicies(at, branch.children(), within, [...conditions, ...passed], variables));
      return joined();
    }
    if (name !== "when") continue;
    const holds = metStep(at.walk, branch, within, conditions, variables).value("condition");
    const verdict = holds === null ? "undecided" : verdictOf(holds, attribute(branch.element, "condition") ?? "");
    if (verdict === "fails") return joined();
    if (verdict === false) continue;
    if (verdict === true) {
      ways.push(inPolicies(at, branch.children(), within, [...conditions, ...passed], variables));
      return joined();
    }
    const condition = conditionOf(at.walk, branch, holds);
    inputs.push(...condition.inputs);
    ways.push(inPolicies(at, branch.children(), within, [...conditions, ...passed, condition], variables));
    passed.push({ text: `not (${condition.text})`, negated: true, inputs: condition.inputs });
  }
  ways.push(variables);
  return joined();
}

function conditionOf({ reader }: Walk, { element, place }: Step, holds: Known | null): Condition {
  const text = conditionText(attribute(element, "condition") ?? "", { resolve: (written) => reader.resolve(written, place.document) });
  const inputs = holds === null ? [] : inputsOf([holds]);
  const asks = holds !== null && "asks" in holds && typeof holds.asks === "string" ? holds.asks : undefined;
  return { text, negated: false, inputs, ...(asks === undefined ? {} : { deployment: asks }) };
}
