import type { Call, Flow, PolicyNode } from "../policy.ts";
import { cachesOf } from "./state.ts";

/** `cache-lookup-value` (https://learn.microsoft.com/azure/api-management/cache-lookup-value-policy): leaves the variable unset on a miss without a default. */
export async function cacheLookupValue(node: PolicyNode, call: Call): Promise<Flow> {
  const found = cachesOf(call).values.get(await call.text(node, "key"), call.clock.now().getTime());
  const variable = await call.text(node, "variable-name");
  if (found !== null) call.variables.set(variable, found);
  else if (node.attributes.has("default-value")) call.variables.set(variable, await call.value(node, "default-value"));
  return "next";
}

/** `cache-store-value` (https://learn.microsoft.com/azure/api-management/cache-store-value-policy). */
export async function cacheStoreValue(node: PolicyNode, call: Call): Promise<Flow> {
  const [key, value, seconds] = [await call.text(node, "key"), await call.value(node, "value"), await call.number(node, "duration")];
  cachesOf(call).values.set(key, value, call.clock.now().getTime() + seconds * 1000);
  return "next";
}

/** `cache-remove-value` (https://learn.microsoft.com/azure/api-management/cache-remove-value-policy). */
export async function cacheRemoveValue(node: PolicyNode, call: Call): Promise<Flow> {
  cachesOf(call).values.delete(await call.text(node, "key"));
  return "next";
}
