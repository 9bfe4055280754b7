import { excerpt } from "../policy/excerpt.ts";
import type { Window } from "../usage/window.ts";

/** Characters of a name or message out of the gateway. */
const longestText = 120;

const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

/** Whether all times of the window are of one day; midnight ends one. */
export const isOfOneDay = ({ since, until }: Window): boolean => dayOf(since) === dayOf(new Date(until.getTime() - 1));

/** `10:02`, in UTC; with its date where the window is not of one day. */
export function clock(time: string, window: Window): string {
  const text = new Date(time).toISOString();
  return isOfOneDay(window) ? text.slice(11, 16) : `${text.slice(5, 10)} ${text.slice(11, 16)}`;
}

/** `10:02 to 10:09`, or one time where both are of one minute. */
export function span(first: string, last: string, window: Window): string {
  const [from, to] = [clock(first, window), clock(last, window)];
  return from === to ? from : `${from} to ${to}`;
}

/** The window as calls of ours take it: `"since":"...","until":"..."`. */
export const windowInput = ({ since, until }: Window): string => `"since":"${since.toISOString()}","until":"${until.toISOString()}"`;

/** `1 call`, `7 calls`. */
export const calls = (count: number): string => `${count} call${count === 1 ? "" : "s"}`;

/** The first names, and how many are left. */
export function some(names: readonly string[], most = 3): string {
  const different = [...new Set(names)];
  const left = different.length - most;
  return left > 0 ? `${different.slice(0, most).join(", ")} and ${left} more` : different.join(", ");
}

/** A text out of the gateway on one line, without keys. */
export const short = (text: string, longest = longestText): string => excerpt(text, longest);
