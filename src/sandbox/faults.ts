import type { Json } from "../gateway/documents.ts";
import type { ErrorBody } from "./arm/errors.ts";
import type { Clock } from "./clock.ts";
import { sandboxService } from "./service.ts";

/** An answer that the script gives. */
interface ScriptedAnswer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What happens to a matched request in place of, or after, the service's own answer. */
export type FaultOutcome =
  | (ScriptedAnswer & { readonly kind: "answer" })
  /** The service has done what was asked, and answers this all the same. */
  | (ScriptedAnswer & { readonly kind: "answer_after_apply" })
  /** The connection breaks before the service has seen the request. */
  | { readonly kind: "reset_before_apply" }
  /** The service has done what was asked, and its answer is lost. */
  | { readonly kind: "reset_after_apply" }
  /** The service has done what was asked; of its answer come the headers and half of the body, then the connection ends. */
  | { readonly kind: "truncated_after_apply" }
  /** The service has done what was asked; its answer comes byte by byte, and never to its end. */
  | { readonly kind: "drip_after_apply" }
  /** A long-running write is accepted, and then fails in the way of its operation's shape. Leaves other requests alone. */
  | { readonly kind: "failed_operation"; readonly error: ErrorBody };

/** A scripted fault. Faults are tried in order; the first that matches is used. */
export interface Fault {
  /** Any method where left out. */
  readonly method?: string;
  /** A document's path below the service (`backends/aoai-eastus`, in any case), or a pattern over the URL's path. Any where left out. */
  readonly path?: string | RegExp;
  /** How many requests it hits before it is used up; 1 where left out. */
  readonly times?: number;
  readonly outcome: FaultOutcome;
}

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** Those that have not been used up. */
  readonly pending: readonly Fault[];
}

/** What befalls a request; operations fail later, and by themselves. */
export type RequestFault = Exclude<FaultOutcome, { readonly kind: "failed_operation" }>;

export interface FaultScript extends Faults {
  /** The outcome scripted for this request, which it uses up; `path` is the URL's path. */
  take(method: string, path: string): RequestFault | undefined;
  /** The failure scripted for the operation that a write to this path starts, which it uses up. */
  takeFailure(path: string): ErrorBody | undefined;
}

export function faultScript(): FaultScript {
  const script: { readonly fault: Fault; left: number }[] = [];
  const use = <T>(method: string, path: string, wanted: (outcome: FaultOutcome) => T | undefined): T | undefined => {
    const index = script.findIndex(({ fault }) => wanted(fault.outcome) !== undefined && matches(fault, method, path));
    const hit = script[index];
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left === 0) script.splice(index, 1);
    return wanted(hit.fault.outcome);
  };
  return {
    add(fault) {
      script.push({ fault, left: fault.times ?? 1 });
    },
    clear: () => void script.splice(0),
    get pending() {
      return script.map(({ fault }) => fault);
    },
    take: (method, path) => use(method, path, (outcome) => (outcome.kind === "failed_operation" ? undefined : outcome)),
    takeFailure: (path) => use("PUT", path, (outcome) => (outcome.kind === "failed_operation" ? outcome.error : undefined)),
  };
}

function matches({ method, path }: Fault, requestMethod: string, requestPath: string): boolean {
  if (method !== undefined && method.toUpperCase() !== requestMethod) return false;
  if (path === undefined) return true;
  if (typeof path === "string") return requestPath.toLowerCase() === `${sandboxService.resourceId}/${path}`.toLowerCase();
  return new RegExp(path.source, path.flags.replace(/[gy]/g, "")).test(requestPath);
}

export function scriptedAnswer({ status, headers = {}, body }: ScriptedAnswer): Response {
  return body === undefined ? new Response(null, { status, headers }) : Response.json(body, { status, headers });
}

/** Half of an answer under the headers of the whole: over a connection, which ends with it, the rest is missing. */
export async function truncated(answer: Response): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // An answer without a body has no half: it then promises one that never comes.
  const length = Math.max(bytes.length, 2);
  const headers = new Headers(answer.headers);
  headers.set("content-length", String(length));
  headers.set("connection", "close");
  return new Response(bytes.slice(0, Math.floor(length / 2)), { status: answer.status === 204 ? 200 : answer.status, headers });
}

const dripMs = 1000;
const space = 0x20;

/** An answer whose headers come at once and then a byte a second by the clock, spaces once it is through; it ends with its request. */
export async function dripping(answer: Response, clock: Clock, signal: AbortSignal): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const gone = new AbortController();
  const ends = AbortSignal.any([signal, gone.signal]);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await clock.wait(dripMs, ends);
      controller.enqueue(Uint8Array.of(bytes[sent] ?? space));
      sent += 1;
    },
    cancel: () => gone.abort(),
  });
  return new Response(body, { status: answer.status === 204 ? 200 : answer.status, headers: answer.headers });
}

const resetCode = "ECONNRESET";

/** What a broken connection looks like to a caller in the process. */
export const connectionReset = (): Error => Object.assign(new Error(`read ${resetCode}`), { code: resetCode });

export const isConnectionReset = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === resetCode;
