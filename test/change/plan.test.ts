import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/change/memory-store.ts";
import { confirmLine } from "../../src/change/plan.ts";
import { protecting } from "./guards/judged.ts";
import { east, halved, never, openService, productPolicy, proposalOf, rewritten, secondRegion } from "./service.ts";

const cut = { subscriptionId: "growth", kind: "tpm", before: 200_000, after: 1, intended: true } as const;

describe("plan", () => {
  test("shows the change and how to make it, and writes nothing", async () => {
    const service = openService();
    const before = service.state();
    const plan = await service.plan({ documents: [await halved(service)], warnings: ["Takes effect within seconds."] });
    expect(plan).toMatchObject({
      status: "planned",
      service: "sandbox",
      confirm: "sandbox: growth tpm 200000 -> 100000",
      summary: "growth gets 100000 tokens per minute.",
      affected: ["growth"],
      warnings: ["Takes effect within seconds."],
      expiresAt: "2026-11-20T12:30:00.000Z",
    });
    expect(plan.planId).toMatch(/^chg-[0-9a-v]{16}$/);
    expect(plan.next).toBe(`apply_change {"plan_id":"${plan.planId}","confirm":"sandbox: growth tpm 200000 -> 100000"}`);
    expect(plan.documents).toHaveLength(1);
    expect(plan.documents[0]?.diff).toMatch(/^-.*tokens-per-minute="200000".*\n\+.*tokens-per-minute="100000"/m);
    expect(service.state()).toEqual(before);
    expect(service.writes()).toEqual([]);
  });

  test("is unchanged where every document already is as proposed, however it is laid out", async () => {
    const service = openService();
    const before = await service.read(productPolicy);
    const plan = await service.plan({ documents: [rewritten(before, (text) => text.replace(/\s*\r\n\s*/g, "\n  "))] });
    expect(plan).toMatchObject({ status: "unchanged", documents: [], next: "Nothing to do: the service already is as asked." });
    expect(plan).not.toHaveProperty("planId");
    expect(plan).not.toHaveProperty("confirm");
    expect(await service.changes.log.list(10)).toEqual({ changes: [], leftOut: 0 });
  });

  test("leaves out the documents that already are as proposed", async () => {
    const service = openService();
    const documents = await secondRegion(service);
    const same = await service.read(productPolicy);
    const plan = await service.plan({ documents: [...documents, { id: productPolicy, before: same, after: same.properties }] });
    expect(plan.documents.map(({ id, action }) => [id, action])).toEqual([
      ["apis/openai/policies/policy", "update"],
      ["backends/pool", "update"],
      ["backends/west", "create"],
    ]);
  });

  test("what a guard blocks is not stored, and says what to do", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service, 1)], limits: [cut] });
    expect(plan).toMatchObject({ status: "blocked", next: expect.stringContaining("AIGW_ALLOW_OVERRIDE") });
    expect(plan.guards).toContainEqual({ name: "limit_cut", verdict: "blocked", message: expect.stringContaining("200000 -> 1 ") });
    expect(plan.documents).toHaveLength(1);
    expect(plan).not.toHaveProperty("planId");
    expect(await service.changes.log.list(10)).toEqual({ changes: [], leftOut: 0 });
  });

  test("a key that an error of the policy quotes is not shown", async () => {
    const service = openService();
    const policyErrors = [`line 3: "api-key: 0123456789abcdef0123456789abcdef" is no attribute`];
    const plan = await service.plan({ documents: [await halved(service)], policyErrors });
    expect(plan).toMatchObject({ status: "blocked" });
    expect(JSON.stringify(plan)).toContain("line 3");
    expect(JSON.stringify(plan)).not.toContain("0123456789abcdef");
  });

  test("an override that the operator allows stands in the confirmation", async () => {
    const service = openService();
    const changes = service.open({ allowOverride: ["limit_cut"] });
    const plan = await changes.planner(service.gateway.reader(never)).plan(
      proposalOf({
        action: "growth tpm 200000 -> 1",
        documents: [await halved(service, 1)],
        limits: [cut],
        override: ["limit_cut"],
      }),
    );
    expect(plan).toMatchObject({ status: "planned", confirm: "sandbox: growth tpm 200000 -> 1 [override: limit_cut]" });
    expect(plan.guards).toContainEqual({ name: "limit_cut", verdict: "overridden", message: expect.any(String) });
  });

  test("an undo is not held up by guards but by what is protected, and by what warns of the list itself", async () => {
    const service = openService();
    const store = memoryStore();
    const changes = service.open({ store });
    const plan = await changes.planner(service.gateway.reader(never)).plan(proposalOf({ documents: [await halved(service, 50_000)] }));
    const applied = await changes.applier(never).apply(plan.planId ?? "", plan.confirm ?? "");
    const protectedUndo = (protect: ReturnType<typeof protecting>) =>
      service.open({ store, protect }).planner(service.gateway.reader(never)).planUndo(applied.changeId, ["protected"]);
    expect(await protectedUndo(protecting("product:aoai"))).toMatchObject({
      status: "blocked",
      guards: expect.arrayContaining([{ name: "protected", verdict: "blocked", message: expect.stringContaining("cannot be overridden") }]),
    });
    const misspelt = await protectedUndo(protecting("product:aoia"));
    expect(misspelt).toMatchObject({ status: "planned", warnings: [expect.stringMatching(/^AIGW_PROTECT names product 'aoia'/)] });
  });

  test("reads the service only where a guard has to know it", async () => {
    const service = openService();
    const reads = async (plan: () => Promise<unknown>): Promise<boolean> => {
      const before = service.world.requests.length;
      await plan();
      return service.world.requests.slice(before).some(({ path }) => /\/apis\?/.test(path));
    };
    const limit = [await halved(service)];
    const route = await secondRegion(service);
    expect(await reads(() => service.plan({ documents: limit }))).toBe(false);
    expect(await reads(() => service.plan({ documents: limit, teams: ["growth"] }))).toBe(true);
    expect(await reads(() => service.plan({ documents: route }))).toBe(true);
    const guarded = service.open({ protect: protecting("api:none") }).planner(service.gateway.reader(never));
    expect(await reads(() => guarded.plan(proposalOf({ documents: limit })))).toBe(true);
  });

  test("ids are random, and none is given twice", async () => {
    const service = openService();
    const document = await halved(service);
    const plans = await Promise.all(Array.from({ length: 100 }, () => service.plan({ documents: [document] })));
    const ids = plans.map(({ planId }) => planId ?? "");
    for (const id of ids) expect(id).toMatch(/^chg-[0-9a-v]{16}$/);
    expect(new Set(ids.map((id) => id.slice(4, 8))).size).toBeGreaterThan(90);
    const changes = service.open({ newId: () => "chg-same" });
    const plan = () => changes.planner(service.gateway.reader(never)).plan(proposalOf({ documents: [document] }));
    expect(await plan()).toMatchObject({ planId: "chg-same" });
    await expect(plan()).rejects.toMatchObject({ code: "internal" });
  });
});

