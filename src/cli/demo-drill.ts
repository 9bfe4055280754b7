import * as z from "zod";
import { getDrill } from "../../tools/get-drill.ts";
import { runFailoverDrill } from "../../tools/run-failover-drill.ts";
import { changedSince } from "./demo-documents.ts";
import { applied, ask, expect, showTerms, step, type Tour } from "./demo-tour.ts";
import type { Answered } from "./demo-traffic.ts";

/** What the tour shows of a drill; it has more to say. */
const drill = z.looseObject({
  state: z.string(),
  from: z.string(),
  until: z.string(),
  timeline: z.array(z.object({ time: z.string(), event: z.string() })),
  left_behind: z.array(z.unknown()),
  verdict: z.string().optional(),
  means: z.string().optional(),
  not_shown: z.array(z.string()).optional(),
});

type Drill = z.output<typeof drill>;

const callsPerMinute = 4;
const minuteMs = 60_000;

/** Rehearses the loss of East US on a copy, while production's calls go on: what the test calls met, and that production met nothing. */
export async function rehearse(tour: Tour): Promise<void> {
  const { page, say } = tour;
  step(tour, "5. Would it work? Rehearse: a copy of East US fails, and test calls alone go there");
  const before = await tour.documents();
  const plan = await ask(tour, runFailoverDrill, { api_id: "azure-openai", backend_id: "aoai-eastus", duration: "PT7M" });
  for (const { action, id } of plan.documents) say(`  ${action} ${id}`);
  showTerms(tour, plan);
  const { drillId } = await applied(tour, plan);
  const meanwhile = await untilOver(tour, drillId, before);
  const { from, timeline, verdict, means, not_shown = [], left_behind } = await ended(tour, drillId);
  say(
    page.table(
      ["minute", "what happened"],
      timeline.map(({ time, event }) => [sinceStart(from, time), event]),
    ),
  );
  say(`\n  Verdict: ${page.heading(verdict ?? "none")}. ${means ?? ""}`);
  for (const text of not_shown) say(`  ${page.muted(`Not shown: ${text}`)}`);
  expect(verdict === "failed_over" && left_behind.length === 0, `failed_over with nothing left behind, not ${verdict}: ${means}`);
  const regions = new Set(meanwhile.map(({ status, region }) => region ?? `${status}`));
  expect([...regions].join() === "East US", `production is answered by East US alone, not ${[...regions].join()}`);
  const changed = changedSince(before, await tour.documents());
  expect(changed.length === 0, `production's documents stay: ${changed.join()}`);
  say(
    `\n  Production meanwhile: ${meanwhile.length} calls of prod-critical, all answered by East US. Its ${before.size} documents, read each minute and at the end: unchanged, to the byte. Nothing is left behind.`,
  );
}

/** Production's calls while a drill runs, and its documents: the clock stands at the drill's end then. */
async function untilOver(tour: Tour, drillId: string | undefined, before: ReadonlyMap<string, string>): Promise<readonly Answered[]> {
  const { clock, traffic } = tour;
  const { until } = await shown(tour, drillId);
  const calls: Answered[] = [];
  while (clock.now().getTime() < Date.parse(until)) {
    calls.push(...(await traffic.ask("prod-critical", callsPerMinute)));
    const changed = changedSince(before, await tour.documents());
    expect(changed.length === 0, `production's documents stay while a drill runs: ${changed.join()}`);
    await clock.passTo(new Date(Math.min(Date.parse(until), clock.now().getTime() + minuteMs)));
  }
  return calls;
}

const mostLooks = 500;
const betweenLooksMs = 10;

/** Once its time is over it cleans up. */
async function ended(tour: Tour, drillId: string | undefined): Promise<Drill> {
  for (let look = 0; look < mostLooks; look += 1) {
    tour.clock.wakeDue();
    const found = await shown(tour, drillId);
    if (found.state === "ended") return found;
    await new Promise((done) => setTimeout(done, betweenLooksMs));
  }
  throw new Error("The drill does not come to its end.");
}

const shown = async (tour: Tour, drillId: string | undefined): Promise<Drill> =>
  drill.parse(await ask(tour, getDrill, { drill_id: drillId }));

/** `2:04`: minutes and seconds. */
function sinceStart(from: string, time: string): string {
  const seconds = Math.round((Date.parse(time) - Date.parse(from)) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
