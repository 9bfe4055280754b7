import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { brought, following } from "./data.ts";
import { dictionary, keyOf } from "./dictionaries.ts";
import { type Code, GivenUp } from "./frame.ts";
import { arrayOf, itemsOf, membersOf, objectOf } from "./json-text.ts";
import { isText } from "./numbers.ts";
import { ignoresCase } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { typeOf } from "./type-names.ts";
import type { Known, Present } from "./values.ts";

/** A `JProperty`. */
export interface Property extends Present {
  readonly name: string;
  readonly content: Known;
}

export const isProperty = (value: Known): value is Property => value.kind === "present" && value.what === "JProperty";

/** `new ...`. Throws `GivenUp` for what is neither a list, a dictionary nor JSON. */
export function created(node: SyntaxNode, scope: Scope): Code {
  const initializer = node.children.find(({ type }) => type === "initializer_expression");
  if (node.type === "implicit_array_creation_expression") return listCode(initializer, scope);
  const type = childIn(node, "type");
  if (type === null) throw new GivenUp();
  if (node.type === "array_creation_expression") return listCode(initializer, scope);
  const name = typeOf(type);
  const list = childIn(node, "arguments");
  const given = list === null ? [] : namedChildren(list).map((argument) => scope.code(namedChildren(argument).at(-1) ?? argument));
  if (/^(?:List|HashSet)</.test(name)) return collection(given, initializer, scope);
  if (/^Dictionary</.test(name)) return dictionaryCode(name, given, initializer, scope);
  switch (name) {
    case "JObject":
      return objectCode(given, initializer, scope);
    case "JArray":
      return arrayCode(given, initializer, scope);
    case "JProperty":
      return propertyCode(given);
    case "Random":
      return () => brought("time", "new Random()");
    default:
      // Any other object: what it is made of is all that it depends on.
      return (frame) =>
        following(
          given.map((code) => code(frame)),
          node.text,
        );
  }
}

const itemsIn = (initializer: SyntaxNode | undefined): readonly SyntaxNode[] =>
  initializer === undefined ? [] : namedChildren(initializer);

/** `{ a, b }`, of an array. */
export function listCode(initializer: SyntaxNode | undefined, scope: Scope): Code {
  if (initializer === undefined) throw new GivenUp();
  const codes = itemsIn(initializer).map((item) => scope.code(item));
  return (frame) => ({ kind: "list", items: codes.map((code) => code(frame)) });
}

/** `new List<T>()`, of another list's items or of those behind it. */
function collection(given: readonly Code[], initializer: SyntaxNode | undefined, scope: Scope): Code {
  const items = itemsIn(initializer).map((item) => scope.code(item));
  const [from, ...others] = given;
  if (others.length > 0) throw new GivenUp();
  return (frame) => {
    const source = from?.(frame);
    if (source !== undefined && source.kind !== "list") throw new GivenUp();
    return { kind: "list", items: [...(source?.items ?? []), ...items.map((code) => code(frame))] };
  };
}

function dictionaryCode(name: string, given: readonly Code[], initializer: SyntaxNode | undefined, scope: Scope): Code {
  const valueType = /^Dictionary<string,([^<>]+)>$/.exec(name)?.[1] ?? "";
  const pairs = itemsIn(initializer).map((item) => pairCode(item, scope));
  const [comparer, ...others] = given;
  if (others.length > 0) throw new GivenUp();
  return (frame) => {
    const compares = comparer?.(frame);
    const ignoring = ignoresCase(compares);
    const entries = new Map<string, Known>();
    for (const { key, value } of pairs) entries.set(keyOf(key(frame), ignoring), value(frame));
    return dictionary(entries, ignoring, valueType);
  };
}

/** `{ "a", 1 }` or `["a"] = 1`. */
function pairCode(item: SyntaxNode, scope: Scope): { readonly key: Code; readonly value: Code } {
  if (item.type === "assignment_expression") {
    const [left, right] = [childIn(item, "left"), childIn(item, "right")];
    const [argument] = left?.type === "element_binding_expression" ? namedChildren(left) : [];
    const key = argument === undefined ? undefined : namedChildren(argument).at(-1);
    if (key === undefined || right === null) throw new GivenUp();
    return { key: scope.code(key), value: scope.code(right) };
  }
  const [key, value, ...others] = item.type === "initializer_expression" ? namedChildren(item) : [];
  if (key === undefined || value === undefined || others.length > 0) throw new GivenUp();
  return { key: scope.code(key), value: scope.code(value) };
}

function objectCode(given: readonly Code[], initializer: SyntaxNode | undefined, scope: Scope): Code {
  const pairs = itemsIn(initializer).map((item) => (item.type === "object_creation_expression" ? null : pairCode(item, scope)));
  const properties = itemsIn(initializer).flatMap((item) => (item.type === "object_creation_expression" ? [scope.code(item)] : []));
  return (frame) => {
    const members = new Map<string, Known>();
    for (const code of [...given, ...properties]) {
      const property = code(frame);
      if (!isProperty(property)) throw new GivenUp();
      members.set(property.name, property.content);
    }
    for (const pair of pairs) {
      const key = pair?.key(frame);
      if (pair === null) continue;
      if (key === undefined || !isText(key)) throw new GivenUp();
      members.set(key.value, asToken(pair.value(frame)));
    }
    return objectOf(members);
  };
}

function arrayCode(given: readonly Code[], initializer: SyntaxNode | undefined, scope: Scope): Code {
  const codes = [...given, ...itemsIn(initializer).map((item) => scope.code(item))];
  return (frame) =>
    arrayOf(
      codes
        .map((code) => code(frame))
        .flatMap((value) => (value.kind === "list" ? value.items : [value]))
        .map(asToken),
    );
}

function propertyCode([name, content, ...others]: readonly Code[]): Code {
  if (name === undefined || content === undefined || others.length > 0) throw new GivenUp();
  return (frame) => {
    const key = name(frame);
    if (!isText(key)) throw new GivenUp();
    return { kind: "present", what: "JProperty", name: key.value, content: asToken(content(frame)) } as Property;
  };
}

/** A value as an object or array of JSON holds it. */
export function asToken(value: Known): Known {
  if (value.kind === "list") return arrayOf(value.items.map(asToken));
  if (value.kind === "constant") {
    if (value.type === "char" || value.type === "decimal") throw new GivenUp();
    if (value.type === "double") return { ...value, type: "token", real: true } as Known;
    return { ...value, type: "token" };
  }
  if (value.kind === "several" || membersOf(value) !== null || itemsOf(value) !== null || value.kind === "unknown") return value;
  throw new GivenUp();
}
