import type { StepReader } from "./steps.ts";

/** Longer ones nobody reads, and policies that nest would make them grow without bound. */
const longest = 1_000;

/** Conditions of which one holds. */
export function anyOf(conditions: readonly string[]): string {
  const text = [...new Set(conditions)].join(" or ");
  return text.length > longest ? "one of several conditions" : text;
}

/** Conditions that all hold; alternatives among them in brackets. */
export function allOf(conditions: readonly string[]): string {
  const [only, ...others] = conditions;
  if (only !== undefined && others.length === 0) return only;
  return conditions.map((condition) => (isAlternative(condition) ? `(${condition})` : condition)).join(" and ");
}

/** Whether an `or` or `||` stands outside of all brackets and strings. */
function isAlternative(condition: string): boolean {
  let depth = 0;
  for (const [token] of condition.matchAll(/"[^"]*"|[()]|\|\|| or /g)) {
    if (token === "(") depth++;
    else if (token === ")") depth--;
    else if (depth === 0 && !token.startsWith('"')) return true;
  }
  return false;
}

/** What stands in every list. */
export function inAll([first = [], ...others]: readonly (readonly string[])[]): readonly string[] {
  return first.filter((condition) => others.every((other) => other.includes(condition)));
}

/** A policy's condition on one line, without the `@(...)` around it. */
export function conditionText(condition: string, reader: StepReader): string {
  const line = reader.resolve(condition).text.trim().replace(/\s+/g, " ");
  return line.startsWith("@(") && line.endsWith(")") ? line.slice(2, -1).trim() : line;
}
