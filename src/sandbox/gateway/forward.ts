import { textAt } from "../json.ts";
import { AnsweredError, internalError } from "./answers.ts";
import { failureStatus, retryAfterSeconds, selectBackend } from "./backends/select.ts";
import type { OpenCall } from "./call.ts";
import { coalesced, discard, forwarded, type OpenResponse, openResponse, reasonOf, tapped } from "./messages.ts";
import { type BackendTarget, type BodyBytes, type Call, PolicyError, type TokenUsage } from "./policy.ts";
import { TimedOut, within } from "./timeout.ts";
import { promptTokens, type UsageReader, usageReader } from "./tokens.ts";
import { destinationUrl, relativeUrl } from "./urls.ts";

/** How `forward-request` sends (https://learn.microsoft.com/azure/api-management/forward-request-policy#attributes). */
export interface Forwarding {
  readonly timeoutMs: number;
  readonly followRedirects: boolean;
  readonly bufferRequestBody: boolean;
  readonly bufferResponse: boolean;
  readonly failOnErrorStatusCode: boolean;
}

/** What a chunked answer is collected to before it goes on. */
const responseBuffer = 8 * 1024;

/**
 * One attempt at the backend that the call is going to: the call's response is the answer, as soon as its head is there. Without
 * `bufferRequestBody` the request's body is gone afterwards. Throws `PolicyError` of reason `BackendConnectionFailure` or `Timeout`, with no
 * response, and where all breakers are open, with a response of 503.
 */
export async function forward(call: OpenCall, options: Forwarding): Promise<void> {
  call.response = null;
  const target = await targetOf(call);
  call.backend = backendView(call, target);
  const { answer, reader } = await attempt(call, target, options);
  if (target.setCookie !== undefined) answer.headers.append("set-cookie", target.setCookie);
  call.response = answer;
  readers.set(call, reader);
  await call.responded(answer);
  if (options.failOnErrorStatusCode && answer.status >= 400) throw failed(answer);
}

/** Of the last answer of a backend. */
const readers = new WeakMap<Call, UsageReader>();

/** Token usage of the last answer of a backend, as far as its body has been read. Null where no backend has answered, or not a model. */
export const usageIn = (call: Call): TokenUsage | null => readers.get(call)?.usage() ?? null;

/** The model that the last answer of a backend names. */
export const modelIn = (call: Call): string | null => readers.get(call)?.model() ?? null;

async function targetOf(call: OpenCall): Promise<BackendTarget> {
  const { backendId, base } = call.destination;
  if (backendId === null) {
    if (base === null) throw noBackend(call);
    return { backendId: null, poolId: null, url: base.href, headers: new Headers(), report: () => undefined };
  }
  const target = await selectBackend(call, backendId);
  if (target === null) throw exhausted(call, failureStatus(call.world, backendId));
  return target;
}

/** Assumed: what `context.LastError` says of an API that has no backend. */
const noBackend = (call: Call): PolicyError =>
  internalError({ source: "forward-request", reason: "BackendConnectionFailure", message: "The API has no backend." }, call.id);

/**
 * Microsoft documents the code alone, and has changed its phrase before. Samples catch it in `<on-error>` and in `<outbound>`, and look at
 * it in the condition of `<retry>`: it can be seen in all three.
 */
function exhausted(call: OpenCall, status: number): PolicyError {
  const message = reasonOf(status);
  const response = openResponse({
    status,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify({ statusCode: status, message })),
  });
  call.response = response;
  return new AnsweredError({ source: "forward-request", reason: "", message }, response, true);
}

/** Assumed: the error has no reason, and the backend's answer is the caller's unless `<on-error>` changes it. */
const failed = (answer: OpenResponse): PolicyError =>
  new AnsweredError(
    { source: "forward-request", reason: "", message: `The backend answered with the status code ${answer.status}.` },
    answer,
    false,
  );

function backendView({ world }: Call, { backendId }: BackendTarget): Call["backend"] {
  if (backendId === null) return null;
  const region = textAt(world.get(`backends/${backendId}`)?.properties ?? {}, "azureRegion");
  return { id: backendId, type: "Single", azureRegion: region ?? null };
}

interface Attempt {
  readonly answer: OpenResponse;
  readonly reader: UsageReader;
}

