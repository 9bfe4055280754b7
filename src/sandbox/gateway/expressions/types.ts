/** A type of C#, written as C# does: `int`, `string[]`, `List<string>`, `int?`. Two types are one where their texts are equal. */
export interface Type {
  /** Without arguments; `[]` for arrays, `Nullable` for `T?`, `?` where nothing is known, `null` for the null literal. */
  readonly name: string;
  readonly args: readonly Type[];
  readonly text: string;
}

/** What a generic type's or method's parameters stand for. */
export type Bindings = ReadonlyMap<string, Type>;

export function makeType(name: string, args: readonly Type[] = []): Type {
  return { name, args, text: typeText(name, args) };
}

export function arrayOf(element: Type): Type {
  return makeType("[]", [element]);
}

function typeText(name: string, args: readonly Type[]): string {
  const [first] = args;
  if (name === "[]" && first !== undefined) return `${first.text}[]`;
  if (name === "Nullable" && first !== undefined) return `${first.text}?`;
  return args.length === 0 ? name : `${name}<${args.map(({ text }) => text).join(", ")}>`;
}

const parsed = new Map<string, Type>();

/** The type that a text of this module's own tables means; results are kept. */
export function type(text: string): Type {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const read = readType(text.replaceAll(/\s/g, ""), 0).type;
  parsed.set(text, read);
  return read;
}

function readType(text: string, start: number): { type: Type; end: number } {
  const name = /^[A-Za-z0-9_.]+|^\?|^\(,*\)/.exec(text.slice(start))?.[0] ?? "";
  let end = start + name.length;
  const args: Type[] = [];
  if (text[end] === "<") {
    do {
      const arg = readType(text, end + 1);
      args.push(arg.type);
      end = arg.end;
    } while (text[end] === ",");
    end++;
  }
  let read = makeType(name, args);
  for (;;) {
    if (text[end] === "?") {
      read = makeType("Nullable", [read]);
      end++;
    } else if (text.startsWith("[]", end)) {
      read = arrayOf(read);
      end += 2;
    } else return { type: read, end };
  }
}

export const types = {
  bool: type("bool"),
  byte: type("byte"),
  char: type("char"),
  decimal: type("decimal"),
  double: type("double"),
  int: type("int"),
  long: type("long"),
  null: makeType("null"),
  object: type("object"),
  string: type("string"),
  unknown: makeType("?"),
  void: type("void"),
} as const;

export function sameType(one: Type, other: Type): boolean {
  return one === other || one.text === other.text;
}

/** The type with parameters replaced by what they stand for. */
export function substitute(open: Type, bindings: Bindings): Type {
  if (bindings.size === 0) return open;
  const bound = open.args.length === 0 ? bindings.get(open.name) : undefined;
  if (bound !== undefined) return bound;
  return open.args.length === 0
    ? open
    : makeType(
        open.name,
        open.args.map((arg) => substitute(arg, bindings)),
      );
}

/** `T` of `T?`, and every other type itself. */
export function underlying(possiblyNullable: Type): Type {
  return possiblyNullable.name === "Nullable" ? (possiblyNullable.args[0] ?? types.unknown) : possiblyNullable;
}

const namespaces: Readonly<Record<string, readonly string[]>> = {
  "Newtonsoft.Json": ["Formatting", "JsonConvert", "JsonReaderException"],
  "Newtonsoft.Json.Linq": ["JArray", "JContainer", "JObject", "JProperty", "JToken", "JTokenType", "JValue"],
  "System.Collections.Generic": [
    "Dictionary",
    "HashSet",
    "IEnumerable",
    "IDictionary",
    "IList",
    "KeyNotFoundException",
    "KeyValuePair",
    "List",
  ],
  "System.Linq": ["IGrouping", "IOrderedEnumerable"],
  "System.Text": ["Encoding", "StringBuilder"],
  "System.Text.RegularExpressions": ["Capture", "Group", "GroupCollection", "Match", "MatchCollection", "Regex", "RegexOptions"],
};
const namespaceOf = new Map(Object.entries(namespaces).flatMap(([namespace, names]) => names.map((name) => [name, namespace])));

const keywords = new Map(
  Object.entries({
    bool: "Boolean",
    byte: "Byte",
    char: "Char",
    decimal: "Decimal",
    double: "Double",
    int: "Int32",
    long: "Int64",
    object: "Object",
    short: "Int16",
    string: "String",
    void: "Void",
  }),
);

/** As .NET writes it: `System.Int32`, `System.Collections.Generic.List`1[System.String]`. */
export function fullName({ name, args }: Type): string {
  const [first] = args;
  if (name === "[]" && first !== undefined) return `${fullName(first)}[]`;
  const plain = `${namespaceOf.get(name) ?? "System"}.${keywords.get(name) ?? name}`;
  return args.length === 0 ? plain : `${plain}\`${args.length}[${args.map(fullName).join(",")}]`;
}
