import { openResponse } from "../messages.ts";
import type { Call, Flow, GatewayResponse, PolicyHandlers, PolicyNode } from "../policy.ts";

/**
 * https://learn.microsoft.com/azure/api-management/cors-policy
 *
 * Assumed: `terminate-unmatched-request` is true where left out, as the page's text has it and its table has not.
 */
export const corsPolicies: PolicyHandlers = {
  async cors(node, call) {
    const origin = call.request.headers.get("origin");
    if (origin === null) return "next";
    const allowed = await allowedOrigin(node, call, origin);
    if (allowed === null) return (await terminates(node, call)) && /^(?:GET|HEAD)$/.test(call.request.method) ? emptyAnswer(call) : "next";
    const headers = {
      ...(await originHeaders(node, call, allowed)),
      "access-control-expose-headers": (await listed(node, call, "expose-headers")).join(","),
    };
    call.onAnswered(async () => {
      if (call.response !== null) addHeaders(call.response, headers);
    });
    return "next";
  },
};

/** Whether a request asks for permission only. */
export const isPreflight = (method: string, headers: Headers): boolean =>
  method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");

/** Answers a preflight request by the `cors` policies that stand in `<inbound>` itself: nothing else runs for it. */
export async function answerPreflight(call: Call, inbound: readonly PolicyNode[]): Promise<GatewayResponse> {
  for (const node of inbound.filter(({ name }) => name === "cors")) {
    const headers = await preflightHeaders(node, call);
    if (headers !== null) {
      const answer = openResponse();
      addHeaders(answer, headers);
      return answer;
    }
    if (await terminates(node, call)) break;
  }
  return openResponse();
}

/** Null where the policy does not allow what is asked for. */
async function preflightHeaders(node: PolicyNode, call: Call): Promise<Readonly<Record<string, string>> | null> {
  const asked = call.request.headers;
  const allowed = await allowedOrigin(node, call, asked.get("origin") ?? "");
  const methods = await allowedMethods(node, call);
  const headers = await listed(node, call, "allowed-headers");
  const method = asked.get("access-control-request-method") ?? "";
  const requested = (asked.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (allowed === null || !includes(methods, method) || !requested.every((name) => includes(headers, name))) return null;
  const methodsElement = node.children.find(({ name }) => name === "allowed-methods");
  const maxAge = methodsElement === undefined ? 0 : await call.number(methodsElement, "preflight-result-max-age", 0);
  return {
    ...(await originHeaders(node, call, allowed)),
    "access-control-allow-methods": methods.includes("*") ? method : methods.join(","),
    "access-control-allow-headers": requested.join(","),
    "access-control-max-age": String(maxAge),
  };
}

async function originHeaders(node: PolicyNode, call: Call, allowed: string): Promise<Readonly<Record<string, string>>> {
  const credentials = await call.boolean(node, "allow-credentials", false);
  return {
    "access-control-allow-origin": allowed,
    ...(credentials ? { "access-control-allow-credentials": "true" } : {}),
    ...(allowed === "*" ? {} : { vary: "Origin" }),
  };
}

const includes = (names: readonly string[], name: string): boolean =>
  names.includes("*") || names.some((listedName) => listedName.toLowerCase() === name.toLowerCase());

const terminates = (node: PolicyNode, call: Call): Promise<boolean> => call.boolean(node, "terminate-unmatched-request", true);

function emptyAnswer(call: Call): Flow {
  call.response = openResponse();
  return "respond";
}

/** The value of `Access-Control-Allow-Origin`; null where the origin is not allowed. */
async function allowedOrigin(node: PolicyNode, call: Call, origin: string): Promise<string | null> {
  const origins = await listed(node, call, "allowed-origins");
  if (origins.includes("*")) return "*";
  return origins.some((allowed) => normalized(allowed) === normalized(origin)) ? origin : null;
}

/** Without default port and trailing slash. */
const normalized = (origin: string): string => (URL.canParse(origin) ? new URL(origin).origin : origin.toLowerCase());

async function allowedMethods(node: PolicyNode, call: Call): Promise<readonly string[]> {
  const methods = await listed(node, call, "allowed-methods");
  return methods.length === 0 ? ["GET", "POST"] : methods;
}

async function listed(node: PolicyNode, call: Call, list: string): Promise<readonly string[]> {
  const items: string[] = [];
  for (const item of node.children.find(({ name }) => name === list)?.children ?? []) items.push((await call.content(item)).trim());
  return items;
}

/** What a backend has said itself stays. */
function addHeaders({ headers }: GatewayResponse, added: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(added)) if (value !== "" && !headers.has(name)) headers.set(name, value);
}
