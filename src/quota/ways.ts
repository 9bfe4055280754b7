import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument } from "../policy/document.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { Condition, Input, Known, StaticCall, Variables } from "../policy/static/values.ts";
import { type MetStep, type StaticPolicies, staticPolicies } from "../policy/static/walk.ts";
import { allSteps, type Step } from "../policy/steps.ts";
import { type Caller, type Path, staticCall } from "./callers.ts";
import { type Encounter, encounterOf, literalIn } from "./encounters.ts";
import { type WrittenLimit, writtenLimits } from "./written-limits.ts";

/** A limit on one way, and what its calls are counted by. */
export interface KeyedEncounter extends Encounter {
  readonly deployment?: string;
  /** Where it is met, by deployment. */
  readonly runs: readonly Run[];
  /** All deployments that are told apart on the way; null alone where none is. */
  readonly deployments: readonly (string | null)[];
  readonly key: KeyUse;
  /** The same where the deployment is known: counters that nothing else tells apart may still be several. */
  readonly exactKeys: readonly KeyUse[];
}

/** A limit as it is met by the calls for one deployment. */
export interface Run {
  /** Null: any; `anyOther`: any that no policy names. */
  readonly deployment: string | null;
  /** What must hold besides. */
  readonly conditions: readonly Condition[];
}

/** A counter key at the point where it is read. */
export interface KeyUse {
  /** Null where the service counts each subscription by itself. */
  readonly text: string | null;
  readonly document: string;
  readonly call: StaticCall;
  readonly variables: Variables;
  /** Whether another caller may have another one. */
  readonly perCaller: boolean;
  /** Whether it depends on nothing but who calls. */
  readonly callerOnly: boolean;
  /** Whether it surely tells each subscription from all others. */
  readonly tellsApart: () => boolean;
}

/** One way through the policies, for whoever takes it. */
export interface Way {
  /** Whether callers that differ in nothing but their subscription may meet other limits on it. */
  readonly perCaller: boolean;
  encounters(caller: Caller): readonly KeyedEncounter[];
}

/** The policies of one inventory with the limits in them. */
export interface Sources {
  readonly inventory: Inventory;
  readonly policies: StaticPolicies;
  readonly limitsOf: (step: Step) => readonly WrittenLimit[];
  /** Where the elements of the ways that were opened stand. */
  readonly places: WeakMap<Element, Step["place"]>;
}

export function openSources(inventory: Inventory, csharp: CSharp): Sources {
  const read = new Map<PolicyDocument, ReadonlyMap<Element, readonly WrittenLimit[]>>();
  return {
    inventory,
    policies: staticPolicies(inventory, csharp),
    places: new WeakMap(),
    limitsOf({ element, policy, place }) {
      const limits = read.get(policy) ?? writtenLimits(place.document, policy);
      read.set(policy, limits);
      const own = limits.get(element) ?? [];
      return childElements(element, "api").length === 0 ? own : [...descendants(element)].flatMap((inner) => limits.get(inner) ?? []);
    },
  };
}

export function openWay(sources: Sources, path: Path): Way {
  const call = staticCall(sources.inventory, path, null);
  const perCaller = tellsCallersApart(sources, path);
  const strangers = strangersOn(sources, call, path.operationsKnown, perCaller);
  const encountersOf = (caller: Caller): readonly KeyedEncounter[] =>
    byDeployment(sources, callBy(call, caller), path.operationsKnown, perCaller, strangers);
  let shared: readonly KeyedEncounter[] | undefined;
  return {
    perCaller,
    encounters(caller) {
      if (perCaller) return encountersOf(caller);
      shared ??= encountersOf(caller);
      return shared;
    },
  };
}

export const callBy = (call: StaticCall, { subscription }: Caller): StaticCall => ({
  ...call,
  subscription: subscription === null ? null : { id: subscription.id, name: subscription.displayName },
  // "The user" of a call is the owner of its subscription.
  user: subscription?.ownerId === undefined ? null : { id: subscription.ownerId },
});

const subscription = /\b(?:Subscription|User)\b/;

/** Whether anything but a counter key on the way speaks of the subscription or its owner; the words in any other sense count too. */
function tellsCallersApart({ policies: { reader }, places }: Sources, { chain }: Path): boolean {
  let found = false;
  for (const { element, place } of allSteps(reader.steps(chain).inbound)) {
    places.set(element, place);
    found ||= element.attributes.some(
      ({ name, value }) => name !== "counter-key" && subscription.test(reader.resolve(value.text, place.document).text),
    );
  }
  return found;
}

