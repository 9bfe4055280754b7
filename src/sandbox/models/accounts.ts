import { regionName, sandboxService } from "../service.ts";
import type { ModelBackend } from "./backend.ts";
import type { Deployment } from "./deployments.ts";

/** A resource of type `Microsoft.CognitiveServices/accounts`, in the service's resource group. */
export interface ModelAccount {
  readonly resourceId: string;
  readonly name: string;
  /** Azure's display name: `East US`. */
  readonly region: string;
  /** The fakes of its host names: one, unless it is called by several. */
  readonly backends: readonly [ModelBackend, ...ModelBackend[]];
  readonly deployments: readonly Deployment[];
}

/** An account answers under its own name below these: https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains */
const accountHost = /^(.+)\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/i;

const collection = `/subscriptions/${sandboxService.azureSubscription}/resourceGroups/${sandboxService.resourceGroup}/providers/Microsoft.CognitiveServices/accounts`;

/** Where accounts are, in lower case. */
export const accountsPath = collection.toLowerCase();

/** The accounts that model backends belong to, by name; a backend whose host is none of an account's belongs to none. */
export function accountsOf(backends: readonly ModelBackend[]): readonly ModelAccount[] {
  const byName = new Map<string, [ModelBackend, ...ModelBackend[]]>();
  for (const backend of backends) {
    const name = accountHost.exec(backend.host)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const found = byName.get(name);
    if (found === undefined) byName.set(name, [backend]);
    else found.push(backend);
  }
  return [...byName].map(([name, own]) => accountOf(name, own)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function accountOf(name: string, backends: ModelAccount["backends"]): ModelAccount {
  const deployments = new Map(backends.flatMap((backend) => backend.deployments.all.map((one) => [one.name, one] as const)));
  return { resourceId: `${collection}/${name}`, name, region: backends[0].region, backends, deployments: [...deployments.values()] };
}

/** Whether the sandbox's caller may read the account. */
export const isReadable = ({ backends }: ModelAccount): boolean => backends.every(({ isReadable: readable }) => readable);

export const locationOf = ({ region }: ModelAccount): string => regionName(region);
