import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Json, JsonObject } from "../gateway/documents.ts";
import type { ErrorBody } from "./arm/errors.ts";
import type { Clock } from "./clock.ts";
import { type FaultScript, type Faults, faultScript } from "./faults.ts";
import { gatewayInstances } from "./gateway/instances.ts";
import type { GatewayInstance, Upstream } from "./gateway/policy.ts";
import type { ActivityEvent } from "./monitor/activity-log.ts";
import type { DiagnosticSetting } from "./monitor/diagnostic-settings.ts";
import type { History } from "./monitor/history.ts";
import { type LiveTraffic, liveTraffic } from "./monitor/traffic.ts";
import { type PolicyFormat, storedPolicy } from "./policy-text.ts";
import { type ServiceResource, sandboxService, serviceIn, standardV2 } from "./service.ts";

/** A resource below the service, by its path as it was first written (`products/aoai/policies/policy`). */
export interface Resource {
  readonly path: string;
  readonly properties: JsonObject;
  readonly rowVersion: number;
}

/**
 * How the service answers a write that it finishes later:
 * - `accepted`: 202 without a body; the poll of `Location` answers the resource, or 400 with the error.
 * - `async_operation`: 200/201 with `provisioningState: InProgress`; the poll of `Azure-AsyncOperation` answers a status.
 * - `created`: 200/201 with `Location` alone; the poll answers the resource, or **200** with `{"status":"Failed","error":...}`.
 * - `created_or_400`: as `created`, but a failure is a poll that answers 400.
 */
export type OperationShape = "accepted" | "async_operation" | "created" | "created_or_400";

export type LongRunning = "policyFragments" | "namedValues";

/** A write that has been accepted. `due` is when the service is done with it, in milliseconds. */
export interface Operation {
  readonly id: string;
  readonly path: string;
  readonly shape: OperationShape;
  readonly created: boolean;
  readonly format: PolicyFormat;
  readonly due: number;
  readonly outcome: { readonly properties: JsonObject } | { readonly error: ErrorBody };
  settled: boolean;
}

/** How the service behaves; a test may change any of it at any time. */
export interface Settings {
  /** Items of a list's page. */
  pageSize: number;
  /** Supported api-versions of `Microsoft.ApiManagement/service`. */
  apiVersions: readonly string[];
  operationShapes: Readonly<Record<LongRunning, OperationShape>>;
  /** How long a long-running operation takes by the world's clock, in seconds. */
  operationSeconds: number;
  /** How long after a call its log rows can be queried, in seconds. */
  ingestionSeconds: number;
}

interface LoggedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  /** Without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null where the connection broke. */
  readonly status: number | null;
}

/** The state of the sandbox: one service, one clock. */
export interface World {
  readonly clock: Clock;
  readonly now: () => Date;
  /** The service's gateway instances: at least one. */
  readonly instances: readonly GatewayInstance[];
  /** Hosts that answer in the process; the first that matches is asked. */
  readonly upstreams: Upstream[];
  /** What this sandbox's keys and tokens are derived from. */
  readonly secret: Uint8Array;
  /** Counts the changes of resources: what is computed from them holds for one revision. */
  readonly revision: number;
  /** The instance's own resource; replace it to get another SKU or region. */
  service: ServiceResource;
  /** What the platform metrics report of the time before. */
  history: History;
  /** And what of the calls that the gateway has had since. */
  readonly live: LiveTraffic;
  /** Where the service's logs go; none where it is empty. */
  diagnosticSettings: readonly DiagnosticSetting[];
  readonly settings: Settings;
  readonly faults: Faults;
  /** What Azure's activity log has of the service, oldest first: writes that came over the management API, and what a test adds. */
  readonly activity: ActivityEvent[];
  /** The newest 1,000 requests, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** Paths are matched as ARM does, in any case. */
  get(path: string): Resource | undefined;
  /** The direct children of a collection (`backends`, `products/aoai/apis`), in the order of their creation. */
  list(collection: string): readonly Resource[];
  /** Every resource, in the order of creation. */
  all(): readonly Resource[];
  /**
   * Stores a resource without any check, in the form in which the service would hold it: null members left out, policies
   * reformatted (`properties.format`: `rawxml` where left out). The row version stays where nothing changes.
   */
  put(path: string, properties: JsonObject): Resource;
  /** Removes a resource and everything below it. */
  delete(path: string): void;
}

