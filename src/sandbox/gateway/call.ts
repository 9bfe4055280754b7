import type { CSharp } from "../../policy/expression-syntax.ts";
import type { World } from "../world.ts";
import { asPolicyError, evaluationFailure, internalError, notExecutableError, placeError } from "./answers.ts";
import type { ExpressionContext, RequestView } from "./context.ts";
import { type Compiled, compile } from "./expressions/compile.ts";
import { ExpressionError, SandboxError } from "./expressions/errors.ts";
import { toBoolean, toNumber, toText, type Value } from "./expressions/values.ts";
import { asOpenResponse, discard, headersView, type OpenRequest, type OpenResponse, urlView } from "./messages.ts";
import {
  type Call,
  type Completed,
  type Flow,
  type GatewayInstance,
  type GatewayResponse,
  PolicyError,
  type PolicyNode,
  type PolicyValue,
  type Section,
  type Send,
} from "./policy.ts";

/** What a call needs of its gateway. */
export interface CallTools {
  readonly world: World;
  readonly handlers: OpenHandlers;
  readonly compiled: ExpressionCache;
  readonly send: Send;
}

/** By the policy's element name; one that needs no more than a `Call` is one of them. */
export type OpenHandlers = Readonly<Record<string, (node: PolicyNode, call: OpenCall) => Promise<Flow>>>;

/** Expressions by their code, compiled at their first use. */
interface ExpressionCache {
  get(code: string): Promise<Compiled>;
}

/** Codes that are kept: far more than a service has. */
const knownExpressions = 10_000;

export function expressionCache(grammar: () => Promise<CSharp>): ExpressionCache {
  const known = new Map<string, Compiled>();
  return {
    async get(code) {
      const found = known.get(code);
      if (found !== undefined) return found;
      const made = compile(await grammar(), code);
      if (known.size >= knownExpressions) known.clear();
      known.set(code, made);
      return made;
    },
  };
}

export interface CallParts {
  readonly id: string;
  readonly instance: GatewayInstance;
  readonly request: OpenRequest;
  readonly base: URL | null;
  readonly signal: AbortSignal;
  /** What stays as it is of what expressions see. */
  readonly facts: Pick<ExpressionContext, "api" | "operation" | "product" | "subscription" | "user" | "deployment" | "tracing"> &
    Pick<ExpressionContext["request"], "originalUrl" | "ipAddress" | "matchedParameters">;
}

/** A call with what only the gateway itself does to it. */
export interface OpenCall extends Call {
  section: Section;
  readonly request: OpenRequest;
  /** Tells those who wait for a backend's answer. */
  responded(response: GatewayResponse): Promise<void>;
  /** Tells those who wait for the answer to be decided. */
  answered(): Promise<void>;
  /** Tells those who wait for the end. */
  completed(end: Completed): void;
}

