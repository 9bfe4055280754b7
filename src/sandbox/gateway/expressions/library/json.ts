import { Composite, KeyValue, Lazy, NetArray, NetDictionary, NetList, Sequence } from "../collections.ts";
import { defaultOf } from "../conversions.ts";
import { type Definition, define, Outs } from "../definitions.ts";
import { argumentNull, ExpressionError, unsupported } from "../errors.ts";
import { JArray, JContainer, JObject, JProperty, JToken, JValue, outOfRange, printJson, quoted, sameJson, wouldCopy } from "../json.ts";
import { changeType, convertToken } from "../json-conversions.ts";
import { selectTokens } from "../json-path.ts";
import { readJson } from "../json-reader.ts";
import { int } from "../numbers.ts";
import type { Run } from "../run.ts";
import { type Bindings, fullName, type Type, type, types, underlying } from "../types.ts";
import { Char, EnumValue, NetObject, toText, typeOfValue, type Value } from "../values.ts";
import { ContextMap } from "./context-maps.ts";
import { member } from "./enums.ts";
import { elements, iterate } from "./iterate.ts";
import { argumentError, enumeration, flag, invalidOperation, on, text, textOrNull } from "./read.ts";

/** What a value is as JSON: tokens stay, scalars become a `JValue`; throws `ArgumentException` for what Newtonsoft does not know. */
function tokenOf(value: Value): JToken {
  if (value instanceof JToken) return value;
  const token = new JValue(value instanceof Char ? value.toText() : value);
  if (token.tokenType === "Bytes") throw unsupported("a byte[] as JSON");
  return token;
}

/** A token to be put into another; one that will be copied there costs a step a token. */
function placed(value: Value, into: JToken | null, run: Run): JToken {
  const token = tokenOf(value);
  run.step(wouldCopy(token, into) ? sizeOf(token) : 1);
  return token;
}

function sizeOf(token: JToken): number {
  let size = 0;
  const pending: JToken[] = [token];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    size++;
    if (next instanceof JContainer) pending.push(...next.children());
  }
  return size;
}

/** The value of a property, or the elements of an array: several contents become an array. */
function contentOf(values: readonly Value[], run: Run): JToken {
  const [only = null] = values;
  if (values.length === 1 && !(only instanceof Sequence)) return placed(only, null, run);
  const array = new JArray();
  for (const value of values) addTo(array, value, run);
  return array;
}

