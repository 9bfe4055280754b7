import type { JsonObject } from "../gateway/documents.ts";

/**
 * Small documents under keys `<change>/<state>`, each written once and never changed. Whoever shares a store shares its
 * changes: `create` is what decides between two processes that claim one plan.
 */
export interface JournalStore {
  /** False where the key exists already; then nothing was written. Durable once it has resolved with true. */
  create(key: string, document: JsonObject): Promise<boolean>;
  read(key: string): Promise<JsonObject | null>;
  /** All keys, in no particular order. */
  list(): Promise<readonly string[]>;
}

/** The names that a key is made of: they become names of directories and files. */
export const keyPart = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A key's change and state; throws on what is no key, so that nothing else ever reaches a file system. */
export function keyParts(key: string): { readonly change: string; readonly state: string } {
  const [change = "", state = "", ...more] = key.split("/");
  if (more.length > 0 || !keyPart.test(change) || !keyPart.test(state)) throw new Error(`not a journal key: ${key}`);
  return { change, state };
}
