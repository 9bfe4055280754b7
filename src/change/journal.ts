import * as z from "zod";
import { type ErrorCode, GatewayError } from "../errors.ts";
import { type DocumentId, documentTitle, type JsonObject } from "../gateway/documents.ts";
import { isSecretMarker, secretsOf } from "../gateway/secrets.ts";
import { windowFrom } from "../pool/drill/window.ts";
import { drillPlan, drillWindow, windowKey, withTimes } from "./drill/records.ts";
import { damagedRecord, type JournalStore, keyPart } from "./journal-store.ts";
import { storedTestPath, testedMembers, testedMembersKey } from "./test-path/records.ts";
import type { ChangeState, TestedMembers } from "./types.ts";

const jsonObject = z.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value));
const stored = z.object({ etag: z.string(), properties: jsonObject }).readonly();

const instant = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "is no time");

const plannedDocument = z
  .object({
    id: z.string(),
    before: stored.nullable(),
    after: jsonObject.nullable(),
  })
  .readonly();

const guardResult = z.object({ name: z.string(), verdict: z.enum(["passed", "blocked", "overridden"]), message: z.string() }).readonly();

const plannedChange = z
  .object({
    changeId: z.string(),
    time: instant,
    expiresAt: instant,
    caller: z.string(),
    resourceId: z.string(),
    service: z.string(),
    tool: z.string(),
    action: z.string(),
    confirm: z.string(),
    summary: z.string(),
    affected: z.array(z.string()).readonly(),
    warnings: z.array(z.string()).readonly().exactOptional(),
    guards: z.array(guardResult).readonly().exactOptional(),
    documents: z.array(plannedDocument).readonly(),
    showEffect: z.string().exactOptional(),
    manualSteps: z.array(z.string()).readonly().exactOptional(),
    drill: drillPlan.exactOptional(),
    // What new members are asked by before the change is written.
    testPath: storedTestPath
      .extend({ documents: z.array(plannedDocument).readonly() })
      .readonly()
      .exactOptional(),
    // Of such a path, as a change of its own: the change that it is for.
    tests: z.object({ changeId: z.string(), durationMs: z.number() }).readonly().exactOptional(),
    // Of a drill or path that has begun. It has a record of its own, and is filled in where a change is read.
    window: drillWindow.exactOptional(),
    undoes: z.string().exactOptional(),
    overridden: z.array(z.string()).readonly().exactOptional(),
    // For guards to judge it again: the teams that its call named; and, where limits were judged, what they say against these and let through.
    teams: z.array(z.string()).readonly().exactOptional(),
    limitObjections: z.array(z.string()).readonly().exactOptional(),
  })
  .readonly();

const failure = z
  .object({
    code: z.custom<ErrorCode>((value) => typeof value === "string"),
    message: z.string(),
    hint: z.string().exactOptional(),
    details: z.array(z.string()).readonly(),
    // Whether nothing of the change stands, as reads have shown.
    clean: z.boolean().exactOptional(),
  })
  .readonly();

const owner = z.object({ host: z.string(), pid: z.int(), started: z.string().nullable(), instance: z.string() }).readonly();

const transition = z
  .object({
    time: instant,
    owner: owner.exactOptional(),
    failure: failure.exactOptional(),
    undoneBy: z.string().exactOptional(),
    resolvedBy: owner.exactOptional(),
  })
  .readonly();
const writtenDocument = z
  .object({ time: instant, id: z.string(), stored: stored.nullable(), refusal: z.string().exactOptional() })
  .readonly();

/** A stored plan: all that applying and undoing it needs. */
export type PlannedChange = z.output<typeof plannedChange>;
export type PlannedDocument = z.output<typeof plannedDocument>;
export type StoredDocument = z.output<typeof stored>;
/** How a change failed, as its call answered and as every later call of it answers. */
export type RecordedFailure = z.output<typeof failure>;
/** Who applies a change; `instance` is random, and tells apart what works in one process. */
export type Owner = z.output<typeof owner>;
/** A process: where it runs, and when it was started, which tells it from a later one with its pid; null where no system tells that. */
export type ProcessId = Omit<Owner, "instance">;
/**
 * Entry into a state: `owner` who has claimed it, `failure` where it went wrong, `undoneBy` the change that undid it,
 * `resolvedBy` the process that found out what had become of it after its owner had ended.
 */
