import type { Clock } from "../clock.ts";
import type { World } from "../world.ts";
import type { BackendView, ExpressionContext, LastErrorView } from "./context.ts";
import type { Value } from "./expressions/values.ts";

export type Section = "inbound" | "backend" | "outbound" | "on-error";

/** A value as a policy holds it, its named values put in. */
export interface PolicyValue {
  readonly kind: "literal" | "expression";
  /** Of an expression the whole `@(...)` or `@{...}`. */
  readonly text: string;
}

/** A policy as it runs: `<base />` and fragments already replaced by what they stand for. */
export interface PolicyNode {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, PolicyValue>;
  readonly children: readonly PolicyNode[];
  /** What stands between the tags, trimmed; null where that is nothing. */
  readonly text: PolicyValue | null;
  readonly place: Place;
}

/** Where a policy stands. */
export interface Place {
  readonly document: string;
  /** From 1. */
  readonly line: number;
  /** The scope that put it there, as `context.LastError.Scope` names it: `global`, `workspace`, `product`, `api`, `operation`. */
  readonly scope: string;
  /** As `context.LastError.Path` names it, e.g. `choose[2]\\when[1]\\set-header`: those that stand several times beside each other are numbered from 1. */
  readonly path: string;
}

/**
 * `respond`: nothing more runs; the call's `response` is the answer. `cached`: the `response` came out of a cache, and the call goes on in
 * `<outbound>` behind the first policy that stores into a cache. Assumed, after a comment in Microsoft's samples: a hit moves past that policy;
 * where there is none, all of `<outbound>` runs.
 */
export type Flow = "next" | "respond" | "cached";

/** Runs one policy. Throws `PolicyError` where the service would go to `<on-error>`. */
type PolicyHandler = (node: PolicyNode, call: Call) => Promise<Flow>;

/** By the policy's element name. */
export type PolicyHandlers = Readonly<Record<string, PolicyHandler>>;

/** What one gateway instance keeps to itself: nothing of it is shared with another instance or survives it. */
export interface GatewayInstance {
  readonly id: string;
  /** Azure's name of its region, e.g. `East US`. */
  readonly region: string;
  /** Evenly spread over 0 (included) to 1; the same numbers in every run of a sandbox with the same seed. */
  readonly random: () => number;
  /** A policy's own state in this instance, made at its first use; `key` is the module's own constant. */
  state<T>(key: symbol, make: () => T): T;
  /** Forgets what stands under a key, or all of it, as a restart of the instance would. */
  reset(key?: symbol): void;
}

/** A host that answers in the process: a fake model backend, a scripted service. */
export interface Upstream {
  matches(url: URL): boolean;
  /** Rejects where the connection breaks; the request's signal is aborted where nobody waits any more. */
  fetch(request: Request): Promise<Response>;
}

/**
 * Sends a request of the gateway's to an upstream of the world or to a loopback address; every other host is refused. Rejects with a
 * `PolicyError` of reason `BackendConnectionFailure` where no connection comes about, and with the signal's reason where it is aborted.
 */
export type Send = (request: Request, signal: AbortSignal) => Promise<Response>;

/** How an attempt at a backend ended, for its circuit breaker. */
export interface BackendOutcome {
  /** Null where no answer came. */
  readonly status: number | null;
  /** `BackendConnectionFailure` or `Timeout` where no answer came. */
  readonly reason: string | null;
  /** From `Retry-After`; null where the answer has none. */
  readonly retryAfterSeconds: number | null;
}

/** The backend of one attempt. */
export interface BackendTarget {
  readonly backendId: string | null;
  /** Null where the backend was named by itself. */
  readonly poolId: string | null;
  /** The backend's base URL, with the query parameters of its credentials. */
  readonly url: string;
  /** Credentials to add to the request. */
  readonly headers: Headers;
  /** For the answer to this attempt: keeps the client on this member of a pool. */
  readonly setCookie?: string;
  /** Called once for each attempt. */
  report(outcome: BackendOutcome): void;
}

/** A message body, as bytes that may still be coming. */
export type BodyBytes = Uint8Array | ReadableStream<Uint8Array> | null;

export interface GatewayRequest {
  method: string;
  /** Where the request goes, as far as the policies have decided: base URL, path and query. */
  url: URL;
  /** Names in lower case. */
  readonly headers: Headers;
  body: BodyBytes;
}

export interface GatewayResponse {
  status: number;
  reason: string;
  readonly headers: Headers;
  body: BodyBytes;
}

/** Where a request goes, as far as the policies have decided. */
export interface Destination {
  /** The backend or pool of `set-backend-service`; null where a URL was given. */
  backendId: string | null;
  /** The base of the request's URL, which a backend's own URL takes the place of; null where the API has none. */
  base: URL | null;
}

