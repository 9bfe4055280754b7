import { loadGrammar } from "../../../src/grammar.ts";
import { checkExpression, type ExpressionContext } from "../../../src/policy/expression/check.ts";

export const csharp = await loadGrammar();

/** What is found, each as `severity code: message`. */
export function found(code: string, context: Partial<ExpressionContext> = {}): readonly string[] {
  return checkExpression(csharp, code, { wanted: "any", ...context }).map(
    ({ severity, code: rule, message }) => `${severity} ${rule}: ${message}`,
  );
}
