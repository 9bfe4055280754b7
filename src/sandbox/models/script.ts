import type { ModelUsage } from "./deployments.ts";

/** What a model backend does in place of, or in, its own answer. */
export type Behaviour =
  /** Its own answer, with this text and these token counts where they are given. */
  | { readonly kind: "answer"; readonly text?: string; readonly usage?: ModelUsage }
  /** Azure OpenAI's 429. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number }
  /** Another status, usually 5xx, with an error's body. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds?: number }
  /** No answer, until the caller gives up. */
  | { readonly kind: "hang" }
  /** Nobody listens. */
  | { readonly kind: "refuse" }
  /** Its own answer; a stream waits so long before each of its chunks but the first. */
  | { readonly kind: "slow_stream"; readonly chunkMs: number }
  /** Its own answer; the connection of a stream breaks after so many chunks. */
  | { readonly kind: "broken_stream"; readonly chunks: number };

export interface ScriptedBehaviour {
  /** Any where left out. */
  readonly deployment?: string;
  /** How many requests it meets before it is used up; until it is cleared where left out. */
  readonly times?: number;
  /** How long everything takes, before the first byte. */
  readonly latencyMs?: number;
  readonly behaviour: Behaviour;
}

/** Behaviours are tried in the order in which they were added; the first that matches is used. */
export interface ModelScript {
  add(behaviour: ScriptedBehaviour): void;
  /** Of one deployment, or all. */
  clear(deployment?: string): void;
  /** Those that are not used up, with what is left of their `times`. */
  readonly pending: readonly ScriptedBehaviour[];
  /** The behaviour for a request, which it uses up; `deployment` is null where the request names none. */
  take(deployment: string | null): ScriptedBehaviour | undefined;
}

export function modelScript(): ModelScript {
  let pending: readonly ScriptedBehaviour[] = [];
  return {
    add(behaviour) {
      if (behaviour.times !== undefined && behaviour.times < 1) return;
      pending = [...pending, behaviour];
    },
    clear(deployment) {
      pending = deployment === undefined ? [] : pending.filter((scripted) => scripted.deployment !== deployment);
    },
    get pending() {
      return pending;
    },
    take(deployment) {
      const hit = pending.find((scripted) => scripted.deployment === undefined || scripted.deployment === deployment);
      if (hit?.times !== undefined) {
        const left = { ...hit, times: hit.times - 1 };
        pending = pending.flatMap((scripted) => (scripted !== hit ? [scripted] : left.times > 0 ? [left] : []));
      }
      return hit;
    },
  };
}
