import { Comparer, KeyValue, NetArray, NetDictionary, NetList, NetSet } from "../collections.ts";
import { defaultOf } from "../conversions.ts";
import { type Definition, define, type Implementation, Outs } from "../definitions.ts";
import { ExpressionError } from "../errors.ts";
import { outOfRange } from "../json.ts";
import { int } from "../numbers.ts";
import type { Run } from "../run.ts";
import { type Bindings, makeType, type Type, types } from "../types.ts";
import { equal, toText, type Value } from "../values.ts";
import { iterate } from "./iterate.ts";
import { argumentError, functionOf, on } from "./read.ts";
import { compareValues } from "./sequences.ts";

type Listed = NetList | NetArray;

function bound(self: Listed, index: Value | undefined): number {
  const at = int(index ?? 0);
  if (at >= 0 && at < self.values.length) return at;
  if (self instanceof NetList) throw outOfRange();
  throw new ExpressionError("IndexOutOfRangeException", "Index was outside the bounds of the array.");
}

function placeOf({ values }: Listed, item: Value, run: Run): number {
  run.step(values.length >> 4);
  return values.findIndex((value) => equal(value, item));
}

function grow(list: NetList, values: Iterable<Value>, run: Run): null {
  for (const value of values) {
    run.step();
    list.values.push(value);
  }
  return null;
}

function sorted(self: Listed, compare: Value | undefined, run: Run): null {
  run.step(self.values.length);
  const order = compare === undefined ? null : functionOf(compare, "comparison");
  self.values.sort((one, other) => (order === null ? compareValues(one, other) : int(order.invoke(run, one, other))));
  return null;
}

const lists = define(
  "List<T>",
  {
    "new() | new(int capacity)": (_, __, bindings) => new NetList(bindings.get("T") ?? types.object, []),
    "new(IEnumerable<T> collection)": ([source], run, bindings) =>
      new NetList(bindings.get("T") ?? types.object, [...iterate(source ?? null, run)]),
    "Count: int": on(NetList, (self) => self.values.length),
    "this[int index]: T": on(NetList, (self, [, index]) => self.values[bound(self, index)] ?? null),
    "set this[int index, T value]": on(NetList, (self, [, index, value = null]) => {
      self.values[bound(self, index)] = value;
      return null;
    }),
    "Add(T item)": on(NetList, (self, [, item = null], run) => grow(self, [item], run)),
    "AddRange(IEnumerable<T> items)": on(NetList, (self, [, items], run) => grow(self, [...iterate(items ?? null, run)], run)),
    "Clear()": on(NetList, (self) => {
      self.values.length = 0;
      return null;
    }),
    "Contains(T item): bool": on(NetList, (self, [, item = null], run) => placeOf(self, item, run) !== -1),
    "Exists(Func<T, bool> match): bool": on(NetList, (self, [, match], run) =>
      self.values.some((value) => functionOf(match).invoke(run, value) === true),
    ),
    "Find(Func<T, bool> match): T": on(NetList, (self, [, match], run) => {
      const found = self.values.find((value) => functionOf(match).invoke(run, value) === true);
      return found ?? defaultOf(run.library, self.element);
    }),
    "FindAll(Func<T, bool> match): List<T>": on(
      NetList,
      (self, [, match], run) =>
        new NetList(
          self.element,
          self.values.filter((value) => functionOf(match).invoke(run, value) === true),
        ),
    ),
    "FindIndex(Func<T, bool> match): int": on(NetList, (self, [, match], run) =>
      self.values.findIndex((value) => functionOf(match).invoke(run, value) === true),
    ),
    "ForEach(Action<T> action)": on(NetList, (self, [, action], run) => {
      for (const value of iterate(self, run)) functionOf(action, "action").invoke(run, value);
      return null;
    }),
    "IndexOf(T item): int": on(NetList, (self, [, item = null], run) => placeOf(self, item, run)),
    "Insert(int index, T item)": on(NetList, (self, [, index, item = null], run) => {
      run.step(1 + (self.values.length >> 6));
      const at = int(index ?? 0);
      if (at < 0 || at > self.values.length) throw outOfRange();
      self.values.splice(at, 0, item);
      return null;
    }),
    "Remove(T item): bool": on(NetList, (self, [, item = null], run) => {
      const index = placeOf(self, item, run);
      if (index !== -1) self.values.splice(index, 1);
      return index !== -1;
    }),
    "RemoveAll(Func<T, bool> match): int": on(NetList, (self, [, match], run) => {
      const kept = self.values.filter((value) => functionOf(match).invoke(run, value) !== true);
      const count = self.values.length - kept.length;
      self.values.splice(0, self.values.length, ...kept);
      return count;
    }),
    "RemoveAt(int index)": on(NetList, (self, [, index], run) => {
      run.step(self.values.length >> 6);
      self.values.splice(bound(self, index), 1);
      return null;
    }),
    "Reverse()": on(NetList, (self, _, run) => {
      run.step(self.values.length >> 6);
      self.values.reverse();
      return null;
    }),
    "Sort() | Sort(Func<T, T, int> comparison)": on(NetList, (self, [, compare], run) => sorted(self, compare, run)),
    "ToArray(): T[]": on(NetList, (self, _, run) => {
      run.step(self.values.length);
      return new NetArray(self.element, [...self.values]);
    }),
  },
  { bases: ["IList<T>"] },
);

