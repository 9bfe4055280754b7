import { type DocumentId, type JsonObject, type ListedDocument, policyText } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { canonical } from "../../policy/canonical.ts";
import { containsPolicies, sections } from "../../policy/catalogue.ts";
import { attribute, childElements, descendants, type Element, parse } from "../../policy/document.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import type { StaticCall } from "../../policy/static/values.ts";
import { type StaticPolicies, staticPolicies, type Verdict } from "../../policy/static/walk.ts";
import { type CallPath, type Place, policyChain, type Step } from "../../policy/steps.ts";
import { backendIdOf, findBackend, poolMembers } from "../../pool/backend.ts";
import { type Caller, callersOf, type Path, staticCall } from "../../quota/callers.ts";
import { subscriptionsOf } from "./states.ts";

/**
 * All that the calls of a path meet, as text: the policies of their scopes merged, fragments and named values put in, and the backends that
 * these name, with the members of pools. Equal views, equal treatment.
 */
export interface View {
  readonly text: string;
  /** Named values without a readable value that stand in it. */
  readonly unknownValues: ReadonlySet<string>;
  /** Whether it holds a backend's credentials, which are not shown and may hold any named value. */
  readonly hidesValues: boolean;
}

/** The views of one state of the service. */
export interface Views {
  /** The ways that the calls of a subscription may take, by its `subscriptionName`; none where it does not exist. */
  pathsOf(name: string): readonly Path[];
  /**
   * `team`: the subscription that calls, null for anyone: branches that surely are not its calls' are left out. `matters` picks policies;
   * without it all are shown. Throws `unsupported` as `StepReader.steps` does.
   */
  view(path: CallPath, team: string | null, matters?: (element: Element) => boolean): View;
}

export function openViews(inventory: Inventory, csharp: CSharp): Views {
  const policies = staticPolicies(inventory, csharp);
  let callers: ReadonlyMap<string, Caller> | undefined;
  return {
    pathsOf(name) {
      callers ??= new Map(callersOf(inventory).map((caller) => [caller.name.toLowerCase(), caller]));
      return callers.get(name.toLowerCase())?.paths ?? [];
    },
    view(path, team, matters = () => true) {
      const call = team === null ? null : staticCall(inventory, path, subscriptionOf(inventory, team));
      const walk: Walk = { policies, call, matters, unknownValues: new Set(), backends: new Set() };
      const steps = policies.reader.steps(policyChain(path));
      const all = sections.map((section) => shown(walk, steps[section]));
      const backends = backendsBehind(inventory, walk.backends).map((id) => backendText(inventory, id, walk));
      const hidesValues = backends.some((text) => text.includes("<secret:"));
      return { text: JSON.stringify([all, backends]), unknownValues: walk.unknownValues, hidesValues };
    },
  };
}

const subscriptionOf = (inventory: Inventory, team: string): StaticCall["subscription"] => ({
  id: team,
  name: subscriptionsOf(inventory).find(({ id }) => id === team)?.displayName ?? "",
});

interface Walk {
  readonly policies: StaticPolicies;
  /** Null for anyone's. */
  readonly call: StaticCall | null;
  readonly matters: (element: Element) => boolean;
  readonly unknownValues: Set<string>;
  /** Ids as they are named, lower case; null where one cannot be told. */
  readonly backends: Set<string | null>;
}

/** A policy as text, or one that holds others: itself, and they. */
type Shown = string | readonly Shown[];

function shown(walk: Walk, steps: readonly Step[]): readonly Shown[] {
  return steps.flatMap((step): readonly Shown[] => {
    const { element, policy, place } = step;
    if (element.name === "choose") return shownBranches(walk, step.children());
    if (containsPolicies(element.name)) {
      const inner = shown(walk, step.children());
      const own = [element.name, ...element.attributes.flatMap(({ name, value }) => [name, resolve(walk, value.text, place)])];
      return inner.length === 0 && !walk.matters(element) ? [] : [[own, ...inner]];
    }
    if (!walk.matters(element)) return [];
    for (const inner of descendants(element)) noteBackends(walk, inner, place);
    return [resolve(walk, canonical(policy.source.slice(element.span.start, element.span.end)), place)];
  });
}

