import type { ProbeRequest } from "../../gateway/drill.ts";
import type { Api, Operation } from "../../gateway/model.ts";

/** What a model answers with one token; an answer that refuses it shows as well who has answered. */
const chat = { messages: [{ role: "user", content: "ping" }], max_tokens: 1 };
const apiVersion = "2024-10-21";

/** An operation of an API, and the harmless request that tests it. */
interface ProbedOperation {
  readonly operationId: string;
  readonly request: ProbeRequest;
}

/**
 * A harmless request to the API: one token of a chat where it has such an operation, else a GET without parameters. Null where it has neither.
 * `deployment` stands where a path or a body names a model. Assumed: an API's path is all that stands before its operations' (no version in it).
 */
export function probedOperation(api: Api, operations: readonly Operation[], deployment: string, revision?: number): ProbedOperation | null {
  const base = `/${api.path.replace(/^\/+|\/+$/g, "")}${revision === undefined ? "" : `;rev=${revision}`}`;
  for (const { id, method, urlTemplate } of operations) {
    if (method.toUpperCase() !== "POST" || !/\/chat\/completions\/?$/.test(plain(urlTemplate))) continue;
    const path = filled(urlTemplate, deployment);
    if (path === null) continue;
    const body = JSON.stringify({ ...chat, model: deployment });
    return { operationId: id, request: { method: "POST", path: `${base}${path}?api-version=${apiVersion}`, body } };
  }
  const read = operations.find(({ method, urlTemplate }) => method.toUpperCase() === "GET" && !urlTemplate.includes("{"));
  if (read === undefined) return null;
  return { operationId: read.id, request: { method: "GET", path: `${base}${plain(read.urlTemplate)}`, body: null } };
}

/** The request of `probedOperation`. */
export const probeRequest = (...of: Parameters<typeof probedOperation>): ProbeRequest | null => probedOperation(...of)?.request ?? null;

/** Without the query, which a template may have too. */
const plain = (urlTemplate: string): string => urlTemplate.replace(/\?.*$/, "");

/** The template with a deployment in the place of its parameter; null where it has more than one. */
function filled(urlTemplate: string, deployment: string): string | null {
  const path = plain(urlTemplate).replace(/\{[^}]+\}/, encodeURIComponent(deployment));
  return path.includes("{") ? null : path;
}