const interfaces = define(
  "IList<T>",
  {
    "Count: int": ([self]) => (self instanceof NetList || self instanceof NetArray ? self.values.length : 0),
    "this[int index]: T": ([self, index]) =>
      self instanceof NetList || self instanceof NetArray ? (self.values[bound(self, index)] ?? null) : null,
  },
  { bases: ["IReadOnlyList<T>"] },
);

const readOnlyLists = define(
  "IReadOnlyList<T>",
  {
    "Count: int": ([self]) => (self instanceof NetList || self instanceof NetArray ? self.values.length : 0),
    "this[int index]: T": ([self, index]) =>
      self instanceof NetList || self instanceof NetArray ? (self.values[bound(self, index)] ?? null) : null,
  },
  { bases: ["IEnumerable<T>"] },
);

const arrays = define(
  "T[]",
  {
    "Length: int | Count: int": on(NetArray, (self) => self.values.length),
    "LongLength: long": on(NetArray, (self) => BigInt(self.values.length)),
    "this[int index]: T": on(NetArray, (self, [, index]) => self.values[bound(self, index)] ?? null),
    "set this[int index, T value]": on(NetArray, (self, [, index, value = null]) => {
      self.values[bound(self, index)] = value;
      return null;
    }),
    "Clone(): object": on(NetArray, (self, _, run) => {
      run.step(self.values.length);
      return new NetArray(self.element, [...self.values]);
    }),
    "GetLength(int dimension): int": on(NetArray, (self) => self.values.length),
  },
  { bases: ["IList<T>"] },
);

function copyRange(from: NetArray, fromIndex: number, to: NetArray, toIndex: number, length: number, run: Run): null {
  run.step(Math.max(0, length));
  if (length < 0 || fromIndex < 0 || toIndex < 0)
    throw new ExpressionError("ArgumentOutOfRangeException", "Non-negative number required. (Parameter 'length')");
  if (fromIndex + length > from.values.length)
    throw argumentError(
      "Source array was not long enough. Check the source index, length, and the array's lower bounds. (Parameter 'sourceArray')",
    );
  if (toIndex + length > to.values.length)
    throw argumentError(
      "Destination array was not long enough. Check the destination index, length, and the array's lower bounds. (Parameter 'destinationArray')",
    );
  const moved = from.values.slice(fromIndex, fromIndex + length);
  for (const [index, value] of moved.entries()) to.values[toIndex + index] = value;
  return null;
}

function arrayOf(value: Value | undefined): NetArray {
  if (value instanceof NetArray) return value;
  throw new ExpressionError("ArgumentNullException", "Value cannot be null. (Parameter 'array')");
}

