import { type Call, type Flow, PolicyError, type PolicyNode } from "../policy.ts";
import { limitState } from "./state.ts";

/**
 * `limit-concurrency`: so many calls at once run what is inside of it, the next one is turned away
 * (https://learn.microsoft.com/azure/api-management/limit-concurrency-policy). Assumed: the reason's name.
 */
export async function limitConcurrency(node: PolicyNode, call: Call): Promise<Flow> {
  const [key, most] = [await call.text(node, "key"), await call.number(node, "max-count")];
  const { running } = limitState(call);
  const before = running.get(key) ?? 0;
  if (before >= most) {
    throw new PolicyError(
      { source: node.name, reason: "ConcurrencyLimitExceeded", message: "Concurrency limit is exceeded." },
      { status: 429, reason: "Too Many Requests" },
    );
  }
  running.set(key, before + 1);
  try {
    return await call.run(node.children);
  } finally {
    const left = (running.get(key) ?? 1) - 1;
    if (left === 0) running.delete(key);
    else running.set(key, left);
  }
}
