import { notExecutableError } from "../answers.ts";
import type { OpenCall } from "../call.ts";
import { ResponseValue } from "../expressions/views.ts";
import { type Forwarding, forward, outgoing } from "../forward.ts";
import { forwarded, largestBuffer, openResponse, readAll, reasonOf } from "../messages.ts";
import { type Call, PolicyError, type PolicyHandlers, type PolicyNode } from "../policy.ts";
import { TimedOut, within } from "../timeout.ts";
import { authorizationFor } from "./authentication.ts";
import { changeNewRequest, type NewRequest } from "./transformation.ts";

/** `forward-request`, for the call that the gateway has opened. */
export const forwardRequest = async (node: PolicyNode, call: OpenCall): Promise<"next"> => {
  await forward(call, await forwardingOf(node, call));
  return "next";
};

async function forwardingOf(node: PolicyNode, call: Call): Promise<Forwarding> {
  const seconds = await call.number(node, "timeout", 300);
  return {
    timeoutMs: node.attributes.has("timeout-ms") ? await call.number(node, "timeout-ms") : seconds * 1000,
    followRedirects: await call.boolean(node, "follow-redirects", false),
    bufferRequestBody: await call.boolean(node, "buffer-request-body", false),
    bufferResponse: await call.boolean(node, "buffer-response", true),
    failOnErrorStatusCode: await call.boolean(node, "fail-on-error-status-code", false),
  };
}

/** Requests to other services (https://learn.microsoft.com/azure/api-management/api-management-policies#integration-and-external-communication). */
export const sendingPolicies: PolicyHandlers = {
  async "send-request"(node, call) {
    const variable = await call.text(node, "response-variable-name");
    const ignores = await call.boolean(node, "ignore-error", false);
    const timeoutMs = await timeoutOf(node, call);
    try {
      const request = await newRequest(node, call);
      call.variables.set(variable, await exchanged(call, request, timeoutMs, call.signal));
    } catch (error) {
      if (call.signal.aborted || !ignores) throw failure(error, node);
      call.variables.set(variable, null);
    }
    return "next";
  },
  /** Nobody waits for the answer, and nobody hears of a failure. */
  async "send-one-way-request"(node, call) {
    const timeoutMs = await timeoutOf(node, call);
    const request = await newRequest(node, call);
    exchanged(call, request, timeoutMs, new AbortController().signal).catch(() => undefined);
    return "next";
  },
};

async function timeoutOf(node: PolicyNode, call: Call): Promise<number> {
  if (node.attributes.has("timeout-ms")) return await call.number(node, "timeout-ms");
  return (await call.number(node, "timeout", 60)) * 1000;
}

/** `copy` begins with what the call's request is now; in `<outbound>` without its body. */
async function newRequest(node: PolicyNode, call: Call): Promise<NewRequest> {
  const copies = (await call.text(node, "mode", "new")) === "copy";
  const request: NewRequest = copies
    ? {
        url: call.request.url.href,
        method: call.request.method,
        headers: forwarded(call.request.headers, ["host", "content-length"]),
        body: call.section === "outbound" ? null : new TextEncoder().encode(await call.requestText()),
      }
    : { url: "", method: "GET", headers: new Headers(), body: null };
  for (const child of node.children) {
    if (await changeNewRequest(child, call, request)) continue;
    const authorization = await authorizationFor(child, call);
    if (authorization === undefined) throw notExecutableError(`${child.name} in ${node.name}`);
    if (authorization !== null) request.headers.set("authorization", authorization);
  }
  if (!URL.canParse(request.url)) {
    throw new PolicyError({ source: node.name, reason: "", message: `'${request.url}' is no URL to send a request to.` });
  }
  return request;
}

async function exchanged(call: Call, request: NewRequest, timeoutMs: number, signal: AbortSignal): Promise<ResponseValue> {
  return await within(call.clock, timeoutMs, signal, async (bounded) => {
    const reply = await call.send(outgoing(new URL(request.url), request), bounded);
    const body = reply.body === null ? null : await readAll(reply.body, largestBuffer);
    const response = openResponse({
      status: reply.status,
      reason: reply.statusText === "" ? reasonOf(reply.status) : reply.statusText,
      headers: forwarded(reply.headers),
      body,
    });
    return new ResponseValue(response.view());
  });
}

function failure(error: unknown, { name }: PolicyNode): unknown {
  if (error instanceof TimedOut) {
    return new PolicyError({ source: name, reason: "Timeout", message: `The operation has timed out: ${error.message}.` });
  }
  if (!(error instanceof PolicyError) || error.error.source !== "forward-request") return error;
  return new PolicyError({ ...error.error, source: name });
}
