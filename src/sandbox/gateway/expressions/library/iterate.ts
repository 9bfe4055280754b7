import { KeyValue, Lazy, NetDictionary, NetList, NetSet, Sequence } from "../collections.ts";
import type { Library } from "../definitions.ts";
import { ExpressionError } from "../errors.ts";
import { JArray, JContainer, JObject, JToken } from "../json.ts";
import type { Run } from "../run.ts";
import { makeType, type Type, type, types } from "../types.ts";
import { Char, type Value } from "../values.ts";
import { ContextMap } from "./context-maps.ts";

/** What `foreach` finds in a type; null where that cannot be gone through. */
export function elementOf(library: Library, source: Type): Type | null {
  // Its own GetEnumerator goes before that of the token that it is.
  if (source.name === "JObject") return jsonPair;
  return library.lineage(source).find(({ name }) => name === "IEnumerable")?.args[0] ?? null;
}

const jsonPair = type("KeyValuePair<string, JToken>");

/** All elements of something as LINQ sees them, each of them a step; throws `InvalidOperationException` where it is changed meanwhile. */
export function iterate(source: Value, run: Run): Generator<Value> {
  return stepping(elements(source), source, run);
}

/** As `iterate`, for `foreach` over what is declared as a type. */
export function iterateAs(declared: Type, source: Value, run: Run): Generator<Value> {
  return declared.name === "JObject" && source instanceof JObject ? stepping(pairs(source), source, run) : iterate(source, run);
}

function* stepping(values: Iterable<Value>, source: Value, run: Run): Generator<Value> {
  const hasChanged = watched(source);
  for (const value of values) {
    run.step();
    yield value;
    if (hasChanged())
      throw new ExpressionError("InvalidOperationException", "Collection was modified; enumeration operation may not execute.");
  }
}

function pairs(object: JObject): readonly Value[] {
  return [...object.properties.values()].map(({ name, value }) => new KeyValue(jsonPair, name, value));
}

/** Whether something has been added or removed meanwhile; from dictionaries and sets .NET lets elements be removed. */
function watched(source: Value): () => boolean {
  if (source instanceof NetList) return differs(() => source.values.length);
  if (source instanceof JContainer) return differs(() => sizeOf(source));
  if (source instanceof Lazy && source.source !== null) return watched(source.source);
  if (!(source instanceof NetSet) && !(source instanceof NetDictionary)) return () => false;
  const { size } = source;
  return () => source.size > size;
}

function differs(count: () => number): () => boolean {
  const size = count();
  return () => count() !== size;
}

function sizeOf(container: JContainer): number {
  return container instanceof JObject ? container.properties.size : container instanceof JArray ? container.items.length : 1;
}

/** The elements as LINQ sees them: of a JSON object its properties, of a string its characters. */
export function elements(source: Value): Iterable<Value> {
  if (source instanceof Sequence) return source.items();
  if (typeof source === "string") return characters(source);
  if (source instanceof JContainer) return source.children();
  if (source instanceof JToken) return [];
  if (source instanceof ContextMap) return source.items();
  if (source === null) throw new ExpressionError("ArgumentNullException", "Value cannot be null. (Parameter 'source')");
  throw new ExpressionError("InvalidCastException", `${makeType(types.object.name).text} cannot be enumerated.`);
}

function* characters(text: string): Generator<Char> {
  for (let index = 0; index < text.length; index++) yield new Char(text.charCodeAt(index));
}
