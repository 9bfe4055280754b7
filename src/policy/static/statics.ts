import type { Call } from "./access.ts";
import { brought, constant, following, nothing, notUnderstood, present, Thrown, truth } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { readJson } from "./json-text.ts";
import { lifted } from "./lifted.ts";
import { methodOf } from "./members.ts";
import {
  commonType,
  convertBoolean,
  convertNumber,
  isNull,
  isText,
  type NumberType,
  numberOf,
  numericOf,
  parsedBoolean,
  parsedNumber,
  pieced,
  textOf,
} from "./numbers.ts";
import { equality, ignoresCase, joinedText } from "./operators.ts";
import { compareOrdinal } from "./text-methods.ts";
import type { TypeName } from "./type-names.ts";
import type { Constant, Known } from "./values.ts";

const types: ReadonlySet<string> = new Set([
  "string",
  "int",
  "long",
  "double",
  "decimal",
  "bool",
  "char",
  "object",
  "Convert",
  "Math",
  "JObject",
  "JArray",
  "JToken",
  "JValue",
  "JTokenType",
  "JsonConvert",
  "StringComparison",
  "StringComparer",
  "StringSplitOptions",
  "DateTime",
  "DateTimeOffset",
  "TimeSpan",
  "Guid",
  "Regex",
  "RegexOptions",
  "Uri",
  "Encoding",
  "Enumerable",
  "CultureInfo",
  "NumberStyles",
  "WebUtility",
  "Environment",
  "Array",
  "UInt32",
  "UInt64",
  "Int16",
  "Byte",
  "Enum",
  "Tuple",
  "Path",
  "Formatting",
]);

export const isTypeName = (name: TypeName): boolean => types.has(name);

const limits: Readonly<Record<string, Known>> = {
  "int.MaxValue": numberOf(2_147_483_647, "int"),
  "int.MinValue": numberOf(-2_147_483_648, "int"),
  "string.Empty": constant(""),
};

const enumerations: ReadonlySet<string> = new Set([
  "StringComparison",
  "StringComparer",
  "StringSplitOptions",
  "JTokenType",
  "Formatting",
  "Encoding",
  "CultureInfo",
  "RegexOptions",
  "NumberStyles",
]);

/** `string.Empty`, `StringComparison.Ordinal` ... */
export function staticMember(type: TypeName, name: string, source: string): Known {
  const known = Object.hasOwn(limits, `${type}.${name}`) ? limits[`${type}.${name}`] : undefined;
  if (known !== undefined) return known;
  if (enumerations.has(type)) return present(`${type}.${name}`);
  if (type === "DateTime" || type === "DateTimeOffset") return brought("time", `${type}.${name}`);
  return notUnderstood(source);
}

type Static = (call: Call) => Known;

const one =
  (apply: (value: Known) => Known): Static =>
  ({ arguments: [given, ...others], source }) => {
    if (given === undefined || others.length > 0) throw new GivenUp();
    return lifted([given], source, ([value = given]) => apply(value));
  };

const parse = (type: NumberType): Static =>
  one((value) => {
    if (!isText(value)) {
      if (isNull(value)) throw new Thrown("null is no number");
      throw new GivenUp();
    }
    const parsed = parsedNumber(value, type);
    if (parsed === null) throw new Thrown(`'${value.value.slice(0, 40)}' is no number`);
    return parsed;
  });

const convertTo = (type: NumberType): Static => one((value) => convertNumber(constantOf(value), type));

function constantOf(value: Known): Constant {
  if (value.kind !== "constant") throw new GivenUp();
  return value;
}

/** `T.TryParse(text, out x)`. */
function tryParse(type: NumberType | "bool", { arguments: [given, ...others], outs: [out], source, frame }: Call): Known {
  if (given === undefined || out === undefined || others.length > 0) throw new GivenUp();
  if (given.kind === "unknown" || given.kind === "several") {
    const parsed = following([given], source);
    frame.locals.set(out, parsed);
    return parsed;
  }
  const parsed = isText(given) ? (type === "bool" ? parsedBoolean(given.value) : parsedNumber(given, type)) : null;
  if (!isText(given) && !isNull(given)) throw new GivenUp();
  frame.locals.set(out, parsed ?? (type === "bool" ? constant(false) : numberOf(0, type)));
  return truth(parsed !== null);
}

const blank = (test: (value: string) => boolean): Static =>
  one((value) => {
    if (isNull(value)) return truth(true);
    if (!isText(value)) throw new GivenUp();
    return truth(test(value.value));
  });

/** JSON that was read, by the constant that it was read from. */
const parsedJson = new WeakMap<Known, Known>();

const json: Static = one((value) => {
  if (isNull(value)) throw new Thrown("null is no JSON");
  if (!isText(value)) throw new GivenUp();
  const before = parsedJson.get(value);
  if (before !== undefined) return before;
  const read = readJson(pieced(value));
  parsedJson.set(value, read);
  return read;
});

