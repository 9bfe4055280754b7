import type { Call, GatewayResponse } from "../policy.ts";

/** A whole response, as it can be answered again. */
export interface StoredResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Null where there is none, or where it comes as a stream: Assumed: streams are not stored, since nobody documents how they would be. */
export async function storable(call: Call): Promise<StoredResponse | null> {
  const { response } = call;
  if (response === null || response.headers.get("content-type")?.startsWith("text/event-stream") === true) return null;
  const body = await call.responseText();
  return { status: response.status, reason: response.reason, headers: [...response.headers], body };
}

export function answerAgain({ status, reason, headers, body }: StoredResponse): GatewayResponse {
  return {
    status,
    reason,
    headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
    body: new TextEncoder().encode(body),
  };
}
