import type { JsonObject } from "../gateway/documents.ts";
import type { ArmResponse } from "./arm-response.ts";
import { unexpected } from "./documents.ts";
import { type Attempt, armError } from "./errors.ts";
import { readPages } from "./lists.ts";
import type { Arm } from "./pipeline.ts";
import { send } from "./requests.ts";

/** Reads of ARM by whole URLs and by paths, as raw JSON. */
export interface ArmReads {
  /** One answer; `urlIn` is asked for the URL of the version that Azure takes. */
  get(urlIn: (version: string) => string, version: string, attempt: Attempt): Promise<JsonObject>;
  /** What `get` is for a question that travels in a body. */
  ask(urlIn: (version: string) => string, version: string, body: JsonObject, attempt: Attempt): Promise<JsonObject>;
  /** All items of a list; `path` begins below ARM's origin and may have a query. */
  list(path: string, version: string, attempt: Attempt): Promise<readonly JsonObject[]>;
}

export const reading = (what: string): Attempt => ({ what: `read of ${what}`, writes: false });

/** Reads that end with `signal`; `slot` lets each request wait for its turn. Whatever is no JSON object with status 200 is a `GatewayError`. */
export function armReads(arm: Arm, signal: AbortSignal, slot: <T>(task: () => Promise<T>) => Promise<T> = (task) => task()): ArmReads {
  const answer = async (version: string, ask: (version: string) => Promise<ArmResponse>, attempt: Attempt): Promise<JsonObject> =>
    bodyOf(await slot(() => arm.versioned(version, ask)), attempt);
  const get: ArmReads["get"] = (urlIn, version, attempt) =>
    answer(version, (asked) => send(arm.reading, { method: "GET", url: urlIn(asked), signal }, attempt), attempt);
  return {
    get,
    ask: (urlIn, version, body, attempt) =>
      answer(version, (asked) => send(arm.reading, { method: "POST", url: urlIn(asked), body, signal }, attempt), attempt),
    list(path, version, attempt) {
      const separator = path.includes("?") ? "&" : "?";
      const first = (asked: string): string => `${arm.endpoint.sdk}${path}${separator}api-version=${asked}`;
      return readPages(
        (url) => get(url === null ? first : () => url, version, attempt),
        () => unexpected(attempt, "is not a list"),
      );
    },
  };
}

function bodyOf(response: ArmResponse, attempt: Attempt): JsonObject {
  if (response.status !== 200) throw armError(response, attempt);
  if (response.body === null) throw unexpected(attempt, "is not JSON");
  return response.body;
}
