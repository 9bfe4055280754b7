import type { Json } from "../../gateway/documents.ts";
import type { Call } from "./access.ts";
import { fromToken } from "./casts.ts";
import { constant, following, nothing, notUnderstood, present, Thrown, text, truth } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { itemsOf, membersOf } from "./json-text.ts";
import { isNull, isText, numberOf, numericOf, pieced, textOf } from "./numbers.ts";
import { defaultOf, isValueType, type TypeName } from "./type-names.ts";
import type { Known } from "./values.ts";

/** `token["name"]`, `array[0]`. */
export function jsonIndexed(target: Known, index: Known): Known {
  const [members, items] = [membersOf(target), itemsOf(target)];
  if (members !== null) {
    if (!isText(index)) throw new Thrown("an object is indexed by names");
    return members.get(index.value) ?? nothing;
  }
  if (items === null) {
    if (target.kind === "constant" && target.type === "token") throw new Thrown("a value has no members");
    throw new GivenUp();
  }
  const at = numericOf(index);
  if (at === null) throw new Thrown("an array is indexed by numbers");
  const item = items[at.number];
  if (item === undefined) throw new Thrown(`there is no item ${at.number}`);
  return item;
}

export function jsonMember(target: Known, name: string, source: string): Known {
  const [members, items] = [membersOf(target), itemsOf(target)];
  switch (name) {
    case "Count":
      if (members !== null) return numberOf(members.size, "int");
      break;
    case "Type":
      return present(`JTokenType.${tokenType(target)}`);
    case "HasValues":
      return truth((members?.size ?? items?.length ?? 0) > 0);
    case "Value":
      // Of a `JValue` or a property of an object, as a bare object.
      if (target.kind === "constant") return fromToken(target, typeof target.value === "string" ? "string" : "object");
      break;
    case "First":
    case "Last":
      if (items !== null) return items.at(name === "First" ? 0 : -1) ?? nothing;
  }
  return notUnderstood(source);
}

function tokenType(target: Known): string {
  if (membersOf(target) !== null) return "Object";
  if (itemsOf(target) !== null) return "Array";
  if (target.kind !== "constant") throw new GivenUp();
  if (target.value === null) return "Null";
  if (typeof target.value === "string") return "String";
  if (typeof target.value === "boolean") return "Boolean";
  return "real" in target ? "Float" : "Integer";
}

/** The JSON of an object or array, in Newtonsoft.Json's layout. Assumed: lines end as on Linux; only JSON ever reads them. */
function jsonText(target: Known, layout: Known | undefined, source: string): Known {
  if (target.kind !== "json") return following(partsOf(target), source);
  const flat = layout?.kind === "present" && layout.what === "Formatting.None";
  if (layout !== undefined && !flat) throw new GivenUp();
  if (hasFractions(target.value)) throw new GivenUp();
  return constant(JSON.stringify(target.value, null, flat ? 0 : 2));
}

const partsOf = (target: Known): readonly Known[] => [...(membersOf(target)?.values() ?? itemsOf(target) ?? [])];

/** Numbers whose text JavaScript may write in another way. */
function hasFractions(value: Json): boolean {
  if (typeof value === "number") return !Number.isSafeInteger(value);
  if (typeof value === "string") return /[\u007f-\u009f\u2028\u2029\ud800-\udfff]/.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasFractions);
}

