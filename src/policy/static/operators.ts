import { following, no, type TextConstant, Thrown, text as textConstant, truth, type UnknownTruth } from "./data.ts";
import { type Frame, GivenUp } from "./frame.ts";
import { lifted } from "./lifted.ts";
import { commonType, isNull, isText, numberOf, numericOf, pieced, textOf } from "./numbers.ts";
import type { Input, Known, Unknown } from "./values.ts";

/** The value of `left operator right`; both are evaluated. */
export function binary(operator: string, left: Known, right: Known, source: string, frame: Frame): Known {
  switch (operator) {
    case "+":
      return added(left, right, source);
    case "-":
    case "*":
    case "/":
    case "%":
    case "&":
    case "|":
    case "^":
      return lifted([left, right], source, ([one = left, other = right]) => calculated(operator, one, other));
    case "==":
      return equality(left, right, false, source, frame);
    case "!=":
      return negated(equality(left, right, false, source, frame), source);
    case "<":
    case ">":
    case "<=":
    case ">=":
      return lifted([left, right], source, ([one = left, other = right]) => compared(operator, one, other, frame));
    default:
      throw new GivenUp();
  }
}

export function negated(value: Known, source: string): Known {
  return lifted([value], source, ([operand = value]) => {
    if (operand.kind !== "constant" || typeof operand.value !== "boolean") throw new GivenUp();
    return truth(!operand.value);
  });
}

function added(left: Known, right: Known, source: string): Known {
  const texts = isTextual(left) || isTextual(right) || (left.kind === "unknown" && right.kind === "unknown");
  return texts
    ? joinedText([left, right], source)
    : lifted([left, right], source, ([one = left, other = right]) => calculated("+", one, other));
}

/** Whether it is a text for sure, or what stands around what is not known. */
function isTextual(value: Known): boolean {
  if (value.kind === "unknown") return value.parts.some((part) => typeof part === "string");
  return isText(value) || (value.kind === "several" && value.values.some(isText));
}

/** Texts one behind the other; of what is not known, what stands around it. */
export function joinedText(values: readonly Known[], source: string): Known {
  if (values.every(({ kind }) => kind !== "unknown")) {
    return lifted(values, source, (parts) => {
      const texts = parts.map(textOf);
      const filled = texts.filter(({ value }) => value !== "");
      const [only] = filled;
      if (filled.length === 1 && only !== undefined) return only;
      const pieces = texts.flatMap((part) => pieced(part).pieces);
      const whole = texts.map(({ value }) => value).join("");
      if (whole.length > longestText) throw new GivenUp();
      return textConstant({ text: whole, pieces: texts.every((part) => part.pieces !== undefined) ? pieces : [] });
    });
  }
  const parts: (string | Input)[] = [];
  for (const value of values) for (const part of partsOf(value, source)) pushPart(parts, part);
  const from = following(values, source);
  return { ...from, parts };
}

/** Longer texts are not made. */
const longestText = 1_000_000;

function pushPart(parts: (string | Input)[], part: string | Input): void {
  const last = parts.at(-1);
  if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part;
  else if (part !== "") parts.push(part);
}

function partsOf(value: Known, source: string): readonly (string | Input)[] {
  if (value.kind === "unknown") return value.parts;
  if (value.kind === "constant") return [textOf(value).value];
  return following([value], source).parts;
}

const decideByDigits = /^\s*-?\d+\s*$/;

/** Marks that a choice depends on the digits of a number that stands as data. */
function judge(values: readonly Known[], frame: Frame): void {
  for (const value of values) {
    if (value.kind !== "constant" || value.origin === null || value.origin.text === "expression") continue;
    if (typeof value.value === "number" || (typeof value.value === "string" && decideByDigits.test(value.value))) frame.judged = true;
  }
}

/** `==`, or `Equals` where a case may be ignored. */
export function equality(left: Known, right: Known, ignoreCase: boolean, source: string, frame: Frame): Known {
  if (!ignoreCase && isPlainText(left) && isPlainText(right)) {
    judge([left, right], frame);
    return truth(left.value === right.value);
  }
  const asked = askedDeployment(left, right) ?? askedDeployment(right, left);
  if (asked !== null) return { ...following([left, right], source), asks: asked } as UnknownTruth;
  return lifted([left, right], source, ([one = left, other = right]) => {
    if (!isNull(one) && !isNull(other)) judge([one, other], frame);
    return truth(same(one, other, ignoreCase));
  });
}

const isPlainText = (value: Known): value is TextConstant => isText(value) && value.type === undefined;

/** The deployment that an equality asks for. */
function askedDeployment(one: Known, other: Known): string | null {
  if (one.kind !== "unknown" || other.kind !== "constant" || typeof other.value !== "string" || other.value === "") return null;
  return isDeployment(one) ? other.value : null;
}

/** The deployment itself, whole. */
export function isDeployment({ parts: [part, ...others] }: Unknown): boolean {
  return typeof part === "object" && part.what === "deployment" && others.length === 0;
}

