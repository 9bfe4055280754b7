import type { Json, JsonObject } from "../../gateway/documents.ts";
import { isObject } from "../json.ts";
import { invalidRequest } from "./answers.ts";

/** Assumed: Azure OpenAI publishes no limit for the size of a request's body. */
const limitBytes = 16 * 1024 * 1024;

/** A request's JSON object. Throws `ModelError` (400) for what is too large, no JSON or no object, and reads no further than it must. */
export async function readJson(request: Request): Promise<JsonObject> {
  const value = parsed(await readText(request));
  if (!isObject(value)) throw invalidRequest("The request body is not a JSON object.");
  return value;
}

async function readText({ body, signal }: Request): Promise<string> {
  const reader = body?.getReader();
  if (reader === undefined) return "";
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await readAll(reader, signal);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { value } = await reader.read();
    // An abort ends a body that is still coming.
    signal.throwIfAborted();
    if (value === undefined) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > limitBytes) {
      await reader.cancel();
      throw invalidRequest(`The request body is larger than ${limitBytes} bytes.`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.");
  }
}

/** A whole number of the body, or null where it is left out or null. */
export function integerAt(body: JsonObject, name: string, least: number, most: number): number | null {
  const value = body[name] ?? null;
  if (value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidRequest(`Invalid value for '${name}': expected an integer from ${least} to ${most}.`, name);
}
