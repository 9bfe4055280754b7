import { formatDate } from "./date-text.ts";
import { DateTime, DateTimeOffset, TimeSpan } from "./dates.ts";
import { Decimal } from "./decimal.ts";
import { formatError, unsupported } from "./errors.ts";
import { JValue } from "./json.ts";
import { formatNumber } from "./number-format.ts";
import type { Run } from "./run.ts";
import { Double, EnumValue, Guid, toText, type Value } from "./values.ts";

/** `ToString(format)`: what has no formats ignores it. */
export function formatValue(value: Value, format: string): string {
  if (format === "") return toText(value);
  if (value instanceof JValue) return formatValue(value.value, format);
  if (typeof value === "number" || typeof value === "bigint" || value instanceof Double || value instanceof Decimal)
    return formatNumber(value, format);
  if (value instanceof DateTime || value instanceof DateTimeOffset) return formatDate(value, format);
  if (value instanceof TimeSpan) return formatSpan(value, format);
  if (value instanceof Guid) return formatGuid(value, format);
  if (value instanceof EnumValue) return formatEnum(value, format);
  return toText(value);
}

function formatGuid(guid: Guid, format: string): string {
  switch (format.toUpperCase()) {
    case "N":
      return guid.digits;
    case "D":
      return guid.toText();
    case "B":
      return `{${guid.toText()}}`;
    case "P":
      return `(${guid.toText()})`;
    default:
      throw formatError('Format string can be only "D", "d", "N", "n", "P", "p", "B", "b", "X" or "x".');
  }
}

function formatEnum(value: EnumValue, format: string): string {
  if (/^[gf]$/i.test(format)) return value.name;
  if (/^d$/i.test(format)) return String(value.number);
  throw unsupported(`the format '${format}' of an enumeration`);
}

/** `c` and the custom specifiers `d`, `h`, `m`, `s`, `f` and literals. */
function formatSpan(span: TimeSpan, format: string): string {
  if (/^[ctT]$/.test(format)) return span.toText();
  if (format.length === 1) throw unsupported(`the format '${format}' of a TimeSpan`);
  const ticks = span.ticks < 0n ? -span.ticks : span.ticks;
  const seconds = ticks / 10_000_000n;
  const values: Readonly<Record<string, bigint>> = {
    d: seconds / 86_400n,
    h: (seconds / 3600n) % 24n,
    m: (seconds / 60n) % 60n,
    s: seconds % 60n,
  };
  const fraction = (ticks % 10_000_000n).toString().padStart(7, "0");
  return format.replaceAll(
    /\\(.)|'([^']*)'|%?(d{1,8}|h{1,2}|m{1,2}|s{1,2}|f{1,7})|(.)/g,
    (_, escaped, literal, token: string | undefined, other) => {
      if (token === undefined) return escaped ?? literal ?? other;
      if (token.startsWith("f")) return fraction.slice(0, token.length);
      return String(values[token[0] ?? ""] ?? "").padStart(token.length, "0");
    },
  );
}

/** To the right of a width, or with a negative one to the left. */
export function padded(text: string, width: number, run: Run): string {
  if (Math.abs(width) <= text.length) return text;
  run.allow(Math.abs(width));
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}

/** `string.Format`; throws `FormatException` as .NET does (https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting). */
export function formatComposite(format: string, values: readonly Value[], run: Run): string {
  const parts = format.replaceAll(
    /\{\{|\}\}|\{\s*(\d{1,6})\s*(?:,\s*(-?\d{1,7})\s*)?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]/g,
    (whole, index?: string, width?: string, spec?: string) => {
      if (whole === "{{" || whole === "}}") return whole.slice(1);
      if (index === undefined) throw formatError("Input string was not in a correct format.");
      const value = values[Number(index)];
      if (value === undefined)
        throw formatError("Index (zero based) must be greater than or equal to zero and less than the size of the argument list.");
      const text = formatValue(value, spec?.replaceAll("{{", "{").replaceAll("}}", "}") ?? "");
      return run.text(padded(text, Number(width ?? "0"), run));
    },
  );
  return run.text(parts);
}
