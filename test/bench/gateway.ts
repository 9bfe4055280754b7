/**
 * What the sandbox's gateway costs beside its bare backend and a bare proxy, and what it holds after 100,000 requests: prints a table against its
 * bounds; status 1 where one is missed.
 */
import { loadGrammar } from "../../src/grammar.ts";
import { notExecutable } from "../../src/sandbox/gateway/executable.ts";
import { hasFixtures, realPolicies } from "../sandbox/fixtures.ts";
import { type Mode, type Served, serve } from "./gateway-processes.ts";
import { type Load, load, percentile, type Shot } from "./load.ts";
import { median } from "./row.ts";

const rounds = 5;
const [sequential, parallel, connections] = [400, 1500, 16];
const many = 100_000;

/** Generous: they hold on a machine of four cores that does much else. Latencies in milliseconds, memory in MiB, the share in percent. */
const bounds = { addedP50: 6, addedP99: 60, throughputRatio: 0.08, heapGrowth: 20, heap: 300, executable: 90 };

const chat = { messages: [{ role: "user", content: "Say hello" }] };
const path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";

const shotFor = ({ key }: Served, body: object | string = chat, more: Partial<Shot> = {}): Shot => ({
  path,
  headers: { "api-key": key, authorization: "Bearer bench", "content-type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...more,
});

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** All servers in turns, so that whatever else the machine does meets them alike. */
async function measure(servers: ReadonlyMap<Mode, Served>): Promise<ReadonlyMap<Mode, Measured>> {
  const found = new Map<Mode, Measured[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [mode, server] of servers) {
      const alone = successful(await load(server.url, [shotFor(server)], sequential, 1));
      const together = successful(await load(server.url, [shotFor(server)], parallel, connections));
      const measured = { p50: percentile(alone.latencies, 50), p99: percentile(alone.latencies, 99), perSecond: together.perSecond };
      // The first round warms up.
      if (round > 0) found.set(mode, [...(found.get(mode) ?? []), measured]);
    }
  }
  const medianOf = (all: readonly Measured[], of: keyof Measured): number => median(all.map((measured) => measured[of]));
  return new Map(
    [...found].map(([mode, all]) => [
      mode,
      { p50: medianOf(all, "p50"), p99: medianOf(all, "p99"), perSecond: medianOf(all, "perSecond") },
    ]),
  );
}

function successful(loaded: Load): Load {
  if (loaded.statuses.size === 1 && loaded.statuses.has(200)) return loaded;
  throw new Error(`not all answers were 200: ${JSON.stringify([...loaded.statuses])}`);
}

/** Good and bad traffic: of ten requests one is a stream, one a stream that the client leaves, one malformed, one of nobody, one for a new deployment. */
function traffic(server: Served): readonly Shot[] {
  const stream = { ...chat, stream: true };
  return Array.from({ length: 5000 }, (_, index): Shot => {
    switch (index % 10) {
      case 0:
        return shotFor(server, stream);
      case 1:
        return shotFor(server, stream, { leaves: true });
      case 2:
        return shotFor(server, "{");
      case 3:
        return { ...shotFor(server), headers: { "api-key": `nobody-${index}`, "content-type": "application/json" } };
      case 4:
        return shotFor(server, chat, { path: `/openai/deployments/model-${index}/chat/completions` });
      default:
        return shotFor(server);
    }
  });
}

const line = (...cells: readonly (string | number)[]): void => {
  const [first, ...rest] = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 100 ? 2 : 0) : cell));
  process.stdout.write(`${(first ?? "").padEnd(42)}${rest.map((cell) => cell.padStart(12)).join("")}\n`);
};

function check(what: string, value: number, unit: string, bound: { readonly atMost: number } | { readonly atLeast: number }): void {
  const [limit, missed] =
    "atMost" in bound ? [`at most ${bound.atMost}`, value > bound.atMost] : [`at least ${bound.atLeast}`, value < bound.atLeast];
  process.stdout.write(`${what.padEnd(60)}${value.toFixed(2).padStart(9)} ${unit.padEnd(4)} ${limit}${missed ? "   MISSED" : ""}\n`);
  if (missed) process.exitCode = 1;
}

/** How many of the real documents with AI policies the gateway can execute, and what the others hold; nothing where the collection is not on this machine. */
async function executableShare(): Promise<void> {
  if (!hasFixtures) return;
  const csharp = await loadGrammar();
  const documents = realPolicies().filter(([, text]) => /<(?:llm|azure-openai)-/.test(text));
  const found = documents.map(([name, text]) => notExecutable([{ name, text }], csharp)).filter(({ length }) => length > 0);
  const share = (1 - found.length / documents.length) * 100;
  check(`documents with AI policies that can be executed (of ${documents.length})`, share, "%", { atLeast: bounds.executable });
  for (const { document, line: at, what, why } of found.flat()) process.stdout.write(`    ${document}:${at}: ${what} (${why})\n`);
}

await executableShare();
const model = await serve("model");
const [proxy, gateway, sandbox] = await Promise.all([serve("proxy", model.url), serve("gateway", model.url), serve("sandbox")]);
const measured = await measure(
  new Map<Mode, Served>([
    ["model", model],
    ["proxy", proxy],
    ["gateway", gateway],
    ["sandbox", sandbox],
  ]),
);
const nothing: Measured = { p50: Number.NaN, p99: Number.NaN, perSecond: Number.NaN };
const bare = measured.get("model") ?? nothing;
const titles: Readonly<Record<Mode, string>> = {
  model: "bare model backend",
  proxy: "bare proxy before it",
  gateway: "gateway, seed's policies, before it",
  sandbox: "sandbox: gateway and model in one process",
};
line("", "requests/s", "of bare", "p50 ms", "p99 ms", "added p50", "added p99");
for (const [mode, { p50, p99, perSecond }] of measured) {
  line(titles[mode], perSecond, `${((perSecond / bare.perSecond) * 100).toFixed(0)} %`, p50, p99, p50 - bare.p50, p99 - bare.p99);
}
const through = measured.get("gateway") ?? nothing;
const proxied = measured.get("proxy") ?? nothing;
check("gateway: latency added to the bare backend, p50", through.p50 - bare.p50, "ms", { atMost: bounds.addedP50 });
check("gateway: latency added to the bare backend, p99", through.p99 - bare.p99, "ms", { atMost: bounds.addedP99 });
check("gateway: requests/s against the bare proxy", through.perSecond / proxied.perSecond, "x", { atLeast: bounds.throughputRatio });
for (const server of [model, proxy, gateway]) server.close();

const shots = traffic(sandbox);
const heaps: number[] = [];
for (let sent = 0; sent < many; sent += many / 4) {
  await load(sandbox.url, shots, many / 4, connections);
  heaps.push(await sandbox.heapMegabytes());
}
line("memory after 25, 50, 75, 100 thousand requests", ...heaps.map((heap) => `${heap.toFixed(1)} MiB`));
check("memory after 100,000 requests, good and bad", heaps[3] ?? Number.NaN, "MiB", { atMost: bounds.heap });
check("memory added by the last 25,000", (heaps[3] ?? Number.NaN) - (heaps[2] ?? Number.NaN), "MiB", { atMost: bounds.heapGrowth });
successful(await load(sandbox.url, [shotFor(sandbox)], 100, 1));
sandbox.close();
