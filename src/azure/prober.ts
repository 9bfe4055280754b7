import { type ProbeRequest, triesHeader } from "../gateway/drill.ts";
import type { ProbeAnswer, Prober } from "../gateway/ports.ts";
import type { Fetch } from "./http-client.ts";

interface ProberOptions {
  /** Origin of the gateway; asked for at the first test call. */
  readonly origin: () => Promise<string | null>;
  /** The operator's test key: a subscription's of its own. */
  readonly key: string;
  /** A gateway in this process in place of the network. */
  readonly fetch?: Fetch;
}

/** A model may take its time; nobody waits for a test call. */
const longestMs = 30_000;

/**
 * Work on a signal that is aborted after a time, or with another one. It ends then in any case: `fetch` holds the signal of a `Request` weakly, and
 * does not always hear of it.
 */
async function within<T>(milliseconds: number, cancelled: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let end: (reason: string) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = (reason) => {
      reject(new Error(reason));
      controller.abort();
    };
  });
  const stop = () => end("cancelled");
  const timer = setTimeout(() => end(`no answer within ${milliseconds / 1000} s`), milliseconds);
  cancelled?.addEventListener("abort", stop, { once: true });
  if (cancelled?.aborted === true) stop();
  try {
    return await Promise.race([ended, work(controller.signal)]);
  } finally {
    clearTimeout(timer);
    cancelled?.removeEventListener("abort", stop);
  }
}

/**
 * Test calls to the gateway. Its key goes to this origin alone: redirects are not followed. An API takes keys in the header of its own
 * choice, so it stands in both that are usual: https://learn.microsoft.com/azure/api-management/api-management-subscriptions
 */
export function openProber({ origin, key, fetch: send = (request) => fetch(request) }: ProberOptions): Prober {
  const ask = async (
    { method, path, body }: ProbeRequest,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ProbeAnswer> => {
    const base = await origin();
    if (base === null) return { status: null, region: null, reason: "the service has no gateway URL" };
    const url = new URL(path, base);
    if (url.origin !== new URL(base).origin) return { status: null, region: null, reason: "the path leads to another host" };
    const response = await send(
      new Request(url, {
        method,
        body,
        redirect: "manual",
        signal,
        headers: {
          ...headers,
          "ocp-apim-subscription-key": key,
          "api-key": key,
          ...(body === null ? {} : { "content-type": "application/json" }),
        },
      }),
    );
    // A connection goes back once its answer has been read.
    await response.arrayBuffer();
    const tries = response.headers.get(triesHeader);
    return { status: response.status, region: response.headers.get("x-ms-region"), ...(tries === null ? {} : { tries }) };
  };
  return {
    async probe(request, headers = {}, { timeoutMs = longestMs, signal: cancelled } = {}) {
      try {
        return await within(timeoutMs, cancelled, (signal) => ask(request, headers, signal));
      } catch (error) {
        return { status: null, region: null, reason: reasonOf(error) };
      }
    },
  };
}

/** `fetch` hides what went wrong in its cause; neither holds a header. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
