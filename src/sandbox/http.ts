import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { isConnectionReset } from "./faults.ts";

/** Who has connected. */
interface Peer {
  readonly address: string;
}

/** Answers a request, whose signal is aborted when the client has gone. Rejects with a connection reset where the client is to get no answer. */
export type Answer = (request: Request, peer: Peer) => Promise<Response>;

/** In milliseconds. Long: where client and sandbox share a process that computes for seconds, a shorter one ends connections that are just being used again. */
const keepAliveTimeout = 75_000;

/**
 * HTTP around an answer, with Node's own limits for what comes in (https://nodejs.org/api/http.html#class-httpserver). Bodies are streamed both
 * ways, no faster than the other side takes them, and reason phrases go out as they are. Writes nothing to the process's streams.
 */
export const httpServer = (answer: Answer): Server => createServer({ keepAliveTimeout }, listener(answer));

function listener(answer: Answer): RequestListener {
  return (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort(new Error("The client has gone."));
    });
    void exchange(answer, incoming, outgoing, gone.signal);
  };
}

/** Never rejects. */
async function exchange(answer: Answer, incoming: IncomingMessage, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await send(await answered(answer, incoming, { gone, over: over.signal }), outgoing, gone);
  } catch {
    // A part of an answer arrives as far as it got, and must not be taken for the whole.
    if (outgoing.headersSent) incoming.socket.destroySoon();
    else incoming.socket.resetAndDestroy();
  }
  over.abort();
  drain(incoming);
}

/** How an exchange ends: `over` when its answer has been sent, `gone` when the client has left before. */
interface Ends {
  readonly gone: AbortSignal;
  readonly over: AbortSignal;
}

async function answered(answer: Answer, incoming: IncomingMessage, ends: Ends): Promise<Response> {
  const request = requestOf(incoming, ends);
  if (request === null) return problem(400);
  try {
    return await answer(request, { address: incoming.socket.remoteAddress ?? "" });
  } catch (error) {
    if (ends.gone.aborted || isConnectionReset(error)) throw error;
    return problem(500);
  }
}

const problem = (statusCode: number): Response => Response.json({ statusCode, message: STATUS_CODES[statusCode] }, { status: statusCode });

/** Null for what no request of fetch can be: a method that it forbids, a target or host that is none. */
function requestOf(incoming: IncomingMessage, { gone: signal, over }: Ends): Request | null {
  const url = urlOf(incoming);
  if (url === null) return null;
  const { method = "GET" } = incoming;
  const body = hasBody(incoming) && method !== "GET" && method !== "HEAD" ? bodyOf(incoming, over) : null;
  try {
    return new Request(url, { method, headers: headersOf(incoming), signal, ...(body === null ? {} : { body, duplex: "half" as const }) });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** https://www.rfc-editor.org/rfc/rfc9112#name-request-target: origin form and absolute form. */
function urlOf({ url: target = "", headers: { host = "127.0.0.1" } }: IncomingMessage): string | null {
  const whole = target.startsWith("/") && /^[\w.:[\]-]+$/.test(host) ? `http://${host}${target}` : target;
  return /^https?:\/\//i.test(whole) && URL.canParse(whole) ? whole : null;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  return headers;
}

/** https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || !["0", undefined].includes(headers["content-length"]);

/** A body that is given up leaves the connection as it is: its answer has yet to come. Nothing of it is left once the exchange is over. */
function bodyOf(incoming: IncomingMessage, over: AbortSignal): ReadableStream<Uint8Array> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  over.addEventListener("abort", stop, { once: true });
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const listen = (event: string, listener: (given: Uint8Array & Error) => void): void => {
          incoming.on(event, listener);
          stopped.signal.addEventListener("abort", () => incoming.off(event, listener), { once: true });
        };
        incoming.pause();
        listen("data", (chunk) => {
          incoming.pause();
          controller.enqueue(chunk);
        });
        listen("end", () => {
          stop();
          controller.close();
        });
        listen("error", (error) => {
          stop();
          controller.error(error);
        });
      },
      pull: () => void incoming.resume(),
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

async function send(response: Response, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  const { status, statusText, headers, body } = response;
  if (gone.aborted) {
    await body?.cancel(gone.reason);
    return;
  }
  outgoing.writeHead(status, statusText || (STATUS_CODES[status] ?? ""), [...headers].flat());
  if (body === null) outgoing.end();
  else await pour(body, outgoing, gone);
}

/** A head that comes long before its body goes out alone. */
async function pour(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel(gone.reason).catch(() => undefined);
  gone.addEventListener("abort", stop, { once: true });
  const head = setImmediate(() => outgoing.flushHeaders());
  try {
    for (;;) {
      const { done, value } = await reader.read();
      clearImmediate(head);
      if (done) break;
      if (!outgoing.write(value) && !gone.aborted) await once(outgoing, "drain", { signal: gone });
    }
    outgoing.end();
  } finally {
    clearImmediate(head);
    gone.removeEventListener("abort", stop);
  }
}

const mostDrained = 64 * 1024 * 1024;

/** Takes in what nobody has read, so that the connection can carry the next request; too much of it ends the connection. */
function drain(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return;
  let bytes = 0;
  incoming.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > mostDrained) incoming.socket.destroy();
  });
  incoming.on("error", () => undefined);
  incoming.resume();
}

/** Listens on the loopback address; 0 is a free port. Answers the origin; rejects where the port is taken. */
export function listening(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`);
    });
  });
}

/** Ends open connections too. One that does not listen is closed already. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
