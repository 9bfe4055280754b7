import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Changes } from "./change/changes.ts";
import type { JournalStore } from "./change/journal-store.ts";
import { type Configuration, target } from "./config.ts";
import type { Gateway } from "./gateway/ports.ts";
import type { Contexts } from "./tool.ts";

/** The service that a process works on. */
export interface Runtime {
  /** What one call works with; rejects with `not_configured` where the configuration does not lead to a service. */
  contexts(call: { readonly signal: AbortSignal }): Promise<Contexts>;
}

/** Variables of the process, of which those of the configuration have been read already. */
type Environment = Readonly<Record<string, string | undefined>>;

interface Service {
  readonly gateway: Gateway;
  readonly store: JournalStore;
  readonly now: () => Date;
}

/**
 * Opens the configured service at the first call and keeps it. Until then nothing of Azure, the sandbox or the journal is
 * loaded: a client gets its list of tools without network, credentials or a wait.
 */
export function openRuntime(configuration: Configuration, environment: Environment): Runtime {
  let opened: Promise<Service & { readonly changes: Changes }> | undefined;
  return {
    async contexts({ signal }) {
      opened ??= open(configuration, environment);
      const { gateway, changes, now } = await opened;
      const reader = gateway.reader(signal);
      const read = { service: gateway.name, gateway: reader, metrics: gateway.metrics(signal), changes: changes.log, now };
      return { read, plan: { ...read, planner: changes.planner(reader) }, write: { ...read, applier: changes.applier(signal) } };
    },
  };
}

async function open(configuration: Configuration, environment: Environment): Promise<Service & { readonly changes: Changes }> {
  const found = target(configuration);
  const [service, { openChanges }] = await Promise.all([
    found.kind === "sandbox" ? openSandbox() : openAzure(found, configuration.values.state, environment),
    import("./change/changes.ts"),
  ]);
  return {
    ...service,
    changes: openChanges({ ...service, caller: localCaller(), allowOverride: configuration.values.allowOverride ?? [] }),
  };
}

/** The embedded sandbox: the real adapter on an `HttpClient` that ends in this process; plans and journal end with it too. */
async function openSandbox(): Promise<Service> {
  const [{ openGateway }, { createSandbox, sandboxService }, { memoryStore }] = await Promise.all([
    import("./azure/gateway.ts"),
    import("./sandbox/sandbox.ts"),
    import("./change/memory-store.ts"),
  ]);
  const { world, fetch, token } = createSandbox();
  return {
    gateway: openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch }),
    store: memoryStore(),
    now: world.now,
  };
}

async function openAzure(
  { kind: _, ...options }: Extract<ReturnType<typeof target>, { kind: "azure" }>,
  state: string | undefined,
  environment: Environment,
): Promise<Service> {
  const [{ openGateway }, { directoryStore }, { defaultStateDirectory }] = await Promise.all([
    import("./azure/gateway.ts"),
    import("./change/directory-store.ts"),
    import("./change/state-directory.ts"),
  ]);
  const directory = state === undefined ? defaultStateDirectory(environment, process.platform) : resolve(state);
  return { gateway: openGateway(options), store: directoryStore(directory), now: () => new Date() };
}

/** Who calls where there is no login of its own: the user that runs the process. */
export function localCaller(): string {
  const { username, uid } = userInfo();
  return `local:${username === "" ? uid : username}`;
}