/** `Add`: what is a sequence and no token or text adds its elements. */
function addTo(container: JArray | JObject, content: Value, run: Run): void {
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

function copied(token: JToken, run: Run): JToken {
  run.step(sizeOf(token));
  return token.copy();
}

function jsonOf<T extends JToken>(value: Value, kind: abstract new (...args: never[]) => T): T {
  if (value instanceof kind) return value;
  throw argumentNull("other");
}

function parsed(value: Value | undefined, kind: "JObject" | "JArray" | "JToken", run: Run): JToken {
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

export { parsed as parseJson };

/** `token[key]`: null where an object lacks the name. */
function child(token: JToken, key: Value): JToken | null {
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

function shown(key: Value): string {
  return typeof key === "string" ? quoted(key) : toText(key);
}

function setChild(token: JToken, key: Value, value: Value, run: Run): Value {
  const placedValue = placed(value, token, run);
  if (token instanceof JObject && typeof key === "string") token.set(key, placedValue);
  else if (token instanceof JArray && typeof key === "number") token.set(key, placedValue);
  else child(token, key);
  return null;
}

/** `Value<T>()`: missing tokens are the type's default. */
function valueAs(token: JToken | null, run: Run, bindings: Bindings): Value {
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
function fromObject(value: Value, run: Run): JToken {
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

function printed(token: JToken, formatting: Value | undefined, run: Run): string {
  run.step(sizeOf(token));
  if (token instanceof JValue && formatting === undefined) return run.text(token.toText());
  return run.text(printJson(token, formatting === undefined || enumeration(formatting) === 1));
}

/** The one token that a path leads to. */
function selected(token: JToken, path: string, isRequired: boolean, run: Run): Value {
  const found = selectTokens(token, path, run);
  if (found.length > 1) throw new ExpressionError("JsonException", "Path returned multiple tokens.");
  if (found.length === 0 && isRequired) throw new ExpressionError("JsonException", `Path '${path}' does not match any token.`);
  return found[0] ?? null;
}

function descendants(token: JToken): readonly JToken[] {
  const found: JToken[] = [];
  const pending: JToken[] = token instanceof JContainer ? [...token.children()].reverse() : [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    found.push(next);
    if (next instanceof JContainer) pending.push(...[...next.children()].reverse());
  }
  return found;
}

function lazy(element: string, items: () => readonly Value[]): Lazy {
  return new Lazy(type(element), items);
}

function neighbours(token: JToken): readonly JToken[] {
  return token.parent instanceof JContainer ? token.parent.children() : [token];
}

function removed(token: JToken): null {
  if (token.parent === null) throw invalidOperation("The parent is missing.");
  token.parent.removeChild(token);
  return null;
}

const tokens = define(
  "JToken",
  {
    "static Parse(string json): JToken": ([json], run) => parsed(json, "JToken", run),
    "static FromObject(object value): JToken": ([value = null], run) => fromObject(value, run),
    "static DeepEquals(JToken one, JToken other): bool": ([one, other], run) => {
      if (!(one instanceof JToken) || !(other instanceof JToken)) return one === other;
      run.step(sizeOf(one));
      return sameJson(one, other);
    },
    "this[object key]: JToken": on(JToken, (self, [, key = null]) => child(self, key)),
    "set this[object key, JToken value]": on(JToken, (self, [, key = null, value = null], run) => setChild(self, key, value, run)),
    "Type: JTokenType": on(JToken, (self) => member("JTokenType", self.tokenType)),
    "HasValues: bool": on(JToken, (self) => self instanceof JContainer && self.children().length > 0),
    "Parent: JContainer": on(JToken, (self) => self.parent),
    "Root: JToken": on(JToken, (self) => {
      let root: JToken = self;
      while (root.parent !== null) root = root.parent;
      return root;
    }),
    "Path: string": on(JToken, (self) => self.path),
    "First: JToken": on(JToken, (self) => (self instanceof JContainer ? (self.children()[0] ?? null) : null)),
    "Last: JToken": on(JToken, (self) => (self instanceof JContainer ? (self.children().at(-1) ?? null) : null)),
    "Next: JToken": on(JToken, (self) => neighbours(self)[neighbours(self).indexOf(self) + 1] ?? null),
    "Previous: JToken": on(JToken, (self) => neighbours(self)[neighbours(self).indexOf(self) - 1] ?? null),
    "Children(): IEnumerable<JToken> | Values(): IEnumerable<JToken>": on(JToken, (self) =>
      lazy("JToken", () => (self instanceof JContainer ? self.children() : [])),
    ),
    "Children<T>(): IEnumerable<T>": on(JToken, (self, _, __, bindings) => {
      const wanted = bindings.get("T") ?? types.object;
      return new Lazy(wanted, () =>
        (self instanceof JContainer ? self.children() : []).filter((each) => wanted.name === "JToken" || each.type.name === wanted.name),
      );
    }),
    "Values<T>(): IEnumerable<T>": on(JToken, (self, _, run, bindings) => {
      const wanted = bindings.get("T") ?? types.object;
      return new Lazy(wanted, () => (self instanceof JContainer ? self.children() : []).map((each) => valueAs(each, run, bindings)));
    }),
    "Value<T>(object key): T": on(JToken, (self, [, key = null], run, bindings) => valueAs(child(self, key), run, bindings)),
    "Value<T>(): T": on(JToken, (self, _, run, bindings) => valueAs(self, run, bindings)),
    "SelectToken(string path): JToken": on(JToken, (self, [, path], run) => selected(self, text(path, "path"), false, run)),
    "SelectToken(string path, bool errorWhenNoMatch): JToken": on(JToken, (self, [, path, isRequired], run) =>
      selected(self, text(path, "path"), flag(isRequired), run),
    ),
    "SelectTokens(string path): IEnumerable<JToken>": on(JToken, (self, [, path], run) =>
      lazy("JToken", () => selectTokens(self, text(path, "path"), run)),
    ),
    "ToObject<T>(): T": on(JToken, (self, _, run, bindings) => toObject(self, bindings.get("T") ?? types.object, run)),
    "DeepClone(): JToken": on(JToken, (self, _, run) => copied(self, run)),
    "Remove()": on(JToken, removed),
    "Replace(JToken value)": on(JToken, (self, [, value = null], run) => {
      if (self.parent === null) throw invalidOperation("The parent is missing.");
      self.parent.replaceChild(self, placed(value, self.parent, run));
      return null;
    }),
    "AddAfterSelf(object content)": on(JToken, (self, [, content = null], run) => {
      if (!(self.parent instanceof JArray)) throw unsupported("AddAfterSelf outside of an array");
      self.parent.insert(self.parent.items.indexOf(self) + 1, placed(content, self, run));
      return null;
    }),
    "Ancestors(): IEnumerable<JToken>": on(JToken, (self) =>
      lazy("JToken", () => {
        const found: JToken[] = [];
        for (let next = self.parent; next !== null; next = next.parent) found.push(next);
        return found;
      }),
    ),
    "ToString(): string": on(JToken, (self, _, run) => printed(self, undefined, run)),
    "ToString(Formatting formatting): string": on(JToken, (self, [, formatting], run) => printed(self, formatting, run)),
  },
  { bases: ["IEnumerable<JToken>"] },
);

const containers = define(
  "JContainer",
  {
    "Count: int": on(JContainer, (self) => self.children().length),
    "Descendants(): IEnumerable<JToken>": on(JContainer, (self, _, run) => {
      run.step(sizeOf(self));
      return lazy("JToken", () => descendants(self));
    }),
    "DescendantsAndSelf(): IEnumerable<JToken>": on(JContainer, (self, _, run) => {
      run.step(sizeOf(self));
      return lazy("JToken", () => [self, ...descendants(self)]);
    }),
    "Merge(object content)": on(JContainer, (self, [, content = null], run) => {
      if (content instanceof JToken) run.step(sizeOf(content));
      merge(self, content);
      return null;
    }),
  },
  { bases: ["JToken"] },
);

/** Newtonsoft's defaults: objects are merged, arrays concatenated, null left out. */
function merge(target: JContainer, content: Value): void {
  if (target instanceof JObject && content instanceof JObject)
    for (const { name, value } of content.properties.values()) {
      const own = target.get(name);
      if (own instanceof JContainer && own.type.name === value.type.name) merge(own, value);
      else if (!(value instanceof JValue && value.value === null && own !== null)) target.set(name, value.copy());
    }
  else if (target instanceof JArray && content instanceof JArray) for (const item of content.items) target.add(item.copy());
  else throw unsupported("this merge of JSON");
}

function propertyNamed(self: JObject, name: string, comparison: Value | undefined): JProperty | null {
  const exact = self.properties.get(name);
  if (exact !== undefined || comparison === undefined || enumeration(comparison) % 2 === 0) return exact ?? null;
  return [...self.properties.values()].find((property) => property.name.toUpperCase() === name.toUpperCase()) ?? null;
}

const objects = define(
  "JObject",
  {
    "static Parse(string json): JObject": ([json], run) => parsed(json, "JObject", run),
    "static FromObject(object value): JObject": ([value = null], run) => {
      const token = fromObject(value, run);
      if (token instanceof JObject) return token;
      throw argumentError(`Object serialized to ${token.tokenType}. JObject instance expected.`);
    },
    "new()": () => new JObject(),
    "new(JObject other)": ([other = null], run) => copied(jsonOf(other, JObject), run),
    "new(params object[] content) | new(object content)": ([content = null], run) => {
      const object = new JObject();
      addTo(object, content, run);
      return object;
    },
    "this[string name]: JToken": on(JObject, (self, [, name]) => self.get(text(name, "propertyName"))),
    "set this[string name, JToken value]": on(JObject, (self, [, name = null, value = null], run) => setChild(self, name, value, run)),
    "Add(string name, JToken value)": on(JObject, (self, [, name, value = null], run) => {
      self.add(new JProperty(text(name, "propertyName"), placed(value, self, run)));
      return null;
    }),
    "Add(object content)": on(JObject, (self, [, content = null], run) => {
      addTo(self, content, run);
      return null;
    }),
    "ContainsKey(string name): bool": on(JObject, (self, [, name]) => self.properties.has(text(name, "propertyName"))),
    "GetValue(string name): JToken | GetValue(string name, StringComparison comparison): JToken": on(
      JObject,
      (self, [, name, comparison]) => {
        const wanted = textOrNull(name);
        return wanted === null ? null : (propertyNamed(self, wanted, comparison)?.value ?? null);
      },
    ),
    "Property(string name): JProperty | Property(string name, StringComparison comparison): JProperty": on(
      JObject,
      (self, [, name, comparison]) => {
        const wanted = textOrNull(name);
        return wanted === null ? null : propertyNamed(self, wanted, comparison);
      },
    ),
    "Properties(): IEnumerable<JProperty>": on(JObject, (self) => lazy("JProperty", () => [...self.properties.values()])),
    "PropertyValues(): IEnumerable<JToken>": on(JObject, (self) =>
      lazy("JToken", () => [...self.properties.values()].map(({ value }) => value)),
    ),
    "Remove(string name): bool": on(JObject, (self, [, name]) => self.remove(text(name, "propertyName"))),
    "RemoveAll()": on(JObject, (self) => {
      for (const name of [...self.properties.keys()]) self.remove(name);
      return null;
    }),
    "TryGetValue(string name, out JToken value): bool": on(JObject, (self, [, name]) => {
      const value = self.get(text(name, "propertyName"));
      return new Outs(value !== null, value);
    }),
    "TryGetValue(string name, StringComparison comparison, out JToken value): bool": on(JObject, (self, [, name, comparison]) => {
      const value = propertyNamed(self, text(name, "propertyName"), comparison)?.value ?? null;
      return new Outs(value !== null, value);
    }),
  },
  { bases: ["JContainer"] },
);

/** By reference, as Newtonsoft looks for a token. */
function placeOf(array: JArray, item: Value | undefined): number {
  return item instanceof JToken ? array.items.indexOf(item) : -1;
}

const arrays = define(
  "JArray",
  {
    "static Parse(string json): JArray": ([json], run) => parsed(json, "JArray", run),
    "static FromObject(object value): JArray": ([value = null], run) => {
      const token = fromObject(value, run);
      if (token instanceof JArray) return token;
      throw argumentError(`Object serialized to ${token.tokenType}. JArray instance expected.`);
    },
    "new()": () => new JArray(),
    "new(JArray other)": ([other = null], run) => copied(jsonOf(other, JArray), run),
    "new(params object[] content) | new(object content)": ([content = null], run) => {
      const array = new JArray();
      addTo(array, content, run);
      return array;
    },
    "this[int index]: JToken": on(JArray, (self, [, index = null]) => child(self, index)),
    "set this[int index, JToken value]": on(JArray, (self, [, index = null, value = null], run) => setChild(self, index, value, run)),
    "Add(JToken item) | Add(object content)": on(JArray, (self, [, content = null], run) => {
      addTo(self, content, run);
      return null;
    }),
    "AddFirst(object content)": on(JArray, (self, [, content = null], run) => {
      self.insert(0, placed(content, self, run));
      return null;
    }),
    "Clear() | RemoveAll()": on(JArray, (self) => {
      while (self.items.length > 0) self.removeAt(self.items.length - 1);
      return null;
    }),
    "Contains(JToken item): bool": on(JArray, (self, [, item]) => placeOf(self, item) !== -1),
    "IndexOf(JToken item): int": on(JArray, (self, [, item]) => placeOf(self, item)),
    "Insert(int index, JToken item)": on(JArray, (self, [, index, item = null], run) => {
      const at = int(index ?? 0);
      if (at < 0 || at > self.items.length) throw outOfRange();
      self.insert(at, placed(item, self, run));
      return null;
    }),
    "Remove(JToken item): bool": on(JArray, (self, [, item]) => {
      const index = placeOf(self, item);
      if (index !== -1) self.removeAt(index);
      return index !== -1;
    }),
    "RemoveAt(int index)": on(JArray, (self, [, index]) => {
      self.removeAt(int(index ?? 0));
      return null;
    }),
  },
  { bases: ["JContainer"] },
);

const properties = define(
  "JProperty",
  {
    "new(string name, object content) | new(string name, params object[] content)": ([name, content = null], run) =>
      new JProperty(
        text(name, "name"),
        content instanceof NetArray && content.element.name === "object" ? contentOf(content.values, run) : contentOf([content], run),
      ),
    "Name: string": on(JProperty, (self) => self.name),
    "Value: JToken": on(JProperty, (self) => self.value),
    "set Value(JToken value)": on(JProperty, (self, [, value = null], run) => {
      self.value = placed(value, self, run);
      return null;
    }),
  },
  { bases: ["JContainer"] },
);

const scalars = define(
  "JValue",
  {
    "new(object value)": ([value = null]) => tokenOf(value),
    "static CreateNull(): JValue": () => new JValue(null),
    "static CreateString(string value): JValue": ([value = null]) => new JValue(value),
    "Value: object": on(JValue, (self) => self.value),
    "set Value(object value)": on(JValue, (self, [, value = null]) => {
      self.value = new JValue(value).value;
      return null;
    }),
  },
  { bases: ["JToken"] },
);

const converter = define("JsonConvert", {
  "static SerializeObject(object value): string | static SerializeObject(object value, Formatting formatting): string": (
    [value = null, formatting],
    run,
  ) => {
    const token = fromObject(value, run);
    return run.text(printJson(token, enumeration(formatting) === 1));
  },
  "static DeserializeObject<T>(string json): T": ([json], run, bindings) => {
    if (json === null) throw argumentNull("value");
    const wanted = bindings.get("T") ?? types.object;
    return textOrNull(json)?.trim() === "" ? null : toObject(parsed(json, "JToken", run), wanted, run);
  },
  "static DeserializeObject(string json): object": ([json], run) => parsed(json, "JToken", run),
  "static ToString(string value): string": ([value]) => quoted(text(value)),
});

export const jsonDefinitions: readonly Definition[] = [tokens, containers, objects, arrays, properties, scalars, converter];
