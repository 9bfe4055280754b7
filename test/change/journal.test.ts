import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { directoryStore } from "../../src/change/directory-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";
import { openMachine } from "./processes.ts";
import { halved, openService, proposalOf, type Service } from "./service.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

async function freshDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "journal-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const plannedOn = async (service: Service, tpm: number) => (await service.plan({ documents: [await halved(service, tpm)] })).planId ?? "";

describe("a plan's time", () => {
  test.for([
    [undefined, 30 * minute],
    [minute, minute],
    [day, day],
  ] as const)("is as configured (%s), and ends to the millisecond", async ([planTtlMs, lasts]) => {
    const service = openService({ changes: planTtlMs === undefined ? {} : { planTtlMs } });
    const [first, second] = [
      await service.plan({ documents: [await halved(service)] }),
      await service.plan({ documents: [await halved(service, 90_000)] }),
    ];
    expect(Date.parse(first.expiresAt ?? "")).toBe(Date.UTC(2026, 10, 20, 12) + lasts);
    service.pass(lasts - 1);
    await expect(service.apply(first)).resolves.toMatchObject({ status: "applied" });
    service.pass(1);
    await expect(service.apply(second)).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining("expired at 2026-") });
  });

  test("that ends between the reads and the claim is over: nothing is written, and the claim is given back", async () => {
    const store = memoryStore();
    const { create } = store;
    const service = openService({ changes: { store } });
    const plan = await service.plan({ documents: [await halved(service)] });
    store.create = async (key, document) => {
      service.pass(30 * minute);
      return create(key, document);
    };
    await expect(service.apply(plan)).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining("expired") });
    expect(service.writes()).toEqual([]);
    expect(await store.list()).toEqual([`${plan.planId}/planned`]);
  });
});

describe("plans are swept", () => {
  test("a day after their time, whoever plans next; until then it is told that they have expired", async () => {
    const { service, store, start } = openMachine();
    const planId = await plannedIn(start());
    service.pass(30 * minute + day - 1);
    await plannedIn(start());
    await expect(start().apply({ planId, confirm: "sandbox: growth tpm 200000 -> 100000" })).rejects.toMatchObject({
      message: expect.stringContaining("expired"),
    });
    service.pass(1);
    const next = await plannedIn(start());
    expect(await store.list()).not.toContain(`${planId}/planned`);
    expect(await store.list()).toContain(`${next}/planned`);
    await expect(start().apply({ planId, confirm: "" })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("There is no plan"),
    });

    async function plannedIn(process: ReturnType<typeof start>): Promise<string> {
      return (await process.plan(proposalOf({ documents: [await halved(service)] }))).planId ?? "";
    }
  });

  test("by one process at most once an hour", async () => {
    const store = memoryStore();
    const service = openService({ changes: { store, planTtlMs: minute } });
    const first = await plannedOn(service, 90_000);
    service.pass(day + minute - 1);
    await plannedOn(service, 80_000);
    service.pass(1);
    await plannedOn(service, 70_000);
    expect(await store.list()).toContain(`${first}/planned`);
    service.pass(60 * minute);
    await plannedOn(service, 60_000);
    expect(await store.list()).not.toContain(`${first}/planned`);
  });

  test("another caller's too; never what was claimed, applied, or cannot be read", async () => {
    const path = await freshDirectory();
    const store = directoryStore(path);
    const service = openService({ changes: { store } });
    const eve = service.open({ caller: "local:eve" });
    const kept: string[] = [];
    for (const [tpm, fault] of [
      [90_000, false],
      [80_000, true],
    ] as const) {
      const plan = await service.plan({ documents: [await halved(service, tpm)] });
      if (fault) service.world.faults.add({ method: "PUT", outcome: { kind: "reset_before_apply" } });
      await service.apply(plan).catch(() => null);
      kept.push(plan.planId ?? "");
    }
    const undone = await service.apply(await service.planUndo(kept[0] ?? ""));
    const swept = [
      await plannedOn(service, 70_000),
      (
        await eve
          .planner(service.gateway.reader(new AbortController().signal))
          .plan(proposalOf({ documents: [await halved(service, 60_000)] }))
      ).planId ?? "",
    ];
    await mkdir(join(path, "chg-damaged"));
    await writeFile(join(path, "chg-damaged", "planned.json"), "{");
    const before = await store.list();
    service.pass(365 * day);
    const last = await plannedOn(service, 50_000);
    const remaining = before.filter((key) => !swept.some((changeId) => key.startsWith(`${changeId}/`)));
    expect((await store.list()).toSorted()).toEqual([...remaining, `${last}/planned`].toSorted());
    expect((await readdir(path)).sort()).toEqual([...kept, undone.changeId, "chg-damaged", last].sort());
  });

  test("a sweep that fails does not fail the plan", async () => {
    const store = memoryStore();
    const service = openService({ changes: { store } });
    await plannedOn(service, 90_000);
    service.pass(2 * day);
    store.remove = async () => {
      throw new Error("EROFS: read-only file system");
    };
    expect(await plannedOn(service, 80_000)).toMatch(/^chg-/);
  });
});

