import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { directoryStore } from "../../src/change/directory-store.ts";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";

let root: string;
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "journal-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
const freshPath = () => join(root, `state-${made++}`, "below");

const key = fc
  .tuple(fc.constantFrom("chg-a", "chg-b", "chg-c"), fc.constantFrom("planned", "applying", "written-0"))
  .map((parts) => parts.join("/"));
const document = fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.array(fc.boolean())));

describe.each<[string, () => JournalStore]>([
  ["memoryStore", memoryStore],
  ["directoryStore", () => directoryStore(freshPath())],
])("%s", (_, open) => {
  test("keeps the first document of each key, whole", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, document), { maxLength: 12 }), async (writes) => {
        const store = open();
        const first = new Map<string, object>();
        for (const [name, content] of writes) {
          expect(await store.create(name, content)).toBe(!first.has(name));
          if (!first.has(name)) first.set(name, content);
        }
        expect([...(await store.list())].sort()).toEqual([...first.keys()].sort());
        for (const [name, content] of first) expect(await store.read(name)).toEqual(JSON.parse(JSON.stringify(content)));
      }),
      { numRuns: 40 },
    );
  });

  test("knows nothing at first", async () => {
    const store = open();
    expect(await store.read("chg-a/planned")).toBeNull();
    expect(await store.list()).toEqual([]);
  });

  test("gives copies away", async () => {
    const store = open();
    await store.create("chg-a/planned", { list: ["a"] });
    const copy = await store.read("chg-a/planned");
    if (Array.isArray(copy?.list)) copy.list.push("b");
    expect(await store.read("chg-a/planned")).toEqual({ list: ["a"] });
  });

  test.each([
    "chg-a",
    "chg-a/planned/more",
    "../x/planned",
    "chg-a/..",
    "chg a/planned",
    "/planned",
    "chg-a/",
    "CHG/planned",
    `${"x".repeat(65)}/planned`,
  ])("refuses the key '%s'", async (bad) => {
    const store = open();
    await expect(store.create(bad, {})).rejects.toThrow();
    await expect(store.read(bad)).rejects.toThrow();
    expect(await store.list()).toEqual([]);
  });
});

describe("directoryStore with several at once", () => {
  test("20 concurrent creates of one key have exactly one winner, whose document stays", async () => {
    const path = freshPath();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) => directoryStore(path).create("chg-a/applying", { by: number, padding: "x".repeat(10_000) })),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await directoryStore(path).read("chg-a/applying")).toMatchObject({ by: answers.indexOf(true) });
    expect(await readdir(join(path, "chg-a"))).toEqual(["applying.json"]);
  });

  test("processes on one directory: every key is won once, and by the process that says so", async () => {
    const path = freshPath();
    const script = fileURLToPath(new URL("store-process.ts", import.meta.url));
    const names = ["one", "two", "three"];
    const won = await Promise.all(
      names.map(async (name) => {
        const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", script, path, name, "25"]);
        const keys: string[] = JSON.parse(stdout);
        return keys.map((created) => [created, name] as const);
      }),
    );
    const winners = new Map(won.flat());
    expect(won.flat()).toHaveLength(25);
    expect(winners.size).toBe(25);
    const store = directoryStore(path);
    for (const [created, name] of winners) expect(await store.read(created)).toMatchObject({ by: name });
  });
});

describe("directoryStore on disk", () => {
  test("what a killed process has left under a temporary name is no record, and stands in nobody's way", async () => {
    const path = freshPath();
    await mkdir(join(path, "chg-a"), { recursive: true });
    await writeFile(join(path, "chg-a", ".planned.json.4711.00ff"), '{"torn": tr');
    await writeFile(join(path, "notes.txt"), "a stray file");
    const store = directoryStore(path);
    expect(await store.list()).toEqual([]);
    expect(await store.read("chg-a/planned")).toBeNull();
    expect(await store.create("chg-a/planned", { whole: true })).toBe(true);
    expect(await store.list()).toEqual(["chg-a/planned"]);
  });

  test.skipIf(process.platform === "win32")("is for its user alone", async () => {
    const path = freshPath();
    await directoryStore(path).create("chg-a/planned", {});
    const mode = async (...parts: string[]) => (await stat(join(path, ...parts))).mode & 0o777;
    expect(await mode()).toBe(0o700);
    expect(await mode("chg-a")).toBe(0o700);
    expect(await mode("chg-a", "planned.json")).toBe(0o600);
  });

  test("a place that cannot be used is named, with the variable that moves it", async () => {
    const path = freshPath();
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "a file where the directory should be");
    await expect(directoryStore(path).create("chg-a/planned", {})).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining(path),
      hint: expect.stringContaining("AIGW_STATE"),
    });
  });
});
