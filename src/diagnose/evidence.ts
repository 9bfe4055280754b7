import { GatewayError } from "../errors.ts";
import {
  type Document,
  type DocumentId,
  type ListedDocument,
  type PolicyScope,
  policyDocumentId,
  policyText,
  workspaceOf,
} from "../gateway/documents.ts";
import { findApi, findSubscription } from "../gateway/inventory.ts";
import type { Api, Product, Service, Subscription } from "../gateway/model.ts";
import type { Activity, Expiry, ExternalCache, GatewayReader, Identity, Lifecycle, LoggingSettings, LogsReader } from "../gateway/ports.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { readGround } from "../usage/report.ts";
import { metricsWindow, type Window } from "../usage/window.ts";
import { type Accounts, readAccounts } from "./accounts.ts";
import type { Symptom } from "./check.ts";
import { countOf, openers } from "./failure-counts.ts";
import { attempt, type OwnChange, type Read, type Readers } from "./reads.ts";
import { readTraffic, type Traffic } from "./traffic.ts";

export interface Asked {
  readonly apiId?: string | undefined;
  readonly subscriptionId?: string | undefined;
  readonly symptom?: Symptom | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** All that was read for a diagnosis. A read that was refused says so in its own place, and keeps nothing else from being read. */
export interface Evidence {
  readonly window: Window;
  readonly now: Date;
  /** As the service spells it; null for the whole service. */
  readonly apiId: string | null;
  readonly subscriptionId: string | null;
  readonly symptom: Symptom | null;
  readonly csharp: CSharp;
  /** Null where the token does not say. */
  readonly identity: Identity | null;
  readonly service: Read<Service>;
  readonly apis: Read<readonly Api[]>;
  readonly products: Read<readonly Product[]>;
  readonly subscriptions: Read<readonly Subscription[]>;
  /** Those of the service itself: of workspaces only that there are some is known. */
  readonly policies: Read<ReadonlyMap<DocumentId, Document>>;
  readonly fragments: Read<readonly ListedDocument[]>;
  readonly namedValues: Read<readonly ListedDocument[]>;
  readonly backends: Read<readonly ListedDocument[]>;
  readonly caches: Read<readonly ExternalCache[]>;
  readonly certificates: Read<readonly Expiry[]>;
  readonly settings: Read<LoggingSettings>;
  /** Of APIs that have a diagnostic of their own, where no single API was asked about; the first ones alone. */
  readonly apiSettings: Read<ReadonlyMap<string, LoggingSettings>>;
  /** Ids of those that there are. */
  readonly workspaces: Read<readonly string[]>;
  readonly lifecycle: Read<Lifecycle>;
  /** What serves behind the backends. */
  readonly accounts: Accounts;
  readonly activity: Read<readonly Activity[]>;
  readonly journal: Read<readonly OwnChange[]>;
  readonly traffic: Traffic;
}

/** A change may come before what it does: changes are looked for from so long before the window. */
const changesBeforeMs = 30 * 60_000;

const mostChanges = 50;

/** The service and whose credential asks for it: what all else hangs on. */
export interface Opened {
  readonly service: Read<Service>;
  readonly identity: Identity | null;
}

/** Rejects only where the call was cancelled, or this program is at fault. */
export async function openService({ gateway, azure }: Readers): Promise<Opened> {
  const service = await attempt("service", gateway.service());
  const identity = await attempt("service", azure.identity());
  return { service, identity: identity.kind === "read" ? identity.value : null };
}

/** Reads all of it side by side. Throws `invalid_input` and `not_found` for a window, an API or a subscription that cannot be. */
export async function readEvidence(
  readers: Readers,
  { service, identity }: Opened,
  asked: Asked,
  csharp: CSharp,
  now: Date,
): Promise<Evidence> {
  const { gateway, logs, azure, changes } = readers;
  // What cannot be read is refused before anything is asked.
  metricsWindow(asked, now);
  const [apis, subscriptions] = await Promise.all([attempt("apis", gateway.apis()), attempt("subscriptions", gateway.subscriptions())]);
  const apiId = asked.apiId === undefined ? null : apis.kind === "read" ? findApi(apis.value, asked.apiId).id : asked.apiId;
  const subscriptionId = asked.subscriptionId === undefined ? null : subscriptionOf(asked.subscriptionId, service, subscriptions);
  const ground = await attempt("logs", readGround(readers, apiId ?? undefined, now));
  const window = metricsWindow(asked, now, ground.kind === "read" ? ground.value.complete : now);
  const since = new Date(window.since.getTime() - changesBeforeMs);
  const backends = attempt("backends", gateway.backends());
  const traffic = backends.then((known) =>
    readTraffic(
      readers,
      ground,
      { window, apiId, subscriptionId, symptom: asked.symptom ?? null, now },
      known.kind === "read" ? known.value : [],
    ),
  );
  const read = await sideBySide({
    products: attempt("products", gateway.products()),
    policies: attempt("policies", readPolicies(gateway)),
    fragments: attempt("fragments", gateway.fragments()),
    namedValues: attempt("namedValues", gateway.namedValues()),
    caches: attempt("caches", azure.caches()),
    certificates: attempt("certificates", azure.certificates()),
    settings: attempt("settings", logs.settings(apiId ?? undefined)),
    apiSettings: attempt("settings", settingsOfApis(logs, apiId === null && apis.kind === "read" ? apis.value : [])),
    workspaces: attempt("workspaces", readWorkspaces(gateway)),
    lifecycle: attempt("service", azure.lifecycle()),
    activity: attempt("activity", azure.activity({ since, until: window.until })),
    journal: attempt(
      "journal",
      changes.list(mostChanges, { since }).then(({ changes: own }) => own),
    ),
    backends,
    traffic,
  });
  const accounts = await readAccounts(
    readers.models,
    read.backends.kind === "read" ? read.backends.value : [],
    window,
    asked.symptom === "429" || isThrottled(read.traffic) || looksUpCaches(read),
  );
  return {
    ...read,
    window,
    now,
    apiId,
    subscriptionId,
    symptom: asked.symptom ?? null,
    csharp,
    identity,
    service,
    apis,
    subscriptions,
    accounts,
  };
}

/** What each of the promises comes to, under its name. */
async function sideBySide<T extends Readonly<Record<string, Promise<unknown>>>>(
  reads: T,
): Promise<{ readonly [Name in keyof T]: Awaited<T[Name]> }> {
  const settled = await Promise.all(Object.entries(reads).map(async ([name, read]) => [name, await read] as const));
  // Each name has the value of its own promise.
  return Object.fromEntries(settled) as { readonly [Name in keyof T]: Awaited<T[Name]> };
}

function subscriptionOf(name: string, service: Read<Service>, subscriptions: Read<readonly Subscription[]>): string {
  if (service.kind === "refused" || subscriptions.kind === "refused") return name;
  return findSubscription({ service: service.value, subscriptions: subscriptions.value }, name).id;
}

/** More APIs are not asked for a diagnostic of their own: each takes a request. */
export const mostApisAsked = 40;

async function settingsOfApis(logs: LogsReader, apis: readonly Api[]): Promise<ReadonlyMap<string, LoggingSettings>> {
  const read = await Promise.all(apis.slice(0, mostApisAsked).map(async ({ id }) => [id, await logs.settings(id)] as const));
  return new Map(read.filter(([, { apiDiagnostic }]) => apiDiagnostic !== null));
}

/** None where the tier has none: https://learn.microsoft.com/azure/api-management/workspaces-overview */
async function readWorkspaces(reader: GatewayReader): Promise<readonly string[]> {
  try {
    return (await reader.service()).tier === "consumption" ? [] : await reader.workspaces();
  } catch (error) {
    if (error instanceof GatewayError && error.code === "unsupported") return [];
    throw error;
  }
}

const isThrottled = ({ calls }: Traffic): boolean => calls.kind === "read" && countOf(calls.value, openers.deployments) > 0;

const looksUpCaches = ({ policies, fragments }: Pick<Evidence, "policies" | "fragments">): boolean =>
  [...(policies.kind === "read" ? policies.value.values() : []), ...(fragments.kind === "read" ? fragments.value : [])].some((document) =>
    policyText(document).includes("-semantic-cache-lookup"),
  );

async function readPolicies(reader: GatewayReader): Promise<ReadonlyMap<DocumentId, Document>> {
  const ids = (await reader.policyScopes()).filter(isOwn).map(policyDocumentId);
  const documents = await Promise.all(ids.map((id) => reader.document(id)));
  return new Map(documents.flatMap((document) => (document === null ? [] : [[document.id, document]])));
}

const isOwn = (scope: PolicyScope): boolean => workspaceOf(policyDocumentId(scope)) === undefined;
