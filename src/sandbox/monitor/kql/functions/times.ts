import { nothing } from "../scalar.ts";
import { microseconds, ticks } from "../times.ts";
import { NotExecutable } from "../types.ts";
import { argumentAs, ofNumbers, type ScalarFunction } from "./call.ts";

const now: ScalarFunction = ({ args: [offset], run }) => {
  if (offset === undefined) return () => run.now;
  return (row) => {
    const span = offset(row);
    return typeof span === "number" ? run.now + span : null;
  };
};

const ago: ScalarFunction = ({ args: [span = nothing], run }) => {
  return (row) => {
    const back = span(row);
    return typeof back === "number" ? run.now - back : null;
  };
};

type Unit = "day" | "week" | "month" | "year";

const { day } = microseconds;

/** The start of the unit that a time is in, so many units later. Weeks begin on Sunday (https://learn.microsoft.com/kusto/query/startofweek-function). */
function startOf(unit: Unit, time: number, later: number): number {
  const date = new Date(Math.floor(time / 1000));
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (unit) {
    case "day":
      return Date.UTC(year, month, dayOfMonth + later) * 1000;
    case "week":
      return Date.UTC(year, month, dayOfMonth - date.getUTCDay() + 7 * later) * 1000;
    case "month":
      return Date.UTC(year, month + later) * 1000;
    case "year":
      return Date.UTC(year + later, 0) * 1000;
  }
}

const starting = (unit: Unit): ScalarFunction => ofNumbers((time = 0, later = 0) => startOf(unit, time, later));

/** A tick before the next one starts: that is finer than times are kept here, so it is a microsecond. */
const ending = (unit: Unit): ScalarFunction => ofNumbers((time = 0, later = 0) => startOf(unit, time, later + 1) - 1);

const part = (read: (date: Date) => number): ScalarFunction => ofNumbers((time = 0) => read(new Date(Math.floor(time / 1000))));

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

const hourOfTwelve = (hour: number): number => ((hour + 11) % 12) + 1;

/** https://learn.microsoft.com/kusto/query/format-datetime-function#supported-formats */
const formats: Readonly<Record<string, (date: Date) => string>> = {
  yyyy: (date) => pad(date.getUTCFullYear(), 4),
  yy: (date) => pad(date.getUTCFullYear() % 100, 2),
  MM: (date) => pad(date.getUTCMonth() + 1, 2),
  M: (date) => String(date.getUTCMonth() + 1),
  dd: (date) => pad(date.getUTCDate(), 2),
  d: (date) => String(date.getUTCDate()),
  HH: (date) => pad(date.getUTCHours(), 2),
  H: (date) => String(date.getUTCHours()),
  hh: (date) => pad(hourOfTwelve(date.getUTCHours()), 2),
  h: (date) => String(hourOfTwelve(date.getUTCHours())),
  mm: (date) => pad(date.getUTCMinutes(), 2),
  m: (date) => String(date.getUTCMinutes()),
  ss: (date) => pad(date.getUTCSeconds(), 2),
  s: (date) => String(date.getUTCSeconds()),
  tt: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"),
};

function formatted(time: number, format: string): string {
  const date = new Date(Math.floor(time / 1000));
  const fraction = ticks(time - Math.floor(time / 1e6) * 1e6);
  return format.replace(/([A-Za-z])\1*/g, (letters) => {
    if (/^f{1,7}$/.test(letters)) return fraction.slice(0, letters.length);
    if (/^F{1,7}$/.test(letters)) return fraction.slice(0, letters.length).replace(/0+$/, "");
    const write = Object.hasOwn(formats, letters) ? formats[letters] : undefined;
    if (write === undefined) throw new NotExecutable(`format_datetime() with '${letters}'`);
    return write(date);
  });
}

const format: ScalarFunction = (call) => {
  const [time, pattern] = [argumentAs(call, 0, "datetime"), argumentAs(call, 1, "string")];
  return (row) => {
    const value = time(row);
    return typeof value === "number" ? formatted(value, String(pattern(row))) : "";
  };
};

/** `datetime_diff(unit, a, b)`: how many borders of the unit lie between two times (https://learn.microsoft.com/kusto/query/datetime-diff-function). */
const difference: ScalarFunction = (call) => {
  const [unit, first, second] = [argumentAs(call, 0, "string"), argumentAs(call, 1, "datetime"), argumentAs(call, 2, "datetime")];
  return (row) => {
    const [name, a, b] = [String(unit(row)).toLowerCase(), first(row), second(row)];
    return typeof a === "number" && typeof b === "number" ? bordersBetween(name, a) - bordersBetween(name, b) : null;
  };
};

/** How many of a unit have begun up to a time. */
function bordersBetween(unit: string, time: number): number {
  const date = new Date(Math.floor(time / 1000));
  const year = date.getUTCFullYear();
  const month = year * 12 + date.getUTCMonth();
  switch (unit) {
    case "year":
      return year;
    case "quarter":
      return Math.floor(month / 3);
    case "month":
      return month;
    // 1970 began on a Thursday, weeks do on a Sunday.
    case "week":
      return Math.floor((time / day + 4) / 7);
    case "day":
    case "hour":
    case "minute":
    case "second":
    case "millisecond":
      return Math.floor(time / microseconds[unit]);
    default:
      throw new NotExecutable(`datetime_diff() in '${unit}'`);
  }
}

const sinceEpoch = (factor: number): ScalarFunction => ofNumbers((count = 0) => Math.floor(count * factor));

export const times: Readonly<Record<string, ScalarFunction>> = {
  ago,
  datetime_diff: difference,
  dayofmonth: part((date) => date.getUTCDate()),
  dayofweek: part((date) => date.getUTCDay() * day),
  endofday: ending("day"),
  endofmonth: ending("month"),
  endofweek: ending("week"),
  endofyear: ending("year"),
  format_datetime: format,
  getmonth: part((date) => date.getUTCMonth() + 1),
  getyear: part((date) => date.getUTCFullYear()),
  hourofday: part((date) => date.getUTCHours()),
  monthofyear: part((date) => date.getUTCMonth() + 1),
  now,
  startofday: starting("day"),
  startofmonth: starting("month"),
  startofweek: starting("week"),
  startofyear: starting("year"),
  unixtime_microseconds_todatetime: sinceEpoch(1),
  unixtime_milliseconds_todatetime: sinceEpoch(1000),
  unixtime_seconds_todatetime: sinceEpoch(1e6),
};
