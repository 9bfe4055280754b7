import { type Reader, safeLong } from "./conversions.ts";
import { composed, converted, type Scalar } from "./scalar.ts";
import type { SyntaxNode } from "./syntax.ts";
import { type KqlType, NotExecutable } from "./types.ts";

type Operation = (a: number, b: number) => number | null;

/** https://learn.microsoft.com/kusto/query/numerical-operators: of whole numbers the result is whole. */
const operations: Readonly<Record<string, { readonly whole: Operation; readonly real: Operation }>> = {
  "+": { whole: (a, b) => safeLong(a + b), real: (a, b) => a + b },
  "-": { whole: (a, b) => safeLong(a - b), real: (a, b) => a - b },
  "*": { whole: (a, b) => safeLong(a * b), real: (a, b) => a * b },
  // Assumed: null where a whole number is divided by zero.
  "/": { whole: (a, b) => (b === 0 ? null : Math.trunc(a / b)), real: (a, b) => a / b },
  "%": { whole: (a, b) => (b === 0 ? null : modulo(a, b)), real: (a, b) => modulo(a, b) },
};

/** From zero to below the divisor, whatever the signs. */
function modulo(a: number, b: number): number {
  const rest = a % Math.abs(b);
  return rest < 0 ? rest + Math.abs(b) : rest;
}

const isWhole = (type: KqlType): boolean => type === "int" || type === "long";

const isTime = (type: KqlType): boolean => type === "datetime" || type === "timespan";

/** `+`, `-`, `*`, `/`, `%`; undefined for another operator. `type` is the result's. */
export function arithmetic(operator: string, type: KqlType, left: Scalar, right: Scalar, node: SyntaxNode): Scalar | undefined {
  const operation = operations[operator];
  if (operation === undefined) return undefined;
  if (type !== "real" && !isWhole(type) && !isTime(type)) throw new NotExecutable(`'${operator}' with a result of type ${type}`, node);
  const operands = [left, right].map((operand) => (operand.type === "dynamic" ? converted(operand, "real") : operand));
  const compute = isWhole(type) ? operation.whole : operation.real;
  return composed(type, operands, ([a = none, b = none]) => numeric(compute, a, b));
}

const none: Reader = () => null;

const numeric =
  (compute: Operation, a: Reader, b: Reader): Reader =>
  (row) => {
    const left = a(row);
    if (typeof left !== "number") return null;
    const right = b(row);
    return typeof right === "number" ? compute(left, right) : null;
  };

export const negative = (type: KqlType, operand: Scalar): Scalar =>
  composed(type, [operand], ([read = none]) => (row) => {
    const value = read(row);
    return typeof value === "number" ? 0 - value : null;
  });
