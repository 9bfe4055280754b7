import * as z from "zod";
import { type ErrorCode, GatewayError } from "../errors.ts";
import type { DocumentId, JsonObject } from "../gateway/documents.ts";
import { type JournalStore, keyPart } from "./journal-store.ts";
import type { ChangeRecord, ChangeState } from "./types.ts";

const jsonObject = z.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value));
const stored = z.object({ etag: z.string(), properties: jsonObject }).readonly();

const plannedDocument = z
  .object({
    id: z.string(),
    before: stored.nullable(),
    after: jsonObject.nullable(),
  })
  .readonly();

const plannedChange = z
  .object({
    changeId: z.string(),
    time: z.string(),
    expiresAt: z.string(),
    caller: z.string(),
    resourceId: z.string(),
    service: z.string(),
    tool: z.string(),
    action: z.string(),
    confirm: z.string(),
    summary: z.string(),
    affected: z.array(z.string()).readonly(),
    documents: z.array(plannedDocument).readonly(),
    showEffect: z.string().exactOptional(),
    undoes: z.string().exactOptional(),
  })
  .readonly();

const failure = z
  .object({
    code: z.custom<ErrorCode>((value) => typeof value === "string"),
    message: z.string(),
    hint: z.string().exactOptional(),
    details: z.array(z.string()).readonly(),
  })
  .readonly();

const transition = z.object({ time: z.string(), failure: failure.exactOptional(), undoneBy: z.string().exactOptional() }).readonly();
const writtenDocument = z.object({ time: z.string(), id: z.string(), stored: stored.nullable() }).readonly();

/** A stored plan: all that applying and undoing it needs. */
export type PlannedChange = z.output<typeof plannedChange>;
export type PlannedDocument = z.output<typeof plannedDocument>;
export type StoredDocument = z.output<typeof stored>;
/** How a change failed, as its call answered and as every later call of it answers. */
export type RecordedFailure = z.output<typeof failure>;
/** Entry into a state: `failure` where it went wrong, `undoneBy` the change that undid it. */
export type Transition = z.output<typeof transition>;
type RecordedState = Exclude<ChangeState, "planned" | "expired">;

/** Where a change stands. */
export interface Standing extends Transition {
  readonly state: ChangeState;
}

/** The latest state first: a change is in the first of them that has a record. */
const statesFromLast: readonly RecordedState[] = ["undone", "rolled_back", "failed", "applied", "applying"];

export interface JournalOwner {
  readonly caller: string;
  readonly resourceId: string;
}

/** The changes of one caller on one service, as records in a store. */
export interface Journal {
  plan(change: PlannedChange): Promise<void>;
  /** The change with this id; `not_found`, in the same words, where there is none, or it is another caller's or service's. */
  find(changeId: string): Promise<PlannedChange>;
  standing(change: PlannedChange): Promise<Standing>;
  /** Enters a state; false where the change is in it already, which is how a plan is claimed once. */
  enter(changeId: string, state: RecordedState, more?: Omit<Transition, "time">): Promise<boolean>;
  /** Records what the service stores after the write of one of the change's documents; null where it was deleted. */
  wrote(change: PlannedChange, id: DocumentId, document: StoredDocument | null): Promise<void>;
  /** What `wrote` has recorded, by document id. */
  written(change: PlannedChange): Promise<ReadonlyMap<DocumentId, StoredDocument | null>>;
  /** Newest first. */
  list(): Promise<readonly ChangeRecord[]>;
}

export function openJournal(store: JournalStore, owner: JournalOwner, now: () => Date): Journal {
  const time = () => now().toISOString();
  const own = (change: PlannedChange) =>
    change.caller === owner.caller && change.resourceId.toLowerCase() === owner.resourceId.toLowerCase();

  const readOwn = async (changeId: string): Promise<PlannedChange | null> => {
    if (!keyPart.test(changeId)) return null;
    const record = await store.read(`${changeId}/planned`);
    if (record === null) return null;
    const change = plannedChange.parse(record);
    return own(change) ? change : null;
  };

  const standing = async (change: PlannedChange): Promise<Standing> => {
    for (const state of statesFromLast) {
      const record = await store.read(`${change.changeId}/${state}`);
      if (record !== null) return { state, ...transition.parse(record) };
    }
    return now() < new Date(change.expiresAt) ? { state: "planned", time: change.time } : { state: "expired", time: change.expiresAt };
  };

  return {
    async plan(change) {
      if (await store.create(`${change.changeId}/planned`, change)) return;
      throw new GatewayError("internal", `The plan id ${change.changeId} is taken.`, { retryable: true });
    },
    async find(changeId) {
      const change = await readOwn(changeId);
      if (change !== null) return change;
      throw new GatewayError("not_found", `There is no plan or change '${changeId}'.`, {
        hint: "list_changes shows the changes that you can apply or undo; a plan belongs to the caller and the service that it was made for.",
      });
    },
    standing,
    enter: (changeId, state, more = {}) => store.create(`${changeId}/${state}`, { time: time(), ...more }),
    async wrote(change, id, document) {
      const position = change.documents.findIndex((planned) => planned.id === id);
      const record = document === null ? null : { etag: document.etag, properties: document.properties };
      await store.create(writtenKey(change, position), { time: time(), id, stored: record });
    },
    async written(change) {
      const records = await Promise.all(change.documents.map((_, position) => store.read(writtenKey(change, position))));
      return new Map(
        records
          .filter((record) => record !== null)
          .map((record) => writtenDocument.parse(record))
          .map(({ id, stored: document }) => [id, document]),
      );
    },
    async list() {
      const ids = (await store.list()).flatMap((key) => /^(.*)\/planned$/.exec(key)?.[1] ?? []);
      const records: ChangeRecord[] = [];
      // One after the other: a journal of years has more files than a process may have open at once.
      for (const id of ids) {
        const change = await readOwn(id);
        if (change !== null) records.push(recordOf(change, await standing(change)));
      }
      return records.sort((a, b) => b.time.localeCompare(a.time) || b.changeId.localeCompare(a.changeId));
    },
  };
}

/** Documents are numbered, because their ids are paths. */
const writtenKey = ({ changeId }: PlannedChange, position: number): string => `${changeId}/written-${position}`;

function recordOf(change: PlannedChange, { state, time }: Standing): ChangeRecord {
  return {
    changeId: change.changeId,
    state,
    time,
    tool: change.tool,
    caller: change.caller,
    summary: change.summary,
    documents: change.documents.map(({ id }) => id),
    ...(change.undoes === undefined ? {} : { undoes: change.undoes }),
  };
}
