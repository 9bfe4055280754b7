import { type FunctionValue, Grouping, Lazy, NetDictionary, Ordered } from "../collections.ts";
import { defaultOf } from "../conversions.ts";
import { DateTime, DateTimeOffset, TimeSpan } from "../dates.ts";
import { Decimal } from "../decimal.ts";
import type { Implementation } from "../definitions.ts";
import { ExpressionError } from "../errors.ts";
import { arithmetics, asDouble, castNumber, type NumberKind } from "../numbers.ts";
import type { Run } from "../run.ts";
import { type Bindings, makeType, type Type, types, underlying } from "../types.ts";
import { Char, Double, EnumValue, Guid, keyOf, toText, type Value } from "../values.ts";
import { iterate } from "./iterate.ts";
import { argumentError, functionOf, invalidOperation, textOrNull } from "./read.ts";
import { compareTexts } from "./strings.ts";

/** How two values are ordered by `OrderBy`, `Min` and `Max`: null first, texts as a dictionary has them. */
export function compareValues(one: Value, other: Value): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? -1 : 1;
  if (typeof one === "string") return compareTexts(one, textOrNull(other));
  if (typeof one === "boolean") return Number(one) - Number(other === true);
  const [a, b] = [rank(one), rank(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

export function rank(value: Value): number | bigint | string {
  if (typeof value === "bigint") return value;
  if (value instanceof DateTimeOffset) return value.utcTicks;
  if (value instanceof DateTime || value instanceof TimeSpan) return value.ticks;
  if (value instanceof Guid) return value.digits;
  if (value instanceof Char) return value.code;
  if (typeof value === "number" || value instanceof Double || value instanceof Decimal || value instanceof EnumValue)
    return asDouble(value);
  throw argumentError("At least one object must implement IComparable.");
}

export function parameter(bindings: Bindings, name: string): Type {
  return bindings.get(name) ?? types.object;
}

/** A lazy sequence of `T`, or of what another parameter stands for. */
export function sequence(bindings: Bindings, items: () => Iterable<Value>, element = "T"): Lazy {
  return new Lazy(parameter(bindings, element), items);
}

export function all(source: Value | undefined, run: Run): Value[] {
  return [...iterate(source ?? null, run)];
}

/** Elements for which a predicate holds; all where there is none. */
export function* matching(source: Value | undefined, predicate: Value | undefined, run: Run): Generator<Value> {
  const test = predicate === undefined ? null : functionOf(predicate);
  for (const value of iterate(source ?? null, run)) if (test === null || test.invoke(run, value) === true) yield value;
}

export function zeroFor(bindings: Bindings, run: Run): Value {
  return defaultOf(run.library, parameter(bindings, "T"));
}

export function none(predicate: Value | undefined): ExpressionError {
  return invalidOperation(predicate === undefined ? "Sequence contains no elements" : "Sequence contains no matching element");
}

type Pick = (values: Iterable<Value>, predicate: Value | undefined) => Value | undefined;

export function picked(pick: Pick, isRequired: boolean): Implementation {
  return ([source, predicate], run, bindings) => {
    const value = pick(matching(source, predicate, run), predicate);
    if (value !== undefined) return value;
    if (isRequired) throw none(predicate);
    return zeroFor(bindings, run);
  };
}

export const first: Pick = (values) => {
  for (const value of values) return value;
  return undefined;
};

export const last: Pick = (values) => {
  let found: Value | undefined;
  for (const value of values) found = value;
  return found;
};

export const single: Pick = (values, predicate) => {
  let found: Value | undefined;
  for (const value of values) {
    if (found !== undefined)
      throw invalidOperation(`Sequence contains more than one ${predicate === undefined ? "element" : "matching element"}`);
    found = value;
  }
  return found;
};

export function selector(value: Value | undefined): FunctionValue | null {
  return value === undefined ? null : functionOf(value, "selector");
}

/** The values to compute with: of `T?` without nulls. */
export function numbers(args: readonly Value[], run: Run): Value[] {
  const select = selector(args[1]);
  return all(args[0], run)
    .map((value) => (select === null ? value : select.invoke(run, value)))
    .filter((value) => value !== null);
}

export function kindOf(type: Type): NumberKind {
  const { name } = underlying(type);
  return name === "long" || name === "double" || name === "decimal" ? name : "int";
}

export function summed(name: string): Implementation {
  return (args, run, bindings) => {
    const kind = kindOf(parameter(bindings, name));
    const { add } = arithmetics[kind];
    return numbers(args, run).reduce<Value>(
      (sum, value) => {
        const next = add(sum, castNumber(value, kind));
        const wrapped = kind === "int" || kind === "long" ? Math.abs(Number(next) - (Number(sum) + Number(value))) > 2 ** 20 : false;
        if (wrapped) throw new ExpressionError("OverflowException", "Arithmetic operation resulted in an overflow.");
        return next;
      },
      castNumber(0, kind),
    );
  };
}

export function averaged(to: "double" | "decimal"): Implementation {
  return (args, run) => {
    const values = numbers(args, run);
    if (values.length === 0) throw none(undefined);
    const { add, divide } = arithmetics[to];
    const sum = values.reduce<Value>((total, value) => add(total, castNumber(value, to)), castNumber(0, to));
    return divide(sum, castNumber(values.length, to));
  };
}

export function extreme(direction: 1 | -1, name: string): Implementation {
  return (args, run, bindings) => {
    const values = numbers(args, run);
    const [start, ...rest] = values;
    if (start !== undefined) return rest.reduce((best, value) => (compareValues(value, best) * direction > 0 ? value : best), start);
    const type = parameter(bindings, name);
    if (type.name === "Nullable" || !run.library.isValue(type)) return null;
    throw none(undefined);
  };
}

export function extremeBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => {
    const select = functionOf(key, "keySelector");
    const keyed = all(source, run).map((value) => ({ value, key: select.invoke(run, value) }));
    const [start, ...rest] = keyed;
    if (start === undefined) return zeroFor(bindings, run);
    return rest.reduce((best, each) => (compareValues(each.key, best.key) * direction > 0 ? each : best), start).value;
  };
}

/** Compares by a key; every key is computed once for a sort. */
export function byKey(key: Value | undefined, direction: 1 | -1, run: Run): (one: Value, other: Value) => number {
  const select = functionOf(key, "keySelector");
  const keys = new Map<Value, Value>();
  const keyed = (value: Value) => {
    const known = keys.get(value);
    if (known !== undefined) return known;
    const made = select.invoke(run, value);
    keys.set(value, made);
    return made;
  };
  return (one, other) => compareValues(keyed(one), keyed(other)) * direction;
}

export function orderedBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => new Ordered(parameter(bindings, "T"), () => all(source, run), byKey(key, direction, run));
}

