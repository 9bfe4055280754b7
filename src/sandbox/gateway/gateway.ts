import type { CSharp } from "../../policy/expression-syntax.ts";
import type { World } from "../world.ts";
import { type Admission, admit, type KeyRing, keyRing } from "./admission.ts";
import { AnsweredError, asPolicyError, errorResponse, lastErrorOf, operationNotFound } from "./answers.ts";
import { storingPolicies } from "./cache/index.ts";
import { type CallTools, expressionCache, type OpenCall, openCall } from "./call.ts";
import { factsOf, serviceUrlOf } from "./facts.ts";
import { modelIn, usageIn } from "./forward.ts";
import { type EffectivePolicy, effectivePolicy, type ScopeOfCall } from "./merge.ts";
import { discard, openRequest, openResponse, tapped } from "./messages.ts";
import { answerPreflight, isPreflight } from "./policies/cors.ts";
import { policies } from "./policies/index.ts";
import { type Completed, type Flow, type GatewayInstance, PolicyError, type PolicyNode, type Section } from "./policy.ts";
import { type Route, type RoutingTable, routingTable } from "./routing.ts";
import { sender } from "./send.ts";
import { destinationUrl } from "./urls.ts";

/** The service's data plane. */
export interface Gateway {
  /**
   * Answers a request as the gateway does. The host of its URL is ignored. Bodies are streams; the answer's is passed on as it comes.
   * `instanceIndex` picks the instance that takes it: in turn where left out. Rejects only where the client has gone.
   */
  fetch(request: Request, instanceIndex?: number, client?: Client): Promise<Response>;
}

/** Who has connected. */
export interface Client {
  readonly address: string;
}

/** A call that has come to its end, with all that log rows are made of. */
export interface FinishedCall {
  readonly call: OpenCall;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly method: string;
  readonly url: URL;
  readonly route: Route | null;
  readonly admission: Admission;
  readonly completed: Completed;
}

export interface GatewayOptions {
  /** The C# grammar: loaded at the first expression. */
  readonly grammar: () => Promise<CSharp>;
  /** Called when the last byte of an answer has gone out, or the client has gone. */
  readonly onFinished?: (finished: FinishedCall) => void;
}

const local: Client = { address: "127.0.0.1" };

export function createGateway(world: World, { grammar, onFinished = () => undefined }: GatewayOptions): Gateway {
  const tools: CallTools = { world, handlers: policies, compiled: expressionCache(grammar), send: sender(world.upstreams) };
  const deployed = snapshots(world);
  let turn = 0;
  return {
    async fetch(request, instanceIndex, client = local) {
      const { instances } = world;
      const instance = instances[(instanceIndex ?? turn++) % instances.length];
      if (instance === undefined) throw new RangeError(`there is no gateway instance ${instanceIndex}`);
      const received = receive(tools, deployed(), instance, request, client);
      const finish = ending(received, onFinished);
      try {
        await answer(received);
      } finally {
        endWithClient(received, finish);
      }
      return respond(received, finish);
    },
  };
}

/** What is computed from the resources as they are: a change is effective with the next call. */
interface Deployed {
  readonly routes: RoutingTable;
  readonly keys: KeyRing;
  policy(scopes: readonly ScopeOfCall[]): EffectivePolicy;
}

function snapshots(world: World): () => Deployed {
  let current: { readonly revision: number; readonly deployed: Deployed } | undefined;
  return () => {
    if (current?.revision !== world.revision) current = { revision: world.revision, deployed: snapshot(world) };
    return current.deployed;
  };
}

function snapshot(world: World): Deployed {
  const merged = new Map<string, EffectivePolicy>();
  return {
    routes: routingTable(world),
    keys: keyRing(world),
    policy(scopes) {
      const key = scopes.map(({ path }) => path.toLowerCase()).join("\n");
      const known = merged.get(key) ?? effectivePolicy(world, scopes);
      merged.set(key, known);
      return known;
    },
  };
}