async function attempt(call: OpenCall, target: BackendTarget, options: Forwarding): Promise<Attempt> {
  const body = await bodyToSend(call, options);
  const url = destinationUrl(new URL(target.url), relativeUrl(call.request.url, call.destination.base));
  const startedAt = call.clock.now();
  const finish = (status: number | null, reason: string | null, headers: Headers | null): void => {
    const now = call.clock.now();
    target.report({ status, reason, retryAfterSeconds: headers === null ? null : retryAfterSeconds(headers, now) });
    const { backendId, poolId } = target;
    const milliseconds = now.getTime() - startedAt.getTime();
    call.record.attempts.push({ backendId, poolId, url: url.href, method: call.request.method, startedAt, milliseconds, status, reason });
  };
  try {
    const reply = await within(call.clock, options.timeoutMs, call.signal, (signal) => exchange(call, target, url, body, options, signal));
    finish(reply.status, null, reply.headers);
    return received(reply, body, options);
  } catch (error) {
    const failure = call.signal.aborted ? null : transportFailure(error, call.id);
    finish(null, failure?.error.reason ?? "ClientConnectionFailure", null);
    throw failure ?? error;
  }
}

/** The request's body for this attempt. What is not buffered can be sent once. */
async function bodyToSend({ request }: OpenCall, { bufferRequestBody, followRedirects }: Forwarding): Promise<BodyBytes> {
  if (request.body === null) return null;
  if (bufferRequestBody) return await request.buffer();
  const body = followRedirects ? await request.buffer() : request.body;
  request.release();
  return body;
}

async function exchange(
  call: Call,
  { headers: credentials }: BackendTarget,
  url: URL,
  body: BodyBytes,
  { followRedirects }: Forwarding,
  signal: AbortSignal,
): Promise<Response> {
  const headers = forwarded(call.request.headers, ["host", "content-length"]);
  for (const [name, value] of credentials) headers.set(name, value);
  const sent = { method: call.request.method, headers };
  const reply = await call.send(outgoing(url, { ...sent, body }), signal);
  return followRedirects ? await redirected(call, url, { ...sent, body }, reply, signal) : reply;
}

interface Outgoing {
  readonly method: string;
  readonly headers: Headers;
  readonly body: BodyBytes;
}

/** A request as fetch takes it: it has no body where the method allows none. */
export function outgoing(url: URL, { method, headers, body }: Outgoing): Request {
  const withBody = body !== null && !/^(?:GET|HEAD)$/i.test(method);
  if (!withBody) discard(body);
  return new Request(url, { method, headers, ...(withBody ? { body, duplex: "half" as const } : {}) });
}

const mostRedirects = 10;

/** As clients of HTTP follow them (https://www.rfc-editor.org/rfc/rfc9110#name-redirection-3xx). Assumed: at most ten. */
async function redirected(call: Call, from: URL, first: Outgoing, reply: Response, signal: AbortSignal): Promise<Response> {
  let [current, url, sent] = [reply, from, first];
  for (let hop = 0; hop < mostRedirects; hop++) {
    const location = current.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(current.status) || location === null || !URL.canParse(location, url.href)) break;
    discard(current.body);
    url = new URL(location, url);
    if (current.status === 303 || (current.status < 303 && sent.method === "POST")) sent = { ...sent, method: "GET", body: null };
    current = await call.send(outgoing(url, sent), signal);
  }
  return current;
}

function received(reply: Response, requestBody: BodyBytes, { bufferResponse }: Forwarding): Attempt {
  const reader = usageReader(reply.headers.get("content-type"), () =>
    requestBody instanceof Uint8Array ? promptTokens(new TextDecoder().decode(requestBody)) : 0,
  );
  const read = reply.body === null ? null : tapped(reply.body, { write: (bytes) => reader.push(bytes), end: () => undefined });
  const answer = openResponse({
    status: reply.status,
    reason: reply.statusText === "" ? reasonOf(reply.status) : reply.statusText,
    headers: forwarded(reply.headers),
    body: read !== null && bufferResponse && !reply.headers.has("content-length") ? coalesced(read, responseBuffer) : read,
  });
  return { answer, reader };
}

/** What went wrong on the way, as `context.LastError` names it; the caller is told no more than that it did. */
function transportFailure(error: unknown, requestId: string): PolicyError {
  if (error instanceof TimedOut) {
    return internalError(
      { source: "forward-request", reason: "Timeout", message: `The operation has timed out: ${error.message}.` },
      requestId,
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return internalError({ source: "forward-request", reason: "BackendConnectionFailure", message }, requestId);
}

/** Whether an error is one of the way to the backend, which `<retry>` may try again. */
export const isTransportFailure = (error: unknown): error is PolicyError =>
  error instanceof PolicyError && ["BackendConnectionFailure", "Timeout"].includes(error.error.reason);
