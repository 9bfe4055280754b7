import * as z from "zod";
import { isObject, type JsonObject } from "../../gateway/documents.ts";
import type { DrillPlan, DrillWindow } from "../../gateway/drill.ts";
import type { ProbeSeen } from "../../pool/drill/facts.ts";
import { withWindow } from "../../pool/drill/window.ts";
import { damagedRecord, type JournalStore } from "../journal-store.ts";

const instant = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "is no time");
const owner = z.object({ host: z.string(), pid: z.int(), started: z.string().nullable(), instance: z.string() }).readonly();

/** A drill as a stored plan has it. */
export const drillPlan = z
  .object({
    mode: z.enum(["evacuate", "rehearse"]),
    apiId: z.string(),
    backendId: z.string(),
    poolId: z.string(),
    durationMs: z.number(),
    subscriptions: z.array(z.string()).readonly().nullable(),
    members: z
      .array(z.object({ backendId: z.string(), host: z.string().nullable(), words: z.array(z.string()).readonly() }).readonly())
      .readonly(),
    probe: z.object({ method: z.string(), path: z.string(), body: z.string().nullable() }).readonly().nullable(),
    everyone: z.boolean(),
    breaker: z
      .object({
        failures: z.number().nullable(),
        percent: z.number().nullable(),
        intervalMs: z.number().nullable(),
        tripMs: z.number().nullable(),
      })
      .readonly()
      .nullable(),
    share: z.number(),
    faultOrigin: z
      .object({ origin: z.string(), own: z.boolean(), credentials: z.array(z.string()).readonly() })
      .readonly()
      .nullable(),
  })
  .readonly() satisfies z.ZodType<DrillPlan>;

/** When a drill acts on the gateway: settled once, before its first write. */
export const drillWindow = z.object({ from: instant, until: instant }).readonly() satisfies z.ZodType<DrillWindow>;

export const windowKey = (changeId: string): string => `${changeId}/drill-window`;

/** Text of a document with the times of the drill filled in. */
export function withTimes(properties: JsonObject | null, window: DrillWindow): JsonObject | null {
  if (properties === null || !isObject(properties) || typeof properties.value !== "string") return properties;
  return { ...properties, value: withWindow(properties.value, window) };
}

const seen = z
  .object({
    time: instant,
    kind: z.enum(["usual", "all_failing"]),
    status: z.number().nullable(),
    region: z.string().nullable(),
    reason: z.string().exactOptional(),
    tries: z.string().exactOptional(),
  })
  .readonly() satisfies z.ZodType<ProbeSeen>;

const runner = z.object({ time: instant, owner }).readonly();
const ended = z.object({ time: instant, stopped: z.boolean() }).readonly();
const cleaned = z.object({ time: instant }).readonly();

type DrillOwner = z.output<typeof owner>;
type DrillRunner = z.output<typeof runner>;
type DrillEnd = z.output<typeof ended>;

/** What is on record of the course of a drill. */
export interface Course {
  /** Those that have looked after it, one after the other. */
  readonly runners: readonly DrillRunner[];
  readonly probes: readonly ProbeSeen[];
  /** When it was over for the gateway, at the latest; null before. */
  readonly ended: DrillEnd | null;
  /** When nothing of it was left; null before. */
  readonly cleaned: string | null;
}

/**
 * The course of drills, as records in the journal's store beside those of their changes: each is written once, so that any process can tell
 * it, and two processes never both take a drill over.
 */
export interface DrillRecords {
  course(changeId: string): Promise<Course>;
  isEnded(changeId: string): Promise<boolean>;
  /** False where another has become the next runner. */
  takeOver(changeId: string, runners: number, by: DrillOwner): Promise<boolean>;
  saw(changeId: string, runner: number, probe: number, seen: ProbeSeen): Promise<void>;
  /** `at`: from when on it may no longer have acted. False where it has been recorded before. */
  ended(changeId: string, stopped: boolean, at: Date): Promise<boolean>;
  cleaned(changeId: string): Promise<void>;
}

/** More runners, or probes of one, than any drill has. */
const most = 10_000;

export function drillRecords(store: JournalStore, now: () => Date): DrillRecords {
  const time = () => now().toISOString();
  const read = async <T extends z.ZodType>(key: string, schema: T): Promise<z.output<T> | null> => {
    const record = await store.read(key);
    if (record === null) return null;
    const parsed = schema.safeParse(record);
    if (parsed.success) return parsed.data;
    throw damagedRecord(store.place(key), parsed.error.issues[0]?.message ?? "it is not as it was written");
  };
  /** The records of a row, which has no gaps. */
  const row = async <T extends z.ZodType>(keyOf: (index: number) => string, schema: T): Promise<readonly z.output<T>[]> => {
    const found: z.output<T>[] = [];
    while (found.length < most) {
      const record = await read(keyOf(found.length), schema);
      if (record === null) break;
      found.push(record);
    }
    return found;
  };
  return {
    async course(changeId) {
      const runners = await row((index) => `${changeId}/drill-runner-${index}`, runner);
      const probes: ProbeSeen[] = [];
      for (const index of runners.keys()) probes.push(...(await row((probe) => probeKey(changeId, index, probe), seen)));
      const [end, clean] = await Promise.all([read(`${changeId}/drill-ended`, ended), read(`${changeId}/drill-cleaned`, cleaned)]);
      return { runners, probes, ended: end, cleaned: clean?.time ?? null };
    },
    isEnded: async (changeId) => (await read(`${changeId}/drill-ended`, ended)) !== null,
    takeOver: (changeId, runners, by) => store.create(`${changeId}/drill-runner-${runners}`, { time: time(), owner: { ...by } }),
    async saw(changeId, index, probe, record) {
      await store.create(probeKey(changeId, index, probe), { ...record });
    },
    ended: (changeId, stopped, at) => store.create(`${changeId}/drill-ended`, { time: at.toISOString(), stopped }),
    async cleaned(changeId) {
      await store.create(`${changeId}/drill-cleaned`, { time: time() });
    },
  };
}

const probeKey = (changeId: string, index: number, probe: number): string => `${changeId}/drill-seen-${index}-${probe}`;
