import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { directoryStore } from "../../src/change/directory-store.ts";
import { fingerprintKey } from "../../src/change/fingerprint-key.ts";
import { openJournal } from "../../src/change/journal.ts";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import { GatewayError } from "../../src/errors.ts";

describe("the key of fingerprints", () => {
  test("is one for all processes on a store, also for those that ask first at the same time", async () => {
    const store = memoryStore();
    const keys = await Promise.all([fingerprintKey(store)(), fingerprintKey(store)(), fingerprintKey(store)()]);
    const [first] = keys;
    expect(first).toHaveLength(32);
    for (const key of [...keys, await fingerprintKey(store)()]) expect(key).toEqual(first);
    expect(await fingerprintKey(memoryStore())()).not.toEqual(first);
  });

  test("is nobody's change", async () => {
    const store = memoryStore();
    await fingerprintKey(store)();
    const journal = openJournal(store, { caller: "local:ada", resourceId: "/s" }, () => new Date("2030-01-01T00:00:00Z"));
    await journal.sweep();
    expect(await journal.list()).toEqual({ changes: [], damaged: [] });
    expect(await journal.open()).toEqual([]);
    expect(await store.list()).toEqual(["fingerprints/key"]);
  });

  test("is for its user alone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "aigw-key-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    await fingerprintKey(directoryStore(directory))();
    expect((await stat(join(directory, "fingerprints", "key.json"))).mode & 0o777).toBe(0o600);
  });

  const refused = () => Promise.reject(new GatewayError("internal", "The store cannot be used."));
  const broken: readonly (readonly [string, Partial<JournalStore>])[] = [
    ["cannot be written", { create: refused }],
    ["cannot be read", { read: refused }],
    ["holds something else", { read: async () => ({ base64: "c2hvcnQ=" }), create: async () => false }],
  ];

  test.for(broken)("is the process's own where the store %s: reading goes on", async ([, part]) => {
    const own = fingerprintKey({ ...memoryStore(), ...part });
    const key = await own();
    expect(key).toHaveLength(32);
    expect(await own()).toEqual(key);
  });
});