/** One request on its way through the gateway. */
export interface Call {
  readonly id: string;
  readonly world: World;
  readonly clock: Clock;
  readonly instance: GatewayInstance;
  readonly section: Section;
  readonly request: GatewayRequest;
  /** Null before the backend or a policy has answered, and where a backend could not be reached. */
  response: GatewayResponse | null;
  readonly destination: Destination;
  /** What `context.LastError` shows. */
  lastError: LastErrorView | null;
  /** The backend of the last attempt, as `context.Backend` shows it. */
  backend: BackendView | null;
  readonly variables: Map<string, Value>;
  readonly context: ExpressionContext;
  /** The client has gone. */
  readonly signal: AbortSignal;
  /** What the gateway writes down of the call. */
  readonly record: CallRecord;
  /** The value of an attribute; null where the element does not have it. Bodies that its expression mentions are buffered first. */
  value(node: PolicyNode, attribute: string): Promise<Value>;
  /** As `value`, as .NET would print it; `otherwise` where the element does not have it. */
  text(node: PolicyNode, attribute: string, otherwise?: string): Promise<string>;
  /** As `value`, as a number; throws `PolicyError` where it is none. */
  number(node: PolicyNode, attribute: string, otherwise?: number): Promise<number>;
  /** As `value`, as a boolean; throws `PolicyError` where it is none. */
  boolean(node: PolicyNode, attribute: string, otherwise: boolean): Promise<boolean>;
  /** What stands between an element's tags, evaluated and as text. */
  content(node: PolicyNode): Promise<string>;
  /** Buffers a body and answers its text; the body stays for the next reader. */
  requestText(): Promise<string>;
  responseText(): Promise<string>;
  readonly send: Send;
  /** Runs policies one after the other, up to the first that responds. */
  run(nodes: readonly PolicyNode[]): Promise<Flow>;
  /** Called each time that a backend has answered, before what follows `forward-request` runs: to add headers and variables to the answer. */
  onResponse(answered: (response: GatewayResponse) => Promise<void>): void;
  /** The same call with a signal of its own, for policies that run side by side. */
  fork(signal: AbortSignal): Call;
  /** Called once when what the client gets is decided, errors too, before its first byte goes out: `response` is that. */
  onAnswered(answered: () => Promise<void>): void;
  /** Called once when the last byte of the answer has gone out, or the client has gone. */
  onCompleted(done: (completed: Completed) => void): void;
}

/** How a call came to its end. */
export interface Completed {
  /** Token counts of the model's answer, from its `usage` or from its stream; null where there was none. */
  readonly usage: TokenUsage | null;
  readonly status: number;
  /** Of request and answer together, bodies only. */
  readonly bytes: number;
  readonly aborted: boolean;
}

export interface TokenUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
  /** False where a stream carried no usage and the gateway had to count. */
  readonly exact: boolean;
}

/** One attempt at a backend. */
export interface BackendAttempt {
  /** Null where the URL was given and no backend resource. */
  readonly backendId: string | null;
  readonly poolId: string | null;
  readonly url: string;
  readonly method: string;
  readonly startedAt: Date;
  readonly milliseconds: number;
  /** Null where no answer came. */
  readonly status: number | null;
  readonly reason: string | null;
}

/** Facts of a call that its log rows are made of; policies add to it while it runs. */
interface CallRecord {
  readonly attempts: BackendAttempt[];
  /** What the caches said: `hit` and `miss` of `cache-lookup` and of the semantic cache. */
  cache: "none" | "hit" | "miss";
  readonly tokenMetrics: TokenMetric[];
  readonly metrics: CustomMetric[];
  readonly traces: TraceRecord[];
  model: string | null;
}

export interface TokenMetric {
  readonly namespace: string;
  readonly usage: TokenUsage;
  readonly dimensions: ReadonlyMap<string, string>;
}

export interface CustomMetric {
  readonly namespace: string;
  readonly name: string;
  readonly value: number;
  readonly dimensions: ReadonlyMap<string, string>;
}

interface TraceRecord {
  readonly source: string;
  readonly severity: string;
  readonly message: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A policy that fails: the call goes on in `<on-error>` with this as `context.LastError`, and without one answers so. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly error: Pick<LastErrorView, "source" | "reason" | "message">;
  readonly answer: {
    readonly status: number;
    readonly reason: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };

  constructor(error: PolicyError["error"], answer: Partial<PolicyError["answer"]> = {}) {
    super(error.message);
    this.error = error;
    const status = answer.status ?? 500;
    this.answer = {
      status,
      reason: answer.reason ?? "",
      headers: answer.headers ?? {},
      body: answer.body ?? JSON.stringify({ statusCode: status, message: error.message }),
    };
  }
}
