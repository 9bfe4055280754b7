import { formatDate, readDate, readOffsetDate } from "../date-text.ts";
import {
  type DateKind,
  type DateParts,
  DateTime,
  DateTimeOffset,
  partsOf,
  TimeSpan,
  ticksOf,
  ticksOfParts,
  ticksOfUnixMilliseconds,
  ticksPerMillisecond,
  unixMilliseconds,
} from "../dates.ts";
import { type Definition, define, type Implementation, Outs } from "../definitions.ts";
import { ExpressionError, formatError } from "../errors.ts";
import { formatValue } from "../format.ts";
import { asDouble, int, long } from "../numbers.ts";
import { Double, EnumValue, type Value } from "../values.ts";
import { member } from "./enums.ts";
import { argumentOutOfRange, on, text, textOrNull } from "./read.ts";

const ticksPer = {
  Days: 864_000_000_000,
  Hours: 36_000_000_000,
  Minutes: 600_000_000,
  Seconds: 10_000_000,
  Milliseconds: 10_000,
} as const;
const units: readonly (keyof typeof ticksPer)[] = ["Days", "Hours", "Minutes", "Seconds", "Milliseconds"];

function spanOf(count: Value | undefined, unit: keyof typeof ticksPer): bigint {
  const ticks = Math.round(asDouble(count ?? 0) * ticksPer[unit]);
  if (!Number.isFinite(ticks) || Math.abs(ticks) >= 2 ** 63)
    throw new ExpressionError("OverflowException", "TimeSpan overflowed because the duration is too long.");
  return BigInt(ticks);
}

type Dated = DateTime | DateTimeOffset;

function withTicks(date: Dated, ticks: bigint): Dated {
  return date instanceof DateTime ? new DateTime(ticks, date.kind) : new DateTimeOffset(ticks, date.offsetMinutes);
}

