import { sameName } from "../gateway/model.ts";
import type { Activity } from "../gateway/ports.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import type { OwnChange } from "./reads.ts";
import { short } from "./wording.ts";

/** Something that was changed shortly before or in the window. */
export interface Changed {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly what: string;
  /** Paths of the documents that were written, below the service. */
  readonly targets: readonly string[];
  /** Of ours: what planned it. */
  readonly tool?: string | undefined;
  /** Whether it has come to nothing. */
  readonly failed: boolean;
}

/** Between the write of a document and the end of the change that it belongs to. Assumed. */
const apartMs = 120_000;

const made = new Set(["applied", "undone", "rolled_back", "failed", "applying", "claimed"]);

/** Ours and everyone's, oldest first; a write of ours is told once. What could not be read is left out. */
export function changed({ journal, activity, window }: Evidence): readonly Changed[] {
  const own = journal.kind === "read" ? journal.value.filter(({ state, time }) => made.has(state) && new Date(time) <= window.until) : [];
  const others = activity.kind === "read" ? activity.value.filter((write) => !own.some((change) => isPartOf(write, change))) : [];
  return [
    ...own.map(({ time, changeId, state, summary, documents, tool }) => ({
      time,
      ...{ targets: documents, tool, failed: state === "failed" },
      what: `${state === "applied" ? "" : `${state}: `}${short(summary)} (${changeId})`,
    })),
    ...others.map(({ time, caller, operation, target, outcome }) => ({
      time,
      ...{ targets: [target], failed: outcome === "failed" },
      what: `${short(caller, 60)}: ${operation.split("/").at(-1)} ${short(target === "" ? "the service" : target)}${outcome === "succeeded" ? "" : `, ${outcome}`}`,
    })),
  ].toSorted((a, b) => a.time.localeCompare(b.time));
}

const isPartOf = ({ target, time }: Activity, change: OwnChange): boolean =>
  change.documents.some((id) => sameName(id, target)) && Math.abs(Date.parse(change.time) - Date.parse(time)) <= apartMs;

/** Whether it is known who changed what; a change of ours that stands half-way is a problem. */
export const changes = (evidence: Evidence): Finding =>
  knowing({ journal: evidence.journal, activity: evidence.activity }, ({ journal }) => {
    const open = journal.find(({ note }) => note !== undefined);
    if (open === undefined) return ok();
    return problem(
      `Change ${open.changeId} (${short(open.summary)}) was interrupted.`,
      short(open.note ?? "", 240),
      `list_changes {"plan_id":"${open.changeId}"}`,
    );
  });
