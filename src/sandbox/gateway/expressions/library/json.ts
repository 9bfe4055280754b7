import { Lazy, NetArray } from "../collections.ts";
import { type Definition, define, Outs } from "../definitions.ts";
import { argumentNull, unsupported } from "../errors.ts";
import { JArray, JContainer, JObject, JProperty, JToken, JValue, outOfRange, printJson, quoted, sameJson } from "../json.ts";
import { selectTokens } from "../json-path.ts";
import { int } from "../numbers.ts";
import type { Run } from "../run.ts";
import { type, types } from "../types.ts";
import type { Value } from "../values.ts";
import { member } from "./enums.ts";
import {
  addTo,
  child,
  contentOf,
  copied,
  fromObject,
  jsonOf,
  parseJson,
  placed,
  printed,
  selected,
  setChild,
  sizeOf,
  tokenOf,
  toObject,
  valueAs,
} from "./json-values.ts";
import { argumentError, enumeration, flag, invalidOperation, on, text, textOrNull } from "./read.ts";

function descendants(token: JToken): readonly JToken[] {
  const found: JToken[] = [];
  const pending: JToken[] = token instanceof JContainer ? [...token.children()].reverse() : [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    found.push(next);
    if (next instanceof JContainer) for (const each of [...next.children()].reverse()) pending.push(each);
  }
  return found;
}

/** The tokens directly below; making a list of them takes its time. */
function below(token: JToken, run: Run): readonly JToken[] {
  if (!(token instanceof JContainer)) return [];
  const children = token.children();
  run.step(children.length >> 6);
  return children;
}

function lazy(element: string, items: () => readonly Value[], source: Value = null): Lazy {
  return new Lazy(type(element), items, source);
}

function neighbours(token: JToken, run: Run): readonly JToken[] {
  return token.parent === null ? [token] : below(token.parent, run);
}

function removed(token: JToken): null {
  if (token.parent === null) throw invalidOperation("The parent is missing.");
  token.parent.removeChild(token);
  return null;
}

const tokens = define(
  "JToken",
  {
    "static Parse(string json): JToken": ([json], run) => parseJson(json, "JToken", run),
    "static FromObject(object value): JToken": ([value = null], run) => fromObject(value, run),
    "static DeepEquals(JToken one, JToken other): bool": ([one, other], run) => {
      if (!(one instanceof JToken) || !(other instanceof JToken)) return one === other;
      run.step(sizeOf(one));
      return sameJson(one, other);
    },
    "this[object key]: JToken": on(JToken, (self, [, key = null]) => child(self, key)),
    "set this[object key, JToken value]": on(JToken, (self, [, key = null, value = null], run) => setChild(self, key, value, run)),
    "Type: JTokenType": on(JToken, (self) => member("JTokenType", self.tokenType)),
    "HasValues: bool": on(JToken, (self, _, run) => below(self, run).length > 0),
    "Parent: JContainer": on(JToken, (self) => self.parent),
    "Root: JToken": on(JToken, (self) => {
      let root: JToken = self;
      while (root.parent !== null) root = root.parent;
      return root;
    }),
    "Path: string": on(JToken, (self) => self.path),
    "First: JToken": on(JToken, (self, _, run) => below(self, run)[0] ?? null),
    "Last: JToken": on(JToken, (self, _, run) => below(self, run).at(-1) ?? null),
    "Next: JToken": on(JToken, (self, _, run) => neighbours(self, run)[neighbours(self, run).indexOf(self) + 1] ?? null),
    "Previous: JToken": on(JToken, (self, _, run) => neighbours(self, run)[neighbours(self, run).indexOf(self) - 1] ?? null),
    "Children(): IEnumerable<JToken> | Values(): IEnumerable<JToken>": on(JToken, (self, _, run) =>
      lazy("JToken", () => below(self, run), self),
    ),
    "Children<T>(): IEnumerable<T>": on(JToken, (self, _, run, bindings) => {
      const wanted = bindings.get("T") ?? types.object;
      return new Lazy(wanted, () => below(self, run).filter((each) => wanted.name === "JToken" || each.type.name === wanted.name), self);
    }),
    "Values<T>(): IEnumerable<T>": on(JToken, (self, _, run, bindings) => {
      const wanted = bindings.get("T") ?? types.object;
      return new Lazy(wanted, () => below(self, run).map((each) => valueAs(each, run, bindings)), self);
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
    "Count: int": on(JContainer, (self, _, run) => below(self, run).length),
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
    "static Parse(string json): JObject": ([json], run) => parseJson(json, "JObject", run),
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
    "Properties(): IEnumerable<JProperty>": on(JObject, (self) => lazy("JProperty", () => [...self.properties.values()], self)),
    "PropertyValues(): IEnumerable<JToken>": on(JObject, (self) =>
      lazy("JToken", () => [...self.properties.values()].map(({ value }) => value), self),
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
function placeOf(array: JArray, item: Value | undefined, run: Run): number {
  run.step(array.items.length >> 6);
  return item instanceof JToken ? array.items.indexOf(item) : -1;
}

const arrays = define(
  "JArray",
  {
    "static Parse(string json): JArray": ([json], run) => parseJson(json, "JArray", run),
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
    "Contains(JToken item): bool": on(JArray, (self, [, item], run) => placeOf(self, item, run) !== -1),
    "IndexOf(JToken item): int": on(JArray, (self, [, item], run) => placeOf(self, item, run)),
    "Insert(int index, JToken item)": on(JArray, (self, [, index, item = null], run) => {
      const at = int(index ?? 0);
      if (at < 0 || at > self.items.length) throw outOfRange();
      self.insert(at, placed(item, self, run));
      return null;
    }),
    "Remove(JToken item): bool": on(JArray, (self, [, item], run) => {
      const index = placeOf(self, item, run);
      if (index !== -1) self.removeAt(index);
      return index !== -1;
    }),
    "RemoveAt(int index)": on(JArray, (self, [, index], run) => {
      run.step(self.items.length >> 6);
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
    return textOrNull(json)?.trim() === "" ? null : toObject(parseJson(json, "JToken", run), wanted, run);
  },
  "static DeserializeObject(string json): object": ([json], run) => parseJson(json, "JToken", run),
  "static ToString(string value): string": ([value]) => quoted(text(value)),
});

export const jsonDefinitions: readonly Definition[] = [tokens, containers, objects, arrays, properties, scalars, converter];
