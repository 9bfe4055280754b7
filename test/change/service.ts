import { openGateway } from "../../src/azure/gateway.ts";
import type { Timing } from "../../src/azure/pipeline.ts";
import { type Changes, type ChangesOptions, openChanges } from "../../src/change/changes.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import { type Document, type JsonObject, policyText, withPolicyText } from "../../src/gateway/documents.ts";
import type { Gateway } from "../../src/gateway/ports.ts";
import type { Proposal, ProposedDocument } from "../../src/gateway/proposal.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import type { World } from "../../src/sandbox/world.ts";

export const productPolicy = "products/aoai/policies/policy";
export const apiPolicy = "apis/openai/policies/policy";
export const east = "backends/east";
export const west = "backends/west";
export const pool = "backends/pool";

/** A service of the sandbox behind the real adapter, and changes on it. */
export interface Service {
  readonly world: World;
  readonly gateway: Gateway;
  readonly changes: Changes;
  /** Moves the clock that plans expire by. */
  pass(milliseconds: number): void;
  /** Other changes on the same service: another caller, another journal, another id. */
  open(options: Partial<ChangesOptions>): Changes;
  read(id: string): Promise<Document>;
  plan(proposal: Partial<Proposal>): ReturnType<ReturnType<Changes["planner"]>["plan"]>;
  planUndo(changeId: string): ReturnType<ReturnType<Changes["planner"]>["planUndo"]>;
  apply(
    plan: { readonly planId?: string; readonly confirm?: string },
    signal?: AbortSignal,
  ): ReturnType<ReturnType<Changes["applier"]>["apply"]>;
  /** Every resource as it is stored, by path: what a test compares. */
  state(): ReadonlyMap<string, JsonObject>;
  /** Writes that the service has seen from here on, as `PUT products/aoai/policies/policy`. */
  writes(): readonly string[];
  /** Called before each request is let through to the service. */
  before: (method: string, path: string) => void;
}

export const never = new AbortController().signal;

export interface ServiceOptions {
  readonly sandbox?: Sandbox;
  readonly timing?: Timing;
  /** Of the changes on it. */
  readonly changes?: Partial<ChangesOptions>;
}

const quick: Timing = { retryDelayMs: 0, requestTimeoutMs: 10_000, wait: async () => {} };

/** Within the process. */
export function openService({ sandbox = createSandbox({ seed: "empty" }), timing = quick, changes }: ServiceOptions = {}): Service {
  const watched = watch(sandbox);
  return serviceOf(watched, openGateway({ ...addressOf(sandbox), fetch: watched.sandbox.fetch }, timing), changes);
}

/** Over HTTP, until it is closed. */
export async function serveService({
  sandbox = createSandbox({ seed: "empty" }),
  timing = quick,
  changes,
}: ServiceOptions = {}): Promise<Service & { close(): Promise<void> }> {
  const watched = watch(sandbox);
  const served = await serveSandbox(watched.sandbox, {});
  const gateway = openGateway({ ...addressOf(sandbox), armEndpoint: served.ready.arm }, timing);
  return Object.assign(serviceOf(watched, gateway, changes), { close: served.close });
}

const addressOf = ({ token }: Sandbox) => ({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token }) as const;

interface Watched {
  readonly sandbox: Sandbox;
  before: Service["before"];
}

function watch(sandbox: Sandbox): Watched {
  const watched: Watched = {
    sandbox: {
      ...sandbox,
      fetch(request) {
        watched.before(request.method, documentOf(new URL(request.url).pathname));
        return sandbox.fetch(request);
      },
    },
    before: () => {},
  };
  return watched;
}

