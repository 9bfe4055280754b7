import { type Definition, define } from "../definitions.ts";
import { makeType } from "../types.ts";
import { EnumValue, toText, type Value } from "../values.ts";

/** Members in the order of their numbers from 0, or with the numbers that they have. */
const enumerations: Readonly<Record<string, readonly string[] | Readonly<Record<string, number>>>> = {
  DateTimeKind: ["Unspecified", "Utc", "Local"],
  DayOfWeek: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
  Formatting: ["None", "Indented"],
  JTokenType: [
    "None",
    "Object",
    "Array",
    "Constructor",
    "Property",
    "Comment",
    "Integer",
    "Float",
    "String",
    "Boolean",
    "Null",
    "Undefined",
    "Date",
    "Raw",
    "Bytes",
    "Guid",
    "Uri",
    "TimeSpan",
  ],
  MidpointRounding: ["ToEven", "AwayFromZero"],
  RegexOptions: {
    None: 0,
    IgnoreCase: 1,
    Multiline: 2,
    ExplicitCapture: 4,
    Compiled: 8,
    Singleline: 16,
    IgnorePatternWhitespace: 32,
    CultureInvariant: 512,
  },
  StringComparison: [
    "CurrentCulture",
    "CurrentCultureIgnoreCase",
    "InvariantCulture",
    "InvariantCultureIgnoreCase",
    "Ordinal",
    "OrdinalIgnoreCase",
  ],
  StringSplitOptions: { None: 0, RemoveEmptyEntries: 1, TrimEntries: 2 },
  UriPartial: ["Scheme", "Authority", "Path", "Query"],
};

export const enumDefinitions: readonly Definition[] = Object.entries(enumerations).map(([name, members]) => {
  const numbers: readonly (readonly [string, number])[] = isList(members)
    ? members.map((member, index) => [member, index])
    : Object.entries(members);
  const values = numbers.map(([member, number]) => new EnumValue(makeType(name), member, number));
  return define(name, { "ToString(): string": ([self]) => toText(self ?? null) }, { bases: ["Enum"], values, ...zeroOf(name, values) });
});

function zeroOf(name: string, values: readonly EnumValue[]): { zero: Value } {
  return { zero: values.find(({ number }) => number === 0) ?? new EnumValue(makeType(name), "0", 0) };
}

function isList(members: readonly string[] | Readonly<Record<string, number>>): members is readonly string[] {
  return Array.isArray(members);
}

export function member(enumerated: string, name: string): EnumValue {
  const found = enumDefinitions.find((definition) => definition.name === enumerated)?.values.find((value) => value.name === name);
  if (found === undefined) throw new Error(`no member ${enumerated}.${name}`);
  return found;
}
