import type { Call, Completed, Flow, PolicyNode } from "../policy.ts";

const defaultNamespace = "API Management";

/**
 * `llm-emit-token-metric` and `azure-openai-emit-token-metric` (https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy): one
 * record for a call whose answer states or streams tokens.
 */
export async function emitTokenMetric(node: PolicyNode, call: Call): Promise<Flow> {
  const namespace = await call.text(node, "namespace", defaultNamespace);
  const dimensions = await dimensionsOf(node, call);
  call.onCompleted(({ usage }: Completed) => {
    if (usage !== null) call.record.tokenMetrics.push({ namespace, usage, dimensions });
  });
  return "next";
}

/** `emit-metric` (https://learn.microsoft.com/azure/api-management/emit-metric-policy). */
export async function emitMetric(node: PolicyNode, call: Call): Promise<Flow> {
  call.record.metrics.push({
    namespace: await call.text(node, "namespace", defaultNamespace),
    name: await call.text(node, "name"),
    value: await call.number(node, "value", 1),
    dimensions: await dimensionsOf(node, call),
  });
  return "next";
}

async function dimensionsOf(node: PolicyNode, call: Call): Promise<ReadonlyMap<string, string>> {
  const dimensions = new Map<string, string>();
  for (const dimension of node.children) {
    if (dimension.name !== "dimension") continue;
    const name = await call.text(dimension, "name");
    dimensions.set(name, dimension.attributes.has("value") ? await call.text(dimension, "value") : knownDimension(name, call));
  }
  return dimensions;
}

/** The dimensions that need no value (https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy#default-dimension-names-that-may-be-used-without-value). */
function knownDimension(name: string, { context }: Call): string {
  switch (name.toLowerCase()) {
    case "api id":
      return context.api.id;
    case "operation id":
      return context.operation?.id ?? "";
    case "product id":
      return context.product?.id ?? "";
    case "user id":
      return context.user?.id ?? "";
    case "subscription id":
      return context.subscription?.id ?? "";
    case "location":
      return context.deployment.region;
    case "gateway id":
      return context.deployment.gatewayId;
    case "backend id":
      return context.backend?.id ?? "";
    default:
      return "";
  }
}
