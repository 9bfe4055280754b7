import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { WriteReceipt } from "../gateway/ports.ts";
import type { ArmResponse } from "./arm-response.ts";
import { type Attempt, armError, unknownOutcome } from "./errors.ts";
import { retryAfterSeconds } from "./throttling.ts";

type Stored = Pick<WriteReceipt, "unfinished">;

interface Polling {
  /** A GET that answers with any status; throws where there is no answer. */
  readonly poll: (url: string) => Promise<ArmResponse>;
  readonly wait: (milliseconds: number) => Promise<void>;
}

const firstDelayMs = 500;
const longestDelayMs = 10_000;
const longestRetryAfterMs = 30_000;
const longestWaitMs = 120_000;

/**
 * Waits until a write that ARM has accepted is stored. Throws what the service says against it; where its end cannot be
 * learnt within two minutes of waiting, the receipt says so. The SDK's own poller takes one shape of failure (a poll that
 * answers 200 with status `Failed`) for success, and forgets the details of another.
 *
 * Shapes: 202 with `Location`; 200 or 201 with `Azure-AsyncOperation` or `Location`; a resource that is still in
 * provisioning with no link at all (`resourceUrl` is polled). A poll fails with a status of 4xx, with 200 and status
 * `Failed`, or with a resource whose provisioning failed.
 */
export async function untilStored(started: ArmResponse, resourceUrl: string, attempt: Attempt, { poll, wait }: Polling): Promise<Stored> {
  let link = linkOf(started.headers);
  let response = started;
  let running = link !== null || isRunning(started);
  let delay = firstDelayMs;
  for (let waited = 0; running; waited += delay) {
    if (waited >= longestWaitMs) return { unfinished: "Azure was still at it after two minutes." };
    delay = nextDelay(response, delay);
    await wait(delay);
    try {
      response = await poll(new URL(link ?? resourceUrl, resourceUrl).href);
    } catch (error) {
      // The write is accepted: whatever keeps us from asking about it, it may yet take effect.
      return { unfinished: error instanceof Error ? error.message : "asking for it failed." };
    }
    link = linkOf(response.headers) ?? link;
    running = isRunning(response);
  }
  return receiptOf(response, attempt);
}

const linkOf = (headers: ArmResponse["headers"]): string | null => headers.get("azure-asyncoperation") ?? headers.get("location") ?? null;

function nextDelay({ headers }: ArmResponse, last: number): number {
  const asked = (retryAfterSeconds(headers) ?? 0) * 1000;
  return asked > 0 ? Math.min(asked, longestRetryAfterMs) : Math.min(last * 1.5, longestDelayMs);
}

/** Of an operation (`status`, in a resource's form `properties.status`) or of a resource (`properties.provisioningState`). */
function stateOf(body: JsonObject | null): string {
  const properties = isObject(body?.properties) ? body.properties : {};
  const state = body?.status ?? properties.provisioningState ?? properties.status;
  return typeof state === "string" ? state.toLowerCase() : "";
}

const runningStates = new Set([
  "started",
  "notstarted",
  "accepted",
  "pending",
  "inprogress",
  "running",
  "creating",
  "updating",
  "deleting",
]);
const failedStates = new Set(["failed", "canceled", "cancelled"]);

const isRunning = ({ status, body }: ArmResponse): boolean => status === 202 || (status < 300 && runningStates.has(stateOf(body)));

/** Of the last answer; throws where that is the write's failure. */
function receiptOf(response: ArmResponse, attempt: Attempt): Stored {
  const { status, body } = response;
  if (status < 300) {
    if (!failedStates.has(stateOf(body))) return { unfinished: null };
    const { code, message } = operationError(body);
    const sameStatus = statusOfCode(code);
    if (sameStatus === null) throw unknownOutcome(attempt, typeof message === "string" ? message : "it gives no reason.");
    throw armError({ ...response, status: sameStatus, body: { error: operationError(body) } }, attempt);
  }
  // These are said of the document that was sent; any other status is the poll's own trouble.
  if ([400, 409, 412, 422].includes(status)) throw armError(response, attempt);
  return { unfinished: `asking for it was answered with HTTP ${status}.` };
}

/** Stands beside the status, or in a resource's form below `properties`. */
function operationError(body: JsonObject | null): JsonObject {
  const nested = isObject(body?.properties) ? body.properties.error : undefined;
  if (isObject(body?.error)) return body.error;
  return isObject(nested) ? nested : { message: `the operation ended as '${stateOf(body)}'` };
}

/** The status that the same error has where it is answered at once; null where its code does not say that nothing was stored. */
function statusOfCode(code: Json | undefined): number | null {
  if (typeof code !== "string" || /internal|timeout|unavailable/i.test(code)) return null;
  if (/conflict/i.test(code)) return 409;
  return /precondition/i.test(code) ? 412 : 400;
}
