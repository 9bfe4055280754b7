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
  /** Of ours: what planned it, and what undoes it. */
  readonly tool?: string | undefined;
  readonly changeId?: string;
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
      ...(state === "applied" ? { changeId } : {}),
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

/** The call that takes back our last change of policies; null where we have made none, and everybody else's are theirs. */
export function undoOfPolicies(evidence: Evidence): string | null {
  const own = changed(evidence).findLast(({ targets, failed }) => !failed && targets.some((target) => policyDocuments.test(target)));
  return own?.changeId === undefined ? null : `undo_change {"change_id":"${own.changeId}"}`;
}

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

/** Failures that began: as `Part` names their cause, and of which API they are. */
export interface Begun {
  readonly cause: string;
  readonly api: string | null;
}

/** Documents that policies are made of: what they do is not told by their names. */
const policyDocuments = /(?:^|\/)policies\/|^policyFragments\/|^namedValues\//i;

/** What a write to each kind of document can bring about, by the cause of the failures. */
const concerns: readonly (readonly [documents: RegExp, causes: RegExp])[] = [
  [/^backends\//i, /^error:(?!client)|^backend:|^gateway:rewritten|^rejected:(?:credential|deployment|request)$/],
  // Limits stand in the policies of products: those cannot make a backend fail.
  [/^products\/[^/]+\/policies\//i, /^gateway:|^error:(?:policy|unclassified|breaker)|^rejected:(?:policy|other|credential)$/],
  [/^products\//i, /^rejected:(?:key|address)$/],
  [/^subscriptions\//i, /^rejected:key$/],
  [/^apis\/[^/]+(?:\/operations\/[^/]+)?$/i, /^rejected:(?:address|key|deployment)$|^error:(?:backend|unreachable)$/],
  [policyDocuments, /^(?!error:client$)(?!rejected:(?:key|address)$)/],
  [/^certificates\//i, /^error:(?:unreachable|policy)|^rejected:credential$/],
  [/^caches\//i, /^error:policy$/],
  // The service itself: its identity, its network.
  [/^$/, /^error:|^rejected:(?:credential|address)$/],
];

/** What a change of limits can bring about, whatever documents it has written. */
const limiting = /^gateway:|^error:policy$/;

/** Whether a change can have brought about failures of this kind. */
export function canHaveCaused({ targets, tool, failed }: Pick<Changed, "targets" | "tool" | "failed">, { cause, api }: Begun): boolean {
  if (failed || (tool === "update_quota" && !limiting.test(cause))) return false;
  return targets.some((target) => {
    const [collection, name] = target.split("/");
    if (collection === "apis" && api !== null && name !== undefined && !sameName(name, api)) return false;
    const [, causes] = concerns.find(([documents]) => documents.test(target)) ?? [];
    return causes?.test(cause) === true;
  });
}