function same(one: Known, other: Known, ignoreCase: boolean): boolean {
  if (isNull(one) || isNull(other)) {
    if (one.kind === "list" || other.kind === "list") return false;
    return isNull(one) && isNull(other);
  }
  if (isText(one) && isText(other)) {
    if (one.type === "token" || other.type === "token") throw new GivenUp();
    return ignoreCase ? upper(one.value) === upper(other.value) : one.value === other.value;
  }
  const [left, right] = [numericOf(one), numericOf(other)];
  if (left !== null && right !== null) return left.number === right.number;
  if (one.kind === "constant" && other.kind === "constant" && typeof one.value === "boolean" && typeof other.value === "boolean") {
    return one.value === other.value;
  }
  if (one.kind === "present" && other.kind === "present" && one.what === other.what && one.what.includes(".")) return true;
  throw new GivenUp();
}

/** What a `StringComparison` or `StringComparer` says. */
export function ignoresCase(comparison: Known | undefined): boolean {
  if (comparison === undefined) return false;
  if (comparison.kind !== "present" || !/^String(?:Comparison|Comparer)\./.test(comparison.what)) throw new GivenUp();
  return comparison.what.endsWith("IgnoreCase");
}

/** As ordinal comparisons without regard to case see it. */
export const upper = (value: string): string =>
  /^[\0-\x7f]*$/.test(value)
    ? value.toUpperCase()
    : [...value].map((character) => (character.toUpperCase().length === character.length ? character.toUpperCase() : character)).join("");

function compared(operator: string, left: Known, right: Known, frame: Frame): Known {
  const [one, other] = [numericOf(left), numericOf(right)];
  if (one === null || other === null) {
    // A comparison with null is false, whatever it asks.
    if ((isNull(left) || isNull(right)) && (one !== null || other !== null)) return no;
    throw new GivenUp();
  }
  judge([left, right], frame);
  switch (operator) {
    case "<":
      return truth(one.number < other.number);
    case ">":
      return truth(one.number > other.number);
    case "<=":
      return truth(one.number <= other.number);
    default:
      return truth(one.number >= other.number);
  }
}

function calculated(operator: string, left: Known, right: Known): Known {
  if (left.kind === "constant" && right.kind === "constant" && typeof left.value === "boolean" && typeof right.value === "boolean") {
    if (operator === "&") return truth(left.value && right.value);
    if (operator === "|") return truth(left.value || right.value);
    if (operator === "^") return truth(left.value !== right.value);
    throw new GivenUp();
  }
  if (isNull(left) || isNull(right)) throw new GivenUp();
  const [one, other] = [numericOf(left), numericOf(right)];
  if (one === null || other === null) throw new GivenUp();
  const type = commonType(one.type, other.type);
  const whole = type === "int" || type === "long";
  if (whole && other.number === 0 && (operator === "/" || operator === "%")) throw new Thrown("division by zero");
  return numberOf(result(operator, one.number, other.number, whole, type === "decimal"), type);
}

function result(operator: string, one: number, other: number, whole: boolean, exact: boolean): number {
  const value = outcome(operator, one, other, whole);
  // Decimals have no binary fractions.
  return exact ? Number(value.toPrecision(15)) : value;
}

function outcome(operator: string, one: number, other: number, whole: boolean): number {
  switch (operator) {
    case "+":
      return one + other;
    case "-":
      return one - other;
    case "*":
      return one * other;
    case "/":
      return whole ? Math.trunc(one / other) : one / other;
    case "%":
      return one % other;
    default:
      throw new GivenUp();
  }
}

/** `left && right` (`dominant` false) or `left || right` (true): C# evaluates the right one only where the left one leaves it open. */
export function logical(dominant: boolean, left: Known, right: () => Known, source: string): Known {
  const first = truthOf(left);
  if (first === dominant) return truth(dominant);
  if (first !== null) return right();
  const second = right();
  if (second.kind === "throws") return following([left], source);
  const known = truthOf(second);
  if (known === dominant) return truth(dominant);
  if (known !== null) return left;
  const either = following([left, second], source);
  return dominant ? either : { ...either, ...bothAsk(left, second) };
}

/** The deployment that both conditions ask for. */
function bothAsk(one: Known, other: Known): { readonly asks?: string } {
  const [first, second] = [asksOf(one), asksOf(other)];
  return first !== null && first === second ? { asks: first } : {};
}

const asksOf = (value: Known): string | null => ("asks" in value && typeof value.asks === "string" ? value.asks : null);

/** Null where it is not known. */
export function truthOf(value: Known): boolean | null {
  if (value.kind === "constant" && typeof value.value === "boolean") return value.value;
  if (value.kind === "unknown") return null;
  if (value.kind === "several") {
    const [first, ...others] = value.values.map(truthOf);
    return first !== undefined && others.every((other) => other === first) ? first : null;
  }
  throw new GivenUp();
}

export function minus(value: Known, source: string): Known {
  return lifted([value], source, ([operand = value]) => {
    const number = numericOf(operand);
    if (number === null) throw new GivenUp();
    return numberOf(-number.number, number.type);
  });
}
