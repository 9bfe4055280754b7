import type { JsonObject } from "../../../src/gateway/documents.ts";
import { type MovableClock, movableClock } from "../../../src/sandbox/clock.ts";
import { createModelBackend, type ModelBackend, type ModelBackendOptions } from "../../../src/sandbox/models/backend.ts";

export const start = new Date("2026-03-01T10:00:00Z");
export const host = "aoai-eastus.openai.azure.com";

export interface Bench {
  readonly backend: ModelBackend;
  readonly clock: MovableClock;
}

export function openBackend(options: Partial<ModelBackendOptions> = {}): Bench {
  const clock = movableClock(start);
  return { backend: createModelBackend({ host, region: "East US", clock, ...options }), clock };
}

export const chatPath = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
export const embeddingsPath = "/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21";

export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly signal?: AbortSignal;
}

/** A request as a client sends it; a body that is a text goes as it stands. */
export function modelRequest(path: string, body: object | string, { headers, method = "POST", signal }: Sending = {}): Request {
  return new Request(`https://${host}${path}`, {
    method,
    headers: { "content-type": "application/json", ...(headers ?? { authorization: "Bearer token" }) },
    ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export const send = (backend: ModelBackend, path: string, body: object | string, sending?: Sending): Promise<Response> =>
  backend.fetch(modelRequest(path, body, sending));

export const chat = (text: string, more: object = {}): object => ({ messages: [{ role: "user", content: text }], ...more });

/** A JSON answer, taken for an object. */
export async function json(response: Response): Promise<JsonObject> {
  return JSON.parse(await response.text());
}

export interface ServerEvent {
  readonly event: string | null;
  readonly data: string;
}

/** The events of a stream, read strictly: one optional `event` line, one `data` line, a blank one. */
export function eventsIn(text: string): readonly ServerEvent[] {
  if (!text.endsWith("\n\n")) throw new Error(`a stream ends with a blank line: ${JSON.stringify(text.slice(-40))}`);
  return text
    .slice(0, -2)
    .split("\n\n")
    .map((block) => {
      const found = /^(?:event: (.+)\n)?data: (.+)$/.exec(block);
      if (found?.[2] === undefined) throw new Error(`no event: ${JSON.stringify(block)}`);
      return { event: found[1] ?? null, data: found[2] };
    });
}
