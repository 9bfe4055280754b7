import { Decimal, decimalOf, roundDecimal } from "./decimal.ts";
import { formatError, unsupported } from "./errors.ts";
import { Double, toText, type Value } from "./values.ts";

/** Digits of a number, without its sign. */
interface Digits {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

/**
 * A number in a format of .NET's, invariant culture: standard ones
 * (https://learn.microsoft.com/dotnet/standard/base-types/standard-numeric-format-strings) but `R` of others than doubles, and custom ones
 * of digits, `,`, `.`, `%` and literal text.
 */
export function formatNumber(value: Value, format: string): string {
  if (format === "") return toText(value);
  const standard = /^([A-Za-z])(\d{0,3})$/.exec(format);
  if (value instanceof Double && !Number.isFinite(value.number)) return toText(value);
  if (standard === null) return customFormat(value, format);
  const [, letter = "", precision = ""] = standard;
  const places = precision === "" ? null : Number(precision);
  switch (letter.toUpperCase()) {
    case "D":
      return integerOnly(value, (integer) => sign(integer < 0n) + digitsOf(integer).padStart(places ?? 0, "0"));
    case "X":
      return integerOnly(value, (integer) => hexadecimal(integer, typeof value === "bigint" ? 64 : 32, letter, places ?? 0));
    case "F":
      return plain(rounded(value, places ?? 2));
    case "N":
      return plain(grouped(rounded(value, places ?? 2)));
    case "P":
      return `${plain(grouped(rounded(scaled(value, 2), places ?? 2)))} %`;
    case "C":
      return currency(grouped(rounded(value, places ?? 2)));
    case "E":
      return exponential(Number(toText(value)), places ?? 6, letter);
    case "G":
    case "R":
      return places === null || places === 0 ? toText(value) : general(value, places);
    default:
      throw formatError("Format specifier was invalid.");
  }
}

function sign(negative: boolean): string {
  return negative ? "-" : "";
}

function digitsOf(integer: bigint): string {
  return String(integer).replace("-", "");
}

function integerOnly(value: Value, text: (integer: bigint) => string): string {
  if (typeof value !== "number" && typeof value !== "bigint") throw formatError("Format specifier was invalid.");
  return text(BigInt(value));
}

function hexadecimal(integer: bigint, bits: number, letter: string, places: number): string {
  const text = BigInt.asUintN(bits, integer).toString(16).padStart(places, "0");
  return letter === "X" ? text.toUpperCase() : text;
}

/** All the digits that a number has. */
function exact(value: Value): Decimal {
  const decimal = value instanceof Decimal ? value : decimalOf(String(value instanceof Double ? value.number : value));
  if (decimal === null) throw formatError();
  return decimal;
}

function scaled(value: Value, powerOfTen: number): Value {
  const { unscaled, scale } = exact(value);
  return new Decimal(unscaled * 10n ** BigInt(powerOfTen), scale);
}

/** .NET rounds a half away from zero when it prints. */
function rounded(value: Value, places: number): Digits {
  const size = value instanceof Double ? Math.abs(value.number) : 0;
  // Beyond what a decimal holds, all digits stand before the point.
  if (size >= 1e28) return { negative: Number(toText(value)) < 0, whole: BigInt(size).toString(), fraction: "0".repeat(places) };
  const decimal = size !== 0 && size < 1e-28 ? new Decimal(0n, 0) : roundDecimal(exact(value), places, "away");
  const digits = digitsOf(decimal.unscaled).padStart(decimal.scale + 1, "0");
  const point = digits.length - decimal.scale;
  return { negative: decimal.unscaled < 0n, whole: digits.slice(0, point), fraction: digits.slice(point).padEnd(places, "0") };
}

function grouped(digits: Digits): Digits {
  return { ...digits, whole: digits.whole.replace(/\B(?=(?:\d{3})+$)/g, ",") };
}

function plain({ negative, whole, fraction }: Digits): string {
  return `${sign(negative)}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

function currency({ negative, whole, fraction }: Digits): string {
  const text = `¤${plain({ negative: false, whole, fraction })}`;
  return negative ? `(${text})` : text;
}

function exponential(number: number, places: number, letter: string): string {
  const [mantissa = "", power = ""] = number.toExponential(Math.min(places, 100)).split("e");
  return `${mantissa}${letter}${power.startsWith("-") ? "-" : "+"}${power.slice(1).padStart(3, "0")}`;
}

function general(value: Value, digits: number): string {
  const number = Number(toText(value));
  const [mantissa = "", power = ""] = number.toExponential(Math.min(digits, 100) - 1).split("e");
  const exponent = Number(power);
  if (exponent >= digits || exponent < -4) {
    const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return `${short}E${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const text = plain(rounded(value, Math.max(0, digits - 1 - exponent)));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** https://learn.microsoft.com/dotnet/standard/base-types/custom-numeric-format-strings */
function customFormat(value: Value, format: string): string {
  const parts: readonly string[] = format.match(/'[^']*'|"[^"]*"|\\.|[0#.,%;‰eE]|[^'"\\0#.,%;‰eE]+/g) ?? [];
  const placeholder = parts.some((part) => part === "0" || part === "#");
  if (parts.some((part) => part === ";" || part === "‰" || (placeholder && /^[eE]$/.test(part))))
    throw unsupported(`the number format '${format}'`);
  const point = parts.indexOf(".");
  const isDigit = (part: string) => part === "0" || part === "#";
  const wholeParts = point === -1 ? parts : parts.slice(0, point);
  const fractionParts = point === -1 ? [] : parts.slice(point + 1).filter(isDigit);
  const shown = parts.includes("%") ? scaled(value, 2) : value;
  const digits = rounded(shown, fractionParts.length);
  const leastWhole = wholeParts.filter(isDigit).length - Math.max(0, wholeParts.filter(isDigit).indexOf("0"));
  const needed = wholeParts.includes("0") ? leastWhole : 0;
  const bare = digits.whole.replace(/^0+/, "").padStart(needed, "0");
  const whole = hasThousands(wholeParts) ? bare.replace(/\B(?=(?:\d{3})+$)/g, ",") : bare;
  const least = fractionParts.lastIndexOf("0") + 1;
  const fraction = digits.fraction.replace(/0+$/, "").padEnd(least, "0");
  const isZero = /^[0,]*$/.test(whole) && /^0*$/.test(fraction);
  return sign(digits.negative && !isZero) + laidOut(parts, point, whole, fraction);
}

function hasThousands(parts: readonly string[]): boolean {
  const isDigit = (part: string | undefined) => part === "0" || part === "#";
  return parts.some((part, index) => part === "," && isDigit(parts[index - 1]) && parts.slice(index).some(isDigit));
}

/** Literal text around and between: the whole part stands at its first placeholder, the fraction at the point. */
function laidOut(parts: readonly string[], point: number, whole: string, fraction: string): string {
  const first = parts.findIndex((part) => part === "0" || part === "#");
  return parts
    .map((part, index) => {
      const text = index === first && (point === -1 || first < point) ? whole : "";
      if (part === ".") return (first > point ? whole : "") + (fraction === "" ? "" : `.${fraction}`);
      if (part === "0" || part === "#") return text;
      if (part === ",") return "";
      return /^['"]/.test(part) ? part.slice(1, -1) : part.startsWith("\\") ? part.slice(1) : part;
    })
    .join("");
}
