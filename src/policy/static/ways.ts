import { eitherOf, mergedInputs, Thrown } from "./data.ts";
import { type Escape, type Frame, GivenUp } from "./frame.ts";
import type { Flow } from "./scope.ts";
import type { Input, Known } from "./values.ts";

/** What runs. */
export type Statement = (frame: Frame) => Flow;

export type Attempted = Flow | { readonly kind: "throws"; readonly thrown: Known };

export function attempted(run: Statement, frame: Frame): Attempted {
  try {
    return run(frame);
  } catch (error) {
    if (error instanceof Thrown) return { kind: "throws", thrown: { kind: "throws", why: error.why } };
    throw error;
  }
}

/** One of several ways is gone, and it is not known which one. */
export function forked(ways: readonly Statement[], inputs: readonly Input[], frame: Frame): Flow {
  const before = frame.locals;
  const returnsBefore = frame.returns.length;
  const ends = ways.map((way) => {
    frame.locals = new Map(before);
    const flow = attempted(way, frame);
    return { flow, locals: frame.locals };
  });
  frame.locals = before;
  for (const [index, { value, inputs: own }] of frame.returns.entries()) {
    if (index >= returnsBefore) frame.returns[index] = { value, inputs: mergedInputs(own, inputs) };
  }
  const open = ends.filter(({ flow }) => flow?.kind !== "throws");
  const [first] = ends;
  // Calls that throw get no further.
  if (open.length === 0)
    throw new Thrown(first?.flow?.kind === "throws" && first.flow.thrown.kind === "throws" ? first.flow.thrown.why : "");
  const on = open.filter(({ flow }) => flow?.kind !== "return");
  for (const { flow } of open) if (flow?.kind === "return") frame.returns.push({ value: flow.value, inputs });
  if (on.length === 0) return lastReturn(frame);
  const nextKind = on.some(({ flow }) => flow === null) ? null : on.some(({ flow }) => flow?.kind === "continue") ? "continue" : "break";
  const going = on.filter(({ flow }) => (flow?.kind ?? null) === nextKind);
  for (const { flow, locals } of on) {
    if ((flow?.kind === "break" || flow?.kind === "continue") && flow.kind !== nextKind)
      frame.escapes.push({ kind: flow.kind, locals, inputs });
  }
  frame.locals = joinedLocals(
    going.map(({ locals }) => locals),
    inputs,
  );
  return nextKind === null ? null : { kind: nextKind };
}

/** All ways return: the last one of them stands for the end. */
function lastReturn({ returns }: Frame): Flow {
  const last = returns.at(-1);
  if (last === undefined) throw new GivenUp();
  return { kind: "return", value: last.value };
}

export function joinedLocals(all: readonly ReadonlyMap<string, Known>[], inputs: readonly Input[]): Map<string, Known> {
  const [first = new Map<string, Known>(), ...others] = all;
  const joined = new Map<string, Known>();
  for (const [name, value] of first) {
    const values = others.map((locals) => locals.get(name));
    if (values.some((other) => other === undefined)) continue;
    joined.set(
      name,
      values.reduce((either: Known, other) => eitherOf(either, other ?? either, inputs, name), value),
    );
  }
  return joined;
}

interface Taken {
  readonly flow: Flow;
  readonly escapes: readonly Escape[];
}

/** What runs, and the ways that have left it before its end. */
export function escapesOf(frame: Frame, run: () => Flow): Taken {
  const before = frame.escapes.length;
  const flow = run();
  return { flow, escapes: frame.escapes.splice(before) };
}

/** The ways that have left join those that have come to the end. */
export function rejoined(flow: Flow, escapes: readonly Escape[], frame: Frame): Flow {
  if (escapes.length === 0) return flow;
  const inputs = mergedInputs(...escapes.map((left) => left.inputs));
  const all = escapes.map(({ locals }) => locals);
  if (flow === null) {
    frame.locals = joinedLocals([frame.locals, ...all], inputs);
    return null;
  }
  if (flow.kind === "return") frame.returns.push({ value: flow.value, inputs });
  else frame.escapes.push({ kind: flow.kind, locals: frame.locals, inputs });
  frame.locals = joinedLocals(all, inputs);
  return null;
}

/** One turn of a loop; false where it was the last one. */
export function turn(body: Statement, broken: Escape[], frame: Frame): { readonly flow: Flow; readonly last: boolean } {
  const taken = escapesOf(frame, () => body(frame));
  broken.push(...taken.escapes.filter(({ kind }) => kind === "break"));
  const on = taken.escapes.filter(({ kind }) => kind === "continue");
  if (taken.flow?.kind === "break" && on.length > 0) {
    broken.push({ kind: "break", locals: frame.locals, inputs: mergedInputs(...on.map(({ inputs }) => inputs)) });
    frame.locals = joinedLocals(
      on.map(({ locals }) => locals),
      [],
    );
    return { flow: null, last: false };
  }
  if (taken.flow?.kind === "break") return { flow: null, last: true };
  const flow = rejoined(taken.flow?.kind === "continue" ? null : taken.flow, on, frame);
  return { flow, last: flow !== null };
}