export function openCall(tools: CallTools, parts: CallParts): OpenCall {
  const { world, send } = tools;
  const { id, instance, request, signal } = parts;
  const started = world.now();
  const responded: ((response: GatewayResponse) => Promise<void>)[] = [];
  const answered: (() => Promise<void>)[] = [];
  const completed: ((end: Completed) => void)[] = [];
  let response: OpenResponse | null = null;

  const evaluate = async (node: PolicyNode, value: PolicyValue): Promise<Value> => {
    if (value.kind === "literal") return value.text;
    const expression = await tools.compiled.get(value.text);
    if (expression.readsRequestBody) await request.buffer();
    if (expression.readsResponseBody) await response?.buffer();
    try {
      return expression.evaluate(call.context);
    } catch (error) {
      throw error instanceof ExpressionError ? evaluationFailed(node, error, id) : error;
    }
  };
  const value = async (node: PolicyNode, attribute: string): Promise<Value> => {
    const found = node.attributes.get(attribute);
    return found === undefined ? null : await evaluate(node, found);
  };
  const typed = async <T>(node: PolicyNode, attribute: string, otherwise: T | undefined, read: (value: Value) => T | null): Promise<T> => {
    if (otherwise !== undefined && !node.attributes.has(attribute)) return otherwise;
    const given = await value(node, attribute);
    const result = read(given);
    if (result === null) throw notOfType(node, attribute, given, id);
    return result;
  };

  const call: OpenCall = {
    id,
    world,
    clock: world.clock,
    instance,
    section: "inbound",
    request,
    get response() {
      return response;
    },
    set response(next: GatewayResponse | null) {
      if (response !== null && response.body !== next?.body) discard(response.body);
      response = next === null ? null : asOpenResponse(next);
    },
    destination: { backendId: null, base: parts.base },
    lastError: null,
    backend: null,
    variables: new Map(),
    context: expressionContext(parts, started, () => call),
    signal,
    record: { attempts: [], cache: "none", tokenMetrics: [], metrics: [], traces: [], model: null },
    value,
    text: async (node, attribute, otherwise = "") => (node.attributes.has(attribute) ? toText(await value(node, attribute)) : otherwise),
    number: (node, attribute, otherwise) => typed(node, attribute, otherwise, toNumber),
    boolean: (node, attribute, otherwise) => typed(node, attribute, otherwise, toBoolean),
    content: async (node) => (node.text === null ? "" : toText(await evaluate(node, node.text))),
    requestText: async () => decoded(await request.buffer()),
    responseText: async () => decoded((await response?.buffer()) ?? new Uint8Array()),
    send,
    run: (nodes) => runPolicies(tools.handlers, call, nodes),
    fork: (own) => forked(tools.handlers, call, own),
    onResponse: (listener) => responded.push(listener),
    onAnswered: (listener) => answered.push(listener),
    onCompleted: (listener) => completed.push(listener),
    async responded(of) {
      for (const listener of responded) await listener(of);
    },
    async answered() {
      for (const listener of answered) await listener();
    },
    completed(end) {
      for (const listener of completed) listener(end);
    },
  };
  return call;
}

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The same call, its state included, with another signal. */
function forked(handlers: OpenHandlers, call: OpenCall, signal: AbortSignal): OpenCall {
  const fork: OpenCall = Object.create(call, {
    signal: { value: signal, enumerable: true },
    run: { value: (nodes: readonly PolicyNode[]) => runPolicies(handlers, fork, nodes), enumerable: true },
    fork: { value: (own: AbortSignal) => forked(handlers, fork, own), enumerable: true },
  });
  return fork;
}

async function runPolicies(handlers: OpenHandlers, call: OpenCall, nodes: readonly PolicyNode[]): Promise<Flow> {
  for (const node of nodes) {
    call.signal.throwIfAborted();
    try {
      const flow = await runPolicy(handlers, node, call);
      if (flow !== "next") return flow;
    } catch (error) {
      if (call.signal.aborted) throw error;
      const failure = asPolicyError(error);
      placeError(failure, call.section, node);
      throw failure;
    }
  }
  return "next";
}

function runPolicy(handlers: OpenHandlers, node: PolicyNode, call: OpenCall): Promise<Flow> {
  const handler = Object.hasOwn(handlers, node.name) ? handlers[node.name] : undefined;
  if (handler === undefined) throw notExecutableError(node.name);
  return handler(node, call);
}

/** https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies names the reason, measured logs the message. */
function evaluationFailed(node: PolicyNode, failure: ExpressionError, requestId: string): PolicyError {
  const error = { source: node.name, reason: evaluationFailure };
  if (!(failure instanceof SandboxError))
    return internalError({ ...error, message: `Expression evaluation failed. ${failure.message}` }, requestId);
  return new PolicyError({ ...error, message: `not executable in the sandbox: an expression of ${node.name}. ${failure.message}` });
}

const notOfType = (node: PolicyNode, attribute: string, given: Value, requestId: string): PolicyError =>
  internalError(
    {
      source: node.name,
      reason: evaluationFailure,
      message: `Expression evaluation failed. '${toText(given)}' is no value for the attribute '${attribute}'.`,
    },
    requestId,
  );

/** What expressions see of a call as it is when they look. */
function expressionContext({ id, instance, request, facts }: CallParts, started: Date, call: () => OpenCall): ExpressionContext {
  const { originalUrl, ipAddress, matchedParameters, ...fixed } = facts;
  const requestView: RequestView = {
    get method() {
      return request.method;
    },
    get url() {
      return urlView(request.url);
    },
    originalUrl,
    ipAddress,
    matchedParameters,
    headers: headersView(request.headers),
    get body() {
      return request.bodyView();
    },
  };
  return {
    ...fixed,
    requestId: id,
    timestamp: started,
    elapsedMs: () => call().clock.now().getTime() - started.getTime(),
    random: instance.random,
    request: requestView,
    get response() {
      const { response } = call();
      return response === null ? null : asOpenResponse(response).view();
    },
    get lastError() {
      return call().lastError;
    },
    get backend() {
      return call().backend;
    },
    get variables() {
      return call().variables;
    },
    trace: (message) => call().record.traces.push({ source: "context.Trace", severity: "information", message, metadata: new Map() }),
  };
}