/** `string.Join(",", items)`, with the items in one list or one by one. */
function joined({ arguments: [separator, ...given], source }: Call): Known {
  if (separator === undefined) throw new GivenUp();
  const items = given.flatMap((value) => (value.kind === "list" ? value.items : [value]));
  return joinedText(
    items.flatMap((item, index) => (index === 0 ? [item] : [separator, item])),
    source,
  );
}

/** `string.Format("{0}-{1}", a, b)`; widths and formats are not followed. */
function formatted({ arguments: [pattern, ...given], source }: Call): Known {
  if (pattern === undefined || !isText(pattern)) return following([pattern ?? nothing, ...given], source);
  const parts: Known[] = [];
  let at = 0;
  for (const { 0: whole, 1: index, index: start } of pattern.value.matchAll(/\{\{|\}\}|\{(\d{1,2})\}|[{}]/g)) {
    parts.push(constant(pattern.value.slice(at, start)));
    at = start + whole.length;
    if (whole === "{{" || whole === "}}") parts.push(constant(whole.slice(1)));
    else {
      const value = index === undefined ? undefined : given[Number(index)];
      if (value === undefined) throw new GivenUp();
      parts.push(value);
    }
  }
  return joinedText([...parts, constant(pattern.value.slice(at))], source);
}

const extreme =
  (pick: (one: number, other: number) => number): Static =>
  ({ arguments: [left, right, ...others], source }) => {
    if (left === undefined || right === undefined || others.length > 0) throw new GivenUp();
    return lifted([left, right], source, (values) => {
      const [first, second] = values.map(numericOf);
      if (first == null || second == null) throw new GivenUp();
      return numberOf(pick(first.number, second.number), commonType(first.type, second.type));
    });
  };

/** Of a double. */
const rounded = (round: (value: number) => number): Static =>
  one((value) => {
    const number = numericOf(value);
    if (number === null || (number.type !== "double" && number.type !== "decimal")) throw new GivenUp();
    return numberOf(round(number.number), number.type);
  });

const methods: Readonly<Record<string, Static>> = {
  "int.Parse": parse("int"),
  "long.Parse": parse("long"),
  "double.Parse": parse("double"),
  "decimal.Parse": parse("decimal"),
  "bool.Parse": one((value) => {
    const parsed = isText(value) ? parsedBoolean(value.value) : null;
    if (parsed === null) throw new Thrown("this is no truth");
    return parsed;
  }),
  "int.TryParse": (call) => tryParse("int", call),
  "long.TryParse": (call) => tryParse("long", call),
  "double.TryParse": (call) => tryParse("double", call),
  "decimal.TryParse": (call) => tryParse("decimal", call),
  "bool.TryParse": (call) => tryParse("bool", call),
  "Convert.ToInt32": convertTo("int"),
  "Convert.ToInt64": convertTo("long"),
  "Convert.ToDouble": convertTo("double"),
  "Convert.ToDecimal": convertTo("decimal"),
  "Convert.ToBoolean": one((value) => convertBoolean(constantOf(value))),
  "Convert.ToString": one((value) => (isNull(value) ? nothing : textOf(value))),
  "string.IsNullOrEmpty": blank((value) => value === ""),
  "string.IsNullOrWhiteSpace": blank((value) => value.trim() === ""),
  "string.Concat": ({ arguments: given, source }) => {
    if (given.some(({ kind }) => kind === "list" || kind === "json")) throw new GivenUp();
    return joinedText(given, source);
  },
  "string.Join": joined,
  "string.Format": formatted,
  "string.Equals": ({ arguments: [left, right, comparison], source, frame }) => {
    if (left === undefined || right === undefined) throw new GivenUp();
    return equality(left, right, ignoresCase(comparison), source, frame);
  },
  "string.Compare": ({ arguments: [left, right, ...others], source }) => {
    if (left === undefined || right === undefined || others.length > 0) throw new GivenUp();
    return lifted([left, right], source, ([first = left, second = right]) => compareOrdinal(first, second));
  },
  "JObject.Parse": json,
  "JArray.Parse": json,
  "JToken.Parse": json,
  "JsonConvert.DeserializeObject": (call) => {
    if (call.types.some((type) => !/^J(?:Object|Array|Token)$/.test(type))) throw new GivenUp();
    return json(call);
  },
  "Math.Min": extreme(Math.min),
  "Math.Max": extreme(Math.max),
  "Math.Floor": rounded(Math.floor),
  "Math.Ceiling": rounded(Math.ceil),
  "Guid.NewGuid": () => brought("time", "Guid.NewGuid()"),
};

/** `T.Method(...)`. */
export function staticMethod(type: TypeName, call: Call): Known {
  const name = `${type}.${call.name}`;
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method !== undefined) return method(call);
  // As an extension would be called: `Enumerable.Contains(list, x)`.
  const [self, ...given] = call.arguments;
  if (type === "Enumerable" && self !== undefined) return methodOf(self, { ...call, arguments: given });
  return following(call.arguments, call.source);
}