type Transition = z.output<typeof transition>;
type RecordedState = Exclude<ChangeState, "planned" | "expired">;

/** Where a change stands. */
export interface Standing extends Transition {
  readonly state: ChangeState;
}

/** How far the owner of a claimed change has got. */
export interface Progress {
  /** Null where no claim is recorded. */
  readonly owner: Owner | null;
  /** When it last recorded anything, ISO 8601, UTC. */
  readonly time: string;
  /** What the service has stored, by document id; null where it was deleted. */
  readonly written: ReadonlyMap<DocumentId, StoredDocument | null>;
  /** Those of them whose write the service says it had not taken: someone else may have written the very same. */
  readonly refused: ReadonlySet<DocumentId>;
}

/** A change, and where it stands. */
export interface Listed {
  readonly change: PlannedChange;
  readonly standing: Standing;
}

/** Claimed, and come to no end. */
export const isOpen = ({ state }: Pick<Standing, "state">): boolean => state === "claimed" || state === "applying";

/** Whether a change that did not get to its end has left nothing of it, as far as its own process could read. */
export const isTakenBack = ({ state, failure }: Standing): boolean =>
  state === "rolled_back" || (state === "failed" && failure?.clean === true);

/** The latest state first: a change is in the first of them that has a record. */
const statesFromLast: readonly RecordedState[] = ["undone", "rolled_back", "failed", "applied", "applying", "claimed"];

/** How long a plan that nobody has claimed is remembered behind its end, so that it is still told that it has expired. */
const rememberedMs = 24 * 60 * 60 * 1000;

interface JournalOwner {
  readonly caller: string;
  readonly resourceId: string;
}

/** The changes of one caller on one service, as records in a store. */
export interface Journal {
  plan(change: PlannedChange): Promise<void>;
  /** The change with this id; `not_found`, in the same words, where there is none, or it is another caller's or service's. */
  find(changeId: string): Promise<PlannedChange>;
  standing(change: PlannedChange): Promise<Standing>;
  /** False where the plan is claimed already: it is applied once. */
  claim(change: PlannedChange, by: Owner): Promise<boolean>;
  /** The change that has undone this one; null where none has. */
  undoneBy(changeId: string): Promise<string | null>;
  /** Gives a claim back, before the first write and only by who holds it: the plan can be applied again. */
  release(change: PlannedChange): Promise<void>;
  /** Settles the times of a claimed drill or test path, from now on; the change as it is to be written. Any other change stays as it is. */
  begin(change: PlannedChange): Promise<PlannedChange>;
  /** Enters a state; false where the change is in it already. */
  enter(changeId: string, state: RecordedState, more?: Omit<Transition, "time">): Promise<boolean>;
  /**
   * Records what the service stores after the write of one of the change's documents; null where it was deleted. `refusal`
   * is what the service said against the write, although the document is as intended.
   */
  wrote(change: PlannedChange, id: DocumentId, document: StoredDocument | null, refusal?: string): Promise<void>;
  progress(change: PlannedChange): Promise<Progress>;
  /** Records what new members have answered, of the change that they are for or of a path to them. */
  tested(changeId: string, answers: TestedMembers): Promise<void>;
  /** Null where no member was asked, or none has proved to work. */
  answersOf(changeId: string): Promise<TestedMembers | null>;
  /** Tells the owner of a claim, should it yet be alive, that another process finishes the change. */
  takeOver(change: PlannedChange, by: Owner): Promise<void>;
  /** Whether another process has begun to finish the change, or has found out what became of it. */
  isTakenOver(change: PlannedChange): Promise<boolean>;
  /** Newest first; and in words each change of which a record is damaged: those do not count as anybody's. */
  list(): Promise<{ readonly changes: readonly Listed[]; readonly damaged: readonly string[] }>;
  /** Changes that have been claimed and have come to no end, without those that are damaged. */
  open(): Promise<readonly PlannedChange[]>;
  /** Forgets plans, anybody's, that nobody has claimed and whose time has been over for a day. */
  sweep(): Promise<void>;
}