/** The world with what only the sandbox's own server may touch. */
export interface WorldState extends World {
  readonly faults: FaultScript;
  readonly operations: Map<string, Operation>;
  log(request: LoggedRequest): void;
}

const knownRequests = 1000;
const firstRowVersion = 0xe69666;

/** https://learn.microsoft.com/azure/templates/microsoft.apimanagement/change-log/summary */
const apiVersions = [
  "2021-08-01",
  "2022-08-01",
  "2023-03-01-preview",
  "2023-05-01-preview",
  "2023-09-01-preview",
  "2024-05-01",
  "2024-06-01-preview",
  "2024-10-01-preview",
  "2025-03-01-preview",
  "2025-09-01-preview",
  "2026-09-01-preview",
];

interface WorldOptions {
  readonly clock: Clock;
  readonly history: History;
  /** Azure's names of the regions of the gateway's instances, one for each instance; one instance in the service's region where left out. */
  readonly regions?: readonly string[];
  /** Of every choice that is left to chance. */
  readonly seed?: number;
}

export function createWorld({ clock, history, regions = [standardV2.location], seed = 1 }: WorldOptions): WorldState {
  const resources = new Map<string, Resource>();
  const requests: LoggedRequest[] = [];
  let lastRowVersion = firstRowVersion;
  let revision = 0;
  return {
    clock,
    now: () => clock.now(),
    instances: gatewayInstances(regions, seed),
    upstreams: [],
    secret: randomBytes(32),
    get revision() {
      return revision;
    },
    service: serviceIn(regions),
    history,
    live: liveTraffic(),
    diagnosticSettings: [],
    settings: {
      pageSize: 100,
      apiVersions,
      operationShapes: { policyFragments: "created", namedValues: "accepted" },
      operationSeconds: 0,
      ingestionSeconds: 0,
    },
    faults: faultScript(),
    activity: [],
    requests,
    operations: new Map(),
    log(request) {
      requests.push(request);
      if (requests.length > knownRequests) requests.shift();
    },
    get: (path) => resources.get(path.toLowerCase()),
    list(collection) {
      const prefix = `${collection.toLowerCase()}/`;
      const children: Resource[] = [];
      for (const [key, resource] of resources) if (key.startsWith(prefix) && !key.includes("/", prefix.length)) children.push(resource);
      return children;
    },
    all: () => [...resources.values()],
    put(path, properties) {
      const key = path.toLowerCase();
      const before = resources.get(key);
      const stored = storedProperties(path, properties);
      if (before !== undefined && isDeepStrictEqual(before.properties, stored)) return before;
      lastRowVersion += 1;
      revision += 1;
      const after = { path: before?.path ?? path, properties: stored, rowVersion: lastRowVersion };
      resources.set(key, after);
      return after;
    },
    delete(path) {
      revision += 1;
      const key = path.toLowerCase();
      for (const candidate of [...resources.keys()]) if (candidate === key || candidate.startsWith(`${key}/`)) resources.delete(candidate);
    },
  };
}

/** A resource's strong ETag: its row version, eight bytes in base64, quoted. */
export function etagOf({ rowVersion }: Resource): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(rowVersion));
  return `"${bytes.toString("base64")}"`;
}

export const armId = (path: string): string => `${sandboxService.resourceId}/${path}`;

/** The last segment of a path or ARM id. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export const isFragment = (path: string): boolean => /^(?:workspaces\/[^/]+\/)?policyFragments\/[^/]+$/i.test(path);

/** Whether the resource is a policy document or a fragment. */
export const holdsPolicy = (path: string): boolean => isFragment(path) || /(?:^|\/)policies\/policy$/i.test(path);

function storedProperties(path: string, properties: JsonObject): JsonObject {
  const kept: Record<string, Json> = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
  if (!holdsPolicy(path) || typeof kept.value !== "string") return kept;
  return { ...kept, format: "rawxml", value: storedPolicy(kept.value, kept.format === "xml" ? "xml" : "rawxml") };
}
