import type { Known, UsageSummary } from "./totals.ts";

/** What has changed between two windows of the same length; unknown where one of both is, or where they are of different sources. */
export function differenceOf(
  before: UsageSummary,
  after: UsageSummary,
): Readonly<Record<"requests" | "throttled" | "errors" | "tokens", Known>> {
  const [source] = after.sources;
  const comparable = before.sources.every(({ name }) => name === source?.name);
  const change = (from: Known, to: Known): Known =>
    comparable && typeof from === "number" && typeof to === "number" ? to - from : "unknown";
  return {
    requests: change(before.totals.requests, after.totals.requests),
    throttled: change(before.totals.throttled.total, after.totals.throttled.total),
    errors: change(before.totals.errors.total, after.totals.errors.total),
    tokens: change(before.totals.tokens, after.totals.tokens),
  };
}
