import { GatewayError } from "../errors.ts";

/** A window of time that metrics are asked for; `since` lies before `until`. */
export interface Window {
  readonly since: Date;
  readonly until: Date;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long Azure Monitor keeps platform metrics: https://learn.microsoft.com/azure/azure-monitor/essentials/data-platform-metrics */
export const RETENTION_DAYS = 93;

/**
 * The window of a call: `since` until `until`. Without `until` it ends where data is `complete`, and without `since` it is an hour long. Times are
 * ISO 8601 with an offset, or how long ago as a duration (`-PT1H`), which leads to a whole minute. Throws `invalid_input` for a time that cannot be
 * read, a reversed, empty or over-long window, and for an `until` more than a minute ahead (clocks differ by less).
 */
export function metricsWindow(
  input: { readonly since?: string | undefined; readonly until?: string | undefined },
  now: Date,
  complete: Date = now,
): Window {
  const given = input.until === undefined ? undefined : timeOf("until", input.until, now);
  const asked = input.since === undefined ? undefined : timeOf("since", input.since, now);
  // What began after the complete part is asked for as it stands by now.
  const until = given ?? (asked !== undefined && asked >= complete ? now : complete);
  const since = asked ?? new Date(until.getTime() - HOUR);
  const length = until.getTime() - since.getTime();
  const shown = `since ${since.toISOString()}, until ${until.toISOString()}`;
  if (until.getTime() > now.getTime() + MINUTE) {
    throw new GatewayError("invalid_input", `'until' lies in the future: ${until.toISOString()}.`, {
      hint: `It is ${now.toISOString()} now. Leave 'until' out for everything up to now.`,
    });
  }
  if (length === 0) {
    throw new GatewayError("invalid_input", `The window is empty: ${shown}.`, { hint: "Make 'since' earlier than 'until'." });
  }
  if (length < 0) {
    throw new GatewayError("invalid_input", `The window is reversed: ${shown}.`, {
      hint: input.until === undefined ? `It is ${now.toISOString()} now; 'since' must be earlier.` : "Swap 'since' and 'until'.",
    });
  }
  if (length > RETENTION_DAYS * DAY) {
    throw new GatewayError("invalid_input", `The window is longer than ${RETENTION_DAYS} days: ${shown}.`, {
      hint: `Azure Monitor keeps platform metrics for ${RETENTION_DAYS} days. Ask for a shorter window.`,
    });
  }
  return { since, until };
}

/** A time as `pastTime` reads it; what is relative to now leads to the beginning of a minute. */
function timeOf(name: string, text: string, now: Date): Date {
  const time = pastTime(name, text, now);
  return text.trim().startsWith("-") ? wholeMinute(time) : time;
}

/** The beginning of the minute that a time is in. */
export const wholeMinute = (time: Date): Date => new Date(Math.floor(time.getTime() / MINUTE) * MINUTE);

/** Where data is complete, as a whole minute, if all of it comes in within so many seconds. */
export const completeUntil = (now: Date, lagSeconds: number): Date => wholeMinute(new Date(now.getTime() - Math.max(0, lagSeconds) * 1000));

/** The same length of time before a change and after it, without the minute in which it was made. */
export interface Comparison {
  readonly before: Window;
  readonly after: Window;
}

/**
 * The windows to compare for a change: after it as long as data is complete, an hour at most, or until `until`. Throws `invalid_input` where no
 * whole minute after it can be shown yet.
 */
export function comparedWindows(changed: Date, until: string | undefined, now: Date, complete: Date): Comparison {
  const end = wholeMinute(changed);
  const start = new Date(end.getTime() + (changed.getTime() === end.getTime() ? 0 : MINUTE));
  const last =
    until === undefined
      ? new Date(Math.min(complete.getTime(), start.getTime() + HOUR))
      : metricsWindow({ since: start.toISOString(), until }, now).until;
  const length = last.getTime() - start.getTime();
  if (length < MINUTE) {
    throw new GatewayError(
      "invalid_input",
      `The change was made at ${changed.toISOString()}; metrics are complete until ${complete.toISOString()}.`,
      {
        hint: "There is nothing to compare yet: ask again some minutes after the change.",
      },
    );
  }
  return { before: { since: new Date(end.getTime() - length), until: end }, after: { since: start, until: last } };
}

const timeForm = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/i;

function parseTime(name: string, text: string): Date {
  const match = timeForm.exec(text.trim());
  const [, day, offset] = match ?? [];
  if (day !== undefined && offset === undefined) {
    throw new GatewayError("invalid_input", `'${name}' has no offset from UTC: '${text}'.`, {
      hint: `Write ${text.trim()}Z for UTC, or add an offset such as +01:00.`,
    });
  }
  const time = new Date(text.trim().toUpperCase());
  if (day === undefined || Number.isNaN(time.getTime()) || !isCalendarDay(day)) {
    throw new GatewayError("invalid_input", `'${name}' is not a time: '${text}'.`, {
      hint: "Write ISO 8601 with an offset, e.g. 2026-01-31T09:00:00Z.",
    });
  }
  return time;
}

const durationForm = /^-P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/i;

/** A time in the past: ISO 8601 with an offset, or how long ago as an ISO 8601 duration, `-P7D`, `-PT90M`. Throws `invalid_input` for anything else. */
export function pastTime(name: string, text: string, now: Date): Date {
  const time = timeAgo(text, now);
  if (time === null) return parseTime(name, text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new GatewayError("invalid_input", `'${name}' lies before all time: '${text}'.`, { hint: "Ask for a shorter time." });
}

/** Null for what is no `-P7D`; an invalid date where it lies before all time. */
export function timeAgo(text: string, now: Date): Date | null {
  const [whole, ...amounts] = durationForm.exec(text.trim()) ?? [];
  if (whole === undefined || amounts.every((amount) => amount === undefined)) return null;
  const [weeks = 0, days = 0, hours = 0, minutes = 0] = amounts.map((amount) => Number(amount ?? 0));
  return new Date(now.getTime() - (weeks * 7 + days) * DAY - hours * HOUR - minutes * MINUTE);
}

/** False for 30 February, which `Date` silently reads as a day in March. */
function isCalendarDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** The grains that Azure Monitor offers for the service's metrics (its `metricDefinitions`), finest first. */
const grains = [
  { name: "PT1M", length: MINUTE },
  { name: "PT5M", length: 5 * MINUTE },
  { name: "PT15M", length: 15 * MINUTE },
  { name: "PT30M", length: 30 * MINUTE },
  { name: "PT1H", length: HOUR },
  { name: "PT6H", length: 6 * HOUR },
  { name: "PT12H", length: 12 * HOUR },
  { name: "P1D", length: DAY },
] as const;

/** A day by the minute: what one call may ask for at most, for every combination of dimension values. */
const MAX_POINTS = 1_440;

/**
 * The length of one point as an ISO 8601 duration: the one asked for, or else the finest that gives at most `points`
 * points over the window. Throws `invalid_input` for a grain that Azure Monitor does not have, and for one that is too
 * fine for the window.
 */
export function chooseInterval(window: Window, interval?: string, points = 200): string {
  const length = window.until.getTime() - window.since.getTime();
  const fitting = (bound: number) => grains.find((grain) => length / grain.length <= bound)?.name ?? "P1D";
  if (interval === undefined) return fitting(points);
  const asked = grains.find(({ name }) => name === interval.toUpperCase());
  if (asked === undefined) {
    throw new GatewayError("invalid_input", `Azure Monitor has no interval '${interval}'.`, {
      hint: `Use one of ${grains.map(({ name }) => name).join(", ")}.`,
    });
  }
  if (length / asked.length > MAX_POINTS) {
    throw new GatewayError("invalid_input", `Interval ${asked.name} gives more than ${MAX_POINTS} points over this window.`, {
      hint: `Use ${fitting(MAX_POINTS)} or coarser, or a shorter window.`,
    });
  }
  return asked.name;
}

/**
 * Whether the window begins or ends within a minute, the unit in which Azure Monitor counts. Points of any length begin with the window and
 * the last one ends with it (https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs has an answer to such a query),
 * so that nothing else is ever cut.
 */
export function cutsMinutes({ since, until }: Window): boolean {
  return [since, until].some((time) => time.getTime() % MINUTE !== 0);
}

/** The part of the window that Azure Monitor no longer keeps. */
export function forgotten(window: Window, now: Date): "none" | "part" | "all" {
  const oldest = now.getTime() - RETENTION_DAYS * DAY;
  if (window.until.getTime() <= oldest) return "all";
  return window.since.getTime() < oldest ? "part" : "none";
}
