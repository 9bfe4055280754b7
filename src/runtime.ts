import { setMaxListeners } from "node:events";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Changes } from "./change/changes.ts";
import type { JournalStore } from "./change/journal-store.ts";
import type { BackgroundTrail, LookedAfter } from "./change/types.ts";
import { type AzureTarget, target } from "./config/target.ts";
import type { Configuration } from "./config.ts";
import { embeddedSandbox, type Loopback } from "./embedded-sandbox.ts";
import type { Gateway, Prober } from "./gateway/ports.ts";
import { loadGrammar } from "./grammar.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import type { Contexts, DrillTools, Opening } from "./tool.ts";

/** The service that a process works on. */
export interface Runtime {
  /** Whose plans and changes they are. */
  readonly caller: string;
  /** What one call works with; rejects with `not_configured` where the configuration does not lead to a service. */
  contexts(call: Opening): Promise<Contexts>;
  /** Writes a record where changes are kept, and takes it away again; rejects where that cannot be. */
  tryJournal(): Promise<void>;
  /** The drills that this process has begun to look after. */
  lookedAfter(): Promise<readonly LookedAfter[]>;
}

/** What a process does beside the calls. */
interface BackgroundOptions {
  /** Resolves once so many milliseconds have gone by. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  /** Hears what is written without a call. */
  readonly hear?: () => BackgroundTrail;
  /** Whether it looks after the drills of processes that have ended. */
  readonly resumes?: boolean;
}

/** Waits without keeping the process alive. */
const inBackground = (milliseconds: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, milliseconds).unref();
  });

/** Variables of the process, of which those of the configuration have been read already. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A service, and where the journal of its changes stands. */
interface Opened {
  readonly gateway: Gateway;
  readonly store: JournalStore;
  /** Null where no test key is configured. */
  readonly prober: Prober | null;
  readonly fault: DrillTools["fault"];
  readonly tryJournal: () => Promise<void>;
}

/**
 * Opens the configured service at the first call and keeps it. Until then nothing of Azure, the sandbox or the journal is
 * loaded: a client gets its list of tools without network, credentials or a wait. A configured sandbox is served on the loopback that is given.
 */
export function openRuntime(
  configuration: Configuration,
  environment: Environment,
  now: () => Date = () => new Date(),
  loopback?: Loopback,
  { wait = inBackground, hear, resumes = false }: BackgroundOptions = {},
): Runtime {
  const caller = localCaller();
  const sandbox = embeddedSandbox(now, configuration.values.sandbox === true ? loopback : undefined);
  let opened: Promise<Pick<Opened, "gateway" | "tryJournal"> & { readonly changes: Changes; readonly drills: DrillTools }> | undefined;
  const open = async () => {
    const found = target(configuration);
    const { values } = configuration;
    const { allowOverride = [], protect = [], planTtl, probeDeployment = "gpt-4o", readOnly } = values;
    const [{ gateway, store, prober, fault, tryJournal }, { openChanges }, { machineProcesses }] = await Promise.all([
      found.kind === "sandbox" ? openSandbox(sandbox) : openAzure(found, values, environment),
      import("./change/changes.ts"),
      import("./processes.ts"),
    ]);
    const plans = { allowOverride, protect, ...(planTtl === undefined ? {} : { planTtlMs: planTtl }) };
    const changes = openChanges({
      gateway,
      store,
      caller,
      now,
      grammar: loadGrammar,
      wait,
      prober,
      ...(hear === undefined ? {} : { background: hear }),
      processes: machineProcesses(),
      ...plans,
    });
    // Nobody waits for what earlier processes have left; where it fails it stays to be seen in get_drill.
    if (resumes && readOnly === false) void changes.resumeDrills().catch(() => undefined);
    return { gateway, tryJournal, changes, drills: { probes: prober !== null, deployment: probeDeployment, fault } };
  };
  return {
    caller,
    lookedAfter: async () => (opened === undefined ? [] : (await opened).changes.lookedAfter),
    async tryJournal() {
      opened ??= open();
      await (await opened).tryJournal();
    },
    async contexts({ signal, trail }) {
      // Every request under way listens to the call's signal and stops with its answer: that many side by side are no leak.
      setMaxListeners(0, signal);
      opened ??= open();
      const { gateway, changes, drills } = await opened;
      const reader = gateway.reader(signal);
      const read = {
        service: gateway.name,
        gateway: reader,
        metrics: gateway.metrics(signal),
        logs: gateway.logs(signal),
        azure: gateway.azure(signal),
        models: gateway.models(signal),
        changes: changes.log,
        drills: changes.drills,
        now,
        grammar: loadGrammar,
        prices: configuration.values.prices ?? null,
      };
      return {
        read,
        plan: { ...read, planner: changes.planner(reader, trail), drillTools: drills },
        write: { ...read, applier: changes.applier(signal, trail), stopper: changes.drillStopper(trail) },
      };
    },
  };
}

/** The embedded sandbox: the real adapter on an `HttpClient` that ends in this process. Plans and journal end with it too. */
async function openSandbox(sandbox: () => Promise<Sandbox>): Promise<Opened> {
  const [
    { fetch, token, keys, gateway: dataPlane },
    { openGateway },
    { sandboxService },
    { memoryStore },
    { openProber },
    { faultOriginUrl },
  ] = await Promise.all([
    sandbox(),
    import("./azure/gateway.ts"),
    import("./sandbox/service.ts"),
    import("./change/memory-store.ts"),
    import("./azure/prober.ts"),
    import("./sandbox/models/fault-origin.ts"),
  ]);
  return {
    gateway: openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch }),
    store: memoryStore(),
    prober: openProber({
      origin: async () => "https://gateway.sandbox.example",
      key: keys().master ?? "",
      fetch: async (request) => (await dataPlane()).fetch(request),
    }),
    fault: { url: faultOriginUrl, own: true },
    tryJournal: async () => {},
  };
}

async function openAzure(service: AzureTarget, values: Configuration["values"], environment: Environment): Promise<Opened> {
  const [{ openGateway }, { directoryStore, tryDirectory }, { fingerprintKey }, { defaultStateDirectory }, { openProber }] =
    await Promise.all([
      import("./azure/gateway.ts"),
      import("./change/directory-store.ts"),
      import("./change/fingerprint-key.ts"),
      import("./change/state-directory.ts"),
      import("./azure/prober.ts"),
    ]);
  const { state, gatewayEndpoint, probeKey, faultUrl } = values;
  const directory = state === undefined ? defaultStateDirectory(environment, process.platform) : resolve(state);
  const store = directoryStore(directory);
  const gateway = openGateway({ ...service, fingerprintKey: fingerprintKey(store) });
  const origin = async () => gatewayEndpoint ?? (await gateway.reader(new AbortController().signal).service()).gatewayUrl;
  return {
    gateway,
    store,
    prober: probeKey === undefined ? null : openProber({ origin, key: probeKey }),
    fault: faultUrl === undefined ? null : { url: faultUrl, own: false },
    tryJournal: () => tryDirectory(directory),
  };
}

/** Who calls where there is no login of its own: the user that the process runs as. */
function localCaller(): string {
  try {
    return `local:${userInfo().username}`;
  } catch {
    // A container's user may have a number and no name.
    return `local:${process.getuid?.() ?? "unknown"}`;
  }
}
