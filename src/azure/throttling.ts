import type { HttpHeaders, PipelinePolicy } from "@azure/core-rest-pipeline";
import { GatewayError } from "../errors.ts";

/** The longest that a read waits before it is tried again; a call in a chat is not kept longer for one answer. */
const longestWaitSeconds = 30;

/** Seconds that a response asks to wait (as the SDK reads it: milliseconds, seconds or a date), or null. */
export function retryAfterSeconds(headers: HttpHeaders): number | null {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const milliseconds = Number.parseInt(headers.get(name) ?? "", 10);
    if (!Number.isNaN(milliseconds)) return Math.ceil(milliseconds / 1000);
  }
  const value = headers.get("retry-after");
  if (value === undefined) return null;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

export function throttled(what: string, seconds: number | null): GatewayError {
  const wait = seconds === null ? "" : ` It asks to wait ${seconds} s.`;
  return new GatewayError("throttled", `Azure throttles the ${what}.${wait}`, {
    retryable: true,
    hint: `Call again ${seconds === null ? "in a minute" : `after ${seconds} s`}. ARM's limits are per Azure subscription and identity: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling`,
  });
}

/** Fails with `throttled` where the SDK's retry policy, which has no ceiling, would wait for more than 30 s. */
export const boundedRetryAfterPolicy: PipelinePolicy = {
  name: "boundedRetryAfterPolicy",
  async sendRequest(request, next) {
    const response = await next(request);
    const seconds = response.status === 429 || response.status === 503 ? retryAfterSeconds(response.headers) : null;
    if (seconds !== null && seconds > longestWaitSeconds) throw throttled("read", seconds);
    return response;
  },
};