/** The limits on one way as a certain call meets them. */
function encountersOn({ policies, limitsOf, places }: Sources, call: StaticCall, operationsKnown: boolean): readonly Encounter[] {
  return policies.met(call, "inbound").flatMap((met) =>
    limitsOf(met.step)
      .filter((limit) => isFor(limit, call, operationsKnown))
      .map((limit) => encounterOf(met, limit, reading(policies, met, limit, call), (element) => places.get(element) ?? null)),
  );
}

function reading(policies: StaticPolicies, met: MetStep, limit: WrittenLimit, call: StaticCall): (name: string) => Known | null {
  if (limit.element === met.step.element) return (name) => met.value(name);
  return (name) => {
    const written = attribute(limit.element, name);
    return literalIn(limit, name) ?? (written === undefined ? null : policies.evaluate(written, call, met.variables, limit.document));
  };
}

/**
 * Without a subscription nothing is counted by it. An `<api>` names its API, an `<operation>` in it its operation: where it is not known which
 * operations there are, it is met as one of any.
 */
function isFor({ counter, only, element }: WrittenLimit, { subscription, api, operation }: StaticCall, operationsKnown: boolean): boolean {
  if (counter === "subscription" && subscription === null) return false;
  if (only === null) return true;
  if (api === null || !isNamedBy(only.api, api)) return false;
  if (!only.operation) return true;
  if (operation === null) return !operationsKnown;
  return operationsKnown && isNamedBy(element, { id: operation.id, name: operation.name ?? operation.id });
}

function isNamedBy(element: Element, entity: { readonly id: string; readonly name: string }): boolean {
  const [id, name] = [attribute(element, "id"), attribute(element, "name")];
  return id === undefined ? name !== undefined && sameName(name, entity.name) : sameName(id, entity.id);
}

/** No deployment can have it: what is met by it is met by all that no policy names. */
const anyOther = "*";

/** Foundry's portal sets a product's limits in variables of these names, which the API's policy reads. */
const namesDeployment = /^token(?:limit|quota)-(.+)$/;

/**
 * The limits of a call, each with the deployment that it is for. Where limits depend on the deployment and policies name some, the way is gone
 * once for each of them and once for any other.
 */
function byDeployment(
  sources: Sources,
  call: StaticCall,
  operationsKnown: boolean,
  perCaller: boolean,
  strangers: Strangers,
): readonly KeyedEncounter[] {
  const plain = encountersOn(sources, call, operationsKnown);
  const keyOf = (encounter: Encounter, by = call): KeyUse => keyUse(sources, encounter, by, perCaller, strangers);
  const deployments = plain.some(dependsOnDeployment) ? deploymentsNamed(sources, call, plain) : [];
  if (deployments.length === 0) {
    return plain.map((encounter) => {
      const runs = [{ deployment: null, conditions: encounter.conditions }];
      return { ...encounter, key: keyOf(encounter), exactKeys: [], runs, deployments: noneApart };
    });
  }
  const all = [...deployments, anyOther];
  const asked = all.map((deployment) => {
    const asking = { ...call, deployment };
    return { deployment, asking, met: encountersOn(sources, asking, operationsKnown) };
  });
  return unique(plain).flatMap((encounter) => {
    const variants = new Map<string, KeyedEncounter>();
    for (const { deployment, asking, met } of asked) {
      const same = met.filter(({ limit }) => limit === encounter.limit);
      const found = same.find(({ conditions }) => conditions.length === 0) ?? same[0];
      if (found === undefined) continue;
      const id = JSON.stringify([found.amount, found.period, found.number.id]);
      const before = variants.get(id);
      variants.set(id, {
        ...found,
        key: keyOf(encounter),
        exactKeys: [...(before?.exactKeys ?? []), keyOf(found, asking)],
        runs: [...(before?.runs ?? []), { deployment, conditions: found.conditions }],
        deployments: all,
      });
    }
    return [...variants.values()].map((variant): KeyedEncounter => {
      if (variant.runs.length === all.length) return variant;
      const [only] = variant.runs;
      const deployment = variant.runs.length === 1 && only?.deployment !== anyOther ? (only?.deployment ?? undefined) : undefined;
      const conditions = conditionsOf(encounter, variant, deployment !== undefined);
      return { ...variant, conditions, ...(deployment === undefined ? {} : { deployment }) };
    });
  });
}

const noneApart: readonly null[] = [null];

