import { STATUS_CODES } from "node:http";
import type { BodyView, HeadersView, ResponseView, UrlView } from "./context.ts";
import { ExpressionError } from "./expressions/errors.ts";
import { type BodyBytes, type GatewayRequest, type GatewayResponse, PolicyError } from "./policy.ts";

/** Bytes of a body that the gateway holds in memory at most. Assumed: the service has a limit, which it names for some tiers only. */
export const largestBuffer = 64 * 1024 * 1024;

/** A body that may be read, buffered, consumed by an expression and replaced. */
export interface Body {
  get(): BodyBytes;
  /** Another body takes its place; what was still coming of the one before is thrown away. */
  set(body: BodyBytes): void;
  /** Hands the body over to another reader: it is empty afterwards. */
  release(): void;
  /** Reads all of it into memory; the bytes stay for the next reader. */
  buffer(): Promise<Uint8Array>;
  view(): BodyView;
}

const none = new Uint8Array();

export function bodyOf(initial: BodyBytes): Body {
  let current = initial;
  let consumed = false;
  const text = (): string => new TextDecoder().decode(current instanceof Uint8Array ? current : none);
  return {
    get: () => current,
    set(body) {
      if (body !== current) discard(current);
      current = body;
      consumed = false;
    },
    release() {
      current = none;
      consumed = true;
    },
    async buffer() {
      if (current instanceof ReadableStream) current = await readAll(current, largestBuffer);
      return current ?? none;
    },
    view: () => ({
      read(preserveContent) {
        if (consumed) throw new ExpressionError("InvalidOperationException", "The message body has been read already.");
        const read = text();
        if (!preserveContent) {
          current = none;
          consumed = true;
        }
        return read;
      },
    }),
  };
}

/** All bytes of a stream. Throws `PolicyError` where they are more than `limit`. */
export async function readAll(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}

const tooLarge = (limit: number): PolicyError =>
  new PolicyError(
    { source: "transfer", reason: "BodyTooLarge", message: `The message body is larger than the ${limit} bytes that the gateway buffers.` },
    { status: 413 },
  );

/** Lets go of a body that nobody will read. */
export function discard(body: BodyBytes): void {
  if (body instanceof ReadableStream && !body.locked) void body.cancel().catch(() => undefined);
}

/** Who looks at a stream's bytes while they pass. */
interface Tap {
  write?(bytes: Uint8Array): void;
  /** Once: at the stream's end, or `aborted` where it breaks or nobody reads on. */
  end(aborted: boolean): void;
}

/** The same stream, looked at while it is read; it is read no faster than its reader asks. */
export function tapped(stream: ReadableStream<Uint8Array>, tap: Tap): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            tap.end(false);
            controller.close();
            return;
          }
          tap.write?.(value);
          controller.enqueue(value);
        } catch (error) {
          tap.end(true);
          controller.error(error);
        }
      },
      async cancel(reason) {
        tap.end(true);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The same bytes in chunks of at least `size`, but for the last. */
export function coalesced(stream: ReadableStream<Uint8Array>, size: number): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunks: Uint8Array[] = [];
        let length = 0;
        let ended = false;
        while (length < size && !ended) {
          const { done, value } = await reader.read();
          ended = done;
          if (value !== undefined) {
            chunks.push(value);
            length += value.length;
          }
        }
        if (length > 0) controller.enqueue(Buffer.concat(chunks, length));
        if (ended) controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** The phrase that HTTP has for a status. */
export const reasonOf = (status: number): string => STATUS_CODES[status] ?? "";

interface ResponseParts {
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: BodyBytes;
}

/** A response of the gateway with what an expression sees of it. */
export interface OpenResponse extends GatewayResponse {
  buffer(): Promise<Uint8Array>;
  view(): ResponseView;
}

export function openResponse({ status = 200, reason = reasonOf(status), headers = {}, body = null }: ResponseParts = {}): OpenResponse {
  const content = bodyOf(body);
  const response: OpenResponse = {
    status,
    reason,
    headers: new Headers(headers),
    get body() {
      return content.get();
    },
    set body(replaced) {
      content.set(replaced);
    },
    buffer: () => content.buffer(),
    view: () => ({
      get statusCode() {
        return response.status;
      },
      get statusReason() {
        return response.reason;
      },
      headers: headersView(response.headers),
      body: content.view(),
    }),
  };
  return response;
}

/** Whatever a policy has put in the place of the response, as one that expressions can read. */
export const asOpenResponse = (response: GatewayResponse): OpenResponse =>
  isOpen(response) ? response : openResponse({ ...response, headers: response.headers, body: response.body });

const isOpen = (response: GatewayResponse): response is OpenResponse => "view" in response && "buffer" in response;

/** The request on its way, with what an expression sees of its body. */
export interface OpenRequest extends GatewayRequest {
  buffer(): Promise<Uint8Array>;
  /** Hands the body over to who sends it: it is gone afterwards. */
  release(): void;
  bodyView(): BodyView | null;
}

export function openRequest(method: string, url: URL, headers: Headers, body: BodyBytes): OpenRequest {
  const content = bodyOf(body);
  return {
    method,
    url,
    headers,
    get body() {
      return content.get();
    },
    set body(replaced) {
      content.set(replaced);
    },
    buffer: () => content.buffer(),
    release: () => content.release(),
    bodyView: () => (content.get() === null ? null : content.view()),
  };
}

export const headersView = (headers: Headers): HeadersView => ({
  get(name) {
    const value = isHeaderName(name) ? headers.get(name) : null;
    if (value === null) return undefined;
    return name.toLowerCase() === "set-cookie" ? headers.getSetCookie() : [value];
  },
  entries: () => [...new Map(headers)].map(([name, value]) => [name, [value]] as const),
});

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
export const isHeaderName = (name: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(name);

const defaultPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export const urlView = (url: URL): UrlView => ({
  scheme: url.protocol.slice(0, -1),
  host: url.hostname,
  port: url.port === "" ? (defaultPorts[url.protocol] ?? 0) : Number(url.port),
  path: url.pathname,
  queryString: url.search,
  query: queryValues(url.searchParams),
});

function queryValues(parameters: URLSearchParams): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of parameters) values.set(name, [...(values.get(name) ?? []), value]);
  return values;
}

/** Headers of one connection only (https://www.rfc-editor.org/rfc/rfc9110#name-connection), and those that are computed anew. */
const connectionHeaders = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The headers that go on to the next hop. */
export function forwarded(headers: Headers, without: readonly string[] = []): Headers {
  const kept = new Headers(headers);
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim());
  for (const name of [...connectionHeaders, ...named.filter(isHeaderName), ...without]) kept.delete(name);
  return kept;
}
