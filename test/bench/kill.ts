/**
 * Kills the program (SIGKILL) in the middle of applying changes of three documents, at moments spread over the whole of it, and looks
 * at what is left and at what the next process makes of it. Prints a table; status 1 where a change is lost, torn or not resolved.
 * Run by `npm run bench` on a fresh build.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { unheard } from "../../src/change/audited.ts";
import { readConfiguration } from "../../src/config.ts";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { openRuntime } from "../../src/runtime.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { apiPolicy, never, openService, pool, proposalOf, secondRegion, west } from "../change/service.ts";

const wantedKills = 240;
const lanes = 2;
const program = ["--no-warnings", "dist/main.js", "call", "apply_change"];

/** Where a kill aims: at a request that the service gets, at a file of the journal, or at a time since the first request. */
type Aim =
  | { readonly at: "request"; readonly number: number; readonly effect: "lost" | "done" }
  | { readonly at: "record"; readonly state: string }
  | { readonly at: "time"; readonly share: number };

const records = ["claimed", "applying", "written-0", "written-1", "written-2", "applied"];
const random = (below: number): number => Math.floor(Math.random() * below);

function nextAim(requests: number): Aim {
  switch (random(3)) {
    case 0:
      return { at: "request", number: 1 + random(requests), effect: random(2) === 0 ? "lost" : "done" };
    case 1:
      return { at: "record", state: records[random(records.length)] ?? "" };
    default:
      return { at: "time", share: Math.random() };
  }
}

/** What was left of a killed change, and what became of it. */
interface Kill {
  readonly aim: Aim["at"];
  /** The last state that the killed process has recorded. */
  readonly left: string;
  readonly end: string;
  readonly problems: readonly string[];
  /** Whether a process that finished it was killed too. */
  readonly twice: boolean;
}

/** One service, one state directory, and kills one after the other. */
async function lane(kills: number): Promise<readonly Kill[]> {
  const sandbox = createSandbox({ seed: "empty" });
  const service = openService({ sandbox });
  let onRequest: (handle: () => Promise<Response>) => Promise<Response> = (handle) => handle();
  const served = await serveSandbox({ ...sandbox, fetch: (request) => onRequest(() => sandbox.fetch(request)) }, {});
  const state = await mkdtemp(join(tmpdir(), "aigw-kill-"));
  const environment = {
    AIGW_ARM_ENDPOINT: served.ready.arm,
    AIGW_ACCESS_TOKEN: served.ready.token,
    AIGW_SERVICE: served.ready.service,
    AIGW_STATE: state,
  };
  const { read, plan, write } = await openRuntime(readConfiguration({}, environment), environment).contexts(runtimeCall());
  const before = service.state();
  const after = await wholeChange();

  const reset = () => {
    service.world.delete(west);
    for (const path of [pool, apiPolicy]) service.world.put(path, before.get(path) ?? {});
  };
  const newPlan = async () => {
    const { planId = "", confirm = "" } = await plan.planner.plan(proposalOf({ documents: await secondRegion(service) }));
    return { plan_id: planId, confirm };
  };
  const start = (input: object): ChildProcess =>
    spawn(process.execPath, [...program, JSON.stringify(input)], { env: { PATH: process.env.PATH, ...environment }, stdio: "ignore" });

  /** Lets a process apply; null where it came to its end before the kill. */
  const killed = async (input: { readonly plan_id: string }, aim: Aim, duration: number): Promise<true | null> => {
    const child = start(input);
    const gone = once(child, "exit");
    const kill = async () => {
      child.kill("SIGKILL");
      await gone;
    };
    const watcher = watch(join(state, input.plan_id), (_, name) => {
      if (aim.at === "record" && name === `${aim.state}.json`) child.kill("SIGKILL");
    });
    let seen = 0;
    onRequest = async (handle) => {
      seen += 1;
      if (seen === 1 && aim.at === "time") void killAfter(child, aim.share * duration);
      if (aim.at !== "request" || aim.number !== seen) return handle();
      if (aim.effect === "done") await handle();
      await kill();
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    };
    const [, signal] = await gone;
    watcher.close();
    onRequest = (handle) => handle();
    return signal === "SIGKILL" && seen > 0 ? true : null;
  };

  /** The requests and the milliseconds of a change that nobody kills. */
  const measured = async () => {
    const child = start(await newPlan());
    let requests = 0;
    let began = 0;
    let last = 0;
    onRequest = (handle) => {
      requests += 1;
      began ||= performance.now();
      last = performance.now();
      return handle();
    };
    await once(child, "exit");
    reset();
    return { requests, duration: last - began };
  };

  const inspect = async (planId: string): Promise<readonly string[]> => {
    const directory = join(state, planId);
    const changed = !same(service.state(), before);
    const torn = readdirSync(directory).filter((name) => !name.startsWith(".") && !isWhole(join(directory, name)));
    const { changes, damaged = [] } = await read.changes.list(1000);
    return [
      ...(changed && !existsSync(join(directory, "applying.json")) ? ["without a record"] : []),
      ...[...torn, ...damaged].map((name) => `torn: ${name}`),
      ...(changes.some(({ changeId }) => changeId === planId) ? [] : ["not listed"]),
    ];
  };

  const resolved = async ({ plan_id, confirm }: { plan_id: string; confirm: string }): Promise<{ end: string; problems: string[] }> => {
    const answer = await write.applier.apply(plan_id, confirm).then(
      () => "applied",
      (error: unknown) => (error instanceof GatewayError ? error.message : String(error)),
    );
    const end = (await read.changes.list(1000)).changes.find(({ changeId }) => changeId === plan_id)?.state ?? "lost";
    const expected = end === "applied" ? after : before;
    const isResolved = ["applied", "failed", "rolled_back"].includes(end);
    return {
      end,
      problems: [
        ...(isResolved ? [] : [`not resolved: ${end}`]),
        ...(same(service.state(), expected) ? [] : [`${end}, but the documents say otherwise`]),
        ...((answer === "applied") === (end === "applied") ? [] : [`${end}, but answered: ${answer}`]),
      ],
    };
  };

  const done: Kill[] = [];
  const { requests, duration } = await measured();
  while (done.length < kills) {
    const input = await newPlan();
    const aim = nextAim(requests);
    const died = await killed(input, aim, duration);
    const left = lastRecord(join(state, input.plan_id));
    // A process that ended by itself, had not yet claimed the plan, or had recorded its end was not killed in the middle.
    if (died !== null && left !== "planned" && left !== "applied") {
      const problems = [...(await inspect(input.plan_id))];
      const twice = left !== "claimed";
      const again =
        twice && random(2) === 0 ? await killed(input, { at: "request", number: 1 + random(8), effect: "done" }, duration) : null;
      const { end, problems: more } = await resolved(input);
      done.push({ aim: aim.at, left, end, problems: [...problems, ...more], twice: again !== null });
    }
    reset();
  }
  await served.close();
  await rm(state, { recursive: true, force: true });
  return done;
}