/** What is left of a limit's conditions where the deployment is known, with those that choose it; of a `named` one, that others are not asked for goes without saying. */
function conditionsOf({ conditions }: Encounter, known: Encounter, named: boolean): readonly Condition[] {
  const choosing = conditions.filter(({ inputs }) => inputs.some(isDeployment));
  const asking = choosing.filter(({ negated }) => !negated);
  const kept = named && asking.length > 0 ? asking : choosing;
  return conditions.filter((condition) => kept.includes(condition) || known.conditions.some(({ text }) => text === condition.text));
}

/** A fragment that is included twice has its limits once. */
function unique(encounters: readonly Encounter[]): readonly Encounter[] {
  return [...new Map(encounters.toReversed().map((encounter) => [encounter.limit, encounter])).values()].toReversed();
}

const isDeployment = ({ what }: Input): boolean => what === "deployment";

const dependsOnDeployment = ({ conditions, inputs }: Encounter): boolean =>
  inputs.some(isDeployment) || conditions.some((condition) => condition.inputs.some(isDeployment));

function deploymentsNamed({ policies }: Sources, call: StaticCall, plain: readonly Encounter[]): readonly string[] {
  const asked = policies.met(call, "inbound").flatMap(({ conditions }) => conditions.map((condition: Condition) => condition.deployment));
  const set = plain.flatMap(({ met }) => [...met.variables.keys()].map((name) => namesDeployment.exec(name)?.[1]));
  return [...new Set([...asked, ...set].filter((name) => name !== undefined))];
}

function keyUse({ policies }: Sources, encounter: Encounter, call: StaticCall, perCaller: boolean, strangers: Strangers): KeyUse {
  const { limit, met } = encounter;
  const text = limit.counter === "subscription" ? null : (attribute(limit.element, "counter-key") ?? null);
  const whole = text === null ? "" : policies.reader.resolve(text, limit.document).text;
  const rest = whole.replaceAll(/\bcontext\s*\.\s*(?:Subscription|User)\b/g, "");
  const differs = text === null || perCaller || subscription.test(whole);
  return {
    text,
    document: limit.document,
    call,
    variables: met.variables,
    perCaller: differs,
    callerOnly: !/\bcontext\b/.test(rest),
    tellsApart: () => text === null || (differs && strangers.areToldApart(text, encounter)),
  };
}

/** Two subscriptions that nobody can have: what tells them apart tells all apart. */
interface Strangers {
  areToldApart(key: string, encounter: Encounter): boolean;
}

/** `*` may not stand in a `sid`. */
const strangers = ["*1*", "*2*"] as const;

function strangersOn(sources: Sources, call: StaticCall, operationsKnown: boolean, perCaller: boolean): Strangers {
  // Whose they are is not known: several may be one user's.
  const calls = strangers.map((id) => ({ ...call, subscription: { id, name: "*" }, user: undefined }));
  const known = new Map<string, boolean>();
  let met: readonly (readonly Encounter[])[] | undefined;
  const judge = (key: string, { limit, met: { variables } }: Encounter): boolean => {
    const read = (by: StaticCall, at: Variables) => sources.policies.evaluate(key, by, at, limit.document);
    if (tellApart(calls.map((by) => read(by, variables)))) return true;
    if (!perCaller) return false;
    // Variables may hold the key: those of the strangers, where they meet the limit.
    met ??= calls.map((by) => encountersOn(sources, by, operationsKnown));
    const theirs = met.map((all) => all.find((one) => one.limit === limit)?.met.variables);
    return theirs.every((at) => at !== undefined) && tellApart(calls.map((by, index) => read(by, theirs[index] ?? variables)));
  };
  return {
    areToldApart(key, encounter) {
      const before = known.get(encounter.limit.limitId);
      if (before !== undefined) return before;
      const apart = judge(key, encounter);
      known.set(encounter.limit.limitId, apart);
      return apart;
    },
  };
}

/** Whether two keys differ in nothing but who calls. What each call chooses by itself may be another counter for every call. */
function tellApart(keys: readonly Known[]): boolean {
  const [first, second] = keys.map(keyText);
  return first != null && second != null && first.includes(strangers[0]) && first.replaceAll(strangers[0], strangers[1]) === second;
}

const bounded: ReadonlySet<Input["what"]> = new Set(["deployment", "api", "operation", "product", "named-value"]);

function keyText(key: Known): string | null {
  if (key.kind === "constant") return String(key.value);
  if (key.kind !== "unknown" || !key.inputs.every(({ what }) => bounded.has(what))) return null;
  return key.parts.map((part) => (typeof part === "string" ? part : `{${part.what} ${part.name}}`)).join("");
}
