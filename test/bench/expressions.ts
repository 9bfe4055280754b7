/** How much of what breaks real policy expressions is found, and what a check costs. Each row has its bound. */
import { loadGrammar } from "../../src/grammar.ts";
import { parse } from "../../src/policy/document.ts";
import { checkExpression } from "../../src/policy/expression/check.ts";
import { expressionsOf } from "../../src/policy/expression/document-expressions.ts";
import { scanExpression } from "../../src/policy/lexer.ts";
import { percentFound, tryMutations } from "../policy/expression/mutations.ts";
import { realPolicies } from "../policy/real-policies.ts";

export interface ExpressionRow {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the value must not exceed, or not fall below. */
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
}

/** Rows about the expressions of real policies; none where the collection is not on this machine. */
export async function expressionRows(): Promise<readonly ExpressionRow[]> {
  const codes = [...new Set(realPolicies().flatMap(({ source }) => expressionsOf(parse(source)).map(({ value }) => value.text)))];
  const [first] = codes;
  if (first === undefined) return [];
  const began = performance.now();
  const csharp = await loadGrammar();
  const check = (code: string) => checkExpression(csharp, code, { wanted: "any" });
  check(first);
  const firstNeed = performance.now() - began;
  const right = codes.filter((code) => check(code).length === 0);
  const isFound = (code: string): boolean =>
    scanExpression(code, 0, "raw").end !== code.length || check(code).some(({ severity }) => severity === "error");
  const found = tryMutations(right, isFound).map((result) => ({
    what: `${result.mutation.name} found (${result.made})`,
    value: percentFound(result),
    unit: "%",
    bound: { atLeast: result.mutation.bound },
  }));
  return [
    { what: "first expression, from the first need on", value: firstNeed, unit: "ms", bound: { atMost: 150 } },
    { what: "an expression, warm", value: warmCost(codes, check), unit: "ms", bound: { atMost: 0.25 } },
    ...found,
  ];
}

/** Milliseconds an expression, of the quickest of several rounds. */
function warmCost(codes: readonly string[], check: (code: string) => unknown): number {
  const rounds = Array.from({ length: 20 }, () => {
    const began = performance.now();
    for (const code of codes) check(code);
    return (performance.now() - began) / codes.length;
  });
  return Math.min(...rounds);
}

if (import.meta.main) {
  for (const { what, value, unit, bound } of await expressionRows()) {
    const [limit, missed] =
      "atMost" in bound ? [`at most ${bound.atMost}`, value > bound.atMost] : [`at least ${bound.atLeast}`, value < bound.atLeast];
    process.stdout.write(`${what.padEnd(46)}${value.toFixed(2).padStart(9)} ${unit.padEnd(3)} ${limit}${missed ? "   MISSED" : ""}\n`);
    if (missed) process.exitCode = 1;
  }
}
