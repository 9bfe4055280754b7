import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import { type GatewayOptions, openGateway } from "../../src/azure/gateway.ts";
import type { Timing } from "../../src/azure/pipeline.ts";
import type { Json } from "../../src/gateway/documents.ts";
import type { Gateway } from "../../src/gateway/ports.ts";

export const serviceId =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-ai/providers/Microsoft.ApiManagement/service/apim-prod";
export const arm = "https://management.azure.com";
export const token = "canary-token";

/** A request as it went over the wire. */
export interface Sent {
  readonly method: string;
  readonly url: URL;
  /** Below the service, decoded. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Json;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** In place of a JSON body. */
  readonly text?: string;
}

/** A service that answers as a test says, and keeps what was sent. An `Error` is a lost connection. */
export function wire(answer: (sent: Sent, index: number) => Answer | Error | Promise<Answer | Error>) {
  const sent: Sent[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const text = await request.text();
    const url = new URL(request.url);
    const path = decodeURIComponent(url.pathname.slice(serviceId.length + 1));
    const entry: Sent = { method: request.method, url, path, headers: request.headers, body: text === "" ? null : JSON.parse(text) };
    sent.push(entry);
    const given = await answer(entry, sent.length - 1);
    if (given instanceof Error) throw given;
    const { status = 200, headers = {}, body, text: raw } = given;
    const content = raw ?? (body === undefined ? null : JSON.stringify(body));
    return new Response(status === 204 ? null : content, { status, headers: { "content-type": "application/json", ...headers } });
  };
  return { fetch, sent };
}

/** Every wait that was asked for, none of them waited. */
export function quickTiming(): Timing & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    retryDelayMs: 0,
    requestTimeoutMs: 5_000,
    async wait(milliseconds) {
      waits.push(milliseconds);
      await setImmediate();
    },
  };
}

export function gatewayOver(
  fetch: (request: Request) => Promise<Response>,
  options: Partial<GatewayOptions> = {},
  timing: Timing = quickTiming(),
): Gateway {
  return openGateway({ resourceId: serviceId, cloud: "public", accessToken: token, fetch, ...options }, timing);
}

export const neverAborted = new AbortController().signal;

/** What a promise rejects with; fails where it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** What stands in a secret's place; `path` joined with dots. */
export const markerOf = (path: string) => expect.stringMatching(new RegExp(`^<secret:${path.replaceAll(".", "\\.")}#[0-9a-f]{6}>$`));
