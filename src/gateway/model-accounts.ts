import { GatewayError } from "../errors.ts";
import type { MetricsAnswer, MetricsQuery } from "./ports.ts";

/** A resource that serves models: `Microsoft.CognitiveServices/accounts`, of Azure OpenAI and of Foundry alike. */
export interface ModelAccount {
  /** Whole ARM id. */
  readonly resourceId: string;
  readonly name: string;
  /** As Azure writes it: `eastus`. */
  readonly location: string;
  /** The host names of its endpoints, in lower case. */
  readonly hosts: readonly string[];
}

/** A model that an account serves under a name. */
export interface ModelDeployment {
  readonly name: string;
  readonly model: string;
  /** Null where Azure does not say. */
  readonly version: string | null;
  /** `GlobalStandard`, say; null where Azure does not say. */
  readonly sku: string | null;
  /** Units of the SKU; null where Azure does not say. What a unit is worth differs by SKU and model. */
  readonly capacity: number | null;
  /** The deployment's own limits; null where Azure does not say. */
  readonly tokensPerMinute: number | null;
  readonly requestsPerMinute: number | null;
}

/** Reads of the accounts behind the service's backends; bound to one call like a `GatewayReader`, and cached by it. */
export interface ModelsReader {
  /** All accounts that this identity may read, in whichever Azure subscription: no refusal, but fewer accounts, where rights are missing. */
  accounts(): Promise<readonly ModelAccount[]>;
  deployments(account: ModelAccount): Promise<readonly ModelDeployment[]>;
  /** Platform metrics of the account. */
  metrics(account: ModelAccount, query: MetricsQuery): Promise<MetricsAnswer>;
}

/** What serves at a host. */
export type ServedModels =
  | { readonly kind: "read"; readonly account: ModelAccount; readonly deployments: readonly ModelDeployment[] }
  /** No account that this identity may read has an endpoint of this name. */
  | { readonly kind: "unseen" }
  | { readonly kind: "refused"; readonly account: ModelAccount | null; readonly error: GatewayError };

/**
 * What serves at each of the hosts. Whatever Azure refuses or does not answer stands in the host's own place; rejects only where the call was
 * cancelled, or this program is at fault.
 */
export async function readServedModels(models: ModelsReader, hosts: readonly string[]): Promise<ReadonlyMap<string, ServedModels>> {
  const names = [...new Set(hosts.map((host) => host.toLowerCase()))];
  if (names.length === 0) return new Map();
  const accounts = await refusable(models.accounts());
  return new Map(
    await Promise.all(
      names.map(async (host): Promise<[string, ServedModels]> => {
        if (accounts instanceof GatewayError) return [host, { kind: "refused", account: null, error: accounts }];
        const account = accounts.find((one) => one.hosts.includes(host));
        if (account === undefined) return [host, { kind: "unseen" }];
        const deployments = await refusable(models.deployments(account));
        return [
          host,
          deployments instanceof GatewayError ? { kind: "refused", account, error: deployments } : { kind: "read", account, deployments },
        ];
      }),
    ),
  );
}

/** What is read, or what Azure says against it; rejects where the call was cancelled, or this program is at fault. */
export async function refusable<T>(reading: Promise<T>): Promise<T | GatewayError> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof GatewayError && error.code !== "cancelled" && error.code !== "internal") return error;
    throw error;
  }
}
