import { GatewayError } from "../../errors.ts";

/** A time as KQL reads it: https://learn.microsoft.com/kusto/query/scalar-data-types/datetime */
export const datetimeLiteral = (time: Date): string => `datetime(${time.toISOString()})`;

const longest = 400;

/**
 * A text as a KQL string literal (https://learn.microsoft.com/kusto/query/scalar-data-types/string): what is not plain ASCII, and what could end
 * the literal, is escaped, so that no text leads out of it. Throws `invalid_input` on what no name on the service can be: control characters,
 * or more than 400 characters.
 */
export function textLiteral(text: string): string {
  const control = [...text].some((character) => (character.codePointAt(0) ?? 0) < 0x20 || character === "\u007f");
  if (control || text.length > longest) {
    throw new GatewayError(
      "invalid_input",
      `A name in the query ${control ? "has control characters" : `is longer than ${longest} characters`}.`,
      {
        hint: "Give the id as list_subscriptions or the portal shows it.",
      },
    );
  }
  return `"${text.replace(/["\\]|[^\x20-\x7e]/g, escaped)}"`;
}

/** `unit` is one of UTF-16, as KQL's `\\u` takes it. */
const escaped = (unit: string): string =>
  unit === '"' || unit === "\\" ? `\\${unit}` : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

export const textList = (texts: readonly string[]): string => `(${texts.map(textLiteral).join(", ")})`;

const spans: Readonly<Record<string, string>> = {
  PT1M: "1m",
  PT5M: "5m",
  PT15M: "15m",
  PT30M: "30m",
  PT1H: "1h",
  PT6H: "6h",
  PT12H: "12h",
  P1D: "1d",
};

/** One of the intervals that `chooseInterval` answers. */
export function spanLiteral(interval: string): string {
  const span = spans[interval];
  if (span === undefined) throw new GatewayError("internal", `Not an interval: ${interval}`);
  return span;
}
