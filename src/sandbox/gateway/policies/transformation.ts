import { nameOf } from "../../world.ts";
import { notExecutableError } from "../answers.ts";
import { isHeaderName, type OpenResponse, openResponse, reasonOf } from "../messages.ts";
import {
  type BodyBytes,
  type Call,
  type Destination,
  type GatewayResponse,
  PolicyError,
  type PolicyHandlers,
  type PolicyNode,
} from "../policy.ts";
import { changedQuery, destinationUrl, type ExistsAction, queryNames, queryWithout, relativeUrl } from "../urls.ts";

/** Policies that change the request or the response (https://learn.microsoft.com/azure/api-management/api-management-policies#transformation). */
export const transformationPolicies: PolicyHandlers = {
  async "find-and-replace"(node, call) {
    const [from, to] = [await call.text(node, "from"), await call.text(node, "to")];
    const message = messageOf(call);
    const text = message === call.request ? await call.requestText() : await call.responseText();
    if (from !== "" && text.includes(from)) setBytes(message, encoded(text.replaceAll(from, to)));
    return "next";
  },
  async "rewrite-uri"(node, call) {
    const template = await call.text(node, "template");
    const copies = await call.boolean(node, "copy-unmatched-params", true);
    rewrite(call, template, copies);
    return "next";
  },
  async "set-backend-service"(node, call) {
    await setBackendService(node, call);
    return "next";
  },
  async "set-body"(node, call) {
    setBytes(messageOf(call), await bodyIn(node, call));
    return "next";
  },
  async "set-header"(node, call) {
    await changeHeader(node, call, messageOf(call).headers);
    return "next";
  },
  async "set-method"(node, call) {
    call.request.method = methodIn(await call.content(node));
    return "next";
  },
  async "set-query-parameter"(node, call) {
    const { name, action, values } = await change(node, call);
    const url = new URL(call.request.url);
    url.search = changedQuery(url.search, name, action, values);
    call.request.url = url;
    return "next";
  },
  async "set-status"(node, call) {
    await changeStatus(node, call, responseOf(call));
    return "next";
  },
  async "set-variable"(node, call) {
    call.variables.set(await call.text(node, "name"), await call.value(node, "value"));
    return "next";
  },
};

/**
 * The message that a policy changes: the response in `<outbound>` and `<on-error>`, the request before. Assumed: the request in
 * `<backend>`, also after it has been sent.
 */
const messageOf = (call: Call): Call["request"] | GatewayResponse =>
  call.section === "outbound" || call.section === "on-error" ? responseOf(call) : call.request;

/** The call's response; an empty one where nobody has answered yet. */
function responseOf(call: Call): GatewayResponse {
  call.response ??= openResponse();
  return call.response;
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

function setBytes(message: { body: BodyBytes; readonly headers: Headers }, bytes: Uint8Array): void {
  message.body = bytes;
  message.headers.delete("content-length");
}

/** The body that a `set-body` gives. */
async function bodyIn(node: PolicyNode, call: Call): Promise<Uint8Array> {
  if (node.attributes.has("template")) throw notExecutableError('set-body template="liquid"');
  return encoded(await call.content(node));
}

interface Change {
  readonly name: string;
  readonly action: ExistsAction;
  readonly values: readonly string[];
}

const actions: readonly string[] = ["override", "skip", "append", "delete"] satisfies readonly ExistsAction[];
const isAction = (text: string): text is ExistsAction => actions.includes(text);

async function change(node: PolicyNode, call: Call): Promise<Change> {
  const action = await call.text(node, "exists-action", "override");
  const values: string[] = [];
  for (const child of node.children) if (child.name === "value") values.push(await call.content(child));
  if (!isAction(action)) throw invalid(node, `'${action}' is no value for the attribute 'exists-action'`);
  return { name: await call.text(node, "name"), action, values };
}

/** https://learn.microsoft.com/azure/api-management/set-header-policy#limitations */
const protectedHeaders = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/** Several values become one, separated by commas; `Set-Cookie` stays several headers. */
async function changeHeader(node: PolicyNode, call: Call, headers: Headers): Promise<void> {
  const { name, action, values } = await change(node, call);
  if (!isHeaderName(name)) throw invalid(node, `'${name}' is no name of a header`);
  if (values.some((value) => !isHeaderValue(value))) throw invalid(node, `the value of the header '${name}' holds what a header cannot`);
  if (protectedHeaders.includes(name.toLowerCase()) || (action === "skip" && headers.has(name))) return;
  if (action === "override" || action === "delete") headers.delete(name);
  if (action === "delete" || values.length === 0) return;
  if (name.toLowerCase() === "set-cookie") for (const value of values) headers.append(name, value);
  else headers.set(name, [...(action === "append" && headers.has(name) ? [headers.get(name)] : []), ...values].join(","));
}

/** Visible characters of one byte, spaces and tabs (https://www.rfc-editor.org/rfc/rfc9110#name-field-values). */
const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

const invalid = (node: PolicyNode, message: string): PolicyError =>
  new PolicyError({ source: node.name, reason: "", message: `${message}.` });

async function changeStatus(node: PolicyNode, call: Call, response: GatewayResponse): Promise<void> {
  const code = await call.number(node, "code");
  if (!Number.isInteger(code) || code < 200 || code > 599) throw invalid(node, `'${code}' is no status code of an answer`);
  response.status = code;
  response.reason = await call.text(node, "reason", reasonOf(code));
}

/** A method as HTTP has it (https://www.rfc-editor.org/rfc/rfc9110#name-methods). */
function methodIn(text: string): string {
  const method = text.trim().toUpperCase();
  if (!isHeaderName(method)) throw new PolicyError({ source: "set-method", reason: "", message: `'${method}' is no method of HTTP.` });
  return method;
}

/**
 * A new path and query behind the backend's base. Parameters of the operation's template are put in; query parameters that the template of
 * the operation does not name are copied where that is asked for.
 */
function rewrite(call: Call, template: string, copies: boolean): void {
  const { matchedParameters } = call.context.request;
  const filled = template.replace(/\{\*?([^}]+)\}/g, (whole, name: string) => {
    const value = matchedParameters.get(name);
    return value === undefined ? whole : encodeURIComponent(value).replaceAll("%2F", "/");
  });
  const [path = "", query = ""] = filled.split("?", 2);
  const { search } = relativeUrl(call.request.url, call.destination.base);
  const matched = queryNames(call.context.operation?.urlTemplate.split("?", 2)[1] ?? "");
  const copied = copies ? queryWithout(search, [...matched, ...queryNames(query)]) : "";
  const base = new URL(call.destination.base ?? new URL("/", call.request.url));
  const together = [query, copied].filter((part) => part !== "").join("&");
  base.search = "";
  call.request.url = destinationUrl(base, { path: path.startsWith("/") ? path : `/${path}`, search: together });
}

