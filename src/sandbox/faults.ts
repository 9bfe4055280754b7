import type { Json } from "../gateway/documents.ts";
import { sandboxService } from "./service.ts";

/** What happens to a matched request in place of, or after, the service's own answer. */
export type FaultOutcome =
  | { readonly kind: "answer"; readonly status: number; readonly body?: Json; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks before the service has seen the request. */
  | { readonly kind: "reset_before_apply" }
  /** The service has done what was asked, and its answer is lost. */
  | { readonly kind: "reset_after_apply" };

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
  /** Those that have not been used up. */
  readonly pending: readonly Fault[];
}

export interface FaultScript extends Faults {
  /** The outcome scripted for this request, which it uses up; `path` is the URL's path. */
  take(method: string, path: string): FaultOutcome | undefined;
}

export function faultScript(): FaultScript {
  const script: { readonly fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      script.push({ fault, left: fault.times ?? 1 });
    },
    get pending() {
      return script.map(({ fault }) => fault);
    },
    take(method, path) {
      const index = script.findIndex(({ fault }) => matches(fault, method, path));
      const hit = script[index];
      if (hit === undefined) return undefined;
      hit.left -= 1;
      if (hit.left === 0) script.splice(index, 1);
      return hit.fault.outcome;
    },
  };
}

function matches({ method, path }: Fault, requestMethod: string, requestPath: string): boolean {
  if (method !== undefined && method.toUpperCase() !== requestMethod) return false;
  if (path === undefined) return true;
  if (typeof path === "string") return requestPath.toLowerCase() === `${sandboxService.resourceId}/${path}`.toLowerCase();
  return new RegExp(path.source, path.flags.replace(/[gy]/g, "")).test(requestPath);
}

const resetCode = "ECONNRESET";

/** What a broken connection looks like to a caller in the process. */
export const connectionReset = (): Error => Object.assign(new Error(`read ${resetCode}`), { code: resetCode });

export const isConnectionReset = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === resetCode;
