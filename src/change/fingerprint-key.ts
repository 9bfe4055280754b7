import { randomBytes } from "node:crypto";
import type { JournalStore } from "./journal-store.ts";

const key = "fingerprints/key";
const field = "base64";
const length = 32;

/**
 * What the fingerprints of secrets are keyed with: made once and kept beside the changes whose records hold such fingerprints,
 * so that every process that reads these makes the same ones. Who has it can try short passwords against a fingerprint; he
 * has the user's files by then, and with them what reads the secrets themselves. Where the store cannot keep it, it is a
 * random one of this process: then no plan can be stored either.
 */
export function fingerprintKey(store: JournalStore): () => Promise<Uint8Array> {
  const own = randomBytes(length);
  let kept: Promise<Uint8Array> | undefined;
  const keep = async (): Promise<Uint8Array> => {
    const found = (await stored(store)) ?? ((await store.create(key, { [field]: own.toString("base64") })) ? own : await stored(store));
    return found ?? own;
  };
  return () => {
    kept ??= keep().catch(() => own);
    return kept;
  };
}

/** Null where there is none that can be used. */
async function stored(store: JournalStore): Promise<Uint8Array | null> {
  const record = await store.read(key);
  const text = record?.[field];
  const found = typeof text === "string" ? Buffer.from(text, "base64") : null;
  return found?.length === length ? found : null;
}
