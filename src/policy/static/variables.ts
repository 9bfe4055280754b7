import { brought, eitherOf, isMaybeSet, type MaybeSet, mergedInputs, sameKnown, unknownOf } from "./data.ts";
import type { Input, Known, Variables } from "./values.ts";
import type { MetStep } from "./walk.ts";

/** Policies behind which no other of the section runs. */
const ends: ReadonlySet<string> = new Set(["return-response", "mock-response"]);

export const endsCall = (name: string): boolean => ends.has(name);

/** Where a policy's variable comes from; `variable` for all others. */
const sources: Readonly<Record<string, Input["what"]>> = {
  "send-request": "response",
  "cache-lookup-value": "cache",
  "validate-jwt": "claim",
  "validate-azure-ad-token": "claim",
};

const namesVariable = /(?:^|-)variable-name$/;

/** The variables behind a policy; null where the call gets no further. */
export function set(met: MetStep): Variables | null {
  const { element } = met.step;
  if (element.name === "set-variable") return assigned(met);
  const names = element.attributes.filter(({ name }) => namesVariable.test(name));
  if (names.length === 0) return met.variables;
  const variables = new Map(met.variables);
  for (const { name } of names) {
    const variable = nameOf(met.value(name));
    if (variable !== null) variables.set(variable, brought(sources[element.name] ?? "variable", variable));
  }
  return variables;
}

function assigned(met: MetStep): Variables | null {
  const [name, value] = [nameOf(met.value("name")), met.value("value")];
  if (value?.kind === "throws") return null;
  if (name === null || value === null) return met.variables;
  return new Map(met.variables).set(name, value);
}

const nameOf = (name: Known | null): string | null => (name?.kind === "constant" && typeof name.value === "string" ? name.value : null);

/** The variables of calls that have taken one of these ways; null where none goes on. */
export function joinedVariables(ways: readonly (Variables | null)[], inputs: readonly Input[]): Variables | null {
  const open = ways.filter((way) => way !== null);
  const [first, ...others] = open;
  if (first === undefined) return null;
  return others.reduce((joined, way) => eitherVariables(joined, way, inputs), first);
}

function eitherVariables(one: Variables, other: Variables, inputs: readonly Input[]): Variables {
  if (one === other) return one;
  const joined = new Map<string, Known>();
  for (const name of new Set([...one.keys(), ...other.keys()])) joined.set(name, either(one.get(name), other.get(name), inputs, name));
  return joined;
}

function either(one: Known | undefined, other: Known | undefined, inputs: readonly Input[], name: string): Known {
  if (one !== undefined && other !== undefined && !isMaybeSet(one) && !isMaybeSet(other)) return eitherValue(one, other, inputs, name);
  const values = [one, other].flatMap((value) => (value === undefined ? [] : [isMaybeSet(value) ? value.ifSet : value]));
  const open = mergedInputs(inputs, ...[one, other].map((value) => (value !== undefined && isMaybeSet(value) ? value.inputs : [])));
  const [first = brought("variable", name), second = first] = values;
  return maybeSet(eitherValue(first, second, open, name), open, name);
}

const eitherValue = (one: Known, other: Known, inputs: readonly Input[], name: string): Known =>
  sameKnown(one, other) ? one : eitherOf(one, other, inputs, name);

const maybeSet = (value: Known, inputs: readonly Input[], name: string): MaybeSet => ({ ...unknownOf(inputs, name), ifSet: value });

/**
 * The variables at the start of what is repeated, given those behind its first run: one that the next run sets to something else again depends
 * on how often it runs.
 */
export function repeated(start: Variables, again: (variables: Variables) => Variables | null, by: Input): Variables {
  const first = again(start);
  if (first === null || first === start) return start;
  const changed = [...first].filter(([name, value]) => start.has(name) && !sameVariable(start.get(name), value));
  if (changed.length === 0) return start;
  const second = again(new Map([...start, ...changed]));
  const stable = ([name, value]: readonly [string, Known]): boolean => second !== null && sameVariable(second.get(name), value);
  const settled = changed.map(([name, value]): [string, Known] => {
    const was = start.get(name) ?? value;
    return [name, stable([name, value]) ? either(was, value, [by], name) : brought(by.what, name)];
  });
  return new Map([...start, ...settled]);
}

const sameVariable = (one: Known | undefined, other: Known): boolean =>
  one !== undefined && (sameKnown(one, other) || JSON.stringify(shape(one)) === JSON.stringify(shape(other)));

/** What tells two values apart. */
function shape(value: Known): unknown {
  if (value.kind === "unknown") return [value.kind, value.parts, value.inputs];
  if (value.kind === "several") return [value.kind, value.values.map(({ value: one }) => one)];
  return value.kind === "json" || value.kind === "constant" ? [value.kind, value.value] : [value.kind];
}

/** The variables of a call that has come no one knows how far on these ways. */
export function unsettled(ways: readonly Variables[]): Variables {
  const names = new Set(ways.flatMap((way) => [...way.keys()]));
  return new Map([...names].map((name) => [name, maybeSet(brought("variable", name), [{ what: "variable", name }], name)]));
}
