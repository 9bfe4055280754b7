import { Grouping, Lazy, NetArray, NetList, NetSet } from "../collections.ts";
import { isOfType, unboxed } from "../conversions.ts";
import { type Definition, define } from "../definitions.ts";
import { int } from "../numbers.ts";
import { makeType, types } from "../types.ts";
import { equal, keyOf, type Value } from "../values.ts";
import { iterate } from "./iterate.ts";
import { argumentOutOfRange, functionOf } from "./read.ts";
import {
  all,
  averaged,
  concatenated,
  dictionaryOf,
  distinct,
  extreme,
  extremeBy,
  first,
  grouped,
  last,
  mapped,
  matching,
  none,
  orderedBy,
  parameter,
  picked,
  selectedMany,
  sequence,
  single,
  summed,
  summedAs,
  taken,
  thenBy,
  zeroFor,
  zipped,
} from "./sequences.ts";

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
