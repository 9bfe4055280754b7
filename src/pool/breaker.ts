import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import { type Breaker, objectOf } from "./backend.ts";
import { type BreakerInput, defaultErrorReasons, defaultStatusCodes, type StatusCodeRange, statusCodeRanges } from "./request.ts";

/** What a new breaker is where a call does not say. */
const newRule: JsonObject = {
  name: "breaker",
  failureCondition: {
    count: 5,
    interval: "PT1M",
    statusCodeRanges: statusCodeRanges(defaultStatusCodes).map((range) => ({ ...range })),
    errorReasons: defaultErrorReasons,
  },
  tripDuration: "PT1M",
  acceptRetryAfter: false,
};

/**
 * A backend's properties with this breaker, or without one for null. The rule that is there is edited in place: its name,
 * what is not given and what we do not know stay. API Management allows one rule.
 */
export function withBreaker(properties: JsonObject, input: BreakerInput | null): JsonObject {
  if (input === null) {
    const { circuitBreaker: _, ...rest } = properties;
    return rest;
  }
  const circuitBreaker = objectOf(properties.circuitBreaker);
  const rules: readonly Json[] = Array.isArray(circuitBreaker.rules) ? circuitBreaker.rules : [];
  const [first, ...others] = rules;
  const rule = isObject(first) ? first : newRule;
  return { ...properties, circuitBreaker: { ...circuitBreaker, rules: [editedRule(rule, input), ...others] } };
}

function editedRule(rule: JsonObject, input: BreakerInput): JsonObject {
  return {
    ...rule,
    failureCondition: editedCondition(objectOf(rule.failureCondition), input),
    ...(input.trip_duration === undefined ? {} : { tripDuration: input.trip_duration }),
    ...(input.accept_retry_after === undefined ? {} : { acceptRetryAfter: input.accept_retry_after }),
  };
}

function editedCondition(condition: JsonObject, input: BreakerInput): JsonObject {
  const { failure_count: count, failure_percent: percentage, interval, status_codes: codes, error_reasons: reasons } = input;
  const superseded = count !== undefined ? "percentage" : percentage !== undefined ? "count" : null;
  const ranges = codes === undefined ? undefined : statusCodeRanges(codes);
  return {
    ...Object.fromEntries(Object.entries(condition).filter(([key]) => key !== superseded)),
    ...(count === undefined ? {} : { count }),
    ...(percentage === undefined ? {} : { percentage }),
    ...(interval === undefined ? {} : { interval }),
    ...(ranges === undefined || sameRanges(condition.statusCodeRanges, ranges)
      ? {}
      : { statusCodeRanges: ranges.map((range) => ({ ...range })) }),
    ...(reasons === undefined ? {} : { errorReasons: reasons }),
  };
}

function sameRanges(existing: Json | undefined, ranges: readonly StatusCodeRange[]): boolean {
  if (!Array.isArray(existing) || existing.length !== ranges.length) return false;
  return ranges.every(({ min, max }, index) => {
    const range = objectOf(existing[index]);
    return range.min === min && range.max === max;
  });
}

/** A breaker in a few words, what is usual left out: `breaker 5 in PT1M open PT5M`. */
export function breakerText(breaker: Breaker | null): string {
  if (breaker === null) return "no breaker";
  const { failureCount, failurePercent, interval, statusCodes, tripDuration, acceptRetryAfter } = breaker;
  const failures = failureCount ?? (failurePercent === null ? "?" : `${failurePercent}%`);
  const usual = statusCodes.join() === defaultStatusCodes.join();
  return [
    `breaker ${failures} in ${interval ?? "?"} open ${tripDuration ?? "?"}`,
    ...(usual ? [] : [`on ${statusCodes.length === 0 ? "no status code" : statusCodes.join(",")}`]),
    ...(acceptRetryAfter ? ["or as Retry-After says"] : []),
  ].join(" ");
}

/** The ranges of a breaker that hold 2xx or 3xx, as it spells them: answers that are no failures. */
export const successCodes = ({ statusCodes }: Breaker): readonly string[] => statusCodes.filter((range) => Number(range.slice(0, 3)) < 400);

/** The hours of an ISO 8601 duration of weeks, days, hours, minutes and seconds; 0 for any other text. */
export function hoursOf(duration: string | null): number {
  const form = /^P(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/i;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = (form.exec(duration ?? "") ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  return weeks * 168 + days * 24 + hours + (minutes * 60 + seconds) / 3600;
}
