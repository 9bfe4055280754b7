import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { constant, isUnknown, unknown } from "./code.ts";
import { decimalOf } from "./decimal.ts";
import { formatValue, padded } from "./format.ts";
import type { Code, Frame, Scope } from "./scope.ts";
import { types } from "./types.ts";
import { Char, Double } from "./values.ts";

/** https://learn.microsoft.com/dotnet/csharp/language-reference/builtin-types/integral-numeric-types#integer-literals */
export function integerLiteral(node: SyntaxNode, scope: Scope): Code {
  const text = node.text.replaceAll("_", "").toLowerCase();
  const suffix = /[ul]+$/.exec(text)?.[0] ?? "";
  const integer = BigInt(text.slice(0, text.length - suffix.length));
  if (suffix.includes("u") || integer >= 2n ** 63n) return scope.unit.unsupported(node, "an unsigned integer");
  if (suffix === "l") return constant(types.long, integer);
  if (integer < 2n ** 31n) return constant(types.int, Number(integer));
  // -2147483648 is an int, 2147483648 alone is an uint.
  const negated = node.parent?.type === "prefix_unary_expression" && node.parent.text.startsWith("-");
  if (integer === 2n ** 31n && negated) return constant(types.int, -(2 ** 31));
  return integer < 2n ** 32n && !negated ? scope.unit.unsupported(node, "an unsigned integer") : constant(types.long, integer);
}

export function realLiteral(node: SyntaxNode, scope: Scope): Code {
  const text = node.text.replaceAll("_", "");
  const suffix = /[a-z]$/i.exec(text)?.[0].toLowerCase() ?? "";
  const digits = suffix === "" ? text : text.slice(0, -1);
  if (suffix === "f") return scope.unit.unsupported(node, "the type float");
  const decimal = suffix === "m" ? decimalOf(digits) : null;
  return decimal === null ? constant(types.double, new Double(Number(digits))) : constant(types.decimal, decimal);
}

export function stringLiteral(node: SyntaxNode): Code {
  return constant(types.string, unescaped(node.text.slice(1, -1)));
}

export function verbatimLiteral(node: SyntaxNode): Code {
  return constant(types.string, node.text.slice(2, -1).replaceAll('""', '"'));
}

export function characterLiteral(node: SyntaxNode): Code {
  return constant(types.char, new Char(unescaped(node.text.slice(1, -1)).charCodeAt(0)));
}

const escapes = new Map(
  Object.entries({ "'": "'", '"': '"', "\\": "\\", 0: "\0", a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }),
);

/** https://learn.microsoft.com/dotnet/csharp/programming-guide/strings/#string-escape-sequences */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(/\\(?:x([0-9a-f]{1,4})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\s\S]))/gi, (_, x, u, U, simple: string | undefined) => {
    if (simple !== undefined) return escapes.get(simple) ?? simple;
    const code = Number.parseInt(x ?? u ?? U, 16);
    return code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
  });
}

/** `$"...{value,alignment:format}..."` */
export function interpolatedString(node: SyntaxNode, scope: Scope): Code {
  const isVerbatim = /^(?:\$@|@\$)/.test(node.text);
  const parts: ((frame: Frame) => string)[] = [];
  const broken: Code[] = [];
  let from = node.start + (isVerbatim ? 3 : 2);
  const addText = (end: number) => {
    const raw = node.text
      .slice(from - node.start, end - node.start)
      .replaceAll("{{", "{")
      .replaceAll("}}", "}");
    const text = isVerbatim ? raw.replaceAll('""', '"') : unescaped(raw);
    if (text !== "") parts.push(() => text);
  };
  for (const child of namedChildren(node).filter(({ type }) => type === "interpolation")) {
    // The grammar counts what is escaped before a brace to the brace.
    addText((namedChildren(child).find(({ type }) => type === "interpolation_brace") ?? child).end - 1);
    from = child.end;
    const code = interpolated(child, scope);
    if (isUnknown(code.value)) broken.push(code.value);
    parts.push(code.text);
  }
  addText(node.end - 1);
  if (broken.length > 0) return unknown(...broken);
  return {
    type: types.string,
    run(frame) {
      let text = "";
      for (const part of parts) text += part(frame);
      return frame.run.text(text);
    },
  };
}

function interpolated(node: SyntaxNode, scope: Scope): { readonly value: Code; readonly text: (frame: Frame) => string } {
  const children = namedChildren(node).filter(({ type }) => type !== "interpolation_brace");
  const alignment = children.find(({ type }) => type === "interpolation_alignment_clause");
  const format = children.find(({ type }) => type === "interpolation_format_clause")?.text.slice(1) ?? "";
  const valueNode = children.find(({ type }) => !/_clause$/.test(type)) ?? childIn(node, "expression");
  const value =
    valueNode === null || valueNode === undefined
      ? scope.unit.unsupported(node, "an empty interpolation")
      : scope.unit.expression(valueNode, scope);
  const width = Number(alignment?.text.replaceAll(/[,\s]/g, "") ?? "0");
  if (!Number.isInteger(width)) return { value: scope.unit.unsupported(node, "this alignment"), text: () => "" };
  const { run } = value;
  return { value, text: (frame) => padded(formatValue(run(frame), format), width, frame.run) };
}
