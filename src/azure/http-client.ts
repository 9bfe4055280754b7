import { lookup } from "node:dns";
import { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import type { PipelinePolicy, PipelineRequest, PipelineResponse } from "@azure/core-rest-pipeline";
import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest, type HttpClient, RestError } from "@azure/core-rest-pipeline";
import { GatewayError } from "../errors.ts";
import type { Endpoint } from "./clouds.ts";

/** A service in this process, called in place of the network. */
export type Fetch = (request: Request) => Promise<Response>;

type Exchange = (request: PipelineRequest, signal: AbortSignal) => Promise<PipelineResponse>;

/**
 * Sends the SDK's requests to one endpoint: over the network, or to `fetch`. The last gate before a token leaves, so it
 * refuses every other origin. An answer that is not whole after `timeoutMs` is `unavailable`; the SDK's own timeout
 * ends with the response's headers and lets a body drip for ever.
 */
export function httpClientFor(endpoint: Endpoint, timeoutMs: number, fetch?: Fetch): HttpClient {
  const exchange = fetch === undefined ? overNetwork(endpoint) : inProcess(fetch);
  return {
    async sendRequest(request) {
      requireOrigin(endpoint, request.url);
      const response = await withDeadline((signal) => exchange(request, signal), request.abortSignal, timeoutMs);
      // The SDK finds how to read an answer by the identity of its own request.
      return { ...response, request };
    },
  };
}

function overNetwork(endpoint: Endpoint): Exchange {
  const client = createDefaultHttpClient();
  if (endpoint.sdk === endpoint.network) return (request, abortSignal) => client.sendRequest({ ...request, abortSignal });
  // In place of the request's own agent: a proxy is for the network, not for this machine.
  const agent = new Agent({ keepAlive: true, timeout: 5_000, lookup: lookupUnbracketed });
  return ({ url, method, headers, body }, abortSignal) => {
    const request = createPipelineRequest({
      url: moved(url, endpoint.network),
      method,
      headers: createHttpHeaders(headers.toJSON({ preserveCase: true })),
      ...(body === undefined ? {} : { body }),
      abortSignal,
      allowInsecureConnection: true,
    });
    request.agent = agent;
    return client.sendRequest(request);
  };
}

/** The SDK's client hands over the host as it stands in a URL, where IPv6 is in brackets. */
const lookupUnbracketed: LookupFunction = (hostname, options, callback) => lookup(hostname.replace(/^\[|\]$/g, ""), options, callback);

function inProcess(fetch: Fetch): Exchange {
  return async (request, signal) => {
    const headers = new Headers(request.headers.toJSON());
    headers.delete("accept-encoding");
    const body = typeof request.body === "string" ? request.body : null;
    try {
      const response = await fetch(new Request(request.url, { method: request.method, headers, body, signal }));
      return {
        request,
        status: response.status,
        headers: createHttpHeaders(Object.fromEntries(response.headers)),
        bodyAsText: await response.text(),
      };
    } catch (error) {
      if (signal.aborted) throw error;
      // As the network's client reports a lost connection, so that the pipeline's retries treat both alike.
      throw new RestError(error instanceof Error ? error.message : String(error), { code: "ECONNRESET" });
    }
  };
}

async function withDeadline<T>(
  exchange: (signal: AbortSignal) => Promise<T>,
  caller: PipelineRequest["abortSignal"],
  timeoutMs: number,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (caller?.aborted === true) abort();
  controller.signal.throwIfAborted();
  caller?.addEventListener("abort", abort);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, timeoutMs);
  try {
    return await Promise.race([exchange(controller.signal), rejectedOn(controller.signal)]);
  } catch (error) {
    throw late ? new GatewayError("unavailable", `Azure did not answer within ${timeoutMs / 1000} s.`, { retryable: true }) : error;
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener("abort", abort);
  }
}

const rejectedOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/**
 * Turns a link that the service at a loopback address gave (http) into the SDK's form of it (https), and refuses one
 * to another origin before a token is fetched for it.
 */
export function ownLinksPolicy(endpoint: Endpoint): PipelinePolicy {
  return {
    name: "ownLinksPolicy",
    sendRequest(request, next) {
      if (new URL(request.url).origin === endpoint.network) request.url = moved(request.url, endpoint.sdk);
      requireOrigin(endpoint, request.url);
      return next(request);
    },
  };
}

function moved(url: string, origin: string): string {
  const { pathname, search } = new URL(url);
  return `${origin}${pathname}${search}`;
}

function requireOrigin(endpoint: Endpoint, url: string): void {
  const { origin } = new URL(url);
  if (origin === endpoint.sdk) return;
  throw new GatewayError("unavailable", `Azure's answer leads to another origin, ${origin}; it was not followed.`, {
    hint: `Requests and their token go to ${endpoint.network} only. Check AIGW_ARM_ENDPOINT and any proxy that rewrites answers.`,
  });
}