/** Null where the value is an array and the method may be one of lists. */
export function jsonMethod(target: Known, call: Call): Known | null {
  const { name, arguments: given, types, outs, source, frame } = call;
  const [key, fallback] = given;
  const members = membersOf(target);
  if (key !== undefined && (key.kind === "unknown" || key.kind === "several")) {
    return members === null ? (itemsOf(target) === null ? following(given, source) : null) : following([key, ...members.values()], source);
  }
  switch (name) {
    case "Value":
      return key === undefined ? asValue(target, types[0]) : readAs(jsonIndexed(target, key), types[0]);
    case "ToObject":
      return itemsOf(target) === null ? asValue(target, types[0]) : objects(target, types[0]);
    case "ToString":
      if (target.kind !== "constant") return jsonText(target, key, source);
      return isText(target) ? text(pieced(target)) : textOf(target);
    case "GetValue":
    case "Property":
      if (members === null || key === undefined || !isText(key)) throw new GivenUp();
      // A property is more than its value, but is read for nothing else.
      return fallback === undefined ? (members.get(key.value) ?? nothing) : ignoringCase(members, key.value);
    case "ContainsKey":
      if (members === null || key === undefined || !isText(key)) throw new GivenUp();
      return truth(members.has(key.value));
    case "TryGetValue": {
      if (members === null || key === undefined || !isText(key)) throw new GivenUp();
      const found = fallback === undefined ? (members.get(key.value) ?? nothing) : ignoringCase(members, key.value);
      for (const out of outs) frame.locals.set(out, found);
      return truth(!isNull(found));
    }
    case "SelectToken":
      if (key === undefined || !isText(key)) throw new GivenUp();
      return selected(target, key.value);
    case "DeepClone":
      return target;
    case "Properties":
      return notUnderstood(source);
    case "Values":
    case "Children":
      if (itemsOf(target) !== null) return { kind: "list", items: (itemsOf(target) ?? []).map((item) => convertItem(item, types[0])) };
      return notUnderstood(source);
    default:
      return itemsOf(target) === null ? notUnderstood(source) : null;
  }
}

const convertItem = (item: Known, type: TypeName | undefined): Known => (type === undefined ? item : readAs(item, type));

/** `token.Value<T>()`. */
function asValue(target: Known, type: TypeName | undefined): Known {
  if (type === undefined) throw new GivenUp();
  if (target.kind === "constant" && target.value === null && isValueType(type)) throw new Thrown("null is no value");
  return readAs(target, type);
}

/** `object.Value<T>("name")`: where there is none, what `default(T)` is. */
function readAs(value: Known, type: TypeName | undefined): Known {
  if (type === undefined) throw new GivenUp();
  if (isNull(value)) return defaultOf(type);
  if (type === "JToken" || type === "object") return value;
  if (value.kind === "constant" && value.type === "token") {
    if (value.value === null && isValueType(type)) throw new Thrown("null is no value");
    return fromToken(value, type);
  }
  if (type === "JObject" && membersOf(value) !== null) return value;
  if (type === "JArray" && itemsOf(value) !== null) return value;
  throw new GivenUp();
}

/** `array.ToObject<string[]>()`. */
function objects(target: Known, type: TypeName | undefined): Known {
  const item = /^(?:I?List|IEnumerable|HashSet)<(\w+)>$/.exec(type ?? "")?.[1] ?? /^(\w+)\[\]$/.exec(type ?? "")?.[1];
  const items = itemsOf(target);
  if (item === undefined || items === null) throw new GivenUp();
  return { kind: "list", items: items.map((value) => readAs(value, item)) };
}

function ignoringCase(members: ReadonlyMap<string, Known>, name: string): Known {
  const exact = members.get(name);
  if (exact !== undefined) return exact;
  for (const [other, value] of members) if (other.toLowerCase() === name.toLowerCase()) return value;
  return nothing;
}

/** A path of names and indexes (https://www.newtonsoft.com/json/help/html/SelectToken.htm); filters and wildcards are not followed. */
function selected(target: Known, path: string): Known {
  let value = target;
  const steps = /^\$?((?:(?:^|\.)[\w-]+|\[\d{1,9}\]|\['[^'\]]*'\])*)$/.test(path) ? path.replace(/^\$\.?/, "") : null;
  if (steps === null || path.length > 1000) throw new GivenUp();
  for (const [part] of steps.matchAll(/[^.[\]']+/g)) {
    const [members, items] = [membersOf(value), itemsOf(value)];
    const found = members?.get(part) ?? items?.[/^\d+$/.test(part) ? Number(part) : -1];
    if (found === undefined) return nothing;
    value = found;
  }
  return value;
}