/** The scope whose policy has chosen the backend by its id. */
const chosenAt = new WeakMap<Destination, string>();

/** Attributes of `set-backend-service` for what the sandbox does not have. */
export const notModelledBackends: readonly string[] = [
  "sf-resolve-condition",
  "sf-service-instance-name",
  "sf-partition-key",
  "sf-replica-type",
  "sf-listener-name",
  "dapr-app-id",
];

/** A backend id of a broader scope cannot be overridden by a URL (https://learn.microsoft.com/azure/api-management/set-backend-service-policy#usage-notes). */
async function setBackendService(node: PolicyNode, call: Call): Promise<void> {
  const unknown = notModelledBackends.find((name) => node.attributes.has(name));
  if (unknown !== undefined) throw notExecutableError(`${node.name} ${unknown}`);
  const { destination } = call;
  const backendId = await call.text(node, "backend-id");
  if (backendId !== "") {
    destination.backendId = nameOf(backendId);
    chosenAt.set(destination, node.place.scope);
    return;
  }
  const url = await call.text(node, "base-url");
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw invalid(node, `'${url}' is no URL of a backend`);
  if (destination.backendId !== null && chosenAt.get(destination) !== node.place.scope) return;
  const relative = relativeUrl(call.request.url, destination.base);
  destination.backendId = null;
  destination.base = new URL(url);
  call.request.url = destinationUrl(destination.base, relative);
}

/** What `return-response` may hold. */
export const responsePolicies: readonly string[] = ["set-status", "set-header", "set-body"];

/** Applies the children of `return-response` and its like to a response that is being made. */
export async function changeResponse(children: readonly PolicyNode[], call: Call, response: OpenResponse): Promise<void> {
  for (const child of children) {
    if (child.name === "set-status") await changeStatus(child, call, response);
    else if (child.name === "set-header") await changeHeader(child, call, response.headers);
    else if (child.name === "set-body") setBytes(response, await bodyIn(child, call));
    else throw notExecutableError(`${child.name} in return-response`);
  }
}

/** What shapes the request of `send-request`. */
export const requestShaping: readonly string[] = ["set-url", "set-method", "set-header", "set-body"];

/** A request that `send-request` makes. */
export interface NewRequest {
  url: string;
  method: string;
  readonly headers: Headers;
  body: BodyBytes;
}

/** Applies a child of `send-request` that shapes the request; false where it is none. */
export async function changeNewRequest(child: PolicyNode, call: Call, request: NewRequest): Promise<boolean> {
  switch (child.name) {
    case "set-url":
      request.url = (await call.content(child)).trim();
      return true;
    case "set-method":
      request.method = methodIn(await call.content(child));
      return true;
    case "set-header":
      await changeHeader(child, call, request.headers);
      return true;
    case "set-body":
      setBytes(request, await bodyIn(child, call));
      return true;
    default:
      return false;
  }
}