export function openJournal(store: JournalStore, { caller, resourceId }: JournalOwner, now: () => Date): Journal {
  const time = () => now().toISOString();
  const own = (change: PlannedChange) => change.caller === caller && change.resourceId.toLowerCase() === resourceId.toLowerCase();

  /** Null where there is no such record. */
  const read = async <T extends z.ZodType>(key: string, schema: T): Promise<z.output<T> | null> => {
    const record = await store.read(key);
    if (record === null) return null;
    const parsed = schema.safeParse(record);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw damagedRecord(store.place(key), `${issue?.path.join(".")}: ${issue?.message}`);
  };

  const readPlan = async (changeId: string): Promise<PlannedChange | null> => {
    const change = await read(`${changeId}/planned`, plannedChange);
    if (change === null || change.changeId === changeId) return change === null || lastingMs(change) === null ? change : withWindow(change);
    throw damagedRecord(store.place(`${changeId}/planned`), `it is a copy of the plan ${change.changeId}`);
  };

  /** A drill's or path's change with its times, once they are settled: what it writes has them in the place of marks. */
  const withWindow = async (change: PlannedChange): Promise<PlannedChange> => {
    const window = await read(windowKey(change.changeId), drillWindow);
    if (window === null) return change;
    const documents = change.documents.map((document) => ({ ...document, after: withTimes(document.after, window) }));
    return { ...change, documents, window };
  };

  /** The standing by the first of these states that has a record. */
  const latest = async (change: PlannedChange, states: readonly RecordedState[]): Promise<Standing> => {
    for (const state of states) {
      const record = await read(`${change.changeId}/${state}`, transition);
      if (record !== null) return { state, ...record };
    }
    return now() < new Date(change.expiresAt) ? { state: "planned", time: change.time } : { state: "expired", time: change.expiresAt };
  };

  const writtenRecords = async (change: PlannedChange) => {
    const records = await Promise.all(change.documents.map((_, position) => read(writtenKey(change, position), writtenDocument)));
    return records.filter((record) => record !== null);
  };

  /** The states that each change has a record of. */
  const statesByChange = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
    const states = new Map<string, Set<string>>();
    for (const key of await store.list()) {
      const [changeId = "", state = ""] = key.split("/");
      states.set(changeId, (states.get(changeId) ?? new Set()).add(state));
    }
    return states;
  };

  /** Null where it is not the caller's, or no change at all. */
  const listed = async (changeId: string, states: ReadonlySet<string>): Promise<Listed | null> => {
    const change = await readPlan(changeId);
    if (change === null) {
      if (statesFromLast.every((state) => !states.has(state))) return null;
      throw damagedRecord(store.place(`${changeId}/planned`), "it is missing");
    }
    if (!own(change)) return null;
    return {
      change,
      standing: await latest(
        change,
        statesFromLast.filter((state) => states.has(state)),
      ),
    };
  };

  const enter: Journal["enter"] = (changeId, state, more = {}) => store.create(`${changeId}/${state}`, { time: time(), ...more });

  return {
    async plan(change) {
      requireNoSecrets(change);
      if (await store.create(`${change.changeId}/planned`, change)) return;
      throw new GatewayError("internal", `The plan id ${change.changeId} is taken.`, { retryable: true });
    },
    async find(changeId) {
      const change = keyPart.test(changeId) ? await readPlan(changeId) : null;
      if (change !== null && own(change)) return change;
      throw new GatewayError("not_found", `There is no plan or change '${changeId}'.`, {
        hint: "list_changes shows the changes that you can apply or undo; a plan belongs to the caller and the service that it was made for.",
      });
    },
    standing: (change) => latest(change, statesFromLast),
    claim: ({ changeId }, by) => enter(changeId, "claimed", { owner: by }),
    undoneBy: async (changeId) => (await read(`${changeId}/undone`, transition))?.undoneBy ?? null,
    release: ({ changeId }) => store.remove(`${changeId}/claimed`),
    async begin(change) {
      const duration = lastingMs(change);
      if (duration === null) return change;
      await store.create(windowKey(change.changeId), { ...windowFrom(now(), duration) });
      return withWindow(change);
    },
    enter,
    async wrote(change, id, document, refusal) {
      const position = change.documents.findIndex((planned) => planned.id === id);
      const record = document === null ? null : { etag: document.etag, properties: document.properties };
      const said = refusal === undefined ? {} : { refusal };
      await store.create(writtenKey(change, position), { time: time(), id, stored: record, ...said });
    },
    async progress(change) {
      const { changeId } = change;
      const [claimed, applying, written] = await Promise.all([
        read(`${changeId}/claimed`, transition),
        read(`${changeId}/applying`, transition),
        writtenRecords(change),
      ]);
      const times = [claimed, applying, ...written].flatMap((record) => record?.time ?? []);
      return {
        owner: claimed?.owner ?? null,
        time: times.toSorted().at(-1) ?? change.time,
        written: new Map(written.map(({ id, stored: document }) => [id, document])),
        refused: new Set(written.filter(({ refusal }) => refusal !== undefined).map(({ id }) => id)),
      };
    },
    async tested(changeId, { answers, left }) {
      await store.create(testedMembersKey(changeId), { answers: answers.map((answer) => ({ ...answer })), left });
    },
    answersOf: (changeId) => read(testedMembersKey(changeId), testedMembers),
    async takeOver({ changeId }, by) {
      await store.create(takenOverKey(changeId), { time: time(), resolvedBy: by });
    },
    async isTakenOver({ changeId }) {
      const keys = [takenOverKey(changeId), ...statesFromLast.map((state) => `${changeId}/${state}`)];
      const records = await Promise.all(keys.map((key) => read(key, transition)));
      return records.some((record) => record?.resolvedBy !== undefined);
    },
    async list() {
      const changes: Listed[] = [];
      const damaged: string[] = [];
      // One after the other: a journal of years has more files than a process may have open at once.
      for (const [changeId, states] of await statesByChange()) {
        try {
          const found = await listed(changeId, states);
          if (found !== null) changes.push(found);
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          damaged.push(`${changeId}: ${error.message} ${error.hint ?? ""}`.trimEnd());
        }
      }
      return { changes: changes.sort(newestFirst), damaged: damaged.sort() };
    },
    async open() {
      const found: PlannedChange[] = [];
      for (const [changeId, states] of await statesByChange()) {
        const state = statesFromLast.find((candidate) => states.has(candidate));
        if (state === undefined || !isOpen({ state })) continue;
        const change = await readPlan(changeId).catch(() => null);
        if (change !== null && own(change)) found.push(change);
      }
      return found;
    },
    async sweep() {
      for (const [changeId, states] of await statesByChange()) {
        if (states.size > 1 || !states.has("planned")) continue;
        const change = await readPlan(changeId).catch(() => null);
        if (change === null || now().getTime() < Date.parse(change.expiresAt) + rememberedMs) continue;
        await store.remove(`${changeId}/planned`);
      }
    },
  };
}

/** How long what it writes acts on the gateway, in milliseconds; null where it is to stay. */
const lastingMs = ({ drill, tests }: PlannedChange): number | null => drill?.durationMs ?? tests?.durationMs ?? null;

/** The journal never holds a credential: those of the service come as markers, and none is taken from a caller. */
function requireNoSecrets({ documents, testPath }: PlannedChange): void {
  for (const { id, after } of [...(testPath?.documents ?? []), ...documents]) {
    const [clear] = [...secretsOf(id, after ?? {})].filter(([, value]) => !isSecretMarker(value));
    if (clear === undefined) continue;
    throw new GatewayError("unsupported", `${documentTitle(id)}: the secret '${clear[0]}' would be written from here.`, {
      hint: "Set it in Azure; or use a managed identity, which needs none.",
    });
  }
}

/** Documents are numbered, because their ids are paths. */
const writtenKey = ({ changeId }: PlannedChange, position: number): string => `${changeId}/written-${position}`;

const takenOverKey = (changeId: string): string => `${changeId}/taken-over`;

const newestFirst = (a: Listed, b: Listed): number =>
  b.standing.time.localeCompare(a.standing.time) || b.change.changeId.localeCompare(a.change.changeId);