/** A call, and what the gateway has found out about it before any policy runs. */
interface Received {
  readonly call: OpenCall;
  readonly method: string;
  readonly url: URL;
  readonly startedAt: Date;
  readonly route: Route | null;
  readonly admission: Admission;
  readonly policy: EffectivePolicy;
  /** `refused`: only `<on-error>` runs. `preflight`: only `cors` does. */
  readonly task: { readonly kind: "run" | "preflight" } | { readonly kind: "refused"; readonly error: PolicyError };
  readonly size: { request: number };
}

const nobody: Admission = { subscription: null, product: null };

function receive(
  tools: CallTools,
  { routes, keys, policy }: Deployed,
  instance: GatewayInstance,
  request: Request,
  client: Client,
): Received {
  const { world } = tools;
  const url = new URL(request.url);
  const startedAt = world.now();
  const own = routes.route(request.method, url, request.headers);
  const asks = own?.operation == null && isPreflight(request.method, request.headers);
  const route = asks ? routes.route(request.headers.get("access-control-request-method") ?? "", url, request.headers) : own;
  const admitted = asks || route?.operation == null ? nobody : admit(world, keys, route.api, url, request.headers);
  const admission = admitted instanceof PolicyError ? nobody : admitted;
  const effective = policy(scopesOf(route, admission));
  const size = { request: 0 };
  const call = openCall(tools, {
    id: requestId(instance.random),
    instance,
    request: openRequest(request.method, destinationOf(route, url), new Headers(request.headers), counted(request.body, size)),
    base: route === null ? null : serviceUrlOf(route.api),
    signal: request.signal,
    facts: factsOf(world, instance, route, admission, { url, address: client.address }),
  });
  const task = taskOf(route, admitted, asks, effective);
  return { call, method: request.method, url, startedAt, route, admission, policy: effective, task, size };
}

function taskOf(route: Route | null, admitted: Admission | PolicyError, asks: boolean, { inbound }: EffectivePolicy): Received["task"] {
  const allowsOrigins = asks && inbound.some(({ name }) => name === "cors");
  if (route?.operation == null || (asks && !allowsOrigins)) return { kind: "refused", error: operationNotFound() };
  if (asks) return { kind: "preflight" };
  return admitted instanceof PolicyError ? { kind: "refused", error: admitted } : { kind: "run" };
}

/** From the broadest to the narrowest. The product's are there in its context only. */
function scopesOf(route: Route | null, { product }: Admission): readonly ScopeOfCall[] {
  const scopes: ScopeOfCall[] = [{ name: "global", path: "" }];
  if (product !== null) scopes.push({ name: "product", path: product.path });
  if (route !== null) scopes.push({ name: "api", path: route.api.resource.path });
  if (route?.operation != null) scopes.push({ name: "operation", path: route.operation.resource.path });
  return scopes;
}

/** The API's backend with the path behind the API's own; without either, the URL as it came. */
function destinationOf(route: Route | null, url: URL): URL {
  if (route === null) return url;
  return destinationUrl(serviceUrlOf(route.api) ?? new URL("/", url), { path: route.rest, search: url.search });
}

function counted(body: ReadableStream<Uint8Array> | null, size: { request: number }): ReadableStream<Uint8Array> | null {
  if (body === null) return null;
  return tapped(body, {
    write: ({ length }) => {
      size.request += length;
    },
    end: () => undefined,
  });
}

/** A random UUID of the instance's own chances. */
function requestId(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  return digits.replace(/^(.{8})(.{4}).(.{3})(.{4})(.{12})$/, "$1-$2-4$3-$4-$5").slice(0, 36);
}

/** Runs what there is to run; afterwards the call has its response. */
async function answer({ call, policy, task }: Received): Promise<void> {
  try {
    if (task.kind === "refused") throw task.error;
    if (task.kind === "preflight") call.response = await answerPreflight(call, policy.inbound);
    else await runSections(call, policy);
  } catch (error) {
    call.signal.throwIfAborted();
    await runOnError(call, policy, asPolicyError(error));
  }
  call.response ??= openResponse();
  try {
    await call.answered();
  } catch (error) {
    call.response = errorResponse(asPolicyError(error));
  }
}

