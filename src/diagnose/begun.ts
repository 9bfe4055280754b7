import { type Begun, type Changed, canHaveCaused, changed } from "./changes.ts";
import type { Evidence } from "./evidence.ts";
import { isRejected, rejectedAs, rejectionOf } from "./rejection-kinds.ts";
import type { Failure } from "./traffic.ts";

/** A change is worth naming that came so long before the failures began. */
const afterMs = 15 * 60_000;

/** When failures of one kind began. */
interface Began extends Begun {
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** The first of the failures, and the last change before it that can have to do with it; null where there is none. */
export function precededBy(
  all: readonly Changed[],
  failures: readonly Began[],
): { readonly began: Began; readonly change: Changed } | null {
  const [began] = failures.toSorted((a, b) => a.time.localeCompare(b.time));
  if (began === undefined) return null;
  const change = all.findLast(
    ({ time, ...one }) => time <= began.time && Date.parse(began.time) - Date.parse(time) <= afterMs && canHaveCaused(one, began),
  );
  return change === undefined ? null : { began, change };
}

/** The call that takes back the change of ours that failures began after, before what else can be done. */
export function withUndo(evidence: Evidence, failures: readonly Failure[], todo: string): string {
  const begun = failures.map((failure) => ({
    time: failure.first,
    cause: isRejected(failure) ? rejectedAs(rejectionOf(failure, evidence)) : failure.cause,
    api: failure.api,
  }));
  const id = precededBy(changed(evidence), begun)?.change.changeId;
  if (id === undefined || todo.includes(id)) return todo;
  return `Take back what it began after: undo_change {"change_id":"${id}"}. ${todo}`;
}
