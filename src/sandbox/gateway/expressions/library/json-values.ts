import { Composite, KeyValue, NetArray, NetDictionary, NetList, Sequence } from "../collections.ts";
import { defaultOf } from "../conversions.ts";
import { argumentNull, ExpressionError, unsupported } from "../errors.ts";
import { JArray, JContainer, JObject, JProperty, JToken, JValue, outOfRange, printJson, quoted, wouldCopy } from "../json.ts";
import { changeType, convertToken } from "../json-conversions.ts";
import { selectTokens } from "../json-path.ts";
import { readJson } from "../json-reader.ts";
import type { Run } from "../run.ts";
import { type Bindings, fullName, type Type, types, underlying } from "../types.ts";
import { Char, EnumValue, NetObject, toText, typeOfValue, type Value } from "../values.ts";
import { ContextMap } from "./context-maps.ts";
import { elements, iterate } from "./iterate.ts";
import { argumentError, enumeration, invalidOperation, text } from "./read.ts";

/** What a value is as JSON: tokens stay, scalars become a `JValue`; throws `ArgumentException` for what Newtonsoft does not know. */
export function tokenOf(value: Value): JToken {
  if (value instanceof JToken) return value;
  const token = new JValue(value instanceof Char ? value.toText() : value);
  if (token.tokenType === "Bytes") throw unsupported("a byte[] as JSON");
  return token;
}

/** A token to be put into another; one that will be copied there costs a step a token. */
export function placed(value: Value, into: JToken | null, run: Run): JToken {
  const token = tokenOf(value);
  run.step(wouldCopy(token, into) ? sizeOf(token) : 1);
  return token;
}

export function sizeOf(token: JToken): number {
  let size = 0;
  const pending: JToken[] = [token];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    size++;
    if (next instanceof JContainer) for (const each of next.children()) pending.push(each);
  }
  return size;
}

/** The value of a property, or the elements of an array: several contents become an array. */
export function contentOf(values: readonly Value[], run: Run): JToken {
  const [only = null] = values;
  if (values.length === 1 && !(only instanceof Sequence)) return placed(only, null, run);
  const array = new JArray();
  for (const value of values) addTo(array, value, run);
  return array;
}

/** `Add`: what is a sequence and no token or text adds its elements. */
export function addTo(container: JArray | JObject, content: Value, run: Run): void {
  if (content instanceof Sequence) {
    for (const each of iterate(content, run)) addTo(container, each, run);
    return;
  }
  if (container instanceof JArray) container.add(placed(content, container, run));
  else if (content instanceof JProperty) {
    run.step(wouldCopy(content, container) ? sizeOf(content) : 1);
    container.add(content);
  } else if (content instanceof KeyValue) container.add(new JProperty(toText(content.name), placed(content.value, container, run)));
  else throw argumentError(`Can not add ${content === null ? "null" : fullName(typeOfValue(content))} to Newtonsoft.Json.Linq.JObject.`);
}

export function copied(token: JToken, run: Run): JToken {
  run.step(sizeOf(token));
  return token.copy();
}

export function jsonOf<T extends JToken>(value: Value, kind: abstract new (...args: never[]) => T): T {
  if (value instanceof kind) return value;
  throw argumentNull("other");
}

export function parseJson(value: Value | undefined, kind: "JObject" | "JArray" | "JToken", run: Run): JToken {
  const written = text(value, "json");
  run.step(1 + Math.floor(written.length / 64));
  if (written.trim() === "")
    throw new ExpressionError("JsonReaderException", `Error reading ${kind} from JsonReader. Path '', line 0, position 0.`);
  const token = readJson(written);
  if (kind === "JToken" || token.type.name === kind) return token;
  const item = token instanceof JArray ? "StartArray" : token instanceof JObject ? "StartObject" : token.tokenType;
  const wanted = kind === "JObject" ? "an object" : "an array";
  throw new ExpressionError(
    "JsonReaderException",
    `Error reading ${kind} from JsonReader. Current JsonReader item is not ${wanted}: ${item}. Path '', line 1, position 1.`,
  );
}

/** `token[key]`: null where an object lacks the name. */
export function child(token: JToken, key: Value): JToken | null {
  if (token instanceof JObject) {
    if (typeof key === "string") return token.get(key);
    throw argumentError(`Accessed JObject values with invalid key value: ${shown(key)}. Object property name expected.`);
  }
  if (token instanceof JArray) {
    if (typeof key !== "number")
      throw argumentError(`Accessed JArray values with invalid key value: ${shown(key)}. Int32 array index expected.`);
    const item = token.items[key];
    if (item === undefined) throw outOfRange();
    return item;
  }
  if (token instanceof JProperty) return child(token.value, key);
  throw invalidOperation(`Cannot access child value on ${fullName(token.type)}.`);
}

export function shown(key: Value): string {
  return typeof key === "string" ? quoted(key) : toText(key);
}

export function setChild(token: JToken, key: Value, value: Value, run: Run): Value {
  const placedValue = placed(value, token, run);
  if (token instanceof JObject && typeof key === "string") token.set(key, placedValue);
  else if (token instanceof JArray && typeof key === "number") token.set(key, placedValue);
  else child(token, key);
  return null;
}

