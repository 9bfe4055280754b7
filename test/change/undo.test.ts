import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import {
  apiPolicy,
  backendProperties,
  east,
  halved,
  limitPolicy,
  openService,
  pool,
  poolProperties,
  productPolicy,
  rewritten,
  type Service,
  secondRegion,
  signingBackend,
  west,
} from "./service.ts";

async function applied(service: Service, proposal: Parameters<Service["plan"]>[0]): Promise<string> {
  return (await service.apply(await service.plan(proposal))).changeId;
}

const stateOf = async (service: Service, changeId: string) =>
  (await service.changes.log.list(100)).changes.find((change) => change.changeId === changeId)?.state;

describe("undo", () => {
  test("is a plan like any other, and gives back every byte", async () => {
    const service = openService();
    const before = service.state();
    const shows = `get_backend_pool {"api_id":"openai"}`;
    const documents = await secondRegion(service);
    const changeId = await applied(service, { documents, action: "add west", summary: "West joins the pool.", after: shows });
    const plan = await service.planUndo(changeId);
    expect(plan).toMatchObject({
      status: "planned",
      confirm: `sandbox: take back ${changeId} (add west)`,
      summary: `Undo of ${changeId}: West joins the pool.`,
      documents: expect.arrayContaining([expect.objectContaining({ id: west, action: "delete" })]),
    });
    expect(await stateOf(service, changeId)).toBe("applied");
    const undo = await service.apply(plan);
    expect(undo.documents).toContainEqual({ id: west, action: "delete" });
    expect(undo.next).toContain(shows);
    expect(service.state()).toEqual(before);
    expect(service.writes().slice(3)).toEqual([`PUT ${pool}`, `PUT ${apiPolicy}`, `DELETE ${west}`]);
    expect(await stateOf(service, changeId)).toBe("undone");
    expect(await stateOf(service, undo.changeId)).toBe("applied");
  });

  test("is refused with a diff where someone has edited since", async () => {
    const service = openService();
    const changeId = await applied(service, { documents: [await halved(service)] });
    service.world.put(productPolicy, { value: limitPolicy(150_000) });
    await expect(service.planUndo(changeId)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("product 'aoai' policy"),
      hint: expect.stringContaining("The details show what the change did and what has been edited since."),
      details: [
        expect.stringMatching(/^--- .* before chg-\w+\n\+\+\+ .* as chg-\w+ wrote it\n[\s\S]*^-.*"200000".*\n\+.*"100000"/m),
        expect.stringMatching(/^--- .* as chg-\w+ wrote it\n\+\+\+ .* now\n[\s\S]*^-.*"100000".*\n\+.*"150000"/m),
      ],
    });
    expect(await stateOf(service, changeId)).toBe("applied");
  });

  test("is refused where someone has edited what was not there before, and deleted what was", async () => {
    const service = openService();
    const changeId = await applied(service, { documents: await secondRegion(service) });
    service.world.put(west, signingBackend("https://other.example"));
    service.world.delete(pool);
    await expect(service.planUndo(changeId)).rejects.toMatchObject({
      message: `Edited since ${changeId} was applied: backend 'pool', backend 'west'. An undo would lose that edit.`,
      details: [
        expect.stringContaining(pool),
        expect.stringContaining("+++ /dev/null"),
        expect.stringContaining("--- /dev/null"),
        expect.stringMatching(/^-.*west\.example.*\n\+.*other\.example/m),
      ],
    });
  });

  test("of a document with a secret puts the live one back, also behind other changes of it", async () => {
    const service = openService();
    const before = service.state();
    const to = async (url: string) => {
      const live = await service.read(east);
      return applied(service, { documents: [{ id: east, before: live, after: { ...live.properties, url } }] });
    };
    const first = await to("https://new.example");
    const second = await to("https://newer.example");
    await service.apply(await service.planUndo(second));
    await service.apply(await service.planUndo(first));
    expect(service.state()).toEqual(before);
  });

  test("of a change whose last write has no record goes by what was planned, and still sees an edit", async () => {
    const store = memoryStore();
    const forgetful: JournalStore = { ...store, create: async (key, document) => /written/.test(key) || store.create(key, document) };
    const service = openService({ changes: { store: forgetful } });
    const before = service.state();
    const changeId = await applied(service, { documents: [await halved(service)] });
    service.world.put(productPolicy, { value: limitPolicy(150_000) });
    await expect(service.planUndo(changeId)).rejects.toMatchObject({ code: "conflict" });
    service.world.put(productPolicy, { format: "rawxml", value: limitPolicy(100_000) });
    await service.apply(await service.planUndo(changeId));
    expect([...service.state().keys()]).toEqual([...before.keys()]);
    expect(String(service.state().get(productPolicy)?.value)).toContain("200000");
  });

  const rotated = { ...backendProperties("https://new.example"), credentials: { header: { "api-key": ["canary-rotated"] } } };

  test("is refused where a secret has been changed since, which it names and does not show", async () => {
    const service = openService();
    const before = await service.read(east);
    const changeId = await applied(service, {
      documents: [{ id: east, before, after: { ...before.properties, url: "https://new.example" } }],
    });
    service.world.put(east, rotated);
    const refused = await service.planUndo(changeId).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("Secrets changed since, which are not shown: backend 'east' credentials.header.api-key.0."),
      details: [expect.stringContaining("new.example"), expect.stringMatching(/^-.*<secret:.*#\w{6}>".*\n\+.*<secret:.*#\w{6}>"/m)],
    });
    expect(JSON.stringify(refused)).not.toContain("canary");
  });

  test("and so is a plan that was made before", async () => {
    const service = openService();
    const before = await service.read(east);
    const plan = await service.plan({ documents: [{ id: east, before, after: { ...before.properties, url: "https://new.example" } }] });
    service.world.put(east, { ...rotated, url: "https://east.example/openai" });
    await expect(service.apply(plan)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("Changed since") });
  });

  test("is refused at planning where its secrets are gone", async () => {
    const service = openService();
    service.world.put(west, rotated);
    const changeId = await applied(service, { documents: [{ id: west, before: await service.read(west), after: null }] });
    await expect(service.planUndo(changeId)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("no longer holds the secrets backend 'west' credentials.header.api-key.0"),
      hint: expect.stringContaining("Set the document up in Azure again"),
    });
  });

  test("shows keys in a policy as marks, the same in both diffs", async () => {
    const service = openService();
    const withKey = (key: string) =>
      limitPolicy(1).replace("<base />", `<base /><set-header name="api-key"><value>${key}</value></set-header>`);
    service.world.put(productPolicy, { format: "rawxml", value: withKey("canary-1") });
    const changeId = await applied(service, {
      documents: [rewritten(await service.read(productPolicy), () => withKey("canary-2"))],
    });
    service.world.put(productPolicy, { format: "rawxml", value: withKey("canary-3") });
    const refused = await service.planUndo(changeId).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      details: [
        expect.stringMatching(/-.*\[redacted:1\][\s\S]*\+.*\[redacted:2\]/),
        expect.stringMatching(/-.*\[redacted:2\][\s\S]*\+.*\[redacted:3\]/),
      ],
    });
    expect(JSON.stringify(refused)).not.toContain("canary");
  });

  test("is refused where someone has edited between planning and applying it", async () => {
    const service = openService();
    const changeId = await applied(service, { documents: [await halved(service)] });
    const plan = await service.planUndo(changeId);
    service.world.put(productPolicy, { value: limitPolicy(150_000) });
    await expect(service.apply(plan)).rejects.toMatchObject({ code: "conflict" });
    expect(String(service.state().get(productPolicy)?.value)).toContain("150000");
  });

  test("a member that someone has added since is an edit too", async () => {
    const service = openService();
    const before = await service.read(east);
    const changeId = await applied(service, {
      documents: [{ id: east, before, after: { ...before.properties, url: "https://new.example" } }],
    });
    service.world.put(east, { ...(service.state().get(east) ?? {}), description: "theirs" });
    await expect(service.planUndo(changeId)).rejects.toMatchObject({
      code: "conflict",
      message: `Edited since ${changeId} was applied: backend 'east'. An undo would lose that edit.`,
    });
  });

  test("leaves alone what someone has put back by hand", async () => {
    const service = openService();
    const first = service.state().get(productPolicy) ?? {};
    const changeId = await applied(service, { documents: [await halved(service)] });
    service.world.put(productPolicy, first);
    expect(await service.planUndo(changeId)).toMatchObject({ status: "unchanged" });
  });

  test("can be undone, and so on", async () => {
    const service = openService();
    const before = service.state();
    const changeId = await applied(service, { documents: await secondRegion(service) });
    const changed = service.state();
    const undo = await service.apply(await service.planUndo(changeId));
    const redo = await service.apply(await service.planUndo(undo.changeId));
    expect(service.state()).toEqual(changed);
    expect(await stateOf(service, undo.changeId)).toBe("undone");
    await service.apply(await service.planUndo(redo.changeId));
    expect(service.state()).toEqual(before);
  });

  test("brings back what was deleted", async () => {
    const service = openService();
    service.world.put(west, backendProperties("https://west.example"));
    const before = service.state();
    const changeId = await applied(service, { documents: [{ id: west, before: await service.read(west), after: null }] });
    expect(service.state().has(west)).toBe(false);
    await service.apply(await service.planUndo(changeId));
    expect(new Map(service.state())).toEqual(new Map(before));
  });

  test("guards only warn: it is where the service has been", async () => {
    const service = openService();
    const before = await service.read(pool);
    const changeId = await applied(service, { documents: [{ id: "backends/second", before: null, after: poolProperties("east") }] });
    const plan = await service.planUndo(changeId);
    expect(plan).toMatchObject({ status: "planned", guards: [], warnings: ["backend 'second' would have no member left."] });
    await service.apply(plan);
    expect(await service.read(pool)).toEqual(before);
  });

  test("only of an applied change; what is undone names its undo", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    await expect(service.planUndo(plan.planId ?? "")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("is planned"),
      hint: "list_changes shows the changes and their states.",
    });
    await service.apply(plan);
    const undo = await service.apply(await service.planUndo(plan.planId ?? ""));
    await expect(service.planUndo(plan.planId ?? "")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("is undone"),
      hint: expect.stringContaining(`{"change_id":"${undo.changeId}"}`),
    });
    await expect(service.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(undo.changeId),
      hint: `To have it again, undo the undo: undo_change {"change_id":"${undo.changeId}"}.`,
    });
  });

  test("of a change that was taken back there is none", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    service.world.faults.add({ method: "PUT", path: apiPolicy, outcome: { kind: "reset_before_apply" } });
    await expect(service.apply(plan)).rejects.toThrow();
    await expect(service.planUndo(plan.planId ?? "")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("rolled_back"),
    });
  });

  test("of everything, last first, is where it began", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }), async (limits) => {
        const service = openService();
        const before = service.state();
        const done: string[] = [];
        for (const limit of limits) {
          const plan = await service.plan({ documents: [await halved(service, limit)] });
          if (plan.status === "planned") done.push((await service.apply(plan)).changeId);
        }
        for (const changeId of done.toReversed()) await service.apply(await service.planUndo(changeId));
        expect(service.state()).toEqual(before);
      }),
      { numRuns: 10 },
    );
  });
});

