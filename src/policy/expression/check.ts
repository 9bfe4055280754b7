import { namedValueReference } from "../document.ts";
import { type CSharp, namedChildren, parseExpression, type SyntaxNode } from "../expression-syntax.ts";
import { scanExpression } from "../lexer.ts";
import type { NamedValues } from "../named-values.ts";
import { braceFindings } from "./braces.ts";
import { type ExpressionFinding, error, warning } from "./finding.ts";
import { languageFindings } from "./language-features.ts";
import { readMeaning } from "./meaning.ts";
import { isCertain, isNumber } from "./operators.ts";
import { returnFindings, returnsOf } from "./returns.ts";
import { rewrite } from "./rewritten.ts";
import { syntaxError } from "./syntax-errors.ts";

/** The type of the values that an expression stands for; `any` where its place takes all. */
export type WantedType = "bool" | "int" | "long" | "string" | "any";

export interface ExpressionContext {
  readonly wanted: WantedType;
  /** What is put in for `{{name}}` before the service compiles the expression; what is not there may be anything. */
  readonly namedValues?: NamedValues;
}

/**
 * Checks one expression, `@(...)` or `@{...}` with its entities decoded, as far as that can be done without the service's compiler: what it
 * reports as an error the service rejects. Offsets are those in `code`. Where the syntax is wrong, that alone is reported.
 */
export function checkExpression(csharp: CSharp, code: string, context: ExpressionContext): readonly ExpressionFinding[] {
  const substituted = rewrite(code, namedValueReference, ([whole, name = ""]) => context.namedValues?.get(name) ?? wildName(whole));
  const found = checkSubstituted(csharp, substituted.text, context.wanted);
  return found.map((finding) => ({ ...finding, offset: substituted.original(finding.offset) }));
}

/** Stands for a text that is not known: a letter that nobody uses, so that the parser takes it for a name. */
const wildLetter = "\u01c2";
const wildName = (text: string): string => wildLetter.repeat(text.length);
const wildText = new RegExp(`${wildLetter}+`, "g");
const isWild = (name: string): boolean => name.includes(wildLetter);

/** What deployment scripts replace: `{name}`, `#name#`, `${name}`. */
const placeholder = /\$?\{[\w-]+\}|#[\w-]+#/g;
/** Of these what an interpolated string reads as a subtraction. */
const hyphenated = /\{\w+(?:-\w+)+\}/g;

function checkSubstituted(csharp: CSharp, code: string, wanted: WantedType): readonly ExpressionFinding[] {
  const syntax = parseExpression(csharp, code);
  const wrong = syntaxError(syntax, code);
  if (wrong !== null) return [hasWildCode(code) || isTemplate(csharp, code) ? asPlaceholder(wrong) : wrong];
  const { body } = syntax;
  if (body === null) return [];
  const found: ExpressionFinding[] = [...languageFindings(body)];
  const typeOf = readMeaning(body, isWild, (finding) => found.push(finding));
  if (syntax.kind === "block") found.push(...braceFindings(body), ...returnFindings(body));
  const results = syntax.kind === "value" ? [body] : returnsOf(body).flatMap((statement) => namedChildren(statement)[0] ?? []);
  for (const result of results) found.push(...conversionFindings(result, typeOf(result), wanted));
  const templates = [...code.matchAll(hyphenated)].map(({ index, 0: text }) => ({ start: index, end: index + text.length }));
  const isInTemplate = ({ offset }: ExpressionFinding) => templates.some(({ start, end }) => offset > start && offset < end);
  return found.map((finding) => (isInTemplate(finding) ? asPlaceholder(finding) : finding)).toSorted((a, b) => a.offset - b.offset);
}

function conversionFindings(node: SyntaxNode, type: string, wanted: WantedType): readonly ExpressionFinding[] {
  if (wanted === "any" || wanted === "string" || !isCertain(type) || type === wanted) return [];
  const message = `Cannot implicitly convert type '${type}' to '${wanted}'`;
  if (wanted === "bool") return [error("expression-value-type", node.start, message, boolFix(node, type))];
  if (!isNumber(type)) return [error("expression-value-type", node.start, message, `int.Parse(${node.text})`)];
  // Assumed: an int for a long is refused, as it is known of token-quota; for others nobody knows.
  return wanted === "long" && type === "int" ? [warning("expression-value-type", node.start, message, `(long)(${node.text})`)] : [];
}

function boolFix(node: SyntaxNode, type: string): string {
  if (type !== "string") return `Compare it: ${node.text} == ...`;
  return /^"(?:true|false)"$/.test(node.text) ? node.text.slice(1, -1) : `bool.Parse(${node.text}) or a comparison`;
}

/** Whether a text that may be anything stands in code where no value could: then it holds more than one, and may be what is missing. */
function hasWildCode(code: string): boolean {
  const closer = code[1] === "{" ? "}" : ")";
  const { end } = scanExpression(code, 0, "raw");
  return [...code.matchAll(wildText)].some(({ index, 0: text }) => {
    const [before, after] = [code.slice(0, index), code.slice(index + text.length)];
    if (beforeValue.test(before) && behindValue.test(after)) return false;
    // In a string a bracket does not move the expression's end.
    return scanExpression(before + closer + code.slice(index + 1), 0, "raw").end !== end;
  });
}

const beforeValue = /(?:[-=(,<>+*/%?:&|![]|\breturn)\s*$/;
const behindValue = /^\s*[-=),;.\]<>+*/%?:&|!]/;

/** Whether the code is right with names in place of what looks like placeholders. */
function isTemplate(csharp: CSharp, code: string): boolean {
  const filled = code.slice(0, 2) + code.slice(2).replace(placeholder, wildName);
  return filled !== code && syntaxError(parseExpression(csharp, filled), filled) === null;
}

function asPlaceholder({ offset, message }: ExpressionFinding): ExpressionFinding {
  return warning("expression-placeholder", offset, `What stands in for a placeholder must make this C#: ${message}`);
}