const arrayMethods = define("Array", {
  "static Copy<T>(T[] source, T[] target, int length)": ([source, target, length], run) =>
    copyRange(arrayOf(source), 0, arrayOf(target), 0, int(length ?? 0), run),
  "static Copy<T>(T[] source, int sourceIndex, T[] target, int targetIndex, int length)": (
    [source, sourceIndex, target, targetIndex, length],
    run,
  ) => copyRange(arrayOf(source), int(sourceIndex ?? 0), arrayOf(target), int(targetIndex ?? 0), int(length ?? 0), run),
  "static Empty<T>(): T[]": (_, __, bindings) => new NetArray(bindings.get("T") ?? types.object, []),
  "static Exists<T>(T[] array, Func<T, bool> match): bool": ([array, match], run) =>
    arrayOf(array).values.some((value) => functionOf(match).invoke(run, value) === true),
  "static Find<T>(T[] array, Func<T, bool> match): T": ([array, match], run, bindings) =>
    arrayOf(array).values.find((value) => functionOf(match).invoke(run, value) === true) ??
    defaultOf(run.library, bindings.get("T") ?? types.object),
  "static FindIndex<T>(T[] array, Func<T, bool> match): int": ([array, match], run) =>
    arrayOf(array).values.findIndex((value) => functionOf(match).invoke(run, value) === true),
  "static IndexOf<T>(T[] array, T value): int": ([array, wanted = null], run) => placeOf(arrayOf(array), wanted, run),
  "static Reverse<T>(T[] array)": ([array], run) => {
    run.step(arrayOf(array).values.length >> 6);
    arrayOf(array).values.reverse();
    return null;
  },
  "static Sort<T>(T[] array)": ([array], run) => sorted(arrayOf(array), undefined, run),
});

function comparer(value: Value | undefined): Comparer | undefined {
  return value instanceof Comparer ? value : undefined;
}

function keyNotFound(name: Value): ExpressionError {
  return new ExpressionError("KeyNotFoundException", `The given key '${toText(name)}' was not present in the dictionary.`);
}

function typesOf(bindings: ReadonlyMap<string, Type>): readonly [Type, Type] {
  return [bindings.get("K") ?? types.object, bindings.get("V") ?? types.object];
}

function found(self: NetDictionary, name: Value, run: Run, bindings: Bindings): { readonly isThere: boolean; readonly value: Value } {
  const pair = self.find(name);
  return { isThere: pair !== undefined, value: pair === undefined ? defaultOf(run.library, typesOf(bindings)[1]) : pair.value };
}

const dictionaryMembers: Readonly<Record<string, Implementation>> = {
  "Count: int": on(NetDictionary, (self) => self.size),
  "this[K key]: V": on(NetDictionary, (self, [, name = null]) => {
    const found = self.find(name);
    if (found === undefined) throw keyNotFound(name);
    return found.value;
  }),
  "ContainsKey(K key): bool": on(NetDictionary, (self, [, name = null]) => self.find(name) !== undefined),
  "GetValueOrDefault(K key): V": on(NetDictionary, (self, [, name = null], run, bindings) => found(self, name, run, bindings).value),
  "GetValueOrDefault(K key, V value): V": on(NetDictionary, (self, [, name = null, value = null]) => self.find(name)?.value ?? value),
  "Keys: IReadOnlyList<K>": on(
    NetDictionary,
    (self, _, __, bindings) =>
      new NetList(
        typesOf(bindings)[0],
        [...self.items()].map(({ name }) => name),
      ),
  ),
  "Values: IReadOnlyList<V>": on(
    NetDictionary,
    (self, _, __, bindings) =>
      new NetList(
        typesOf(bindings)[1],
        [...self.items()].map(({ value }) => value),
      ),
  ),
  "TryGetValue(K key, out V value): bool": on(NetDictionary, (self, [, name = null], run, bindings) => {
    const { isThere, value } = found(self, name, run, bindings);
    return new Outs(isThere, value);
  }),
};