function serviceOf(watched: Watched, gateway: Gateway, options: Partial<ChangesOptions> = {}): Service {
  const { world } = watched.sandbox;
  seed(world);
  let time = Date.UTC(2026, 10, 20, 12);
  const now = () => new Date(time);
  const defaults: ChangesOptions = {
    gateway,
    store: memoryStore(),
    caller: "local:ada",
    now,
    grammar: loadGrammar,
    allowOverride: [],
    ...options,
  };
  const changes = openChanges(defaults);
  return {
    world,
    gateway,
    changes,
    pass(milliseconds) {
      time += milliseconds;
    },
    open: (more) => openChanges({ ...defaults, ...more }),
    async read(id) {
      const document = await gateway.reader(never).document(id);
      if (document === null) throw new Error(`the service has no ${id}`);
      return document;
    },
    plan: (proposal) => changes.planner(gateway.reader(never)).plan(proposalOf(proposal)),
    planUndo: (changeId) => changes.planner(gateway.reader(never)).planUndo(changeId, []),
    apply: ({ planId = "", confirm = "" }, signal = never) => changes.applier(signal).apply(planId, confirm),
    state: () => new Map(world.all().map(({ path, properties }) => [path, properties])),
    writes: () =>
      world.requests
        .filter(({ method }) => method === "PUT" || method === "DELETE")
        .map(({ method, path }) => `${method} ${documentOf(path.replace(/\?.*$/, ""))}`),
    get before() {
      return watched.before;
    },
    set before(hook) {
      watched.before = hook;
    },
  };
}

const documentOf = (path: string): string => path.slice(path.toLowerCase().indexOf("/service/sandbox/") + "/service/sandbox/".length);

export const proposalOf = (proposal: Partial<Proposal>): Proposal => ({
  tool: "update_quota",
  action: "growth tpm 200000 -> 100000",
  summary: "growth gets 100000 tokens per minute.",
  documents: [],
  affected: ["growth"],
  warnings: [],
  override: [],
  ...proposal,
});

export const limitPolicy = (tpm: number): string => `<policies>
    <inbound>
        <base />
        <llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;

export const routePolicy = (backend: string): string =>
  `<policies><inbound><base /><set-backend-service backend-id="${backend}" /></inbound><backend><base /></backend></policies>`;

export const backendProperties = (url: string): JsonObject => ({ url, protocol: "http" });
/** One that signs in by itself, as `east` does: a pool does not come to send calls unsigned. */
export const signingBackend = (url: string): JsonObject => ({
  ...backendProperties(url),
  credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
});
export const poolProperties = (...members: readonly string[]): JsonObject => ({
  type: "Pool",
  pool: { services: members.map((name) => ({ id: `/backends/${name}`, priority: 1, weight: 50 })) },
});

/** Puts what a proposal needs into the world: an API, a product, two policies, a backend in a pool. */
function seed(world: World): void {
  world.put("products/aoai", { displayName: "AOAI", state: "published" });
  world.put("apis/openai", { displayName: "OpenAI", path: "openai", isCurrent: true, subscriptionRequired: true });
  world.put(east, { ...backendProperties("https://east.example/openai"), credentials: { header: { "api-key": ["canary-secret"] } } });
  world.put(pool, poolProperties("east"));
  world.put(productPolicy, { format: "rawxml", value: limitPolicy(200_000) });
  world.put(apiPolicy, { format: "rawxml", value: routePolicy("east") });
}

/** The same policy with another text. */
export const rewritten = (before: Document, text: (now: string) => string): ProposedDocument => ({
  id: before.id,
  before,
  after: withPolicyText(before.properties, text(policyText(before))),
});

/** One team's limit, halved: the smallest change. */
export async function halved(service: Service, tpm = 100_000): Promise<ProposedDocument> {
  return rewritten(await service.read(productPolicy), (text) => text.replace(/tokens-per-minute="\d+"/, `tokens-per-minute="${tpm}"`));
}

/** A second region: a new backend, the pool with it, and the API's route on the pool. Three documents that need one another. */
export async function secondRegion(service: Service): Promise<readonly ProposedDocument[]> {
  return [
    rewritten(await service.read(apiPolicy), (text) => text.replace(`backend-id="east"`, `backend-id="pool"`)),
    { id: pool, before: await service.read(pool), after: poolProperties("east", "west") },
    { id: west, before: null, after: signingBackend("https://west.example/openai") },
  ];
}
