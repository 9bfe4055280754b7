import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";

/**
 * Small documents under keys `<change>/<state>`, each written once and never changed. Whoever shares a store shares its
 * changes: `create` is what decides between two processes that claim one plan.
 */
export interface JournalStore {
  /** False where the key exists already; then nothing was written. Durable once it has resolved with true. */
  create(key: string, document: JsonObject): Promise<boolean>;
  /** Null where there is no such record; rejects with `damagedRecord` where there is one that cannot be read. */
  read(key: string): Promise<JsonObject | null>;
  /** All keys, in no particular order. A change whose records cannot be listed shows as its `planned` alone, which `read` then rejects. */
  list(): Promise<readonly string[]>;
  /**
   * Removes a record; nothing where there is none. For two things only: a plan whose time is long over and which nobody has
   * claimed, and a process's own claim that it gives back before its first write. What has been written is never removed.
   */
  remove(key: string): Promise<void>;
  /** Where a record stands, for people: a path, a URL. */
  place(key: string): string;
}

/** The names that a key is made of: they become names of directories and files. */
export const keyPart = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A key's change and state; throws on what is no key, so that nothing else ever reaches a file system. */
export function keyParts(key: string): { readonly change: string; readonly state: string } {
  const [change = "", state = "", ...more] = key.split("/");
  if (more.length > 0 || !keyPart.test(change) || !keyPart.test(state)) throw new Error(`not a journal key: ${key}`);
  return { change, state };
}

/** A record that is there and cannot be used: cut off, edited, of another program. Only its own change is affected. */
export const damagedRecord = (place: string, reason: string, cause?: unknown): GatewayError =>
  new GatewayError("internal", `The journal's record ${place} cannot be used: ${reason}.`, {
    hint: "Put it back from a copy, or move this change out of the journal; its documents in Azure are not affected, and it can then not be undone from here.",
    ...(cause === undefined ? {} : { cause }),
  });