const dictionaries = define(
  "Dictionary<K, V>",
  {
    "new() | new(int capacity)": (_, __, bindings) => new NetDictionary(...typesOf(bindings)),
    "new(StringComparer comparer)": ([compare], _, bindings) => new NetDictionary(...typesOf(bindings), comparer(compare)),
    "new(IDictionary<K, V> dictionary) | new(IDictionary<K, V> dictionary, StringComparer comparer)": (
      [source, compare],
      run,
      bindings,
    ) => {
      const dictionary = new NetDictionary(...typesOf(bindings), comparer(compare));
      for (const each of iterate(source ?? null, run)) if (each instanceof KeyValue) dictionary.set(each.name, each.value);
      return dictionary;
    },
    ...dictionaryMembers,
    "set this[K key, V value]": on(NetDictionary, (self, [, name = null, value = null], run) => {
      run.step();
      self.set(name, value);
      return null;
    }),
    "Add(K key, V value)": on(NetDictionary, (self, [, name = null, value = null], run) => {
      run.step();
      if (self.find(name) !== undefined) throw argumentError(`An item with the same key has already been added. Key: ${toText(name)}`);
      self.set(name, value);
      return null;
    }),
    "TryAdd(K key, V value): bool": on(NetDictionary, (self, [, name = null, value = null], run) => {
      run.step();
      if (self.find(name) !== undefined) return false;
      self.set(name, value);
      return true;
    }),
    "Clear()": on(NetDictionary, (self) => {
      self.clear();
      return null;
    }),
    "ContainsValue(V value): bool": on(NetDictionary, (self, [, wanted = null]) =>
      [...self.items()].some(({ value }) => equal(value, wanted)),
    ),
    "Remove(K key): bool": on(NetDictionary, (self, [, name = null]) => self.delete(name)),
  },
  { bases: ["IDictionary<K, V>"] },
);

const dictionaryInterfaces = ["IDictionary<K, V>", "IReadOnlyDictionary<K, V>"].map((name) =>
  define(name, dictionaryMembers, { bases: [name.startsWith("ID") ? "IReadOnlyDictionary<K, V>" : "IEnumerable<KeyValuePair<K, V>>"] }),
);

const pairs = define(
  "KeyValuePair<K, V>",
  {
    "new(K key, V value)": ([name = null, value = null], _, bindings) =>
      new KeyValue(makeType("KeyValuePair", typesOf(bindings)), name, value),
    "Key: K": on(KeyValue, (self) => self.name),
    "Value: V": on(KeyValue, (self) => self.value),
    "ToString(): string": on(KeyValue, (self) => self.toText()),
  },
  { zero: null },
);

const sets = define(
  "HashSet<T>",
  {
    "new()": (_, __, bindings) => new NetSet(bindings.get("T") ?? types.object),
    "new(StringComparer comparer)": ([compare], _, bindings) => new NetSet(bindings.get("T") ?? types.object, comparer(compare)),
    "new(IEnumerable<T> collection) | new(IEnumerable<T> collection, StringComparer comparer)": ([source, compare], run, bindings) => {
      const set = new NetSet(bindings.get("T") ?? types.object, comparer(compare));
      for (const value of iterate(source ?? null, run)) set.add(value);
      return set;
    },
    "Count: int": on(NetSet, (self) => self.size),
    "Add(T item): bool": on(NetSet, (self, [, item = null], run) => {
      run.step();
      return self.add(item);
    }),
    "Clear()": on(NetSet, (self) => {
      self.clear();
      return null;
    }),
    "Contains(T item): bool": on(NetSet, (self, [, item = null]) => self.has(item)),
    "Remove(T item): bool": on(NetSet, (self, [, item = null]) => self.delete(item)),
    "UnionWith(IEnumerable<T> other)": on(NetSet, (self, [, other], run) => {
      for (const value of iterate(other ?? null, run)) self.add(value);
      return null;
    }),
  },
  { bases: ["IEnumerable<T>"] },
);

export const collectionDefinitions: readonly Definition[] = [
  lists,
  interfaces,
  readOnlyLists,
  arrays,
  arrayMethods,
  dictionaries,
  ...dictionaryInterfaces,
  pairs,
  sets,
];
