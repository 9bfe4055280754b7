import type { JsonObject } from "../../gateway/documents.ts";
import { isMovable } from "../clock.ts";
import type { DataPlane } from "../data-plane.ts";
import type { Fault } from "../faults.ts";
import { breakerStates, resetBackends } from "../gateway/backends/select.ts";
import { resetCaches } from "../gateway/cache/state.ts";
import { resetLimits } from "../gateway/limits/state.ts";
import type { LogTable } from "../gateway/logs/rows.ts";
import type { ModelBackend } from "../models/backend.ts";
import type { SafetyFinding } from "../models/content-safety.ts";
import type { Deployment } from "../models/deployments.ts";
import type { ScriptedBehaviour } from "../models/script.ts";
import { nameOf, type World } from "../world.ts";

/** What a sandbox that runs can be told from outside, beside its traffic. Throws `ControlError` for what it does not have. */
export interface Controls {
  clock(): ClockState;
  /** Moves the clock on, one move after the other. Only where it does not go by itself. */
  advance(milliseconds: number): Promise<ClockState>;
  /** Scripts what the management API does. */
  addFault(fault: Fault): void;
  clearFaults(): void;
  /** Scripts the model behind a backend resource or a host; later behaviours stand behind those that are there, deployments take their place. */
  scriptBackend(backend: string, given: BackendScript): void;
  /** Of one model, or of all: scripts, vectors, deployments, rights, and what their limits have counted. */
  clearBackends(backend?: string): void;
  /** What content safety finds from now on, in place of what it has found before. */
  scriptContentSafety(findings: readonly SafetyFinding[]): void;
  state(): SandboxState;
  /** The newest rows of a table, oldest first. */
  logs(table: LogTable, last?: number): LogRows;
  reset(what?: readonly Resettable[]): void;
}

interface ClockState {
  /** Whether it goes by itself. */
  readonly kind: "real" | "manual";
  /** ISO 8601 in UTC. */
  readonly now: string;
}

interface BackendScript {
  readonly script?: readonly ScriptedBehaviour[];
  /** Embeddings of texts. */
  readonly vectors?: Readonly<Record<string, readonly number[]>>;
  /** The only ones that its resource has, with their limits. */
  readonly deployments?: readonly Deployment[];
  /** Whether the sandbox's token has the rights to read its resource over the management API. */
  readonly readable?: boolean;
}

interface SandboxState {
  readonly clock: ClockState;
  readonly instances: readonly InstanceState[];
  readonly models: readonly ModelState[];
  /** Scripted faults that have not been used up. */
  readonly faults: number;
  /** Rows by table. */
  readonly logs: Readonly<Record<LogTable, number>>;
}

interface InstanceState {
  readonly id: string;
  readonly region: string;
  /** Of every backend that has one. `resumesAt` is null where it is closed. */
  readonly breakers: readonly {
    readonly backendId: string;
    readonly open: boolean;
    readonly failures: number;
    readonly resumesAt: string | null;
  }[];
}

interface ModelState {
  readonly host: string;
  readonly region: string;
  /** Requests that it has taken in. */
  readonly received: number;
  readonly script: readonly ScriptedBehaviour[];
}

export interface LogRows {
  /** How many rows the table has. */
  readonly total: number;
  readonly rows: readonly JsonObject[];
}

/** `models`: scripts, vectors, deployments, rights and limits of the models, and what content safety finds. */
export const resettable = ["limits", "breakers", "caches", "models", "logs", "faults"] as const;

export type Resettable = (typeof resettable)[number];

/** What cannot be done, with the status that says so over HTTP. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function openControls(world: World, plane: DataPlane): Controls {
  const { models, contentSafety, logs } = plane;
  const clock = (): ClockState => ({ kind: isMovable(world.clock) ? "manual" : "real", now: world.now().toISOString() });
  let moved: Promise<void> = Promise.resolve();
  const scriptContentSafety = (findings: readonly SafetyFinding[]): void => {
    contentSafety.findings.splice(0, contentSafety.findings.length, ...findings);
  };
  const resets: Readonly<Record<Resettable, () => void>> = {
    limits: () => world.instances.forEach(resetLimits),
    breakers: () => world.instances.forEach(resetBackends),
    caches: () => resetCaches(world),
    models() {
      models.reset();
      scriptContentSafety([]);
    },
    logs: () => logs.reset(),
    faults: () => world.faults.clear(),
  };
  return {
    clock,
    async advance(milliseconds) {
      const movable = world.clock;
      if (!isMovable(movable)) throw clockIsReal();
      moved = moved.then(() => movable.advance(milliseconds));
      await moved;
      return clock();
    },
    addFault: (fault) => world.faults.add(fault),
    clearFaults: () => world.faults.clear(),
    scriptBackend(backend, { script = [], vectors = {}, deployments, readable }) {
      const model = modelOf(world, plane, backend);
      if (deployments !== undefined) model.deployments.set(deployments);
      if (readable !== undefined) model.isReadable = readable;
      for (const behaviour of script) model.script.add(behaviour);
      for (const [text, vector] of Object.entries(vectors)) model.vectors.set(text, vector);
    },
    clearBackends: (backend) => (backend === undefined ? models.reset() : modelOf(world, plane, backend).reset()),
    scriptContentSafety,
    state: () => ({
      clock: clock(),
      instances: world.instances.map((instance) => ({
        id: instance.id,
        region: instance.region,
        breakers: breakerStates(world, instance).map(({ resumesAt, ...breaker }) => ({
          ...breaker,
          resumesAt: resumesAt?.toISOString() ?? null,
        })),
      })),
      models: models.all.map(({ host, region, received, script }) => ({ host, region, received, script: script.pending })),
      faults: world.faults.pending.length,
      logs: logs.counts(),
    }),
    logs(table, last = Number.POSITIVE_INFINITY) {
      const rows = logs.rows(table);
      return { total: rows.length, rows: last < rows.length ? rows.slice(rows.length - last) : rows };
    },
    reset(what = resettable) {
      for (const one of what) resets[one]();
    },
  };
}

const clockIsReal = (): ControlError =>
  new ControlError(
    409,
    "ClockIsReal",
    "The sandbox runs on the machine's clock, which cannot be moved. One that can: azure-ai-gateway-mcp sandbox --clock manual",
  );

function modelOf(world: World, { models }: DataPlane, name: string): ModelBackend {
  const model = models.of(name);
  if (model !== undefined) return model;
  const backends = world.list("backends").map(({ path }) => nameOf(path));
  throw new ControlError(
    404,
    "BackendNotFound",
    `'${name}' is neither the host of a model nor a backend in front of one. Backends: ${backends.filter((id) => models.of(id)).join(", ") || "none"}.`,
  );
}
