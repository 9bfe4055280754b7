import { ExpressionError } from "./errors.ts";
import { type Type, type } from "./types.ts";
import { NetObject, type Value } from "./values.ts";

export const ticksPerMillisecond = 10_000n;
/** Ticks from 0001-01-01 to 1970-01-01. */
const unixEpoch = 621_355_968_000_000_000n;

export type DateKind = "Utc" | "Local" | "Unspecified";

/** Ticks are 100 ns. The gateway's local time is UTC. */
export class TimeSpan extends NetObject {
  override readonly type: Type = type("TimeSpan");
  readonly ticks: bigint;

  constructor(ticks: bigint) {
    super();
    this.ticks = ticks;
  }

  static ofMilliseconds(milliseconds: number): TimeSpan {
    return new TimeSpan(BigInt(Math.round(milliseconds * 10_000)));
  }

  get milliseconds(): number {
    return Number(this.ticks) / 10_000;
  }

  /** `[-][d.]hh:mm:ss[.fffffff]` */
  override toText(): string {
    const ticks = this.ticks < 0n ? -this.ticks : this.ticks;
    const seconds = ticks / 10_000_000n;
    const two = (number: bigint) => number.toString().padStart(2, "0");
    const days = seconds / 86_400n;
    const clock = [(seconds / 3600n) % 24n, (seconds / 60n) % 60n, seconds % 60n].map(two).join(":");
    const fraction = ticks % 10_000_000n;
    return `${this.ticks < 0n ? "-" : ""}${days > 0n ? `${days}.` : ""}${clock}${fraction > 0n ? `.${fraction.toString().padStart(7, "0")}` : ""}`;
  }

  override equals(other: Value): boolean {
    return other instanceof TimeSpan && other.ticks === this.ticks;
  }

  override get key(): unknown {
    return `TimeSpan ${this.ticks}`;
  }
}

/** What DateTime and DateTimeOffset show of a calendar's day and of its clock. */
export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Of a second. */
  readonly ticks: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
}

export function partsOf(ticks: bigint): DateParts {
  const date = new Date(Number((ticks - unixEpoch) / ticksPerMillisecond - ((ticks - unixEpoch) % ticksPerMillisecond < 0n ? 1n : 0n)));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    ticks: Number(ticks % 10_000_000n),
    dayOfWeek: date.getUTCDay(),
  };
}

export class DateTime extends NetObject {
  override readonly type: Type = type("DateTime");
  /** Since 0001-01-01. */
  readonly ticks: bigint;
  readonly kind: DateKind;

  constructor(ticks: bigint, kind: DateKind = "Unspecified") {
    super();
    this.ticks = inRange(ticks);
    this.kind = kind;
  }

  static of(date: Date, kind: DateKind = "Utc"): DateTime {
    return new DateTime(ticksOf(date), kind);
  }

  override toText(): string {
    return invariantText(this.ticks);
  }

  override equals(other: Value): boolean {
    return other instanceof DateTime && other.ticks === this.ticks;
  }

  override get key(): unknown {
    return `DateTime ${this.ticks}`;
  }
}

export class DateTimeOffset extends NetObject {
  override readonly type: Type = type("DateTimeOffset");
  /** Of the clock in its zone. */
  readonly ticks: bigint;
  readonly offsetMinutes: number;

  constructor(ticks: bigint, offsetMinutes = 0) {
    super();
    this.ticks = inRange(ticks);
    this.offsetMinutes = offsetMinutes;
  }

  get utcTicks(): bigint {
    return this.ticks - BigInt(this.offsetMinutes) * 600_000_000n;
  }

  override toText(): string {
    return `${invariantText(this.ticks)} ${offsetText(this.offsetMinutes)}`;
  }

  override equals(other: Value): boolean {
    return other instanceof DateTimeOffset && other.utcTicks === this.utcTicks;
  }

  override get key(): unknown {
    return `DateTimeOffset ${this.utcTicks}`;
  }
}

export function ticksOf(date: Date): bigint {
  return BigInt(date.getTime()) * ticksPerMillisecond + unixEpoch;
}

export function ticksOfUnixMilliseconds(milliseconds: bigint): bigint {
  return inRange(milliseconds * ticksPerMillisecond + unixEpoch);
}

/** Rounded down, as .NET does. */
export function unixMilliseconds(ticks: bigint): bigint {
  return (ticks - (ticks % ticksPerMillisecond) - unixEpoch) / ticksPerMillisecond;
}

/** Ticks of a time of the calendar; null where there is no such day or time. */
export function ticksOfParts(year: number, month: number, day: number, hour = 0, minute = 0, second = 0, fraction = 0): bigint | null {
  if (year < 1 || year > 9999 || hour > 23 || minute > 59 || second > 59 || Math.min(hour, minute, second) < 0) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return ticksOf(date) + BigInt(fraction);
}

export function offsetText(minutes: number): string {
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
}

function invariantText(ticks: bigint): string {
  const { year, month, day, hour, minute, second } = partsOf(ticks);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(month)}/${two(day)}/${String(year).padStart(4, "0")} ${two(hour)}:${two(minute)}:${two(second)}`;
}

const lastTick = 3_155_378_975_999_999_999n;

function inRange(ticks: bigint): bigint {
  if (ticks >= 0n && ticks <= lastTick) return ticks;
  throw new ExpressionError("ArgumentOutOfRangeException", "The added or subtracted value results in an un-representable DateTime.");
}
