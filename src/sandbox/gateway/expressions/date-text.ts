import { type DateParts, DateTime, DateTimeOffset, offsetText, partsOf, ticksOfParts } from "./dates.ts";
import { formatError, unsupported } from "./errors.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Standard formats by their letter, as custom ones, invariant culture. */
const standard: Readonly<Record<string, string>> = {
  d: "MM/dd/yyyy",
  D: "dddd, dd MMMM yyyy",
  f: "dddd, dd MMMM yyyy HH:mm",
  F: "dddd, dd MMMM yyyy HH:mm:ss",
  g: "MM/dd/yyyy HH:mm",
  G: "MM/dd/yyyy HH:mm:ss",
  M: "MMMM dd",
  m: "MMMM dd",
  o: "yyyy-MM-ddTHH:mm:ss.fffffffK",
  O: "yyyy-MM-ddTHH:mm:ss.fffffffK",
  s: "yyyy-MM-ddTHH:mm:ss",
  t: "HH:mm",
  T: "HH:mm:ss",
  Y: "yyyy MMMM",
  y: "yyyy MMMM",
};
const inUtc: Readonly<Record<string, string>> = {
  r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  u: "yyyy-MM-dd HH:mm:ssZ",
};

/** https://learn.microsoft.com/dotnet/standard/base-types/standard-date-and-time-format-strings, and the custom ones beside it. */
export function formatDate(date: DateTime | DateTimeOffset, format: string): string {
  if (format === "") return date.toText();
  if (format.length > 1) return custom(date, date.ticks, format);
  const utc = inUtc[format];
  if (utc !== undefined) return custom(date, date instanceof DateTimeOffset ? date.utcTicks : date.ticks, utc);
  const known = standard[format];
  if (known === undefined) throw formatError("Input string was not in a correct format.");
  return custom(date, date.ticks, known);
}

const tokens =
  /'[^']*'|"[^"]*"|\\.|%|d{1,4}|M{1,4}|y{1,5}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}|t{1,2}|z{1,3}|K|g+|[^'"\\%dMyHhmsfFtzKg]/g;

function custom(date: DateTime | DateTimeOffset, ticks: bigint, format: string): string {
  const parts = partsOf(ticks);
  const written = (format.match(tokens) ?? []).map((token) => textOf(token, parts, date));
  // `.FFF` drops its point where there is no fraction.
  return written.join("").replaceAll(".\u0000", "").replaceAll("\u0000", "");
}

function textOf(token: string, parts: DateParts, date: DateTime | DateTimeOffset): string {
  const padded = (number: number) => String(number).padStart(token.length, "0");
  const fraction = String(parts.ticks).padStart(7, "0").slice(0, token.length);
  switch (token[0]) {
    case "'":
    case '"':
      return token.slice(1, -1);
    case "\\":
      return token.slice(1);
    case "%":
      return "";
    case "d":
      return token.length < 3 ? padded(parts.day) : name(days, parts.dayOfWeek, token.length);
    case "M":
      return token.length < 3 ? padded(parts.month) : name(months, parts.month - 1, token.length);
    case "y":
      return token.length < 3 ? padded(parts.year % 100) : padded(parts.year);
    case "H":
      return padded(parts.hour);
    case "h":
      return padded(parts.hour % 12 === 0 ? 12 : parts.hour % 12);
    case "m":
      return padded(parts.minute);
    case "s":
      return padded(parts.second);
    case "f":
      return fraction;
    case "F":
      return fraction.replace(/0+$/, "") || "\u0000";
    case "t":
      return (parts.hour < 12 ? "AM" : "PM").slice(0, token.length);
    case "z":
    case "K":
      return zone(token, date);
    case "g":
      throw unsupported("the era in a date's format");
    default:
      return token;
  }
}

function name(names: readonly string[], index: number, letters: number): string {
  const full = names[index] ?? "";
  return letters === 3 ? full.slice(0, 3) : full;
}

function zone(token: string, date: DateTime | DateTimeOffset): string {
  if (token === "K" && date instanceof DateTime) return { Utc: "Z", Local: "+00:00", Unspecified: "" }[date.kind];
  const minutes = date instanceof DateTimeOffset ? date.offsetMinutes : 0;
  const text = offsetText(minutes);
  if (token === "K" || token.length === 3) return text;
  const hours = text.slice(0, 3);
  return token.length === 2 ? hours : hours.replace(/^([-+])0/, "$1");
}

const clock = String.raw`(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?: ?([AaPp])[Mm])?)?`;
const zoneShape = String.raw`(?: ?(Z|GMT|[-+]\d{1,2}:?\d{2}))?`;
const isoShape = new RegExp(`^(\\d{4})[-/](\\d{1,2})[-/](\\d{1,2})${clock}${zoneShape}$`);
const americanShape = new RegExp(`^(\\d{1,2})[/-](\\d{1,2})[/-](\\d{4})${clock}${zoneShape}$`);
const wordyShape = new RegExp(`^(?:[A-Za-z]{3,9},? )?(\\d{1,2})[ -]([A-Za-z]{3,9})[ -](\\d{4})${clock}${zoneShape}$`);

/** A date with the zone that its text names. */
interface ReadDate {
  readonly ticks: bigint;
  /** Null where the text names none. */
  readonly offsetMinutes: number | null;
}

/** The forms that .NET's `Parse` takes of ISO 8601, RFC 1123 and the invariant culture; null for every other text. */
function readTime(text: string): ReadDate | null {
  const trimmed = text.trim();
  const iso = isoShape.exec(trimmed);
  if (iso !== null) return made(iso, Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const american = americanShape.exec(trimmed);
  if (american !== null) return made(american, Number(american[3]), Number(american[1]), Number(american[2]));
  const wordy = wordyShape.exec(trimmed);
  const month = months.findIndex(
    (each) => wordy?.[2] !== undefined && [each, each.slice(0, 3)].some((form) => form.toLowerCase() === wordy[2]?.toLowerCase()),
  );
  return wordy === null || month === -1 ? null : made(wordy, Number(wordy[3]), month + 1, Number(wordy[1]));
}

function made(match: RegExpExecArray, year: number, month: number, day: number): ReadDate | null {
  const [hour = "0", minute = "0", second = "0", fraction = "", half, zoneText] = match.slice(4);
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (/p/i.test(half) ? 12 : 0);
  const ticks = ticksOfParts(year, month, day, hours, Number(minute), Number(second), Number(fraction.slice(0, 7).padEnd(7, "0")));
  return ticks === null ? null : { ticks, offsetMinutes: zoneText === undefined ? null : minutesOf(zoneText) };
}

function minutesOf(text: string): number {
  const match = /^([-+])(\d{1,2}):?(\d{2})$/.exec(text);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === "-" ? -minutes : minutes;
}

/** `DateTime.Parse`: a text with a zone becomes a local time, which in the gateway is UTC. */
export function readDate(text: string): DateTime | null {
  const read = readTime(text);
  if (read === null) return null;
  if (read.offsetMinutes === null) return new DateTime(read.ticks, "Unspecified");
  return new DateTime(read.ticks - BigInt(read.offsetMinutes) * 600_000_000n, "Local");
}

export function readOffsetDate(text: string): DateTimeOffset | null {
  const read = readTime(text);
  return read === null ? null : new DateTimeOffset(read.ticks, read.offsetMinutes ?? 0);
}
