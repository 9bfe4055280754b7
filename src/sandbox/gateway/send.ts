import type { Upstream } from "./policy.ts";
import { PolicyError, type Send } from "./policy.ts";

/** What the gateway's requests go through: upstreams of the world by their hosts, loopback by the network, and nothing else. */
export function sender(upstreams: readonly Upstream[]): Send {
  return async (request, signal) => {
    signal.throwIfAborted();
    const url = new URL(request.url);
    const upstream = upstreams.find((candidate) => candidate.matches(url));
    if (upstream === undefined && !isLoopback(url.hostname)) throw connectionFailure(`the sandbox reaches no network: ${url.host}`);
    const sent = new Request(request, { signal });
    try {
      return await abortable(upstream === undefined ? overLoopback(sent) : upstream.fetch(sent), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw connectionFailure(reasonIn(error));
    }
  };
}

/** https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies names the reason; its messages are .NET's. */
const connectionFailure = (detail: string): PolicyError =>
  new PolicyError({ source: "forward-request", reason: "BackendConnectionFailure", message: `Error connecting to the backend: ${detail}` });

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);

async function overLoopback(request: Request): Promise<Response> {
  const response = await fetch(request, { redirect: "manual" });
  if (!response.headers.has("content-encoding")) return response;
  // What fetch has decoded is no longer encoded, and no longer of that length.
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** Gives up with the signal even where the answer does not. */
async function abortable(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  const { promise: aborted, reject } = deferred();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    answer.then(
      (late) => signal.aborted && void late.body?.cancel().catch(() => undefined),
      () => undefined,
    );
  }
}

function deferred(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<never>((_, rejected) => {
    reject = rejected;
  });
  return { promise, reject };
}

/** Fetch hides what went wrong in its cause. */
function reasonIn(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