const runtimeCall = () => ({ signal: never, trail: unheard });

async function wholeChange(): Promise<ReadonlyMap<string, JsonObject>> {
  const service = openService();
  await service.apply(await service.plan({ documents: await secondRegion(service) }));
  return service.state();
}

/** Timers count whole milliseconds, which is half of such a change. */
async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  const due = performance.now() + milliseconds;
  while (performance.now() < due) await turn();
  child.kill("SIGKILL");
}

function lastRecord(directory: string): string {
  const names = readdirSync(directory);
  const written = names.filter((name) => name.startsWith("written-")).length;
  if (names.includes("applied.json")) return "applied";
  if (written > 0) return `${written} written`;
  return ["applying", "claimed"].find((state) => names.includes(`${state}.json`)) ?? "planned";
}

const same = (a: ReadonlyMap<string, JsonObject>, b: ReadonlyMap<string, JsonObject>): boolean => {
  const text = (map: ReadonlyMap<string, JsonObject>) => JSON.stringify([...map].sort(([one], [other]) => one.localeCompare(other)));
  return text(a) === text(b);
};

function isWhole(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch {
    return false;
  }
}

const ends = ["applied", "failed", "rolled_back"];
const line = (cells: readonly (string | number)[]) =>
  `${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(30) : String(cell).padStart(13))).join("")}\n`;

const kills = (await Promise.all(Array.from({ length: lanes }, () => lane(wantedKills / lanes)))).flat();
const rows: readonly (readonly [what: string, is: (kill: Kill) => boolean])[] = [
  ...(["request", "record", "time"] as const).map((aim) => [`at a ${aim}`, (kill: Kill) => kill.aim === aim] as const),
  ...["claimed", "applying", "1 written", "2 written", "3 written"].map(
    (left) => [`its last record: ${left}`, (kill: Kill) => kill.left === left] as const,
  ),
  ["and who finished it, too", ({ twice }) => twice],
  ["all", () => true],
];
process.stdout.write(line(["killed", "kills", "applied", "not applied", "rolled back"]));
for (const [what, is] of rows) {
  const some = kills.filter(is);
  process.stdout.write(line([what, some.length, ...ends.map((end) => some.filter((kill) => kill.end === end).length)]));
}
const problems = kills.flatMap((kill) => kill.problems);
const bounds: readonly [what: string, is: RegExp][] = [
  ["changes without a record", /^without a record|^not listed/],
  ["torn records", /^torn/],
  ["not resolved, or not as the documents are", /^(?!without a record|not listed|torn)/],
];
for (const [what, is] of bounds) {
  const count = problems.filter((problem) => is.test(problem)).length;
  process.stdout.write(`${what.padEnd(46)}${String(count).padStart(5)}   at most 0${count > 0 ? "   MISSED" : ""}\n`);
}
for (const problem of new Set(problems)) process.stdout.write(`  ${problem}\n`);
// Connections that were cut off in the middle must not hold up the end.
process.exit(problems.length === 0 ? 0 : 1);