/** The last day of the month where that has fewer days. */
function monthsLater(date: Dated, months: number): Dated {
  const { year, month, day } = partsOf(date.ticks);
  const index = year * 12 + month - 1 + months;
  const [toYear, toMonth] = [Math.floor(index / 12), (index % 12) + 1];
  const start = ticksOfParts(toYear, toMonth, 1);
  if (start === null) throw argumentOutOfRange("months", "The added or subtracted value results in an un-representable DateTime.");
  const days = Math.min(day, daysInMonth(toYear, toMonth));
  return withTicks(date, start + BigInt(days - 1) * BigInt(ticksPer.Days) + (date.ticks % BigInt(ticksPer.Days)));
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function instant(date: Value): bigint {
  if (date instanceof DateTimeOffset) return date.utcTicks;
  return date instanceof DateTime ? date.ticks : 0n;
}

function ordered(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** What both of them have, by the name of the type. */
function common(name: "DateTime" | "DateTimeOffset"): Readonly<Record<string, Implementation>> {
  const kind = name === "DateTime" ? DateTime : DateTimeOffset;
  const part = (read: (parts: DateParts) => number) => on<Dated>(kind, (self) => read(partsOf(self.ticks)));
  const parse = name === "DateTime" ? readDate : readOffsetDate;
  const zero = name === "DateTime" ? new DateTime(0n) : new DateTimeOffset(0n);
  const parsed = (written: string) => {
    const date = parse(written);
    if (date === null) throw formatError(`String '${written}' was not recognized as a valid DateTime.`);
    return date;
  };
  return {
    [`static MinValue: ${name}`]: () => zero,
    [`static MaxValue: ${name}`]: () => withTicks(zero, 3_155_378_975_999_999_999n),
    [`static Parse(string s): ${name}`]: ([written]) => parsed(text(written, "s")),
    [`static TryParse(string s, out ${name} result): bool`]: ([written]) => {
      const date = parse(textOrNull(written) ?? "");
      return new Outs(date !== null, date ?? zero);
    },
    "Year: int": part(({ year }) => year),
    "Month: int": part(({ month }) => month),
    "Day: int": part(({ day }) => day),
    "Hour: int": part(({ hour }) => hour),
    "Minute: int": part(({ minute }) => minute),
    "Second: int": part(({ second }) => second),
    "Millisecond: int": part(({ ticks }) => Math.floor(ticks / 10_000)),
    "DayOfYear: int": on<Dated>(
      kind,
      (self) => Number((self.ticks - (ticksOfParts(partsOf(self.ticks).year, 1, 1) ?? 0n)) / BigInt(ticksPer.Days)) + 1,
    ),
    "DayOfWeek: DayOfWeek": on<Dated>(
      kind,
      (self) =>
        new EnumValue(
          { name: "DayOfWeek", args: [], text: "DayOfWeek" },
          dayNames[partsOf(self.ticks).dayOfWeek] ?? "",
          partsOf(self.ticks).dayOfWeek,
        ),
    ),
    "Ticks: long": on<Dated>(kind, (self) => self.ticks),
    "TimeOfDay: TimeSpan": on<Dated>(kind, (self) => new TimeSpan(self.ticks % BigInt(ticksPer.Days))),
    [`Add(TimeSpan value): ${name}`]: on<Dated>(kind, (self, [, span]) =>
      withTicks(self, self.ticks + (span instanceof TimeSpan ? span.ticks : 0n)),
    ),
    [`AddTicks(long value): ${name}`]: on<Dated>(kind, (self, [, ticks = null]) => withTicks(self, self.ticks + long(ticks))),
    [`AddMonths(int months): ${name}`]: on<Dated>(kind, (self, [, months]) => monthsLater(self, int(months ?? 0))),
    [`AddYears(int years): ${name}`]: on<Dated>(kind, (self, [, years]) => monthsLater(self, int(years ?? 0) * 12)),
    ...Object.fromEntries(
      units.map((unit) => [
        `Add${unit}(double value): ${name}`,
        on<Dated>(kind, (self, [, count]) => withTicks(self, self.ticks + spanOf(count, unit))),
      ]),
    ),
    [`Subtract(${name} value): TimeSpan`]: on<Dated>(kind, (self, [, other = null]) => new TimeSpan(instant(self) - instant(other))),
    [`Subtract(TimeSpan value): ${name}`]: on<Dated>(kind, (self, [, span]) =>
      withTicks(self, self.ticks - (span instanceof TimeSpan ? span.ticks : 0n)),
    ),
    [`CompareTo(${name} other): int`]: on<Dated>(kind, (self, [, other = null]) => ordered(instant(self), instant(other))),
    [`static Compare(${name} one, ${name} other): int`]: ([one = null, other = null]) => ordered(instant(one), instant(other)),
    [`Equals(${name} other): bool`]: on<Dated>(kind, (self, [, other = null]) => self.equals(other)),
    "ToString(): string": on<Dated>(kind, (self) => self.toText()),
    "ToString(string format): string": on<Dated>(kind, (self, [, format]) => formatDate(self, textOrNull(format) ?? "")),
  };
}

const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function kindOf(value: Value | undefined): DateKind {
  const name = value instanceof EnumValue ? value.name : "";
  return name === "Utc" || name === "Local" ? name : "Unspecified";
}

function fromParts(args: readonly Value[]): bigint {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0] = args.filter((arg) => typeof arg === "number");
  const ticks = ticksOfParts(year, month, day, hour, minute, second, millisecond * 10_000);
  if (ticks === null)
    throw new ExpressionError("ArgumentOutOfRangeException", "Year, Month, and Day parameters describe an un-representable DateTime.");
  return ticks;
}

const time = "int hour, int minute, int second";
const dateTimes = define(
  "DateTime",
  {
    ...common("DateTime"),
    "static UtcNow: DateTime": (_, run) => DateTime.of(run.now()),
    "static Now: DateTime": (_, run) => DateTime.of(run.now(), "Local"),
    "static Today: DateTime": (_, run) => {
      const now = ticksOf(run.now());
      return new DateTime(now - (now % BigInt(ticksPer.Days)), "Local");
    },
    "static UnixEpoch: DateTime": () => DateTime.of(new Date(0)),
    "static DaysInMonth(int year, int month): int": ([year, month]) => daysInMonth(int(year ?? 1), int(month ?? 1)),
    "static IsLeapYear(int year): bool": ([year]) => daysInMonth(int(year ?? 1), 2) === 29,
    "static SpecifyKind(DateTime value, DateTimeKind kind): DateTime": ([date, kind]) =>
      date instanceof DateTime ? new DateTime(date.ticks, kindOf(kind)) : null,
    [`new(int year, int month, int day) | new(int year, int month, int day, ${time}) | new(int year, int month, int day, ${time}, int millisecond)`]:
      (args) => new DateTime(fromParts(args)),
    [`new(int year, int month, int day, ${time}, DateTimeKind kind) | new(int year, int month, int day, ${time}, int millisecond, DateTimeKind kind)`]:
      (args) => new DateTime(fromParts(args), kindOf(args.at(-1))),
    "new(long ticks)": ([ticks = null]) => new DateTime(long(ticks)),
    "new(long ticks, DateTimeKind kind)": ([ticks = null, kind]) => new DateTime(long(ticks), kindOf(kind)),
    "Date: DateTime": on(DateTime, (self) => new DateTime(self.ticks - (self.ticks % BigInt(ticksPer.Days)), self.kind)),
    "Kind: DateTimeKind": on(DateTime, (self) => member("DateTimeKind", self.kind)),
    "ToUniversalTime(): DateTime": on(DateTime, (self) => new DateTime(self.ticks, "Utc")),
    "ToLocalTime(): DateTime": on(DateTime, (self) => new DateTime(self.ticks, "Local")),
    "ToShortDateString(): string": on(DateTime, (self) => formatDate(self, "d")),
    "ToLongDateString(): string": on(DateTime, (self) => formatDate(self, "D")),
    "ToShortTimeString(): string": on(DateTime, (self) => formatDate(self, "t")),
    "ToLongTimeString(): string": on(DateTime, (self) => formatDate(self, "T")),
  },
  { zero: new DateTime(0n) },
);

function offsetOf(value: Value | undefined): number {
  return value instanceof TimeSpan ? Number(value.ticks / BigInt(ticksPer.Minutes)) : 0;
}

const offsets = define(
  "DateTimeOffset",
  {
    ...common("DateTimeOffset"),
    "static UtcNow: DateTimeOffset | static Now: DateTimeOffset": (_, run) => new DateTimeOffset(ticksOf(run.now())),
    "static UnixEpoch: DateTimeOffset": () => new DateTimeOffset(ticksOf(new Date(0))),
    "static FromUnixTimeSeconds(long seconds): DateTimeOffset": ([seconds = null]) =>
      new DateTimeOffset(ticksOfUnixMilliseconds(long(seconds) * 1000n)),
    "static FromUnixTimeMilliseconds(long milliseconds): DateTimeOffset": ([milliseconds = null]) =>
      new DateTimeOffset(ticksOfUnixMilliseconds(long(milliseconds))),
    "new(DateTime dateTime)": ([date]) => new DateTimeOffset(date instanceof DateTime ? date.ticks : 0n),
    "new(DateTime dateTime, TimeSpan offset)": ([date, offset]) =>
      new DateTimeOffset(date instanceof DateTime ? date.ticks : 0n, offsetOf(offset)),
    [`new(int year, int month, int day, ${time}, TimeSpan offset)`]: (args) => new DateTimeOffset(fromParts(args), offsetOf(args.at(-1))),
    "Date: DateTime": on(DateTimeOffset, (self) => new DateTime(self.ticks - (self.ticks % BigInt(ticksPer.Days)))),
    "DateTime: DateTime": on(DateTimeOffset, (self) => new DateTime(self.ticks)),
    "UtcDateTime: DateTime": on(DateTimeOffset, (self) => new DateTime(self.utcTicks, "Utc")),
    "LocalDateTime: DateTime": on(DateTimeOffset, (self) => new DateTime(self.utcTicks, "Local")),
    "Offset: TimeSpan": on(DateTimeOffset, (self) => new TimeSpan(BigInt(self.offsetMinutes) * BigInt(ticksPer.Minutes))),
    "UtcTicks: long": on(DateTimeOffset, (self) => self.utcTicks),
    "ToUniversalTime(): DateTimeOffset | ToLocalTime(): DateTimeOffset": on(DateTimeOffset, (self) => new DateTimeOffset(self.utcTicks)),
    "ToOffset(TimeSpan offset): DateTimeOffset": on(DateTimeOffset, (self, [, offset]) => {
      const minutes = offsetOf(offset);
      return new DateTimeOffset(self.utcTicks + BigInt(minutes) * BigInt(ticksPer.Minutes), minutes);
    }),
    "ToUnixTimeMilliseconds(): long": on(DateTimeOffset, (self) => floorDivide(unixMilliseconds(self.utcTicks), 1n)),
    "ToUnixTimeSeconds(): long": on(DateTimeOffset, (self) => floorDivide(unixMilliseconds(self.utcTicks), 1000n)),
  },
  { zero: new DateTimeOffset(0n) },
);

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

const spanShape = /^(-)?(?:(\d{1,8})(?:\.|$))?(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?)?$/;

/** `[-][d.]hh:mm[:ss[.fffffff]]`, or days alone. */
function readSpan(written: string): TimeSpan | null {
  const match = spanShape.exec(written.trim());
  if (match === null || (match[2] === undefined && match[3] === undefined)) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(2, 6).map((part) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const ticks = BigInt(((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 10_000_000n + BigInt((match[6] ?? "").padEnd(7, "0"));
  return new TimeSpan(match[1] === undefined ? ticks : -ticks);
}

function spanPart(per: number, within: number): Implementation {
  return on(TimeSpan, (self) => Number((self.ticks / BigInt(per)) % BigInt(within)));
}

function fromNumbers(args: readonly Value[]): TimeSpan {
  const numbers = args.map((arg) => int(arg));
  const [days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = numbers.length === 3 ? [0, ...numbers] : numbers;
  return new TimeSpan(BigInt((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds) * ticksPerMillisecond);
}

const spans = define(
  "TimeSpan",
  {
    "static Zero: TimeSpan": () => new TimeSpan(0n),
    "static MaxValue: TimeSpan": () => new TimeSpan(2n ** 63n - 1n),
    "static MinValue: TimeSpan": () => new TimeSpan(-(2n ** 63n)),
    ...Object.fromEntries(
      units.map((unit) => [`static From${unit}(double value): TimeSpan`, ([count]: readonly Value[]) => new TimeSpan(spanOf(count, unit))]),
    ),
    "static FromTicks(long ticks): TimeSpan | new(long ticks)": ([ticks = null]) => new TimeSpan(long(ticks)),
    "static Parse(string s): TimeSpan": ([written]) => {
      const span = readSpan(text(written, "input"));
      if (span === null) throw formatError(`String '${textOrNull(written)}' was not recognized as a valid TimeSpan.`);
      return span;
    },
    "static TryParse(string s, out TimeSpan result): bool": ([written]) => {
      const span = readSpan(textOrNull(written) ?? "");
      return new Outs(span !== null, span ?? new TimeSpan(0n));
    },
    "new(int hours, int minutes, int seconds) | new(int days, int hours, int minutes, int seconds) | new(int days, int hours, int minutes, int seconds, int milliseconds)":
      fromNumbers,
    "Days: int": spanPart(ticksPer.Days, 1e9),
    "Hours: int": spanPart(ticksPer.Hours, 24),
    "Minutes: int": spanPart(ticksPer.Minutes, 60),
    "Seconds: int": spanPart(ticksPer.Seconds, 60),
    "Milliseconds: int": spanPart(ticksPer.Milliseconds, 1000),
    "Ticks: long": on(TimeSpan, (self) => self.ticks),
    ...Object.fromEntries(
      units.map((unit) => [`Total${unit}: double`, on(TimeSpan, (self) => new Double(Number(self.ticks) / ticksPer[unit]))]),
    ),
    "Add(TimeSpan other): TimeSpan": on(
      TimeSpan,
      (self, [, other]) => new TimeSpan(self.ticks + (other instanceof TimeSpan ? other.ticks : 0n)),
    ),
    "Subtract(TimeSpan other): TimeSpan": on(
      TimeSpan,
      (self, [, other]) => new TimeSpan(self.ticks - (other instanceof TimeSpan ? other.ticks : 0n)),
    ),
    "Duration(): TimeSpan": on(TimeSpan, (self) => new TimeSpan(self.ticks < 0n ? -self.ticks : self.ticks)),
    "Negate(): TimeSpan": on(TimeSpan, (self) => new TimeSpan(-self.ticks)),
    "CompareTo(TimeSpan other): int": on(TimeSpan, (self, [, other]) => ordered(self.ticks, other instanceof TimeSpan ? other.ticks : 0n)),
    "ToString(): string": on(TimeSpan, (self) => self.toText()),
    "ToString(string format): string": on(TimeSpan, (self, [, format]) => formatValue(self, textOrNull(format) ?? "")),
  },
  { zero: new TimeSpan(0n) },
);

export const dateDefinitions: readonly Definition[] = [dateTimes, offsets, spans];
