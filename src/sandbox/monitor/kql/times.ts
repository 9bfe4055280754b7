/**
 * Times as the engine counts them: a datetime in microseconds since 1970, a timespan in microseconds. The service counts ticks of 100
 * nanoseconds since the year 1, which a number cannot hold; what is finer than a microsecond is cut off a datetime.
 */

export const microseconds = { millisecond: 1e3, second: 1e6, minute: 6e7, hour: 3.6e9, day: 8.64e10 } as const;

/** ISO 8601, the zone UTC where it is left out. Null for what is no time. */
export function parseTime(text: string): number | null {
  const quick = quickTime(text);
  if (quick !== null) return quick;
  const [, date, clock = "00:00", seconds = "00", fraction = "", zone = "Z"] = isoTime.exec(text.trim()) ?? [];
  if (date === undefined) return null;
  const offset = zone.toUpperCase() === "Z" ? "Z" : zone.replace(/^([+-]\d\d):?(\d\d)$/, "$1:$2");
  const whole = Date.parse(`${date.length === 7 ? `${date}-01` : date}T${clock}:${seconds}${offset}`);
  return Number.isNaN(whole) ? null : whole * 1000 + Math.floor(Number(`0.${fraction || 0}`) * 1e6 + 1e-4);
}

const isoTime = /^(\d{4}-\d\d(?:-\d\d)?)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/** The one form that rows are written in, `2026-11-20T10:00:00.000Z`: read a million times in a query. */
function quickTime(text: string): number | null {
  if (text.length !== 24 || text.charCodeAt(23) !== 0x5a || text.charCodeAt(10) !== 0x54) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time * 1000;
}

const units: readonly (readonly [pattern: RegExp, microseconds: number])[] = [
  [/^d(?:ays?)?$/, microseconds.day],
  [/^h(?:(?:ou)?rs?)?$/, microseconds.hour],
  [/^m(?:in(?:ute)?s?)?$/, microseconds.minute],
  [/^s(?:ec(?:ond)?s?)?$/, microseconds.second],
  [/^(?:ms|milli(?:s(?:ec(?:ond)?s?)?)?)$/, microseconds.millisecond],
  [/^micro(?:s(?:ec(?:ond)?s?)?)?$/, 1],
  [/^ticks?$/, 0.1],
];

/** `1.5h`, or `[-][d.]hh:mm[:ss[.fffffff]]`. Null for what is no timespan. */
export function parseSpan(text: string): number | null {
  const [, count, unit = ""] = /^(-?\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const factor = units.find(([pattern]) => pattern.test(unit.toLowerCase()))?.[1];
  if (count !== undefined) return factor === undefined ? null : Math.round(Number(count) * factor * 10) / 10;
  const [, sign, days = "0", hours, minutes, seconds = "0"] =
    /^(-)?(?:(\d+)\.)?(\d\d?):(\d\d?)(?::(\d\d?(?:\.\d{1,7})?))?$/.exec(text.trim()) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return null;
  const { day, hour, minute, second } = microseconds;
  const span = Number(days) * day + Number(hours) * hour + Number(minutes) * minute + Number(seconds) * second;
  return Math.round(sign === undefined ? span : -span);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Digits behind the second, seven of them, of a count of microseconds below a second. */
export const ticks = (rest: number): string => String(Math.round(rest * 10)).padStart(7, "0");

/** `2026-11-20T10:00:00.0000000Z`, as `tostring()` has it. */
export function timeText(time: number): string {
  const second = Math.floor(time / 1e6);
  return `${new Date(second * 1000).toISOString().slice(0, 19)}.${ticks(time - second * 1e6)}Z`;
}

/** The same as answers have it: no zeros at the end. */
export const shortTimeText = (time: number): string => timeText(time).replace(/\.?0+Z$/, "Z");

/** `[-][d.]hh:mm:ss[.fffffff]` */
export function spanText(span: number): string {
  const { day, hour, minute, second } = microseconds;
  const left = Math.abs(span);
  const days = Math.floor(left / day);
  const clock = [Math.floor((left % day) / hour), Math.floor((left % hour) / minute), Math.floor((left % minute) / second)];
  const rest = left % second;
  const fraction = rest === 0 ? "" : `.${ticks(rest)}`;
  return `${span < 0 ? "-" : ""}${days === 0 ? "" : `${days}.`}${clock.map(two).join(":")}${fraction}`;
}

/** Ticks between the year 1 and 1970, which bins are counted from, as microseconds. */
const yearOne = 62_135_596_800_000_000n;

/**
 * Rounds a time down to a multiple of `size` since the year 1
 * (https://learn.microsoft.com/kusto/query/bin-function). Null for a size that is none.
 */
export function timeBin(size: number): (time: number) => number | null {
  if (!(size > 0)) return () => null;
  const offset = Number.isInteger(size) ? Number(yearOne % BigInt(size)) : 0;
  return (time) => Math.floor((time + offset) / size) * size - offset;
}
