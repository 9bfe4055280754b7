import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
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

  test("forgets what is removed, and nothing else", async () => {
    const store = open();
    for (const name of ["chg-a/planned", "chg-a/claimed", "chg-b/planned"]) await store.create(name, { name });
    await store.remove("chg-a/claimed");
    await store.remove("chg-a/claimed");
    await store.remove("chg-c/planned");
    expect([...(await store.list())].sort()).toEqual(["chg-a/planned", "chg-b/planned"]);
    expect(await store.read("chg-a/claimed")).toBeNull();
    await store.remove("chg-a/planned");
    expect(await store.list()).toEqual(["chg-b/planned"]);
    expect(await store.create("chg-a/planned", { again: true })).toBe(true);
    expect(await store.read("chg-a/planned")).toEqual({ again: true });
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
    await expect(store.remove(bad)).rejects.toThrow();
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

  test("a change that is removed leaves nothing, not even what a killed process has left; what is not ours stays", async () => {
    const path = freshPath();
    const store = directoryStore(path);
    for (const change of ["chg-a", "chg-b"]) {
      await store.create(`${change}/planned`, {});
      await writeFile(join(path, change, ".claimed.json.4711.00ff00ff00ff"), '{"torn": tr');
    }
    await writeFile(join(path, "chg-b", "notes.txt"), "a stray file");
    await store.remove("chg-a/planned");
    await store.remove("chg-b/planned");
    expect(await readdir(path)).toEqual(["chg-b"]);
    expect(await readdir(join(path, "chg-b"))).toContain("notes.txt");
  });

  test.for<[what: string, spoil: (file: string) => Promise<unknown>, reason: string]>([
    ["is cut off", (file) => writeFile(file, '{"time": "2026'), "JSON"],
    ["is empty", (file) => writeFile(file, ""), "JSON"],
    ["is a list", (file) => writeFile(file, "[]"), "it is no JSON object"],
    ["is a directory", (file) => rm(file).then(() => mkdir(file)), "EISDIR"],
  ])("a record that %s is damaged, by name; the others are not", async ([, spoil, reason]) => {
    const path = freshPath();
    const store = directoryStore(path);
    for (const name of ["chg-a/planned", "chg-b/planned"]) await store.create(name, { whole: true });
    await spoil(join(path, "chg-a", "planned.json"));
    await expect(store.read("chg-a/planned")).rejects.toMatchObject({
      code: "internal",
      message: expect.stringMatching(
        new RegExp(`^The journal's record ${join(path, "chg-a", "planned.json")} cannot be used: .*${reason}.*\\.$`),
      ),
      hint: expect.stringContaining("move this change out of the journal"),
    });
    expect(await store.read("chg-b/planned")).toEqual({ whole: true });
    expect([...(await store.list())].sort()).toEqual(["chg-a/planned", "chg-b/planned"]);
    expect(await store.create("chg-a/planned", {})).toBe(false);
  });

  test("directories that are none of ours are not listed", async () => {
    const path = freshPath();
    await directoryStore(path).create("chg-a/planned", {});
    await mkdir(join(path, "My Documents"));
    await writeFile(join(path, "My Documents", "planned.json"), "{}");
    expect(await directoryStore(path).list()).toEqual(["chg-a/planned"]);
  });
});

describe.skipIf(process.platform === "win32")("a place that cannot be used is named at once, with the variable that moves it", () => {
  const refused = async (path: string, reason: string) => {
    await expect(directoryStore(path).create("chg-a/planned", {})).rejects.toMatchObject({
      code: "internal",
      message: expect.stringMatching(new RegExp(`^The journal in ${path} cannot be used: .*${reason}`)),
      hint: expect.stringContaining("AIGW_STATE"),
    });
  };

  test("a file in its place, and one above it", async () => {
    const path = freshPath();
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "a file where the directory should be");
    await refused(path, "is not a directory");
    await expect(directoryStore(path).list()).rejects.toMatchObject({ message: expect.stringContaining(path) });
    await refused(join(path, "below"), "ENOTDIR");
  });

  test.skipIf(process.platform !== "linux")("a file system that takes no directories: Node's own recursion would never end", async () => {
    await refused("/proc/aigw", "ENOENT");
    await refused("/proc/aigw/state/below", "ENOENT");
    expect(await directoryStore("/proc/aigw").list()).toEqual([]);
    await refused("/sys/aigw", "E(?:PERM|ROFS|ACCES)");
  });

  test.skipIf(process.getuid?.() === 0)("a directory without the right to write", async () => {
    const path = freshPath();
    await mkdir(path, { recursive: true, mode: 0o500 });
    await refused(path, "EACCES");
  });

  test.for([0o777, 0o770, 0o702])("a directory that others may write to: they could plant a plan (mode %o)", async (mode) => {
    const path = freshPath();
    await directoryStore(path).create("chg-b/planned", {});
    await chmod(path, mode);
    await refused(path, `others may write to it .mode ${mode.toString(8)}.; run: chmod go-w '${path}'`);
    await expect(directoryStore(path).read("chg-b/planned")).rejects.toMatchObject({ message: expect.stringContaining("chmod go-w") });
    await expect(directoryStore(path).list()).rejects.toMatchObject({ message: expect.stringContaining("chmod go-w") });
    await chmod(path, 0o755);
    expect(await directoryStore(path).list()).toEqual(["chg-b/planned"]);
  });

  test("a disk that takes no more: nothing is left of the record, and the next one is whole", async () => {
    const path = freshPath();
    const script = fileURLToPath(new URL("store-process.ts", import.meta.url));
    // The system refuses to let a file grow beyond a block: as on a full disk, a write fails in the middle.
    const limited = ["-c", 'ulimit -f 1; exec "$0" --no-warnings "$@"', process.execPath, script, path, "one", "1"];
    await expect(promisify(execFile)("sh", limited)).rejects.toMatchObject({
      stderr: expect.stringContaining(`The journal in ${path} cannot be used: EFBIG`),
    });
    expect(await readdir(join(path, "chg-0"))).toEqual([]);
    expect(await directoryStore(path).create("chg-0/applying", { whole: true })).toBe(true);
  });
});
