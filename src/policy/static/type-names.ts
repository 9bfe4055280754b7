import type { SyntaxNode } from "../expression-syntax.ts";
import { constant, no, nothing } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { numberOf } from "./numbers.ts";
import type { Known } from "./values.ts";

/** A type as it is spelled everywhere here: C#'s keyword where it has one, no namespace; `?` behind one that may be null. */
export type TypeName = string;

const keywords: Readonly<Record<string, string>> = {
  String: "string",
  Int32: "int",
  Int64: "long",
  Double: "double",
  Decimal: "decimal",
  Boolean: "bool",
  Object: "object",
  Char: "char",
};

export function typeOf(node: SyntaxNode): TypeName {
  return typeNamed(node.text);
}

export function typeNamed(written: string): TypeName {
  const name = written
    .replace(/\s+/g, "")
    .replace(
      /^(?:global::)?(?:System\.|Newtonsoft\.Json\.Linq\.|Newtonsoft\.Json\.)(?:Collections\.Generic\.|Text\.RegularExpressions\.|Text\.|Net\.|Globalization\.|Linq\.)?/,
      "",
    );
  const nullable = name.endsWith("?");
  const bare = nullable ? name.slice(0, -1) : name;
  const keyword = Object.hasOwn(keywords, bare) ? keywords[bare] : bare;
  return nullable && keyword !== "string" ? `${keyword}?` : (keyword ?? bare);
}

export const isNumberType = (name: string): name is "int" | "long" | "double" | "decimal" =>
  name === "int" || name === "long" || name === "double" || name === "decimal";

/** Types of values, which are never null. */
const valueTypes: ReadonlySet<string> = new Set(["int", "long", "double", "decimal", "bool", "char"]);

export const isValueType = (name: TypeName): boolean => valueTypes.has(name);

/** What `default(T)` is. */
export function defaultOf(type: TypeName): Known {
  if (isNumberType(type)) return numberOf(0, type);
  if (type === "bool") return no;
  if (type === "char") return constant("\0", "char");
  if (/^[a-z]+$/.test(type) && type !== "string" && type !== "object" && type !== "dynamic") throw new GivenUp();
  if (/^(?:DateTime|DateTimeOffset|TimeSpan|Guid|KeyValuePair)/.test(type) && !type.endsWith("?")) throw new GivenUp();
  return nothing;
}