async function runSections(call: OpenCall, policy: EffectivePolicy): Promise<void> {
  const flow = await runSection(call, "inbound", policy.inbound);
  const forwarded = flow === "next" ? await runSection(call, "backend", policy.backend) : flow;
  if (forwarded === "respond") return;
  // Assumed: where nothing was forwarded, what goes out begins as an empty answer.
  call.response ??= openResponse();
  await runSection(call, "outbound", forwarded === "cached" ? behindStore(policy.outbound) : policy.outbound);
}

async function runSection(call: OpenCall, section: Section, nodes: readonly PolicyNode[]): Promise<Flow> {
  call.section = section;
  return await call.run(nodes);
}

const behindStore = (nodes: readonly PolicyNode[]): readonly PolicyNode[] => nodes.slice(nodes.findIndex(stores) + 1);

const stores = ({ name, children }: PolicyNode): boolean => storingPolicies.has(name) || children.some(stores);

/**
 * `<on-error>` changes the answer that the error has
 * (https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies). Assumed: an error in it is the answer.
 */
async function runOnError(call: OpenCall, policy: EffectivePolicy, error: PolicyError): Promise<void> {
  call.lastError = lastErrorOf(error);
  call.response = errorResponse(error);
  try {
    const flow = await runSection(call, "on-error", policy["on-error"]);
    if (flow === "next" && error instanceof AnsweredError && error.outbound) await runSection(call, "outbound", policy.outbound);
  } catch (second) {
    call.signal.throwIfAborted();
    const failure = asPolicyError(second);
    call.lastError = lastErrorOf(failure);
    call.response = errorResponse(failure);
  }
}

/** Statuses whose answers have no body (https://fetch.spec.whatwg.org/#null-body-status). */
const withoutBody = [204, 205, 304];

/** The answer as it goes out, and its end. */
function respond({ call, ...received }: Received, finish: (completed: Completed) => void): Response {
  const { status, reason, headers, body } = call.response ?? openResponse();
  const head = { status, statusText: reasonText(reason), headers };
  const isEmpty = body === null || withoutBody.includes(status) || received.method === "HEAD";
  let bytes = received.size.request;
  const end = (aborted: boolean): void => finish({ usage: usageIn(call), status, bytes, aborted });
  const sent = isEmpty ? null : body;
  if (isEmpty) discard(body);
  if (sent === null || sent instanceof Uint8Array) {
    bytes += sent?.length ?? 0;
    end(call.signal.aborted);
    return new Response(sent, head);
  }
  const write = ({ length }: Uint8Array): void => {
    bytes += length;
  };
  return new Response(tapped(sent, { write, end }), head);
}

/** Ends a call once, whichever comes first: its last byte or the client's leaving. */
function ending({ call, ...received }: Received, onFinished: (finished: FinishedCall) => void): (completed: Completed) => void {
  let ended = false;
  return (completed) => {
    if (ended) return;
    ended = true;
    discard(call.request.body);
    call.record.model = modelIn(call);
    call.completed(completed);
    const { startedAt, method, url, route, admission } = received;
    onFinished({ call, startedAt, endedAt: call.clock.now(), method, url, route, admission, completed });
  };
}

/** Once the policies have run, also where they were given up: what they have done is written down. */
function endWithClient({ call, size }: Received, finish: (completed: Completed) => void): void {
  const gone = (): void => finish({ usage: usageIn(call), status: call.response?.status ?? 0, bytes: size.request, aborted: true });
  if (call.signal.aborted) gone();
  else {
    call.signal.addEventListener("abort", gone, { once: true });
    call.onCompleted(() => call.signal.removeEventListener("abort", gone));
  }
}

/** As far as HTTP can carry it. */
const reasonText = (reason: string): string => reason.replace(/[^\t\x20-\x7e]/g, "");
