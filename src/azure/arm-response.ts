import type { HttpHeaders } from "@azure/core-rest-pipeline";
import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";

export interface ArmResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The parsed body; null where it is empty or no JSON object. */
  readonly body: JsonObject | null;
}

/** Azure's name for a request, in its own logs; undefined where the answer has none. */
export const correlationIdOf = (headers: HttpHeaders): string | undefined =>
  headers.get("x-ms-correlation-request-id") ?? headers.get("x-ms-request-id");

/** The JSON object in a text, or null. */
export function jsonObject(text: string | null | undefined): JsonObject | null {
  try {
    const value: Json = JSON.parse(text ?? "null");
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