/** The branches that a call may take; those behind one that it surely takes are none of its own. */
function shownBranches(walk: Walk, branches: readonly Step[]): readonly Shown[] {
  const possible: Shown[][] = [];
  for (const { element, place, children } of branches) {
    if (element.name !== "when" && element.name !== "otherwise") continue;
    const isLast = element.name === "otherwise";
    const condition = resolve(walk, isLast ? "true" : (attribute(element, "condition") ?? ""), place);
    const verdict = isLast ? true : decided(walk, condition, place);
    if (verdict === false) continue;
    if (verdict === "fails") {
      possible.push([condition, "fails"]);
      break;
    }
    const inner = shown(walk, children());
    if (verdict === true && possible.length === 0) return inner;
    possible.push([verdict === true ? "otherwise" : condition, ...inner]);
    if (verdict === true) break;
  }
  return possible.every(({ length }) => length === 1) ? [] : [["choose", ...possible]];
}

/** Variables are not followed here: what is asked of them is not decided. */
function decided({ policies, call }: Walk, condition: string, { document }: Place): Verdict {
  if (call === null || /\bVariables\b/.test(condition)) return "undecided";
  return policies.decide(condition, call, new Map(), document);
}

/** `place`: where the text stands; its named values are those of its workspace. */
function resolve({ policies: { reader }, unknownValues }: Walk, text: string, place?: Place): string {
  const { text: whole, missing } = reader.resolve(text, place?.document);
  for (const name of missing) unknownValues.add(name);
  return whole;
}

function noteBackends(walk: Walk, element: Element, place: Place): void {
  for (const { name, value } of element.attributes) {
    if (!/(?:^|-)backend-id$/.test(name)) continue;
    const { text, missing } = walk.policies.reader.resolve(value.text.trim(), place.document);
    walk.backends.add(missing.length > 0 || /^@[({]/.test(text) ? null : text.toLowerCase());
  }
}

/** The backends that are named, and the members of pools; all of them where an expression or an unknown value names one. */
function backendsBehind({ backends }: Inventory, names: ReadonlySet<string | null>): readonly string[] {
  if (names.has(null)) return backends.map(({ id }) => backendIdOf(id).toLowerCase()).toSorted();
  return [
    ...withMembers(
      backends,
      [...names].filter((name) => name !== null),
    ),
  ].toSorted();
}

/** Ids in lower case, and those of the members of pools among them. */
export function withMembers(backends: readonly ListedDocument[], names: readonly string[]): ReadonlySet<string> {
  const reached = new Set(names.map((name) => name.toLowerCase()));
  // The set grows while it is walked.
  for (const name of reached)
    for (const member of poolMembers(findBackend(backends, name)?.properties ?? {})) reached.add(member.toLowerCase());
  return reached;
}

function backendText({ backends }: Inventory, name: string, walk: Walk): string {
  return resolve(walk, `${name} ${JSON.stringify(findBackend(backends, name)?.properties ?? null)}`);
}

const deepest = 200;

/** Why it cannot be told what a policy or fragment does; null where it can: the views show all of it. */
export function obscurity(id: DocumentId, properties: JsonObject): string | null {
  const { root, problems } = parse(policyText({ id, properties }));
  if (root === null || problems.length > 0) return "is not well-formed";
  const names = childElements(root).map(({ name }) => name);
  const known =
    root.name === "fragment" || names.every((name, index) => sections.some((section) => section === name) && names.indexOf(name) === index);
  if (!known) return "has other sections than a policy has";
  return depthOf(root) > deepest ? "is nested too deeply" : null;
}

function depthOf(root: Element): number {
  const pending: [Element, number][] = [[root, 0]];
  let depth = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [element, level] = next;
    depth = Math.max(depth, level);
    for (const child of childElements(element)) pending.push([child, level + 1]);
  }
  return depth;
}
