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
 * Test calls to the gateway. Its key goes to this origin alone: redirects are not followed. An API takes keys in the header of its own
 * choice, so it stands in both that are usual: https://learn.microsoft.com/azure/api-management/api-management-subscriptions
 */
export function openProber({ origin, key, fetch: send = (request) => fetch(request) }: ProberOptions): Prober {
  const ask = async ({ method, path, body }: ProbeRequest, headers: Readonly<Record<string, string>>): Promise<ProbeAnswer> => {
    const base = await origin();
    if (base === null) return { status: null, region: null, reason: "the service has no gateway URL" };
    const url = new URL(path, base);
    if (url.origin !== new URL(base).origin) return { status: null, region: null, reason: "the path leads to another host" };
    const response = await send(
      new Request(url, {
        method,
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(longestMs),
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
    async probe(request, headers = {}) {
      try {
        return await ask(request, headers);
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