export function thenBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => {
    if (!(source instanceof Ordered)) throw argumentError("The sequence is not ordered.");
    const then = byKey(key, direction, run);
    return new Ordered(parameter(bindings, "T"), source.source, (one, other) => source.compare(one, other) || then(one, other));
  };
}

export function distinct(values: Iterable<Value>, keyed: (value: Value) => unknown): Value[] {
  const seen = new Set<unknown>();
  return [...values].filter((value) => {
    const key = keyed(value);
    return !seen.has(key) && seen.add(key).size > 0;
  });
}

export function grouped(
  source: Value | undefined,
  key: Value | undefined,
  element: Value | undefined,
  run: Run,
  types: readonly [Type, Type],
): Grouping[] {
  const [select, map] = [functionOf(key, "keySelector"), selector(element)];
  const groups = new Map<unknown, Grouping>();
  for (const value of iterate(source ?? null, run)) {
    const name = select.invoke(run, value);
    const group = groups.get(keyOf(name)) ?? new Grouping(types[0], types[1], name, []);
    groups.set(keyOf(name), group);
    group.values.push(map === null ? value : map.invoke(run, value));
  }
  return [...groups.values()];
}

export function* selectedMany(source: Value | undefined, select: FunctionValue, result: FunctionValue | null, run: Run): Generator<Value> {
  for (const value of iterate(source ?? null, run))
    for (const inner of iterate(select.invoke(run, value), run)) yield result === null ? inner : result.invoke(run, value, inner);
}

export function* taken(source: Value | undefined, count: number, run: Run): Generator<Value> {
  if (count <= 0) return;
  let left = count;
  for (const value of iterate(source ?? null, run)) {
    yield value;
    if (--left === 0) return;
  }
}

export function* mapped(source: Value | undefined, map: (value: Value, index: number) => Value, run: Run): Generator<Value> {
  let index = 0;
  for (const value of iterate(source ?? null, run)) yield map(value, index++);
}

export function dictionaryOf(
  source: Value | undefined,
  key: Value | undefined,
  value: Value | undefined,
  run: Run,
  bindings: Bindings,
): NetDictionary {
  const [selectKey, selectValue] = [functionOf(key, "keySelector"), selector(value)];
  const dictionary = new NetDictionary(parameter(bindings, "K"), parameter(bindings, selectValue === null ? "T" : "V"));
  for (const each of iterate(source ?? null, run)) {
    const name = selectKey.invoke(run, each);
    if (name !== null && dictionary.find(name) !== undefined)
      throw argumentError(`An item with the same key has already been added. Key: ${toText(name)}`);
    dictionary.set(name, selectValue === null ? each : selectValue.invoke(run, each));
  }
  return dictionary;
}

export function summedAs(): Implementation {
  return (args, run) => {
    const values = numbers(args, run);
    const [start] = values;
    const kind =
      start === undefined
        ? null
        : start instanceof Double
          ? "double"
          : start instanceof Decimal
            ? "decimal"
            : typeof start === "bigint"
              ? "long"
              : "int";
    return summed("R")(args, run, new Map([["R", makeType(kind ?? "int")]]));
  };
}

export function* concatenated(sources: readonly (Value | undefined)[], run: Run): Generator<Value> {
  for (const source of sources) yield* iterate(source ?? null, run);
}

export function zipped(one: Value | undefined, other: Value | undefined, run: Run): readonly (readonly [Value, Value])[] {
  const others = all(other, run);
  return all(one, run)
    .slice(0, others.length)
    .map((value, index) => [value, others[index] ?? null] as const);
}
