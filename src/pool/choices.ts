import type { ListedDocument } from "../gateway/documents.ts";
import { attribute } from "../policy/document.ts";
import { type Place, placeOf, type Step, type StepReader, type Steps } from "./steps.ts";
import { type Target, targetsOf } from "./target.ts";

/** A target that calls can end at, and the conditions under which they do: all of them hold. */
export interface Choice {
  readonly target: Target;
  readonly source: Place | "API serviceUrl";
  readonly conditions: readonly string[];
  /** Of the scope that chose it. */
  readonly breadth: number;
}

interface World {
  readonly steps: Steps;
  readonly reader: StepReader;
  readonly backends: readonly ListedDocument[];
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
  const targets = targetsOf(step, world.steps, world.reader, world.backends);
  // A backend-id that comes through <base /> cannot be overridden by a base-url:
  // https://learn.microsoft.com/azure/api-management/set-backend-service-policy#usage-notes
  const stays = ({ target, breadth }: Choice) => target.kind === "backend" && breadth > step.breadth;
  const kept = targets.some(({ kind }) => kind === "url") ? current.filter(stays) : [];
  const replaced = current.filter((choice) => !kept.includes(choice));
  if (replaced.length === 0) return current;
  const conditions = inAll(replaced.map((choice) => choice.conditions));
  const source = placeOf(step);
  return [...kept, ...targets.map((target) => ({ target, source, conditions, breadth: step.breadth }))];
}

function branch(choose: Step, current: readonly Choice[], world: World, ends: readonly string[]): readonly Choice[] {
  const whens = choose.children().filter(({ element }) => element.name === "when");
  const otherwise = choose.children().find(({ element }) => element.name === "otherwise");
  const tests = whens.map(({ element }) => conditionText(attribute(element, "condition") ?? "", world.reader));
  const branches = [
    ...whens.map((when, index) => ({ steps: when.children(), condition: tests[index] ?? "" })),
    { steps: otherwise?.children() ?? [], condition: `not (${anyOf(tests)})` },
  ].map(({ steps, condition }) => {
    const entered = under(current, condition);
    const left = run(steps, entered, world, ends);
    return { steps, condition, left, unchanged: left === entered };
  });
  const alive = branches.filter(({ left }) => left.length > 0);
  const [only] = alive;
  if (only === undefined) return [];
  if (alive.every(({ unchanged }) => unchanged)) return current;
  // The calls that go on all come this way: for them the condition says nothing.
  if (alive.length === 1) return run(only.steps, current, world, ends);
  const passed = alive.filter(({ unchanged }) => unchanged).map(({ condition }) => condition);
  return [
    ...alive.filter(({ unchanged }) => !unchanged).flatMap(({ left }) => left),
    ...(passed.length === 0 ? [] : under(current, anyOf(passed))),
  ];
}

/** Conditions of which one holds. */
export const anyOf = (conditions: readonly string[]): string => conditions.join(" or ");

/** Conditions that all hold; those that are alternatives themselves in brackets. */
export const allOf = (conditions: readonly string[]): string =>
  conditions.length === 1 ? anyOf(conditions) : conditions.map((one) => (isAlternative(one) ? `(${one})` : one)).join(" and ");

/** Whether `or` or `||` stands outside of all brackets. */
function isAlternative(condition: string): boolean {
  const outer = condition.replace(/"[^"]*"/g, "");
  const flat = (text: string): string => (/\([^()]*\)/.test(text) ? flat(text.replace(/\([^()]*\)/g, "")) : text);
  return /\|\|| or /.test(flat(outer));
}

const under = (choices: readonly Choice[], condition: string): readonly Choice[] =>
  choices.map((choice) => ({ ...choice, conditions: [...choice.conditions, condition] }));

/** What holds however the calls came here. */
function inAll([first = [], ...others]: readonly (readonly string[])[]): readonly string[] {
  return first.filter((condition) => others.every((other) => other.includes(condition)));
}

/** A condition on one line, without the `@(...)` around it. */
export function conditionText(condition: string, reader: StepReader): string {
  const { text } = reader.resolve(condition);
  const line = text.trim().replace(/\s+/g, " ");
  return line.startsWith("@(") && line.endsWith(")") ? line.slice(2, -1).trim() : line;
}
