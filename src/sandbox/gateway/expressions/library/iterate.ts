import { KeyValue, NetArray, NetList, NetSet, Sequence } from "../collections.ts";
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

export const jsonPair = type("KeyValuePair<string, JToken>");

/** All elements of something, each of them a step; throws `InvalidOperationException` where it is changed meanwhile. */
export function* iterate(source: Value, run: Run): Generator<Value> {
  const sizeOf = sizeIn(source);
  const size = sizeOf();
  const before = source instanceof JObject ? pairs(source) : elements(source);
  for (const value of before) {
    run.step();
    yield value;
    if (sizeOf() !== size)
      throw new ExpressionError("InvalidOperationException", "Collection was modified; enumeration operation may not execute.");
  }
}

function pairs(object: JObject): readonly Value[] {
  return [...object.properties.values()].map(({ name, value }) => new KeyValue(jsonPair, name, value));
}

function sizeIn(source: Value): () => number {
  if (source instanceof NetList || source instanceof NetArray) return () => source.values.length;
  if (source instanceof NetSet) return () => source.size;
  if (source instanceof JArray) return () => source.items.length;
  if (source instanceof JObject) return () => source.properties.size;
  return () => 0;
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
