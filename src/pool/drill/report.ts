import { evacuated } from "./evacuated.ts";
import { answeredBy, type DrillFacts, type DrillReport, type TimelineEntry } from "./facts.ts";
import { rehearsed } from "./rehearsed.ts";

/** What came of a drill, from all that is known of it. A verdict other than `inconclusive` rests on what was seen. */
export function drillReport(facts: DrillFacts): DrillReport {
  return { timeline: timelineOf(facts), ...(facts.drill.mode === "evacuate" ? evacuated(facts) : rehearsed(facts)) };
}

function timelineOf({ drill, window, ended, probes }: DrillFacts): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [
    {
      time: window.from,
      event: drill.mode === "evacuate" ? `${drill.backendId} is taken out of the pool` : `a copy of ${drill.backendId} fails`,
    },
  ];
  const runs: { readonly time: string; readonly who: string; count: number }[] = [];
  for (const seen of probes) {
    const who = seen.kind === "usual" ? answeredBy(drill, seen) : `with every member failing, a caller gets ${answeredBy(drill, seen)}`;
    const last = runs.at(-1);
    if (last?.who === who) last.count += 1;
    else runs.push({ time: seen.time, who, count: 1 });
  }
  entries.push(...runs.map(({ time, who, count }) => ({ time, event: `${count} test ${count === 1 ? "call" : "calls"}: ${who}` })));
  if (ended !== null) {
    const early = ended.stopped ? "stopped before its time" : "over by itself on the gateway";
    entries.push({ time: ended.stopped ? ended.time : window.until, event: early });
  }
  return entries.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
}