describe("a damaged record", () => {
  /** A journal on disk with an applied change, a plan, and what a test spoils. */
  async function journalOnDisk() {
    const path = await freshDirectory();
    const service = openService({ changes: { store: directoryStore(path) } });
    const applied = await service.apply(await service.plan({ documents: [await halved(service)] }));
    const plan = await service.plan({ documents: [await halved(service, 90_000)] });
    const file = (changeId: string, state: string) => join(path, changeId, `${state}.json`);
    return { path, service, applied: applied.changeId, plan, planId: plan.planId ?? "", file };
  }
  type OnDisk = Awaited<ReturnType<typeof journalOnDisk>>;

  test.for<[what: string, spoil: (disk: OnDisk) => Promise<unknown>, name: (disk: OnDisk) => string, reason: string]>([
    [
      "a plan that is cut off",
      ({ applied, file }) => writeFile(file(applied, "planned"), "{"),
      ({ applied, file }) => file(applied, "planned"),
      "JSON",
    ],
    [
      "a plan of another program",
      ({ applied, file }) => writeFile(file(applied, "planned"), `{"name": "notes"}`),
      ({ applied, file }) => file(applied, "planned"),
      "changeId",
    ],
    [
      "a state without a time",
      ({ applied, file }) => writeFile(file(applied, "applied"), `{"time": "yesterday"}`),
      ({ applied, file }) => file(applied, "applied"),
      "is no time",
    ],
    [
      "a change without its plan",
      ({ applied, file }) => rm(file(applied, "planned")),
      ({ applied, file }) => file(applied, "planned"),
      "it is missing",
    ],
    [
      "a state that is cut off",
      ({ applied, file }) => writeFile(file(applied, "applied"), ""),
      ({ applied, file }) => file(applied, "applied"),
      "JSON",
    ],
  ])("%s: named with what to do, and every other change goes on", async ([, spoil, name, reason]) => {
    const disk = await journalOnDisk();
    await spoil(disk);
    const { service, applied, plan, planId } = disk;
    const said = expect.stringMatching(
      new RegExp(`^${applied}: The journal's record ${name(disk)} cannot be used: .*${reason}.* Put it back from a copy`),
    );
    expect(await service.changes.log.list(10)).toEqual({
      changes: [expect.objectContaining({ changeId: planId, state: "planned" })],
      leftOut: 0,
      damaged: [said],
    });
    await expect(service.planUndo(applied)).rejects.toThrow();
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
    await service.apply(await service.planUndo(planId));
    expect(service.writes()).toHaveLength(3);
  });

  test("a copy of a plan under another name is not applied in its stead", async () => {
    const { path, service, plan, planId } = await journalOnDisk();
    await service.apply(plan);
    await cp(join(path, planId), join(path, "chg-copy"), { recursive: true });
    for (const state of ["claimed", "applying", "written-0", "applied"]) await rm(join(path, "chg-copy", `${state}.json`));
    await expect(service.apply({ ...plan, planId: "chg-copy" })).rejects.toMatchObject({
      message: expect.stringContaining(`it is a copy of the plan ${planId}`),
    });
    expect(service.writes()).toHaveLength(2);
    expect((await service.changes.log.list(10)).damaged).toEqual([expect.stringContaining("chg-copy: ")]);
  });

  test("what is not the journal's is not even mentioned", async () => {
    const { path, service } = await journalOnDisk();
    await writeFile(join(path, "notes.txt"), "a stray file");
    await mkdir(join(path, "backup"));
    await writeFile(join(path, "backup", "notes.json"), "{");
    expect(await service.changes.log.list(10)).not.toHaveProperty("damaged");
  });

  test("of an interrupted change leaves that change as it is", async () => {
    const path = await freshDirectory();
    const machine = openMachine(directoryStore(path));
    const victim = machine.start();
    const plan = await victim.plan(proposalOf({ documents: [await halved(machine.service)] }));
    const planId = plan.planId ?? "";
    expect(await victim.killedIn({ moment: 5, effect: "after" }, () => victim.apply(plan))).toBe("killed");
    await writeFile(join(path, planId, "claimed.json"), "{");
    const next = machine.start();
    const said = expect.stringContaining(`The journal's record ${join(path, planId, "claimed.json")} cannot be used`);
    expect((await next.changes.log.list(10)).changes).toEqual([
      expect.objectContaining({ changeId: planId, state: "applying", note: said }),
    ]);
    await expect(next.apply(plan)).rejects.toMatchObject({ code: "unavailable", message: said });
    expect((await next.plan(proposalOf({ documents: [await halved(machine.service, 90_000)] }))).warnings).toEqual([said]);
  });
});

describe("through the tools", () => {
  test("list_changes names a damaged change in both of its forms, and lists the others", async () => {
    const path = await freshDirectory();
    const harness = await openHarness({ logs: false, env: { AIGW_STATE: path } });
    await harness.apply(await harness.ask(updateQuota, { subscription_id: "growth", tpm: 120_000 }));
    await mkdir(join(path, "chg-damaged"));
    await writeFile(join(path, "chg-damaged", "planned.json"), "{");
    const { isError, structured, text } = await harness.client.call("list_changes", {});
    expect(isError).toBe(false);
    expect(structured).toMatchObject({ changes: [{ state: "applied" }], damaged: [expect.stringContaining(join(path, "chg-damaged"))] });
    expect(text).toContain(`Damaged: chg-damaged: The journal's record ${join(path, "chg-damaged", "planned.json")} cannot be used`);
  });

  test.skipIf(process.platform !== "linux")(
    "a state directory that cannot be: every plan says so at once, and with what to set",
    async () => {
      const { refuse } = await openHarness({ env: { AIGW_STATE: "/proc/aigw" } });
      const answer = await refuse("update_quota", { subscription_id: "growth", tpm: 120_000 });
      expect(answer).toContain("The journal in /proc/aigw cannot be used: ENOENT");
      expect(answer).toContain("AIGW_STATE");
    },
  );
});