describe("confirmLine", () => {
  test.each([
    ["apim-prod", "growth tpm 200000 -> 100000", [], "apim-prod: growth tpm 200000 -> 100000"],
    ["apim-prod", "a\n  b\tc\n", [], "apim-prod: a b c"],
    ["s", "x".repeat(197), [], `s: ${"x".repeat(197)}`],
    ["s", "x".repeat(198), [], `s: ${"x".repeat(194)}...`],
    ["apim-prod", "caf\u00e9 \u202eevil\u202c \u{e0041}", [], "apim-prod: caf? ?evil? ?"],
    ["s", "x".repeat(300), ["limit_cut"], `s: ${"x".repeat(172)}... [override: limit_cut]`],
    ["apim-prod", "x", ["limit_cut", "auth_removed"], "apim-prod: x [override: limit_cut, auth_removed]"],
  ])("%s, %j", (service, action, overrides, line) => {
    expect(confirmLine(service, action, overrides)).toBe(line);
  });

  test("is one line of printable ASCII of at most 200 characters that ends with its overrides, whatever it is made of", () => {
    const names = fc.subarray(["limit_cut", "shared_document", "auth_removed"]);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary", maxLength: 250 }), names, (service, action, overrides) => {
        const line = confirmLine(service, action, overrides);
        expect(line).toMatch(/^[\x20-\x7e]{1,200}$/);
        if (overrides.length > 0) expect(line.endsWith(` [override: ${overrides.join(", ")}]`)).toBe(true);
      }),
    );
  });
});

test("no key in the words of a plan is shown or stored; what it confirms with is what is shown", async () => {
  const store = memoryStore();
  const service = openService({ changes: { store } });
  const words = { action: "set sig=canary-1", summary: "Sets AccountKey=canary-2.", warnings: ["It had password: canary-3."] };
  const plan = await service.plan({ ...words, documents: [await halved(service)] });
  expect(plan).toMatchObject({ confirm: "sandbox: set sig=[redacted]", warnings: ["It had password: [redacted]"] });
  const records = await Promise.all((await store.list()).map((key) => store.read(key)));
  expect(JSON.stringify([plan, records])).not.toContain("canary-");
  expect(await service.apply(plan)).toMatchObject({ status: "applied" });
});

test("a secret is not taken from a caller: nothing is stored that holds one", async () => {
  const store = memoryStore();
  const service = openService({ changes: { store } });
  const before = await service.read(east);
  const after = { ...before.properties, credentials: { header: { "api-key": ["canary-new"] } } };
  await expect(service.plan({ documents: [{ id: east, before, after }] })).rejects.toMatchObject({
    code: "unsupported",
    message: "backend 'east': the secret 'credentials.header.api-key.0' would be written from here.",
  });
  expect(await store.list()).toEqual([]);
});

test("an undo whose limits cannot be compared is planned, and says so", async () => {
  const service = openService();
  const { changeId } = await service.apply(await service.plan({ documents: [await halved(service)] }));
  service.before = (_, path) => {
    if (path.startsWith("subscriptions")) throw new Error("the line is dead");
  };
  const undo = await service.planUndo(changeId);
  expect(undo).toMatchObject({ status: "planned", warnings: [expect.stringMatching(/^What this does to limits cannot be told: /)] });
});