/** `Value<T>()`: missing tokens are the type's default. */
export function valueAs(token: JToken | null, run: Run, bindings: Bindings): Value {
  const wanted = bindings.get("T") ?? types.object;
  const target = underlying(wanted);
  if (token === null) return defaultOf(run.library, wanted);
  if (target.name === "object" || target.name === "JToken" || token.type.name === target.name) return token;
  const held = token instanceof JProperty ? token.value : token;
  if (held.type.name === target.name) return held;
  if (!(held instanceof JValue))
    throw new ExpressionError("InvalidCastException", `Cannot cast ${fullName(held.type)} to Newtonsoft.Json.Linq.JToken.`);
  if (/^J(?:Object|Array|Property|Container)$/.test(target.name))
    throw new ExpressionError("InvalidCastException", `Cannot cast Newtonsoft.Json.Linq.JValue to ${fullName(target)}.`);
  if (held.value === null) {
    if (wanted.name === "Nullable" || target.name === "string") return null;
    throw new ExpressionError("InvalidCastException", "Null object cannot be converted to a value type.");
  }
  return changeType(held.value instanceof EnumValue ? held.value.number : held.value, target);
}

/** `ToObject<T>()`: scalars, lists, arrays and dictionaries of them, and tokens. */
export function toObject(token: JToken, wanted: Type, run: Run): Value {
  run.step();
  const target = underlying(wanted);
  const held = token instanceof JProperty ? token.value : token;
  if (target.name === "object") return held instanceof JValue ? held.value : held;
  if (target.name === "JToken" || held.type.name === target.name) return copied(held, run);
  if (held instanceof JValue && held.value === null)
    return wanted.name === "Nullable" || !run.library.isValue(target) ? null : convertToken(held, target, false);
  const [first = types.object, second = types.object] = target.args;
  const isList = target.name === "[]" || target.name === "List" || target.name === "IEnumerable" || target.name === "IList";
  if (isList && held instanceof JArray) {
    const values = held.items.map((item) => toObject(item, first, run));
    return target.name === "[]" ? new NetArray(first, values) : new NetList(first, values);
  }
  if (/Dictionary$/.test(target.name) && held instanceof JObject) {
    const dictionary = new NetDictionary(first, second);
    for (const property of held.properties.values()) dictionary.set(property.name, toObject(property.value, second, run));
    return dictionary;
  }
  if (isList || target.args.length > 0)
    throw new ExpressionError("JsonSerializationException", `Cannot deserialize the current JSON into type '${fullName(target)}'.`);
  if (!(held instanceof JValue)) throw argumentError(`Can not convert ${held.tokenType} to ${fullName(target).replace(/^.*\./, "")}.`);
  return convertToken(held, target, wanted.name === "Nullable" || target.name === "string");
}

/** `JToken.FromObject`, `JsonConvert.SerializeObject`: collections and anonymous objects too. */
export function fromObject(value: Value, run: Run): JToken {
  run.step();
  if (value instanceof JToken) return copied(value, run);
  if (value instanceof NetDictionary || value instanceof ContextMap) {
    const object = new JObject();
    for (const each of elements(value)) if (each instanceof KeyValue) object.set(toText(each.name), fromObject(each.value, run));
    return object;
  }
  if (value instanceof Composite) {
    const object = new JObject();
    const isTuple = value.type.name.startsWith("(");
    const names = value.type.name.slice(1, -1).split(",");
    value.values.forEach((each, index) => {
      object.set(isTuple ? `Item${index + 1}` : (names[index] ?? ""), fromObject(each, run));
    });
    return object;
  }
  if (value instanceof NetArray && value.element.name === "byte")
    return new JValue(Buffer.from(value.values.map(Number)).toString("base64"));
  if (value instanceof Sequence) {
    const array = new JArray();
    for (const each of iterate(value, run)) array.add(fromObject(each, run));
    return array;
  }
  if (
    value instanceof NetObject &&
    !/^(?:char|double|decimal|DateTime|DateTimeOffset|TimeSpan|Guid|Uri)$/.test(value.type.name) &&
    !(value instanceof EnumValue)
  )
    throw unsupported(`JSON of ${value.type.text}`);
  return new JValue(value instanceof NetObject && value.type.name === "char" ? toText(value) : value);
}

export function printed(token: JToken, formatting: Value | undefined, run: Run): string {
  run.step(sizeOf(token));
  if (token instanceof JValue && formatting === undefined) return run.text(token.toText());
  return run.text(printJson(token, formatting === undefined || enumeration(formatting) === 1));
}

/** The one token that a path leads to. */
export function selected(token: JToken, path: string, isRequired: boolean, run: Run): Value {
  const found = selectTokens(token, path, run);
  if (found.length > 1) throw new ExpressionError("JsonException", "Path returned multiple tokens.");
  if (found.length === 0 && isRequired) throw new ExpressionError("JsonException", `Path '${path}' does not match any token.`);
  return found[0] ?? null;
}
