/** What is known about a call when a policy's condition is decided without running it. */
export interface CallFacts {
  /** `context.Subscription.Id`; null where the call comes without a subscription. */
  readonly subscriptionId: string | null;
  /** `context.Product.Id`; null where the call has no product, undefined where that is not known. */
  readonly productId: string | null | undefined;
}

/** `fails`: the expression would throw, so the call never gets any further. */
export type Verdict = boolean | "undecided" | "fails";

/** A C# operand: a string, C#'s null, or an object of which only that much matters. */
type Operand = { readonly text: string } | "null" | "object" | "fails";

const deepest = 50;
const token = /@"(?:[^"]|"")*"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\|\||&&|==|!=|=>|\?\?|\?\.|\?\[|[()[\]{}?]|./gs;

/**
 * Decides the condition of a `when` as far as it depends on who calls: comparisons of `context.Subscription` and `context.Product` and their
 * `Id` with constants, joined by `&&`, `||` and `!`. Everything else is `undecided`.
 */
export function decide(condition: string, facts: CallFacts): Verdict {
  const text = condition.trim();
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (!text.startsWith("@(") || !text.endsWith(")") || /\/[/*]/.test(text)) return "undecided";
  return expression(text.slice(2, -1), facts, 0);
}

function expression(source: string, facts: CallFacts, depth: number): Verdict {
  const text = source.trim();
  if (depth > deepest || ["?", "??", "=>"].some((operator) => splitAt(text, operator).length > 1)) return "undecided";
  const alternatives = splitAt(text, "||");
  if (alternatives.length > 1) return joined(alternatives, true, facts, depth);
  const requirements = splitAt(text, "&&");
  if (requirements.length > 1) return joined(requirements, false, facts, depth);
  const inner = insideBrackets(text);
  if (inner !== null) return expression(inner, facts, depth + 1);
  if (/^(?:true|false)$/.test(text)) return text === "true";
  const negated = /^!(?!=)\s*(.+)$/s.exec(text)?.[1];
  if (negated !== undefined)
    return not(insideBrackets(negated) === null ? equalsCall(negated, facts) : expression(negated, facts, depth + 1));
  return comparison(text, facts);
}

/** Operands of `||` (`dominant` true) or `&&` (false), from left to right as C# evaluates them. */
function joined(operands: readonly string[], dominant: boolean, facts: CallFacts, depth: number): Verdict {
  let result: Verdict = !dominant;
  for (const operand of operands) {
    const verdict = expression(operand, facts, depth + 1);
    if (verdict === dominant) return dominant;
    if (verdict === "fails") return result === "undecided" ? "undecided" : "fails";
    if (verdict === "undecided") result = "undecided";
  }
  return result;
}

function not(verdict: Verdict): Verdict {
  return typeof verdict === "boolean" ? !verdict : verdict;
}

function comparison(text: string, facts: CallFacts): Verdict {
  for (const operator of ["==", "!="] as const) {
    const [left, right, ...more] = splitAt(text, operator);
    if (left === undefined || right === undefined || more.length > 0) continue;
    const verdict = equal(operand(left, facts), operand(right, facts), false);
    return operator === "==" ? verdict : not(verdict);
  }
  return equalsCall(text, facts);
}

/** `x.Equals("y")`, with `StringComparison` or without. */
function equalsCall(text: string, facts: CallFacts): Verdict {
  const [, subject, argument, comparing] =
    /^(.+?)\.Equals\(\s*([^,()]+?)\s*(?:,\s*StringComparison\.(\w+)\s*)?\)$/s.exec(text.trim()) ?? [];
  if (subject === undefined || argument === undefined) return "undecided";
  const left = operand(subject, facts);
  if (left === "null") return "fails";
  return equal(left, operand(argument, facts), comparing?.endsWith("IgnoreCase") ?? false);
}

function equal(left: Operand | null, right: Operand | null, ignoreCase: boolean): Verdict {
  if (left === "fails" || right === "fails") return "fails";
  if (left === null || right === null) return "undecided";
  if (left === "null" || right === "null") return left === right;
  if (left === "object" || right === "object") return "undecided";
  return ignoreCase ? left.text.toLowerCase() === right.text.toLowerCase() : left.text === right.text;
}

/** The operand's value; null where it is none of the few that are understood. */
function operand(source: string, facts: CallFacts): Operand | null {
  const text = unwrapped(source);
  if (text === "null") return "null";
  const literal = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1];
  if (literal !== undefined) return { text: literal.replace(/\\(.)/g, "$1") };
  const [, cast, kind, access, member] =
    /^(\(string\)\s*)?context\s*\.\s*(Subscription|Product)\s*(?:(\?)?\s*\.\s*(Id)(?:\s*\.ToString\(\))?)?$/.exec(text) ?? [];
  if (kind === undefined || (cast !== undefined && member === undefined)) return null;
  const id = kind === "Subscription" ? facts.subscriptionId : facts.productId;
  if (id === undefined) return null;
  if (member === undefined) return id === null ? "null" : "object";
  if (id === null) return access === undefined ? "fails" : "null";
  return { text: id };
}

function unwrapped(source: string): string {
  let text = source.trim();
  for (let inner = insideBrackets(text), depth = 0; inner !== null && depth < deepest; inner = insideBrackets(text), depth++)
    text = inner.trim();
  return text;
}

/** What stands in the brackets where one pair encloses the whole text; null otherwise. */
function insideBrackets(source: string): string | null {
  const text = source.trim();
  if (!text.startsWith("(") || !text.endsWith(")")) return null;
  let depth = 0;
  for (const { 0: part, index } of text.matchAll(token)) {
    if (part === "(") depth++;
    if (part === ")" && --depth === 0) return index === text.length - 1 ? text.slice(1, -1) : null;
  }
  return null;
}

/** The parts between an operator, outside of brackets and strings. */
function splitAt(text: string, operator: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: part, index } of text.matchAll(token)) {
    if (part === "?[" || /^[([{]$/.test(part)) depth++;
    else if (/^[)\]}]$/.test(part)) depth--;
    else if (depth === 0 && part === operator) {
      parts.push(text.slice(start, index));
      start = index + part.length;
    }
  }
  return [...parts, text.slice(start)];
}
