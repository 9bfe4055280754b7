import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import type { CSharp } from "../policy/expression-syntax.ts";
import { armApp } from "./arm.ts";
import { type Clock, realClock } from "./clock.ts";
import type { Controls } from "./control/operations.ts";
import type { DataPlane } from "./data-plane.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { primaryKeys } from "./gateway/keys.ts";
import { accountsOf } from "./models/accounts.ts";
import { demoSetting } from "./monitor/diagnostic-settings.ts";
import { historyOf } from "./monitor/history.ts";
import type { KqlParser } from "./monitor/kql/parser.ts";
import type { RowsOfTable } from "./monitor/logs.ts";
import { pastHistory } from "./monitor/past-calls.ts";
import { seedDemo } from "./seed.ts";
import { createWorld, type World } from "./world.ts";

/** One embedded API Management service. */
export interface Sandbox {
  readonly world: World;
  /** What a request must carry as `Authorization: Bearer ...`. */
  readonly token: string;
  /** The management API, Azure Monitor's metrics and, under `/v1`, the log query API. Rejects only where a scripted fault breaks the connection. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** The gateway, which carries traffic under the deployed policies, and the hosts behind it: loaded at the first call. */
  readonly dataPlane: () => Promise<DataPlane>;
  readonly gateway: () => Promise<Gateway>;
  /** What a test does to the sandbox while it runs; the control API does the same over HTTP. */
  readonly controls: () => Promise<Controls>;
  /** Primary keys of the subscriptions, by their ids. */
  readonly keys: () => Readonly<Record<string, string>>;
}

export interface SandboxOptions {
  /** The sandbox's one clock; the machine's where left out. */
  readonly clock?: Clock;
  /** Regions of the gateway's instances, one for each instance; one instance where left out. */
  readonly regions?: readonly string[];
  /** The C# grammar that the gateway reads policy expressions by; without it the gateway runs none. */
  readonly grammar?: () => Promise<CSharp>;
  /** Microsoft's parser of KQL, which log queries are read by; without it none is run. */
  readonly kql?: () => Promise<KqlParser>;
  /** `demo` (default): a small AI gateway with the calls of some days behind it. `empty`: the service alone. */
  readonly seed?: "demo" | "empty";
  /** A random one where left out. */
  readonly token?: string;
}

export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const {
    clock = realClock,
    seed = "demo",
    token = randomBytes(24).toString("base64url"),
    regions,
    grammar = noGrammar,
    kql = noKql,
  } = options;
  const openedAt = clock.now();
  const history = seed === "demo" ? pastHistory(openedAt) : historyOf([]);
  const world = createWorld({ clock, history, ...(regions === undefined ? {} : { regions }) });
  if (seed === "demo") {
    seedDemo(world);
    world.diagnosticSettings = [demoSetting];
  }
  let opened: Promise<DataPlane> | undefined;
  let past: Promise<RowsOfTable> | undefined;
  const rows = async (): Promise<RowsOfTable> => {
    past ??= import("./monitor/past-rows.ts").then(({ pastRows }) => (seed === "demo" ? pastRows(openedAt) : () => []));
    const [before, live] = await Promise.all([past, opened]);
    return (table) => [...before(table), ...(live?.logs.rows(table) ?? [])];
  };
  const arm = armApp(world, token, { rows, accounts: async () => accountsOf((await dataPlane()).models.all) });
  let logs: Promise<Hono> | undefined;
  const openLogs = async (): Promise<Hono> => {
    const { logsApp } = await import("./monitor/logs.ts");
    return logsApp(world, { token, parser: kql, rows });
  };
  const appFor = (path: string): Hono | Promise<Hono> => {
    if (!/^\/+v1\//i.test(path)) return arm;
    logs ??= openLogs();
    return logs;
  };
  const logged = async (request: Request): Promise<Response> => {
    const { method, headers, url } = request;
    const { pathname, search } = new URL(url);
    const { authorization: _, ...kept } = Object.fromEntries(headers);
    let status: number | null = null;
    try {
      const response = await (await appFor(pathname)).fetch(request);
      status = response.status;
      return response;
    } finally {
      world.log({ method, path: pathname + search, headers: kept, status });
    }
  };
  const dataPlane = (): Promise<DataPlane> => {
    opened ??= Promise.all([import("./data-plane.ts"), import("./models/deployments.ts")]).then(
      ([{ openDataPlane }, { demoDeployments }]) => openDataPlane(world, grammar, seed === "demo" ? demoDeployments : undefined),
    );
    return opened;
  };
  let controlled: Promise<Controls> | undefined;
  const controls = async (): Promise<Controls> => {
    const [{ openControls }, plane] = await Promise.all([import("./control/operations.ts"), dataPlane()]);
    return openControls(world, plane);
  };
  return {
    world,
    token,
    fetch: logged,
    dataPlane,
    gateway: async () => (await dataPlane()).gateway,
    controls() {
      controlled ??= controls();
      return controlled;
    },
    keys: () => primaryKeys(world),
  };
}

const noKql = (): Promise<KqlParser> => Promise.reject(new Error("the sandbox was opened without a parser of KQL"));

const noGrammar = (): Promise<CSharp> => Promise.reject(new Error("the sandbox was opened without a grammar of C#"));
