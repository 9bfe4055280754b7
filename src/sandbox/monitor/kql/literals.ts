import type { Json } from "../../../gateway/documents.ts";
import { toDynamic, type Value } from "./conversions.ts";
import { literal, type Scalar } from "./scalar.ts";
import { listOf, nameIn, partOf, type SyntaxNode, typeOf } from "./syntax.ts";
import { parseSpan, parseTime } from "./times.ts";
import { NotExecutable } from "./types.ts";

const readers: Readonly<Record<string, (node: SyntaxNode) => Value>> = {
  BooleanLiteralExpression: (node) => (isNull(node) ? null : /true/i.test(node.text)),
  CompoundStringLiteralExpression: nameIn,
  DateTimeLiteralExpression: (node) => timeIn(node),
  DynamicExpression: (node) => dynamicIn(partOf(node, "Expression")),
  IntLiteralExpression: (node) => numberIn(node),
  LongLiteralExpression: (node) => numberIn(node),
  RealLiteralExpression: (node) => numberIn(node),
  StringLiteralExpression: nameIn,
  TimespanLiteralExpression: (node) => spanIn(node),
};

/** A literal; undefined for what is none. */
export function literalOf(node: SyntaxNode): Scalar | undefined {
  const read = Object.hasOwn(readers, node.kind) ? readers[node.kind] : undefined;
  return read === undefined ? undefined : literal(typeOf(node), read(node));
}

/** What stands in `long(...)`, or the whole of a literal without a type. */
const inside = ({ text }: SyntaxNode): string => /^[a-z]+\s*\(([\s\S]*)\)$/i.exec(text)?.[1]?.trim() ?? text;

const isNull = (node: SyntaxNode): boolean => /^null$/i.test(inside(node));

function numberIn(node: SyntaxNode): Value {
  if (isNull(node)) return null;
  const text = inside(node);
  const special = /^([+-]?)(?:inf)$/i.exec(text);
  if (special !== null) return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const number = Number(text);
  if (Number.isNaN(number) || (node.type !== "real" && !Number.isSafeInteger(number)))
    throw new NotExecutable(`the number '${text}'`, node);
  return number;
}

const unquoted = (text: string): string => /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;

function timeIn(node: SyntaxNode): Value {
  if (isNull(node)) return null;
  const time = parseTime(unquoted(inside(node)));
  if (time === null) throw new NotExecutable(`the time '${node.text}'`, node);
  return time;
}

function spanIn(node: SyntaxNode): Value {
  if (isNull(node)) return null;
  const span = parseSpan(unquoted(inside(node)));
  if (span === null) throw new NotExecutable(`the timespan '${node.text}'`, node);
  return span;
}

/** JSON with Kusto's literals in it. */
function dynamicIn(node: SyntaxNode): Json {
  switch (node.kind) {
    case "JsonArrayExpression":
      return listOf(node, "Values").map(dynamicIn);
    case "JsonObjectExpression":
      return Object.fromEntries(listOf(node, "Pairs").map((pair) => [nameIn(partOf(pair, "Name")), dynamicIn(partOf(pair, "Value"))]));
    case "NullLiteralExpression":
      return null;
    case "UnaryMinusExpression":
    case "UnaryPlusExpression":
      return negated(dynamicIn(partOf(node, "Expression")), node);
    default: {
      const read = Object.hasOwn(readers, node.kind) ? readers[node.kind] : undefined;
      if (read === undefined) throw new NotExecutable(`'${node.text}' in a dynamic literal`, node);
      return toDynamic(typeOf(node))(read(node));
    }
  }
}

function negated(value: Json, node: SyntaxNode): Json {
  if (typeof value !== "number") throw new NotExecutable(`'${node.text}' in a dynamic literal`, node);
  return node.kind === "UnaryMinusExpression" ? -value : value;
}
