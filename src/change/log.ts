import { sameName } from "../gateway/model.ts";
import { openRedaction, redactionMarkIn } from "../policy/redaction.ts";
import { actionOf, documentPatch } from "./diff.ts";
import { isOpen, type Listed, type PlannedChange, type Standing } from "./journal.ts";
import { inWords, type Recovery, resolve } from "./recovery.ts";
import type { ChangeFilter, ChangeLog, ChangeRecord, ShownChange } from "./types.ts";

/** The journal as people read it. */
export const changeLog = (recovery: Recovery): ChangeLog => ({
  async list(limit, filter = {}) {
    const { changes, damaged } = await recovery.journal.list();
    // What is not open keeps its state; the others are looked into only where they may be shown.
    const wanted = await inState(
      recovery,
      changes.filter(({ change, standing }) => isWanted(filter, change, standing)),
      filter.state,
    );
    const shown = await Promise.all(wanted.slice(0, limit).map(async (listed) => recordOf(await found(recovery, listed))));
    return {
      changes: shown,
      leftOut: wanted.length - shown.length,
      ...(damaged.length === 0 ? {} : { damaged }),
    };
  },
  async show(changeId) {
    const change = await recovery.journal.find(changeId);
    return shownChange(await found(recovery, { change, standing: await recovery.journal.standing(change) }));
  },
});

function isWanted({ resource, team, since }: ChangeFilter, change: PlannedChange, { time }: Standing): boolean {
  return (
    (since === undefined || Date.parse(time) >= since.getTime()) &&
    (team === undefined || team.some((name) => affects(change, name))) &&
    (resource === undefined || affects(change, resource) || change.documents.some(({ id }) => isPartOf(id, resource)))
  );
}

/** Whom a change affects stands in it as `growth`, `growth (Team Growth)` or `API 'chat'`. */
const affects = ({ affected }: PlannedChange, name: string): boolean =>
  affected.some((title) => {
    const [, id = title, displayName = id] = /^(\S+) \((.*)\)$/.exec(title) ?? [];
    const quoted = /'([^']*)'$/.exec(title)?.[1] ?? title;
    return [title, id, displayName, quoted].some((known) => sameName(known, name));
  });

/** Whether a document has this id, or is that of the API, product, backend, fragment or named value of this name. */
const isPartOf = (id: string, name: string): boolean =>
  sameName(id, name) || id.split("/").some((segment, position) => position % 2 === 1 && segment !== "policy" && sameName(segment, name));

/** A change with where it stands by now. */
interface Found extends Listed {
  /** What an interrupted change has come to, in words. */
  readonly note: string | null;
}

/** A change whose owner has ended half-way is resolved, as far as reading goes. */
async function found(recovery: Recovery, listed: Listed): Promise<Found> {
  if (!isOpen(listed.standing)) return { ...listed, note: pathNote(listed) };
  const { standing, interruption } = await resolve(recovery, listed.change);
  return { change: listed.change, standing, note: interruption === null ? null : inWords(interruption) };
}

/** Of test calls' documents, which nobody undoes: they are taken away. Null of every other change. */
function pathNote({ change, standing }: Listed): string | null {
  if (change.tests === undefined) return null;
  switch (standing.state) {
    case "applied":
      return "What the test calls need still stands: who makes them takes it away at their end, else 'azure-ai-gateway-mcp recover' does.";
    case "undone":
      return "What the test calls needed has been taken away.";
    default:
      return null;
  }
}

async function inState(recovery: Recovery, listed: readonly Listed[], state: ChangeFilter["state"]): Promise<readonly Listed[]> {
  if (state === undefined) return listed;
  const looked = await Promise.all(listed.map((one) => found(recovery, one)));
  return looked.filter(({ standing }) => standing.state === state);
}

function recordOf({ change, standing, note }: Found): ChangeRecord {
  return {
    changeId: change.changeId,
    state: standing.state,
    time: standing.time,
    tool: change.tool,
    caller: change.caller,
    summary: change.summary,
    documents: change.documents.map(({ id }) => id),
    ...(change.undoes === undefined ? {} : { undoes: change.undoes }),
    ...(note === null ? {} : { note }),
  };
}

function shownChange(shown: Found): ShownChange {
  const { change, standing } = shown;
  const { confirm, affected, warnings = [], guards = [], manualSteps = [] } = change;
  const redaction = openRedaction();
  const patch = change.documents.map(({ id, before, after }) => documentPatch(id, before?.properties ?? null, after, redaction)).join("");
  const failure = standing.failure === undefined ? null : inWords(standing.failure);
  return {
    ...recordOf(shown),
    planned: change.time,
    expires: change.expiresAt,
    confirm,
    affected,
    warnings,
    guards,
    manualSteps,
    actions: change.documents.map(({ id, before, after }) => ({ id, action: actionOf(before, after) })),
    ...(failure === null ? {} : { failure }),
    ...(standing.undoneBy === undefined ? {} : { undoneBy: standing.undoneBy }),
    patch,
    hidesKeys: redactionMarkIn(patch) !== null,
  };
}
