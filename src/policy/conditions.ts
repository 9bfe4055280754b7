import type { Substituted } from "./named-values.ts";

/** Longer ones nobody reads, and policies that nest would make them grow without bound. */
const longest = 1_000;

/** Conditions of which one holds. */
export function anyOf(conditions: readonly string[]): string {
  const different = new Set<string>();
  let length = 0;
  for (const condition of conditions) {
    if (different.has(condition)) continue;
    length += (different.size === 0 ? 0 : " or ".length) + condition.length;
    if (length > longest) return "one of several conditions";
    different.add(condition);
  }
  return [...different].join(" or ");
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

/** A policy's condition on one line, its named values put in, without the `@(...)` around it. */
export function conditionText(condition: string, { resolve }: { readonly resolve: (text: string) => Substituted }): string {
  const line = resolve(condition).text.trim().replace(/\s+/g, " ");
  return line.startsWith("@(") && line.endsWith(")") ? line.slice(2, -1).trim() : line;
}
