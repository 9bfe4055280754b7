import type { Call, Flow, PolicyNode } from "../policy.ts";
import { cachesOf } from "./state.ts";
import { answerAgain, storable } from "./stored-response.ts";

/** The key under which a call's response would be stored; set by `cache-lookup`, which a store needs. */
const keys = new WeakMap<Call, string>();

/**
 * `cache-lookup` (https://learn.microsoft.com/azure/api-management/cache-lookup-policy): GET only, and requests with `Authorization` only where the
 * policy allows it. Assumed: the URL as the client sent it is always part of the key; developer groups are not modelled.
 */
export async function cacheLookup(node: PolicyNode, call: Call): Promise<Flow> {
  const { request, context } = call;
  if (request.method !== "GET") return "next";
  if (request.headers.has("authorization") && !(await call.boolean(node, "allow-private-response-caching", false))) return "next";
  const key = JSON.stringify([
    context.api.id,
    context.request.originalUrl.path,
    await varied(node, call),
    (await call.boolean(node, "vary-by-developer", false)) ? (context.user?.id ?? null) : null,
  ]);
  keys.set(call, key);
  const found = cachesOf(call).responses.get(key, call.clock.now().getTime());
  call.record.cache = found === null ? "miss" : "hit";
  if (found === null) return "next";
  call.response = answerAgain(found);
  await setDownstreamCaching(node, call);
  return "cached";
}

/** Values of the headers and query parameters that a policy names. Assumed: without any parameter named, the whole query counts. */
async function varied(node: PolicyNode, call: Call): Promise<readonly unknown[]> {
  const parts: unknown[] = [];
  const { query, queryString } = call.context.request.originalUrl;
  let parameters = false;
  for (const child of node.children) {
    const name = await call.content(child);
    if (child.name === "vary-by-header") parts.push(["header", name, call.request.headers.get(name)]);
    if (child.name !== "vary-by-query-parameter") continue;
    parameters = true;
    for (const parameter of name.split(";")) parts.push(["query", parameter, query.get(parameter) ?? null]);
  }
  return parameters ? parts : [...parts, queryString];
}

async function setDownstreamCaching(node: PolicyNode, call: Call): Promise<void> {
  const kind = await call.text(node, "downstream-caching-type", "none");
  const revalidate = (await call.boolean(node, "must-revalidate", true)) ? ", must-revalidate" : "";
  call.response?.headers.set("cache-control", kind === "none" ? "no-store" : `${kind}${revalidate}`);
}

/** `cache-store` (https://learn.microsoft.com/azure/api-management/cache-store-policy): stores a 200, or any response with `cache-response`. */
export async function cacheStore(node: PolicyNode, call: Call): Promise<Flow> {
  const key = keys.get(call);
  if (key === undefined || !(await call.boolean(node, "cache-response", call.response?.status === 200))) return "next";
  const stored = await storable(call);
  const seconds = await call.number(node, "duration");
  if (stored !== null) cachesOf(call).responses.set(key, stored, call.clock.now().getTime() + seconds * 1000);
  return "next";
}
