/** One of the servers that the gateway's bench compares, in a process of its own: says where it listens, and how much memory it holds when it is asked. */
import { Agent, createServer, type IncomingMessage, request as open, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { loadGrammar } from "../../src/grammar.ts";
import { realClock } from "../../src/sandbox/clock.ts";
import { httpServer, listening } from "../../src/sandbox/http.ts";
import { createModelBackend } from "../../src/sandbox/models/backend.ts";
import { deploymentOf } from "../../src/sandbox/models/deployments.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import type { World } from "../../src/sandbox/world.ts";
import type { Mode, Report } from "./gateway-processes.ts";

/** All that the bench calls, without limits: it asks for more than any deployment of Azure's gives. */
const calledDeployments = ["gpt-4o", ...Array.from({ length: 5000 }, (_, index) => `model-${index}`)].map((name) => ({
  ...deploymentOf(name),
  tokensPerMinute: 1e12,
  requestsPerMinute: 1e9,
}));

const [mode, backend = ""] = process.argv.slice(2);

const servers: Readonly<Record<Mode, () => { readonly server: Server; readonly key: string }>> = {
  model() {
    const model = createModelBackend({ host: "127.0.0.1", region: "East US", clock: realClock, deployments: calledDeployments });
    return { server: httpServer((request) => model.fetch(request)), key: "any" };
  },
  proxy: () => ({ server: createServer(forward), key: "any" }),
  gateway: () => gateway((world) => withUrl(world, `${backend}/openai`)),
  sandbox: () => gateway(() => undefined),
};

const agent = new Agent({ keepAlive: true });

/** No more than a proxy must do. */
function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, headers } = incoming;
  const sent = open(backend + incoming.url, { method, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, outgoing, () => undefined);
  });
  sent.on("error", () => outgoing.destroy());
  pipeline(incoming, sent, () => undefined);
}

function gateway(prepare: (world: World) => void): { readonly server: Server; readonly key: string } {
  const sandbox = createSandbox({ grammar: loadGrammar });
  withoutLimits(sandbox.world);
  prepare(sandbox.world);
  return {
    server: httpServer(async (request, peer) => (await sandbox.gateway()).fetch(request, undefined, peer)),
    key: sandbox.keys()["prod-critical"] ?? "",
  };
}

/** The seed's policies with limits that nothing here reaches. */
function withoutLimits(world: World): void {
  const path = "products/aoai/policies/policy";
  const properties = world.get(path)?.properties ?? {};
  const value = String(properties.value).replace(/(calls|tokens-per-minute)="\d+"/g, '$1="2000000000"');
  world.put(path, { ...properties, value });
}

function withUrl(world: World, url: string): void {
  world.put("backends/aoai-eastus", { ...world.get("backends/aoai-eastus")?.properties, url });
}

function tell(report: Report): void {
  process.send?.(report);
}

function memory(): void {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  tell({ heapMegabytes: (heapUsed + external) / 1024 / 1024 });
}

const { server, key } = servers[mode as Mode]();
process.on("message", memory);
process.on("disconnect", () => process.exit());
tell({ url: await listening(server, 0), key });
