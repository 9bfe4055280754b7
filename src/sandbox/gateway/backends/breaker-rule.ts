import type { Json, JsonObject } from "../../../gateway/documents.ts";
import { isObject, listAt, objectAt, textAt } from "../../json.ts";
import type { BreakerRule } from "./breaker.ts";

/**
 * The breaker of a backend document; null where it has none. Only the first rule is read: the service allows one
 * (https://learn.microsoft.com/azure/api-management/backends#circuit-breaker).
 *
 * Assumed: a rule without a readable interval or trip duration, or with neither count nor percentage, never trips.
 */
export function breakerRule(properties: JsonObject): BreakerRule | null {
  const rule = firstRule(properties);
  const condition = objectAt(rule, "failureCondition");
  const intervalMs = durationMs(textAt(condition, "interval"));
  const tripMs = durationMs(textAt(rule, "tripDuration"));
  const [count, percentage] = [numberAt(condition, "count"), numberAt(condition, "percentage")];
  if (intervalMs === null || tripMs === null || (count === null && percentage === null)) return null;
  return {
    count,
    percentage,
    intervalMs,
    statusCodes: listAt(condition, "statusCodeRanges").filter(isObject).flatMap(statusRange),
    errorReasons: listAt(condition, "errorReasons").filter((reason) => typeof reason === "string"),
    tripMs,
    acceptRetryAfter: rule.acceptRetryAfter === true,
  };
}

/** The rule's `failureResponse`: the status that a caller gets while the breaker is open; null where the rule names none. */
export const ruleFailureStatus = (properties: JsonObject): number | null =>
  numberAt(objectAt(firstRule(properties), "failureResponse"), "statusCode");

const firstRule = (properties: JsonObject): JsonObject => listAt(objectAt(properties, "circuitBreaker"), "rules").find(isObject) ?? {};

function statusRange(range: JsonObject): BreakerRule["statusCodes"] {
  const [min, max] = [numberAt(range, "min"), numberAt(range, "max")];
  return min === null || max === null ? [] : [{ min, max }];
}

/** A member that should be a number; samples write them as texts too. */
export function numberAt(parent: JsonObject, name: string): number | null {
  const value: Json | undefined = parent[name];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

const duration = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;
const unitsMs = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000] as const;

/** An ISO 8601 duration (`PT1M30S`, `P1D`) in milliseconds; null for another text, and for none of time, years and months, which have no fixed length. */
export function durationMs(text: string | undefined): number | null {
  const amounts = duration.exec(text ?? "")?.slice(1);
  const total = amounts?.reduce((milliseconds, amount, unit) => milliseconds + Number(amount ?? 0) * (unitsMs[unit] ?? 0), 0) ?? 0;
  return total > 0 ? total : null;
}
