import type { JsonObject } from "../../../gateway/documents.ts";
import { isObject, listAt, objectAt, textAt } from "../../json.ts";
import { AnsweredError, lastErrorOf } from "../answers.ts";
import { ResponseValue } from "../expressions/views.ts";
import { isTransportFailure } from "../forward.ts";
import { openResponse } from "../messages.ts";
import { type Call, type Flow, PolicyError, type PolicyHandlers, type PolicyNode } from "../policy.ts";
import { changeResponse } from "./transformation.ts";

/** Policies that decide what runs, and what ends a call (https://learn.microsoft.com/azure/api-management/api-management-policies#policy-control-and-flow). */
export const controlFlowPolicies: PolicyHandlers = {
  async choose(node, call) {
    for (const branch of node.children) {
      if (branch.name === "otherwise" || (await call.boolean(branch, "condition", false))) return await call.run(branch.children);
    }
    return "next";
  },
  /** The fragment that an element names takes its place beforehand: what is left here has no fragment. */
  async "include-fragment"(node, call) {
    const id = await call.text(node, "fragment-id");
    throw new PolicyError({ source: node.name, reason: "", message: `There is no policy fragment '${id}', or a fragment includes it.` });
  },
  async "mock-response"(node, call) {
    const status = await call.number(node, "status-code", 200);
    const contentType = await call.text(node, "content-type");
    const { type, example } = mocked(call, status, contentType);
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    call.response = openResponse({ status, headers, body: example === null ? null : new TextEncoder().encode(example) });
    return "respond";
  },
  retry: (node, call) => retried(node, call),
  async "return-response"(node, call) {
    const named = call.variables.get(await call.text(node, "response-variable-name"));
    const response = named instanceof ResponseValue ? copied(named) : openResponse();
    await changeResponse(node.children, call, response);
    call.response = response;
    return "respond";
  },
  wait: (node, call) => waited(node, call),
};

/** The variable can be used again: its body stays. */
function copied({ view }: ResponseValue): ReturnType<typeof openResponse> {
  const headers = new Headers(
    [...view.headers.entries()].flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  );
  return openResponse({
    status: view.statusCode,
    reason: view.statusReason,
    headers,
    body: new TextEncoder().encode(view.body.read(true)),
  });
}

interface Retrying {
  readonly count: number;
  readonly interval: number;
  readonly delta: number | null;
  readonly maxInterval: number | null;
  readonly firstFast: boolean;
}

/**
 * Runs its policies once, and then up to `count` times while the condition holds
 * (https://learn.microsoft.com/azure/api-management/retry-policy). A backend that could not be reached is an attempt like any other, with no
 * response; where it was the last one, it is the error.
 *
 * Assumed: attributes other than the condition are read once; the condition is not evaluated when no attempt is left.
 */
async function retried(node: PolicyNode, call: Call): Promise<Flow> {
  const retrying: Retrying = {
    count: await call.number(node, "count"),
    interval: await call.number(node, "interval"),
    delta: node.attributes.has("delta") ? await call.number(node, "delta") : null,
    maxInterval: node.attributes.has("max-interval") ? await call.number(node, "max-interval") : null,
    firstFast: await call.boolean(node, "first-fast-retry", false),
  };
  for (let retry = 1; ; retry++) {
    const { flow, failure } = await attempted(node, call);
    if (flow !== "next") return flow;
    if (retry > retrying.count || !(await call.boolean(node, "condition", false))) {
      if (failure !== null) throw failure;
      return flow;
    }
    const seconds = waitBefore(retry, retrying, call.instance.random);
    if (seconds > 0) await call.clock.wait(seconds * 1000, call.signal);
  }
}

interface Attempted {
  readonly flow: Flow;
  readonly failure: PolicyError | null;
}

async function attempted({ children }: PolicyNode, call: Call): Promise<Attempted> {
  call.lastError = null;
  try {
    return { flow: await call.run(children), failure: null };
  } catch (error) {
    if (!isTransportFailure(error) && !(error instanceof AnsweredError)) throw error;
    call.lastError = lastErrorOf(error);
    return { flow: "next", failure: error };
  }
}

/**
 * Seconds to wait before a retry, counted from 1: fixed, linear or exponential
 * (https://learn.microsoft.com/azure/api-management/retry-policy#retry-wait-times). The exponential formula is the one of the page's
 * example (10, 20, 40, 80), which its text misses by one.
 */
export function waitBefore(retry: number, { interval, delta, maxInterval, firstFast }: Retrying, random: () => number): number {
  if (firstFast && retry === 1) return 0;
  if (delta === null) return Math.min(interval, maxInterval ?? interval);
  if (maxInterval === null) return interval + (retry - 1) * delta;
  const spread = delta * (0.8 + 0.4 * random());
  return Math.min(interval + (2 ** (retry - 1) - 1) * spread, maxInterval);
}

/**
 * Runs its policies side by side, until all or one of them have come to their end. Assumed: the first failure of any of them is the
 * failure of the whole.
 */
async function waited(node: PolicyNode, call: Call): Promise<Flow> {
  const any = (await call.text(node, "for", "all")) === "any";
  const done = new AbortController();
  const stop = (): void => done.abort(call.signal.reason);
  call.signal.addEventListener("abort", stop, { once: true });
  try {
    const running = node.children.map((child) => call.fork(done.signal).run([child]));
    const flows = any && running.length > 0 ? [await Promise.race(running)] : await Promise.all(running);
    for (const late of running) late.catch(() => undefined);
    return flows.find((flow) => flow !== "next") ?? "next";
  } finally {
    call.signal.removeEventListener("abort", stop);
    done.abort();
  }
}

/** The operation's example for a status. Samples of schemas are not made up. Assumed: of several content types the first. */
function mocked(call: Call, status: number, contentType: string): { readonly type: string; readonly example: string | null } {
  const { api, operation } = call.context;
  const resource = call.world.get(`apis/${api.id}/operations/${operation?.id ?? ""}`);
  const described = listAt(resource?.properties ?? {}, "responses").filter(isObject);
  const representations = described
    .filter(({ statusCode }) => statusCode === status)
    .flatMap((response) => listAt(response, "representations"));
  const found = representations.filter(isObject).find((one) => contentType === "" || textAt(one, "contentType") === contentType);
  return { type: contentType === "" ? (textAt(found ?? {}, "contentType") ?? "") : contentType, example: exampleIn(found ?? {}) };
}

function exampleIn(representation: JsonObject): string | null {
  const [first] = Object.values(objectAt(representation, "examples"));
  const value = isObject(first) ? first.value : undefined;
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
