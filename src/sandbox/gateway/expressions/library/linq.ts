import { type FunctionValue, Grouping, Lazy, NetArray, NetDictionary, NetList, NetSet, Ordered } from "../collections.ts";
import { defaultOf, isOfType, unboxed } from "../conversions.ts";
import { DateTime, DateTimeOffset, TimeSpan } from "../dates.ts";
import { Decimal } from "../decimal.ts";
import { type Definition, define, type Implementation } from "../definitions.ts";
import { ExpressionError } from "../errors.ts";
import { arithmetics, asDouble, castNumber, int, type NumberKind } from "../numbers.ts";
import type { Run } from "../run.ts";
import { type Bindings, makeType, type Type, types, underlying } from "../types.ts";
import { Char, Double, EnumValue, equal, Guid, keyOf, toText, type Value } from "../values.ts";
import { iterate } from "./iterate.ts";
import { argumentError, argumentOutOfRange, functionOf, invalidOperation, textOrNull } from "./read.ts";
import { compareTexts } from "./strings.ts";

/** How two values are ordered by `OrderBy`, `Min` and `Max`: null first, texts as a dictionary has them. */
export function compareValues(one: Value, other: Value): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? -1 : 1;
  if (typeof one === "string") return compareTexts(one, textOrNull(other));
  if (typeof one === "boolean") return Number(one) - Number(other === true);
  const [a, b] = [rank(one), rank(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(value: Value): number | bigint | string {
  if (typeof value === "bigint") return value;
  if (value instanceof DateTimeOffset) return value.utcTicks;
  if (value instanceof DateTime || value instanceof TimeSpan) return value.ticks;
  if (value instanceof Guid) return value.digits;
  if (value instanceof Char) return value.code;
  if (typeof value === "number" || value instanceof Double || value instanceof Decimal || value instanceof EnumValue)
    return asDouble(value);
  throw argumentError("At least one object must implement IComparable.");
}

function parameter(bindings: Bindings, name: string): Type {
  return bindings.get(name) ?? types.object;
}

/** A lazy sequence of `T`, or of what another parameter stands for. */
function sequence(bindings: Bindings, items: () => Iterable<Value>, element = "T"): Lazy {
  return new Lazy(parameter(bindings, element), items);
}

function all(source: Value | undefined, run: Run): Value[] {
  return [...iterate(source ?? null, run)];
}

/** Elements for which a predicate holds; all where there is none. */
function* matching(source: Value | undefined, predicate: Value | undefined, run: Run): Generator<Value> {
  const test = predicate === undefined ? null : functionOf(predicate);
  for (const value of iterate(source ?? null, run)) if (test === null || test.invoke(run, value) === true) yield value;
}

function zeroFor(bindings: Bindings, run: Run): Value {
  return defaultOf(run.library, parameter(bindings, "T"));
}

function none(predicate: Value | undefined): ExpressionError {
  return invalidOperation(predicate === undefined ? "Sequence contains no elements" : "Sequence contains no matching element");
}

type Pick = (values: Iterable<Value>, predicate: Value | undefined) => Value | undefined;

function picked(pick: Pick, isRequired: boolean): Implementation {
  return ([source, predicate], run, bindings) => {
    const value = pick(matching(source, predicate, run), predicate);
    if (value !== undefined) return value;
    if (isRequired) throw none(predicate);
    return zeroFor(bindings, run);
  };
}

const first: Pick = (values) => {
  for (const value of values) return value;
  return undefined;
};

const last: Pick = (values) => {
  let found: Value | undefined;
  for (const value of values) found = value;
  return found;
};

const single: Pick = (values, predicate) => {
  let found: Value | undefined;
  for (const value of values) {
    if (found !== undefined)
      throw invalidOperation(`Sequence contains more than one ${predicate === undefined ? "element" : "matching element"}`);
    found = value;
  }
  return found;
};

function selector(value: Value | undefined): FunctionValue | null {
  return value === undefined ? null : functionOf(value, "selector");
}

/** The values to compute with: of `T?` without nulls. */
function numbers(args: readonly Value[], run: Run): Value[] {
  const select = selector(args[1]);
  return all(args[0], run)
    .map((value) => (select === null ? value : select.invoke(run, value)))
    .filter((value) => value !== null);
}

function kindOf(type: Type): NumberKind {
  const { name } = underlying(type);
  return name === "long" || name === "double" || name === "decimal" ? name : "int";
}

function summed(name: string): Implementation {
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

function averaged(to: "double" | "decimal"): Implementation {
  return (args, run) => {
    const values = numbers(args, run);
    if (values.length === 0) throw none(undefined);
    const { add, divide } = arithmetics[to];
    const sum = values.reduce<Value>((total, value) => add(total, castNumber(value, to)), castNumber(0, to));
    return divide(sum, castNumber(values.length, to));
  };
}

function extreme(direction: 1 | -1, name: string): Implementation {
  return (args, run, bindings) => {
    const values = numbers(args, run);
    const [start, ...rest] = values;
    if (start !== undefined) return rest.reduce((best, value) => (compareValues(value, best) * direction > 0 ? value : best), start);
    const type = parameter(bindings, name);
    if (type.name === "Nullable" || !run.library.isValue(type)) return null;
    throw none(undefined);
  };
}

function extremeBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => {
    const select = functionOf(key, "keySelector");
    const keyed = all(source, run).map((value) => ({ value, key: select.invoke(run, value) }));
    const [start, ...rest] = keyed;
    if (start === undefined) return zeroFor(bindings, run);
    return rest.reduce((best, each) => (compareValues(each.key, best.key) * direction > 0 ? each : best), start).value;
  };
}

/** Compares by a key; every key is computed once for a sort. */
function byKey(key: Value | undefined, direction: 1 | -1, run: Run): (one: Value, other: Value) => number {
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

function orderedBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => new Ordered(parameter(bindings, "T"), () => all(source, run), byKey(key, direction, run));
}

function thenBy(direction: 1 | -1): Implementation {
  return ([source, key], run, bindings) => {
    if (!(source instanceof Ordered)) throw argumentError("The sequence is not ordered.");
    const then = byKey(key, direction, run);
    return new Ordered(parameter(bindings, "T"), source.source, (one, other) => source.compare(one, other) || then(one, other));
  };
}

function distinct(values: Iterable<Value>, keyed: (value: Value) => unknown): Value[] {
  const seen = new Set<unknown>();
  return [...values].filter((value) => {
    const key = keyed(value);
    return !seen.has(key) && seen.add(key).size > 0;
  });
}

function grouped(
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

function* selectedMany(source: Value | undefined, select: FunctionValue, result: FunctionValue | null, run: Run): Generator<Value> {
  for (const value of iterate(source ?? null, run))
    for (const inner of iterate(select.invoke(run, value), run)) yield result === null ? inner : result.invoke(run, value, inner);
}

function* taken(source: Value | undefined, count: number, run: Run): Generator<Value> {
  if (count <= 0) return;
  let left = count;
  for (const value of iterate(source ?? null, run)) {
    yield value;
    if (--left === 0) return;
  }
}

function* mapped(source: Value | undefined, map: (value: Value, index: number) => Value, run: Run): Generator<Value> {
  let index = 0;
  for (const value of iterate(source ?? null, run)) yield map(value, index++);
}

function dictionaryOf(
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

const kinds = ["int", "long", "double", "decimal", "int?", "long?", "double?", "decimal?"];

function perKind(signature: (kind: string) => string): string {
  return kinds.map(signature).join(" | ");
}

/** https://learn.microsoft.com/dotnet/api/system.linq.enumerable */
const sequences = define(
  "IEnumerable<T>",
  {
    "Aggregate(Func<T, T, T> func): T": ([source, func], run) => {
      const [start, ...rest] = all(source, run);
      if (start === undefined) throw none(undefined);
      return rest.reduce<Value>((sum, value) => functionOf(func).invoke(run, sum, value), start);
    },
    "Aggregate<A>(A seed, Func<A, T, A> func): A": ([source, seed = null, func], run) =>
      all(source, run).reduce<Value>((sum, value) => functionOf(func).invoke(run, sum, value), seed),
    "All(Func<T, bool> predicate): bool": ([source, predicate], run) => {
      const test = functionOf(predicate);
      for (const value of iterate(source ?? null, run)) if (test.invoke(run, value) !== true) return false;
      return true;
    },
    "Any(): bool | Any(Func<T, bool> predicate): bool": ([source, predicate], run) =>
      first(matching(source, predicate, run), predicate) !== undefined,
    "Append(T element): IEnumerable<T>": ([source, value = null], run, bindings) => sequence(bindings, () => [...all(source, run), value]),
    "AsEnumerable(): IEnumerable<T>": ([source = null]) => source,
    "Average(): double | Average<R>(Func<T, R> selector): double": averaged("double"),
    "Cast<R>(): IEnumerable<R>": ([source], run, bindings) =>
      sequence(bindings, () => mapped(source, (value) => unboxed(run.library, value, parameter(bindings, "R")), run), "R"),
    "Concat(IEnumerable<T> second): IEnumerable<T>": ([source, second], run, bindings) =>
      sequence(bindings, () => concatenated([source, second], run)),
    "Contains(T value): bool": ([source, wanted = null], run) => {
      for (const value of iterate(source ?? null, run)) if (equal(value, wanted)) return true;
      return false;
    },
    "Count(): int | Count(Func<T, bool> predicate): int": ([source, predicate], run) => [...matching(source, predicate, run)].length,
    "DefaultIfEmpty(): IEnumerable<T> | DefaultIfEmpty(T value): IEnumerable<T>": ([source, value], run, bindings) =>
      sequence(bindings, () => {
        const values = all(source, run);
        return values.length > 0 ? values : [value === undefined ? zeroFor(bindings, run) : value];
      }),
    "Distinct(): IEnumerable<T>": ([source], run, bindings) => sequence(bindings, () => distinct(iterate(source ?? null, run), keyOf)),
    "DistinctBy<K>(Func<T, K> key): IEnumerable<T>": ([source, key], run, bindings) =>
      sequence(bindings, () => distinct(iterate(source ?? null, run), (value) => keyOf(functionOf(key).invoke(run, value)))),
    "ElementAt(int index): T": ([source, index], run) => {
      const value = all(source, run)[int(index ?? 0)];
      if (value === undefined)
        throw argumentOutOfRange("index", "Index was out of range. Must be non-negative and less than the size of the collection.");
      return value;
    },
    "ElementAtOrDefault(int index): T": ([source, index], run, bindings) => all(source, run)[int(index ?? 0)] ?? zeroFor(bindings, run),
    "Except(IEnumerable<T> second): IEnumerable<T>": ([source, second], run, bindings) =>
      sequence(bindings, () => {
        const left = new Set(all(second, run).map(keyOf));
        return distinct(iterate(source ?? null, run), keyOf).filter((value) => !left.has(keyOf(value)));
      }),
    "First(): T | First(Func<T, bool> predicate): T": picked(first, true),
    "FirstOrDefault(): T | FirstOrDefault(Func<T, bool> predicate): T": picked(first, false),
    "GroupBy<K>(Func<T, K> key): IEnumerable<IGrouping<K, T>>": ([source, key], run, bindings) =>
      new Lazy(makeType("IGrouping", [parameter(bindings, "K"), parameter(bindings, "T")]), () =>
        grouped(source, key, undefined, run, [parameter(bindings, "K"), parameter(bindings, "T")]),
      ),
    "GroupBy<K, E>(Func<T, K> key, Func<T, E> element): IEnumerable<IGrouping<K, E>>": ([source, key, element], run, bindings) =>
      new Lazy(makeType("IGrouping", [parameter(bindings, "K"), parameter(bindings, "E")]), () =>
        grouped(source, key, element, run, [parameter(bindings, "K"), parameter(bindings, "E")]),
      ),
    "Intersect(IEnumerable<T> second): IEnumerable<T>": ([source, second], run, bindings) =>
      sequence(bindings, () => {
        const kept = new Set(all(second, run).map(keyOf));
        return distinct(iterate(source ?? null, run), keyOf).filter((value) => kept.has(keyOf(value)));
      }),
    "Last(): T | Last(Func<T, bool> predicate): T": picked(last, true),
    "LastOrDefault(): T | LastOrDefault(Func<T, bool> predicate): T": picked(last, false),
    "LongCount(): long | LongCount(Func<T, bool> predicate): long": ([source, predicate], run) =>
      BigInt([...matching(source, predicate, run)].length),
    "Max(): T": extreme(1, "T"),
    "Max<R>(Func<T, R> selector): R": extreme(1, "R"),
    "MaxBy<K>(Func<T, K> key): T": extremeBy(1),
    "Min(): T": extreme(-1, "T"),
    "Min<R>(Func<T, R> selector): R": extreme(-1, "R"),
    "MinBy<K>(Func<T, K> key): T": extremeBy(-1),
    "OfType<R>(): IEnumerable<R>": ([source], run, bindings) =>
      sequence(bindings, () => all(source, run).filter((value) => isOfType(run.library, value, parameter(bindings, "R"))), "R"),
    "OrderBy<K>(Func<T, K> key): IOrderedEnumerable<T>": orderedBy(1),
    "OrderByDescending<K>(Func<T, K> key): IOrderedEnumerable<T>": orderedBy(-1),
    "Prepend(T element): IEnumerable<T>": ([source, value = null], run, bindings) => sequence(bindings, () => [value, ...all(source, run)]),
    "Reverse(): IEnumerable<T>": ([source], run, bindings) => sequence(bindings, () => all(source, run).reverse()),
    "Select<R>(Func<T, R> selector): IEnumerable<R>": ([source, select], run, bindings) => {
      const map = functionOf(select, "selector");
      return sequence(bindings, () => mapped(source, (value) => map.invoke(run, value), run), "R");
    },
    "Select<R>(Func<T, int, R> selector): IEnumerable<R>": ([source, select], run, bindings) => {
      const map = functionOf(select, "selector");
      return sequence(bindings, () => mapped(source, (value, index) => map.invoke(run, value, index), run), "R");
    },
    "SelectMany<R>(Func<T, IEnumerable<R>> selector): IEnumerable<R>": ([source, select], run, bindings) =>
      sequence(bindings, () => selectedMany(source, functionOf(select, "selector"), null, run), "R"),
    "SelectMany<C, R>(Func<T, IEnumerable<C>> selector, Func<T, C, R> result): IEnumerable<R>": ([source, select, result], run, bindings) =>
      sequence(bindings, () => selectedMany(source, functionOf(select, "selector"), functionOf(result, "resultSelector"), run), "R"),
    "SequenceEqual(IEnumerable<T> second): bool": ([source, second], run) => {
      const [one, other] = [all(source, run), all(second, run)];
      return one.length === other.length && one.every((value, index) => equal(value, other[index] ?? null));
    },
    "Single(): T | Single(Func<T, bool> predicate): T": picked(single, true),
    "SingleOrDefault(): T | SingleOrDefault(Func<T, bool> predicate): T": picked(single, false),
    "Skip(int count): IEnumerable<T>": ([source, count], run, bindings) =>
      sequence(bindings, () => all(source, run).slice(Math.max(0, int(count ?? 0)))),
    "SkipLast(int count): IEnumerable<T>": ([source, count], run, bindings) =>
      sequence(bindings, () => {
        const values = all(source, run);
        return values.slice(0, Math.max(0, values.length - Math.max(0, int(count ?? 0))));
      }),
    "SkipWhile(Func<T, bool> predicate): IEnumerable<T>": ([source, predicate], run, bindings) =>
      sequence(bindings, () => {
        const values = all(source, run);
        const start = values.findIndex((value) => functionOf(predicate).invoke(run, value) !== true);
        return start === -1 ? [] : values.slice(start);
      }),
    [perKind((kind) => `Sum(Func<T, ${kind}> selector): ${kind}`)]: summedAs(),
    "Sum(): T": summed("T"),
    "Take(int count): IEnumerable<T>": ([source, count], run, bindings) => sequence(bindings, () => taken(source, int(count ?? 0), run)),
    "TakeLast(int count): IEnumerable<T>": ([source, count], run, bindings) =>
      sequence(bindings, () => {
        const values = all(source, run);
        return values.slice(Math.max(0, values.length - Math.max(0, int(count ?? 0))));
      }),
    "TakeWhile(Func<T, bool> predicate): IEnumerable<T>": ([source, predicate], run, bindings) =>
      sequence(bindings, () => {
        const values = all(source, run);
        const end = values.findIndex((value) => functionOf(predicate).invoke(run, value) !== true);
        return end === -1 ? values : values.slice(0, end);
      }),
    "ToArray(): T[]": ([source], run, bindings) => new NetArray(parameter(bindings, "T"), all(source, run)),
    "ToDictionary<K>(Func<T, K> key): Dictionary<K, T>": ([source, key], run, bindings) =>
      dictionaryOf(source, key, undefined, run, bindings),
    "ToDictionary<K, V>(Func<T, K> key, Func<T, V> value): Dictionary<K, V>": ([source, key, value], run, bindings) =>
      dictionaryOf(source, key, value, run, bindings),
    "ToHashSet(): HashSet<T>": ([source], run, bindings) => {
      const set = new NetSet(parameter(bindings, "T"));
      for (const value of iterate(source ?? null, run)) set.add(value);
      return set;
    },
    "ToList(): List<T>": ([source], run, bindings) => new NetList(parameter(bindings, "T"), all(source, run)),
    "Union(IEnumerable<T> second): IEnumerable<T>": ([source, second], run, bindings) =>
      sequence(bindings, () => distinct(concatenated([source, second], run), keyOf)),
    "Where(Func<T, bool> predicate): IEnumerable<T>": ([source, predicate], run, bindings) => {
      const test = functionOf(predicate);
      return sequence(bindings, () => matching(source, test, run));
    },
    "Where(Func<T, int, bool> predicate): IEnumerable<T>": ([source, predicate], run, bindings) =>
      sequence(bindings, () => all(source, run).filter((value, index) => functionOf(predicate).invoke(run, value, index) === true)),
    "Zip<S, R>(IEnumerable<S> second, Func<T, S, R> result): IEnumerable<R>": ([source, second, result], run, bindings) =>
      sequence(bindings, () => zipped(source, second, run).map(([one, other]) => functionOf(result).invoke(run, one, other)), "R"),
  },
  { areExtensions: true },
);

function summedAs(): Implementation {
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

function* concatenated(sources: readonly (Value | undefined)[], run: Run): Generator<Value> {
  for (const source of sources) yield* iterate(source ?? null, run);
}

function zipped(one: Value | undefined, other: Value | undefined, run: Run): readonly (readonly [Value, Value])[] {
  const others = all(other, run);
  return all(one, run)
    .slice(0, others.length)
    .map((value, index) => [value, others[index] ?? null] as const);
}

const ordered = define(
  "IOrderedEnumerable<T>",
  {
    "ThenBy<K>(Func<T, K> key): IOrderedEnumerable<T>": thenBy(1),
    "ThenByDescending<K>(Func<T, K> key): IOrderedEnumerable<T>": thenBy(-1),
  },
  { bases: ["IEnumerable<T>"], areExtensions: true },
);

const groupings = define(
  "IGrouping<K, T>",
  { "Key: K": ([self]) => (self instanceof Grouping ? self.name : null) },
  { bases: ["IEnumerable<T>"] },
);

const enumerable = define("Enumerable", {
  "static Empty<T>(): IEnumerable<T>": (_, __, bindings) => new NetArray(parameter(bindings, "T"), []),
  "static Range(int start, int count): IEnumerable<int>": ([start, count], run) => {
    const [from, length] = [int(start ?? 0), int(count ?? 0)];
    if (length < 0) throw argumentOutOfRange("count", "Specified argument was out of the range of valid values.");
    return new Lazy(types.int, function* () {
      for (let index = 0; index < length; index++) {
        run.step();
        yield from + index;
      }
    });
  },
  "static Repeat<T>(T element, int count): IEnumerable<T>": ([value = null, count], run, bindings) =>
    new Lazy(parameter(bindings, "T"), function* () {
      for (let index = 0; index < int(count ?? 0); index++) {
        run.step();
        yield value;
      }
    }),
});

export const linqDefinitions: readonly Definition[] = [sequences, ordered, groupings, enumerable];
