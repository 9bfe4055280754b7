/** Types whose values a finding may rest on: C#'s own, without conversions that a library adds. */
const certain: ReadonlySet<string> = new Set([
  "string",
  "bool",
  "char",
  "int",
  "long",
  "float",
  "double",
  "decimal",
  "DateTime",
  "TimeSpan",
  "Guid",
]);
const numbers: readonly string[] = ["char", "int", "long", "float", "double", "decimal"];
const equality: ReadonlySet<string> = new Set(["==", "!="]);
const order: ReadonlySet<string> = new Set(["<", ">", "<=", ">="]);
const logic: ReadonlySet<string> = new Set(["&&", "||"]);

export function isCertain(type: string): boolean {
  return certain.has(type);
}

export function isNumber(type: string): boolean {
  return numbers.includes(type);
}

/** What an operation gives: the type of its value, `?` where that is not known, and what C# says against it. */
export interface Operation {
  readonly type: string;
  readonly fault: string | null;
}

/** https://learn.microsoft.com/dotnet/csharp/language-reference/operators/ */
export function binaryOperation(operator: string, left: string, right: string): Operation {
  const fault = isApplicable(operator, left, right)
    ? null
    : `Operator '${operator}' cannot be applied to operands of type '${left}' and '${right}'`;
  return { type: binaryType(operator, left, right), fault };
}

export function unaryOperation(operator: string, operand: string): Operation {
  const known = isCertain(operand);
  const applicable = !known || (operator === "!" ? operand === "bool" : operand !== "string" && operand !== "bool");
  const fault = applicable ? null : `Operator '${operator}' cannot be applied to operand of type '${operand}'`;
  return { type: operator === "!" ? "bool" : operand === "char" ? "int" : operand, fault };
}

function isApplicable(operator: string, left: string, right: string): boolean {
  const sides = [left, right].filter(isCertain);
  if (logic.has(operator)) return sides.every((type) => type === "bool");
  if (sides.length < 2)
    return !(order.has(operator) || isArithmetic(operator)) || sides.every((type) => type !== "bool" && type !== "string");
  if (operator === "??") return left === "string";
  if (operator === "+" && (left === "string" || right === "string")) return true;
  if (equality.has(operator)) return left === right || (isNumber(left) && isNumber(right));
  if (!order.has(operator) && !isArithmetic(operator)) return true;
  if (isNumber(left) || isNumber(right)) return isNumber(left) === isNumber(right) || sides.includes("TimeSpan");
  return left !== "string" && left !== "bool" && right !== "string" && right !== "bool";
}

/** `+` joins strings, so that it says nothing against one where the other side is not known. */
function isArithmetic(operator: string): boolean {
  return ["-", "*", "/", "%"].includes(operator);
}

function binaryType(operator: string, left: string, right: string): string {
  if (equality.has(operator) || order.has(operator) || logic.has(operator)) return "bool";
  if (operator === "+" && (left === "string" || right === "string")) return "string";
  if (operator === "??") return left === right ? left : "?";
  if (!isArithmetic(operator) && operator !== "+") return "?";
  if (!isNumber(left) || !isNumber(right)) return "?";
  const wider = numbers[Math.max(numbers.indexOf(left), numbers.indexOf(right))] ?? "?";
  return wider === "char" ? "int" : wider;
}
