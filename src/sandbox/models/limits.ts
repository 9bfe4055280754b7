import type { Deployment } from "./deployments.ts";

/** Counters of a deployment, in the windows in which they began. */
interface Counters {
  readonly minute: number;
  readonly tokens: number;
  readonly window: number;
  readonly requests: number;
}

export interface Refusal {
  readonly what: "token" | "call";
  readonly seconds: number;
}

interface Remaining {
  readonly tokens: number;
  readonly requests: number;
}

interface DeploymentLimits {
  /** Charges a request where it is let in. `tokens` is the most that it may need. */
  take(deployment: Deployment, tokens: number, now: Date): Refusal | Remaining;
  reset(): void;
}

const minuteMs = 60_000;
const windowMs = 10_000;
/** Names come from URLs; the oldest are forgotten. */
const knownDeployments = 1000;

/**
 * Azure OpenAI's own limits (https://learn.microsoft.com/azure/ai-services/openai/how-to/quota#understanding-rate-limits): the estimated
 * tokens of every request are added to a count that is reset each minute, and once it has reached the limit further requests are
 * refused; requests are judged over short windows.
 *
 * Assumed: minutes are the clock's; of the documented "1 or 10 seconds" the window is 10; the remaining requests are the window's.
 */
export function deploymentLimits(): DeploymentLimits {
  const known = new Map<string, Counters>();
  return {
    take(deployment, tokens, now) {
      const { name, tokensPerMinute, requestsPerMinute } = deployment;
      const time = now.getTime();
      const before = current(known.get(name), time);
      const perWindow = Math.ceil((requestsPerMinute * windowMs) / minuteMs);
      if (before.requests >= perWindow) return { what: "call", seconds: secondsLeft(time, windowMs) };
      if (before.tokens >= tokensPerMinute) return { what: "token", seconds: secondsLeft(time, minuteMs) };
      known.delete(name);
      known.set(name, { ...before, tokens: before.tokens + tokens, requests: before.requests + 1 });
      for (const oldest of known.keys()) {
        if (known.size <= knownDeployments) break;
        known.delete(oldest);
      }
      return { tokens: Math.max(0, tokensPerMinute - before.tokens - tokens), requests: perWindow - before.requests - 1 };
    },
    reset: () => known.clear(),
  };
}

function current(counters: Counters | undefined, time: number): Counters {
  const [minute, window] = [Math.floor(time / minuteMs), Math.floor(time / windowMs)];
  return {
    minute,
    tokens: counters?.minute === minute ? counters.tokens : 0,
    window,
    requests: counters?.window === window ? counters.requests : 0,
  };
}

const secondsLeft = (time: number, lengthMs: number): number => Math.ceil((lengthMs - (time % lengthMs)) / 1000);
