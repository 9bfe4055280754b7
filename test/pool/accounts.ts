import { GatewayError } from "../../src/errors.ts";
import type { ModelAccount, ModelDeployment, ServedModels } from "../../src/gateway/model-accounts.ts";
import type { Behind } from "../../src/pool/account-tokens.ts";
import type { Served } from "../../src/pool/served.ts";

/** An account behind `https://<name>.openai.azure.com`. */
export const account = (name: string): ModelAccount => ({
  resourceId: `/subscriptions/s2/resourceGroups/models/providers/Microsoft.CognitiveServices/accounts/${name}`,
  name,
  location: "eastus",
  hosts: [hostOf(name)],
});

export const hostOf = (name: string): string => `${name}.openai.azure.com`;

export const deployment = (name: string, more: Partial<ModelDeployment> = {}): ModelDeployment => ({
  name,
  model: "gpt-4o",
  version: "2024-11-20",
  sku: "GlobalStandard",
  capacity: 100,
  tokensPerMinute: 200_000,
  requestsPerMinute: 1200,
  ...more,
});

export const forbidden = new GatewayError("forbidden", "The identity may not.", { hint: "Ask an owner." });

/** What accounts serve, by their names. */
export type Accounts = Readonly<Record<string, readonly ModelDeployment[] | "unseen" | GatewayError>>;

export const servedBy = (accounts: Accounts): Served =>
  new Map(Object.entries(accounts).map(([name, models]): [string, ServedModels] => [hostOf(name), servedModels(name, models)]));

function servedModels(name: string, models: Accounts[string]): ServedModels {
  if (models === "unseen") return { kind: "unseen" };
  if (models instanceof GatewayError) return { kind: "refused", account: account(name), error: models };
  return { kind: "read", account: account(name), deployments: models };
}

/** Tokens, or requests, of one minute after the other, by account and deployment. */
export type Minutes = Readonly<Record<string, Readonly<Record<string, readonly number[]>> | GatewayError>>;

export const behind = (accounts: Accounts, minutes: Minutes, requests: Minutes = {}): Behind => ({
  served: servedBy(accounts),
  tokens: byAccount(minutes),
  requests: byAccount(requests),
});

const byAccount = (minutes: Minutes): Behind["tokens"] =>
  new Map(
    Object.entries(minutes).map(([name, deployments]) => [
      account(name).resourceId.toLowerCase(),
      deployments instanceof GatewayError
        ? deployments
        : new Map(
            Object.entries(deployments).map(([of, totals]) => [
              of.toLowerCase(),
              new Map(totals.map((total, minute) => [new Date(Date.UTC(2026, 10, 20, 10, minute)).toISOString(), total])),
            ]),
          ),
    ]),
  );
