import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Changes } from "./change/changes.ts";
import type { JournalStore } from "./change/journal-store.ts";
import { type AzureTarget, type Configuration, target } from "./config.ts";
import { embeddedSandbox, type Loopback } from "./embedded-sandbox.ts";
import type { Gateway } from "./gateway/ports.ts";
import { loadGrammar } from "./grammar.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import type { Contexts, Opening } from "./tool.ts";

/** The service that a process works on. */
export interface Runtime {
  /** Whose plans and changes they are. */
  readonly caller: string;
  /** What one call works with; rejects with `not_configured` where the configuration does not lead to a service. */
  contexts(call: Opening): Promise<Contexts>;
}

/** Variables of the process, of which those of the configuration have been read already. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A service, and where the journal of its changes stands. */
interface Opened {
  readonly gateway: Gateway;
  readonly store: JournalStore;
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
): Runtime {
  const caller = localCaller();
  const sandbox = embeddedSandbox(now, configuration.values.sandbox === true ? loopback : undefined);
  let opened: Promise<{ readonly gateway: Gateway; readonly changes: Changes }> | undefined;
  const open = async () => {
    const found = target(configuration);
    const { state, allowOverride = [], protect = [], planTtl } = configuration.values;
    const [{ gateway, store }, { openChanges }, { machineProcesses }] = await Promise.all([
      found.kind === "sandbox" ? openSandbox(sandbox) : openAzure(found, state, environment),
      import("./change/changes.ts"),
      import("./processes.ts"),
    ]);
    const plans = { allowOverride, protect, ...(planTtl === undefined ? {} : { planTtlMs: planTtl }) };
    return { gateway, changes: openChanges({ gateway, store, caller, now, processes: machineProcesses(), ...plans }) };
  };
  return {
    caller,
    async contexts({ signal, trail }) {
      opened ??= open();
      const { gateway, changes } = await opened;
      const reader = gateway.reader(signal);
      const read = {
        service: gateway.name,
        gateway: reader,
        metrics: gateway.metrics(signal),
        logs: gateway.logs(signal),
        changes: changes.log,
        now,
        grammar: loadGrammar,
      };
      return {
        read,
        plan: { ...read, planner: changes.planner(reader, trail) },
        write: { ...read, applier: changes.applier(signal, trail) },
      };
    },
  };
}

/** The embedded sandbox: the real adapter on an `HttpClient` that ends in this process. Plans and journal end with it too. */
async function openSandbox(sandbox: () => Promise<Sandbox>): Promise<Opened> {
  const [{ fetch, token }, { openGateway }, { sandboxService }, { memoryStore }] = await Promise.all([
    sandbox(),
    import("./azure/gateway.ts"),
    import("./sandbox/service.ts"),
    import("./change/memory-store.ts"),
  ]);
  return {
    gateway: openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch }),
    store: memoryStore(),
  };
}

async function openAzure(service: AzureTarget, state: string | undefined, environment: Environment): Promise<Opened> {
  const [{ openGateway }, { directoryStore }, { fingerprintKey }, { defaultStateDirectory }] = await Promise.all([
    import("./azure/gateway.ts"),
    import("./change/directory-store.ts"),
    import("./change/fingerprint-key.ts"),
    import("./change/state-directory.ts"),
  ]);
  const directory = state === undefined ? defaultStateDirectory(environment, process.platform) : resolve(state);
  const store = directoryStore(directory);
  return { gateway: openGateway({ ...service, fingerprintKey: fingerprintKey(store) }), store };
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
