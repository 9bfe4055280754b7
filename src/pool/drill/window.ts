import type { DrillWindow } from "../../gateway/drill.ts";

/**
 * The times of a drill are not known before it starts. A plan has these marks in their place, as texts within an expression, and they are
 * filled in when the change is applied: what was confirmed is the duration.
 */
const startMark = "[start of the drill]";
const endMark = "[end of the drill]";
/** The same of a test path. */
export const testEndMark = "[end of the test]";

/** The window of a drill that starts now. Whole seconds: it is never longer than the drill was to be. */
export function windowFrom(now: Date, durationMs: number): DrillWindow {
  const start = Math.floor(now.getTime() / 1000) * 1000;
  return { from: secondsText(start), until: secondsText(start + durationMs) };
}

const secondsText = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`;

/** A policy's text with the times in the place of the marks. */
export const withWindow = (text: string, { from, until }: DrillWindow): string =>
  text.replaceAll(startMark, clockText(from)).replaceAll(endMark, clockText(until)).replaceAll(testEndMark, clockText(until));

/** Without an offset .NET reads a time as it stands, and compares it so; with one it would move it to the gateway's own zone. */
const clockText = (time: string): string => time.replace(/Z$/, "");

/**
 * True on the gateway's clock from the start to the end of the drill, for calls of these subscriptions, null for everyone's. The start is
 * in it so that a drill takes no longer than it was to where this machine's clock is ahead of the gateway's.
 *
 * `DateTime.UtcNow` and `DateTime.Parse` are among the members that policies may use
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#CLRTypes).
 */
export function drillCondition(subscriptions: readonly string[] | null): string {
  const during = `DateTime.UtcNow >= DateTime.Parse("${startMark}") && DateTime.UtcNow < DateTime.Parse("${endMark}")`;
  if (subscriptions === null) return `@(${during})`;
  const callers = subscriptions.map((id) => `context.Subscription?.Id == ${JSON.stringify(id)}`).join(" || ");
  return `@((${callers}) && ${during})`;
}
