import { GatewayError } from "../../errors.ts";
import type { DrillMode } from "../../gateway/drill.ts";

/** What `run_failover_drill` is asked for. */
export interface DrillRequest {
  readonly api_id: string;
  /** The member of the API's pool that is to be without traffic. */
  readonly backend_id: string;
  /** Where several pools of the API have the member. */
  readonly pool_id?: string | undefined;
  readonly mode: DrillMode;
  /** ISO 8601. */
  readonly duration: string;
  readonly subscriptions?: readonly string[] | undefined;
}

const shortestMs = 1000;
const longestMs = 60 * 60 * 1000;

/** The duration in milliseconds; throws `invalid_input` for what is none from PT1S to PT1H. */
export function drillDurationMs(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds !== null && milliseconds >= shortestMs && milliseconds <= longestMs) return milliseconds;
  throw new GatewayError("invalid_input", `'${text}' is no duration of a drill.`, {
    hint: "Write it as ISO 8601 in hours, minutes and seconds, from PT1S to PT1H, such as PT2M.",
  });
}

/** An ISO 8601 duration of days, hours, minutes and seconds; null for any other text, and for null. */
export function durationMs(text: string | null): number | null {
  const [whole, ...amounts] = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text ?? "") ?? [];
  if (whole === undefined) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = amounts.map((amount) => Number(amount ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** `2 min`, `90 s`, `1 h 5 min`. */
export function durationText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor((seconds % 3600) / 60), "min"],
    [seconds % 60, "s"],
  ];
  return parts.flatMap(([amount, unit]) => (amount === 0 ? [] : [`${amount} ${unit}`])).join(" ") || "0 s";
}
