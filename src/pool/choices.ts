import { allOf, anyOf, conditionText, inAll } from "../policy/conditions.ts";
import { attribute } from "../policy/document.ts";
import type { Place, Step, StepReader } from "../policy/steps.ts";
import { type Target, targetsOf, type World } from "./target.ts";

/** A target that calls can end at, and the conditions under which they do: all of them hold. */
export interface Choice {
  readonly target: Target;
  readonly source: Place | "API serviceUrl";
  readonly conditions: readonly string[];
  /** Of the scope that chose it. */
  readonly breadth: number;
}

/** Policies that only hold others. */
const containers = ["retry", "limit-concurrency", "wait"];
/** Policies after which no backend is called. */
const endings = ["return-response", "mock-response"];

/**
 * Runs the policies of a call over where it would go: the last `set-backend-service` that certainly runs wins, one inside
 * of `choose` wins under its condition. A branch that answers by itself reaches no backend and leaves no choice.
 */
export function choicesOf(start: Choice, world: World): readonly Choice[] {
  if (!world.followed.reachesBackend && world.steps.backend.length > 0) return [];
  const routed = run(world.steps.inbound, [start], world, endings);
  // What ends a call there has mostly forwarded it before.
  return run(world.steps.backend, routed, world, []);
}

function run(steps: readonly Step[], choices: readonly Choice[], world: World, ends: readonly string[]): readonly Choice[] {
  return steps.reduce((current, step) => {
    const { name } = step.element;
    if (current.length === 0 || ends.includes(name)) return [];
    if (name === "set-backend-service") return select(step, current, world);
    if (name === "choose") return branch(step, current, world, ends);
    return containers.includes(name) ? run(step.children(), current, world, ends) : current;
  }, choices);
}

function select(step: Step, current: readonly Choice[], world: World): readonly Choice[] {
  const targets = targetsOf(step, world);
  if (targets === "unmet") return current;
  // A backend-id that comes through <base /> cannot be overridden by a base-url:
  // https://learn.microsoft.com/azure/api-management/set-backend-service-policy#usage-notes
  const stays = ({ target, breadth }: Choice) => target.kind === "backend" && breadth > step.breadth;
  const kept = targets.some(({ kind }) => kind === "url") ? current.filter(stays) : [];
  const replaced = current.filter((choice) => !kept.includes(choice));
  if (replaced.length === 0) return current;
  const conditions = inAll(replaced.map((choice) => choice.conditions));
  return [...kept, ...targets.map((target) => ({ target, source: step.place, conditions, breadth: step.breadth }))];
}

/** One way through a `choose`; the calls that take it, in words: null where all do that come to it. */
interface Branch {
  readonly steps: readonly Step[];
  readonly condition: string | null;
}

function branch(choose: Step, current: readonly Choice[], world: World, ends: readonly string[]): readonly Choice[] {
  const ways = branchesOf(choose, world);
  if (ways === null) return current;
  const branches = ways.map(({ steps, condition }) => {
    const entered = condition === null ? current : under(current, condition);
    const left = run(steps, entered, world, ends);
    return { condition, left, unchanged: left === entered };
  });
  const alive = branches.filter(({ left }) => left.length > 0);
  const [only] = alive;
  if (only === undefined) return [];
  if (alive.every(({ unchanged }) => unchanged)) return current;
  // The calls that go on all come this way: for them the condition says nothing.
  if (alive.length === 1) return only.condition === null ? only.left : without(only.left, only.condition, current);
  const passed = alive.filter(({ unchanged }) => unchanged).flatMap(({ condition }) => condition ?? []);
  const changed = alive.filter(({ unchanged }) => !unchanged).flatMap(({ left }) => left);
  return mergeTargets([...changed, ...(passed.length === 0 ? [] : under(current, anyOf(passed)))]);
}

/** The ways that calls may take, without those that none does; null where no call meets anything in it. */
function branchesOf(choose: Step, { reader, followed }: World): readonly Branch[] | null {
  const parts = choose.children();
  const whens = parts.filter(({ element }) => element.name === "when");
  const otherwise = parts.find(({ element }) => element.name === "otherwise");
  const verdicts = followed.verdicts(whens, parts);
  if (verdicts === null) return null;
  const found: Branch[] = [];
  const last = (): string | null => (found.length === 0 ? null : `not (${anyOf(found.flatMap(({ condition }) => condition ?? []))})`);
  for (const [index, when] of whens.entries()) {
    const verdict = verdicts[index];
    if (verdict === "fails") return found;
    if (verdict === true) return [...found, { steps: when.children(), condition: last() }];
    if (verdict === "undecided") found.push({ steps: when.children(), condition: conditionIn(when, reader) });
  }
  return [...found, { steps: otherwise?.children() ?? [], condition: last() }];
}

const conditionIn = ({ element, place }: Step, reader: StepReader): string =>
  conditionText(attribute(element, "condition") ?? "", { resolve: (text) => reader.resolve(text, place.document) });

/** Takes a condition back that `under` has added. */
function without(choices: readonly Choice[], condition: string, before: readonly Choice[]): readonly Choice[] {
  if (before.some(({ conditions }) => conditions.includes(condition))) return choices;
  return choices.map((choice) => ({ ...choice, conditions: choice.conditions.filter((one) => one !== condition) }));
}

/** One choice a target: what holds in all of its ways, and that one of the ways is taken. */
export function mergeTargets(choices: readonly Choice[]): readonly Choice[] {
  const groups = new Map<string, Choice[]>();
  for (const choice of choices) {
    const key = JSON.stringify(choice.target);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(choice);
  }
  return [...groups.values()].flatMap((group) => {
    const [first, ...others] = group;
    if (first === undefined) return [];
    if (others.length === 0) return [first];
    const common = inAll(group.map(({ conditions }) => conditions));
    const ways = group.map(({ conditions }) => conditions.filter((condition) => !common.includes(condition)));
    return [{ ...first, conditions: ways.some((way) => way.length === 0) ? common : [...common, anyOf(ways.map(allOf))] }];
  });
}

const under = (choices: readonly Choice[], condition: string): readonly Choice[] =>
  choices.map((choice) => ({ ...choice, conditions: [...choice.conditions, condition] }));
