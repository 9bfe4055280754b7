/** Token counts of an answer. */
export interface ModelUsage {
  readonly prompt: number;
  readonly completion: number;
}

export type ModelKind = "chat" | "embeddings";

/** A model deployment of an Azure OpenAI resource. */
export interface Deployment {
  readonly name: string;
  readonly model: string;
  readonly version: string;
  readonly kind: ModelKind;
  /** The deployment's own limits. */
  readonly tokensPerMinute: number;
  readonly requestsPerMinute: number;
  /** `GlobalStandard` where left out. */
  readonly sku?: string;
}

/** The deployments of one resource. */
export interface DeploymentList {
  readonly all: readonly Deployment[];
  find(name: string): Deployment | undefined;
  /** The one of this name, which a call asks for. */
  called(name: string): Deployment | undefined;
  /** From now on there are these and no others. */
  set(deployments: readonly Deployment[]): void;
  /** Back to what there was at first. */
  reset(): void;
}

/** Names come from URLs: more than these are not kept. */
const knownNames = 1000;

const byName = (deployments: readonly Deployment[]) => new Map(deployments.map((deployment) => [deployment.name, deployment]));

/** The `given` ones; where they are left out, the demo's, and one of any name once it is called. */
export function deploymentList(given: readonly Deployment[] | undefined): DeploymentList {
  let known = byName(given ?? demoDeployments);
  let isOpen = given === undefined;
  return {
    get all() {
      return [...known.values()];
    },
    find: (name) => known.get(name),
    called(name) {
      const found = known.get(name);
      if (found !== undefined || !isOpen || name === "") return found;
      const deployment = deploymentOf(name);
      if (known.size < knownNames) known.set(name, deployment);
      return deployment;
    },
    set(deployments) {
      known = byName(deployments);
      isOpen = false;
    },
    reset() {
      known = byName(given ?? demoDeployments);
      isOpen = given === undefined;
    },
  };
}

/**
 * The most that Azure gives a GlobalStandard deployment of `gpt-4o` (https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits): far above what
 * any team's limit lets through.
 */
const ampleLimits = { tokensPerMinute: 30_000_000, requestsPerMinute: 180_000 } as const;

/** Models that deployments are usually named after, with a version of each. */
const versions: Readonly<Record<string, string>> = {
  "gpt-35-turbo": "0125",
  "gpt-4": "turbo-2024-04-09",
  "gpt-4o": "2024-11-20",
  "gpt-4o-mini": "2024-07-18",
  "gpt-4.1": "2025-04-14",
  "gpt-4.1-mini": "2025-04-14",
  "gpt-5": "2025-08-07",
  "o3-mini": "2025-01-31",
  "o4-mini": "2025-04-16",
};

/** A deployment of which the name is all that is known: of the model of that name, else of `gpt-4o`; `embedding` in it makes it one for embeddings. */
export function deploymentOf(name: string): Deployment {
  if (/embedding/i.test(name)) return { name, model: name, version: "1", kind: "embeddings", ...ampleLimits };
  const version = versions[name];
  const [model, known] = version === undefined ? ["gpt-4o", versions["gpt-4o"] ?? ""] : [name, version];
  return { name, model, version: known, kind: "chat", ...ampleLimits };
}

/** As answers name it in `model`: `gpt-4o-2024-11-20`; embedding models stand without their version. */
export const answeredModel = ({ model, version, kind }: Deployment): string => (kind === "chat" ? `${model}-${version}` : model);

/** What the demo's gateway calls. */
export const demoDeployments: readonly Deployment[] = [deploymentOf("gpt-4o"), deploymentOf("text-embedding-3-small")];
