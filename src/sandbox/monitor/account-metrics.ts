import type { ModelAccount } from "../models/accounts.ts";
import type { World } from "../world.ts";
import type { MeasuredResource, Metric, Sample } from "./catalogue.ts";
import type { ModelTraffic } from "./history.ts";

/** An account, measured by the world's history and what its models have answered since. */
export const measuredAccount = (world: World, account: ModelAccount): MeasuredResource<readonly PlacedTraffic[]> => ({
  resourceId: account.resourceId,
  namespace: "Microsoft.CognitiveServices/accounts",
  location: account.region,
  metrics,
  minute(start) {
    const past = world.history.models(start).filter(({ host }) => account.backends.some((backend) => backend.host === host));
    const live = account.backends.flatMap(({ served }) => served.traffic(start));
    return [...past, ...live].map((traffic) => ({ ...traffic, region: account.region }));
  },
});

interface PlacedTraffic extends ModelTraffic {
  readonly region: string;
}

const dimensionsOf = ({ region, deployment, model, version, status }: PlacedTraffic): Readonly<Record<string, string>> => ({
  region,
  modeldeploymentname: deployment,
  modelname: model,
  modelversion: version,
  statuscode: String(status),
});

/** Of these metrics there is a total alone. */
const counted =
  (count: (traffic: PlacedTraffic) => number) =>
  (minute: readonly PlacedTraffic[]): readonly Sample[] =>
    minute.flatMap((traffic) => {
      const sum = count(traffic);
      if (sum === 0) return [];
      const each = sum / traffic.requests;
      return [{ dimensions: dimensionsOf(traffic), sum, count: traffic.requests, minimum: each, maximum: each }];
    });

const ofRequests = ["Region", "ModelDeploymentName", "ModelName", "ModelVersion", "StatusCode"];
const ofTokens = ["Region", "ModelDeploymentName", "ModelVersion"];
const ofModels = ["Region", "ModelDeploymentName", "ModelName", "ModelVersion"];

const tokens = { unit: "Count", aggregations: ["total"], dimensions: ofTokens } as const;
const gauge = { aggregations: ["average", "maximum", "minimum"], dimensions: ofModels, samples: null } as const;

/**
 * https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics, with those of their
 * dimensions of which the sandbox has values.
 */
const metrics: readonly Metric<readonly PlacedTraffic[]>[] = [
  {
    name: "AzureOpenAIRequests",
    displayName: "Azure OpenAI Requests",
    unit: "Count",
    aggregations: ["total"],
    dimensions: ofRequests,
    samples: counted(({ requests }) => requests),
  },
  {
    ...tokens,
    name: "TokenTransaction",
    displayName: "Processed Inference Tokens",
    samples: counted(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
  },
  {
    ...tokens,
    name: "ProcessedPromptTokens",
    displayName: "Processed Prompt Tokens",
    samples: counted(({ promptTokens }) => promptTokens),
  },
  {
    ...tokens,
    name: "GeneratedTokens",
    displayName: "Generated Completion Tokens",
    samples: counted((traffic) => traffic.completionTokens),
  },
  { ...gauge, name: "AzureOpenAIAvailabilityRate", displayName: "AzureOpenAI Availability Rate", unit: "Percent" },
  { ...gauge, name: "AzureOpenAITimeToResponse", displayName: "Time to Response", unit: "MilliSeconds" },
  { ...gauge, name: "AzureOpenAIProvisionedManagedUtilizationV2", displayName: "Provisioned-managed Utilization V2", unit: "Percent" },
];