describe("the log", () => {
  test("lists changes with their states, newest first, and counts what it leaves out", async () => {
    const service = openService();
    const states = [];
    for (const tpm of [90_000, 80_000, 70_000]) {
      states.push(await service.plan({ documents: [await halved(service, tpm)], summary: `${tpm}` }));
      service.pass(60_000);
    }
    const [first, second, third] = states;
    await service.apply(second ?? {});
    expect(await service.changes.log.list(2)).toEqual({
      changes: [
        {
          changeId: second?.planId,
          state: "applied",
          time: "2026-11-20T12:03:00.000Z",
          tool: "update_quota",
          caller: "local:ada",
          summary: "80000",
          documents: [productPolicy],
        },
        expect.objectContaining({ changeId: third?.planId, state: "planned", time: "2026-11-20T12:02:00.000Z" }),
      ],
      leftOut: 1,
    });
    service.pass(30 * 60 * 1000);
    const { changes } = await service.changes.log.list(10);
    expect(changes.map(({ changeId, state, time }) => [changeId, state, time])).toEqual([
      [third?.planId, "expired", "2026-11-20T12:32:00.000Z"],
      [first?.planId, "expired", "2026-11-20T12:30:00.000Z"],
      [second?.planId, "applied", "2026-11-20T12:03:00.000Z"],
    ]);
  });

  test("names the change that an undo takes back", async () => {
    const service = openService();
    const changeId = await applied(service, { documents: [await halved(service)] });
    service.pass(1_000);
    const undo = await service.apply(await service.planUndo(changeId));
    expect((await service.changes.log.list(10)).changes).toEqual(
      expect.arrayContaining([expect.objectContaining({ changeId: undo.changeId, tool: "undo_change", undoes: changeId })]),
    );
  });
});
