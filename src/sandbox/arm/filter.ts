import type { Json } from "../../gateway/documents.ts";
import { conjuncts, unquoted } from "../odata.ts";
import { invalid } from "./errors.ts";
import type { Item } from "./resource-types.ts";

/** One condition of a `$filter`. */
interface Condition {
  readonly field: string;
  readonly test: (value: Json | undefined) => boolean;
}

const comparison = /^(\w+)\s+(eq|ne)\s+(?:'((?:[^']|'')*)'|(true|false))$/;
const prefixCall = /^(startswith|endswith|contains)\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)$/i;
const substringCall = /^substringof\(\s*'((?:[^']|'')*)'\s*,\s*(\w+)\s*\)$/i;

/**
 * A `$filter` as a test of an item: `eq`, `ne`, `startswith`, `endswith`, `contains`, `substringof`, joined by `and`.
 * Throws 400 on anything else, so that no condition is silently without effect.
 */
export function itemFilter(filter: string, fields: readonly string[], nameOfItem: (item: Item) => string): (item: Item) => boolean {
  const conditions = conjuncts(filter).map((part) => condition(part, filter));
  for (const { field } of conditions) {
    if (!fields.includes(field)) {
      throw invalid(`Field '${field}' cannot be used in $filter here; fields: ${fields.join(", ") || "none"}.`);
    }
  }
  return (item) => conditions.every(({ field, test }) => test(field === "name" ? nameOfItem(item) : item.properties[field]));
}

function condition(part: string, filter: string): Condition {
  const compared = comparison.exec(part);
  if (compared !== null) {
    const [, field = "", operator, text = "", flag] = compared;
    const expected = flag === undefined ? unquoted(text) : flag === "true";
    return { field, test: (value) => (value === expected) === (operator === "eq") };
  }
  const called = prefixCall.exec(part);
  if (called !== null) {
    const [, name = "", field = "", text = ""] = called;
    return { field, test: textTest(name.toLowerCase(), unquoted(text)) };
  }
  const [, text = "", field] = substringCall.exec(part) ?? [];
  if (field === undefined) throw invalid(`The sandbox does not understand $filter=${filter}.`);
  return { field, test: textTest("contains", unquoted(text)) };
}

function textTest(name: string, expected: string): (value: Json | undefined) => boolean {
  return (value) => {
    if (typeof value !== "string") return false;
    if (name === "startswith") return value.startsWith(expected);
    return name === "endswith" ? value.endsWith(expected) : value.includes(expected);
  };
}
