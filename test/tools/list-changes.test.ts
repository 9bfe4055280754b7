import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { listChanges } from "../../tools/list-changes.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Harness, openHarness } from "../harness.ts";

const product = "products/aoai/policies/policy";

/** A cut for growth that is applied, one for it that is planned, and a pool of two regions that is planned. */
async function threeChanges() {
  const clock = movableClock(new Date("2026-11-20T12:00:00Z"));
  const harness = await openHarness({ clock, logs: false });
  const cut = await harness.ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
  await harness.apply(cut);
  await clock.advance(60 * 60_000);
  const raise = await harness.ask(updateQuota, { subscription_id: "prod-critical", tpm: 600_000 });
  const backends = [{ backend_id: "aoai-south", url: "https://aoai-south.openai.azure.com/openai", priority: 2 }];
  const pool = await harness.ask(updateBackendPool, { api_id: "azure-openai", backends });
  return { ...harness, cut: cut.plan_id ?? "", raise: raise.plan_id ?? "", pool: pool.plan_id ?? "" };
}

const idsOf = async ({ ask }: Harness, filter: Record<string, unknown>): Promise<ReadonlySet<string>> =>
  new Set((await ask(listChanges, filter)).changes.map(({ change_id }) => change_id));

describe("filters", () => {
  test("each leaves the changes of which all that is given holds", async () => {
    const { cut, raise, pool, ...harness } = await threeChanges();
    const rows: readonly (readonly [Record<string, unknown>, readonly string[]])[] = [
      [{}, [cut, raise, pool]],
      [{ state: "applied" }, [cut]],
      [{ state: "planned" }, [raise, pool]],
      [{ team: "growth" }, [cut]],
      [{ team: "GROWTH" }, [cut]],
      [{ team: "grow" }, []],
      [{ team: "Production Critical" }, [raise]],
      [{ resource: product }, [cut, raise]],
      [{ resource: "aoai" }, [cut, raise]],
      [{ resource: "aoai-pool" }, [pool]],
      [{ resource: "backends/aoai-south" }, [pool]],
      [{ resource: "azure-openai" }, [pool]],
      [{ resource: "prod-critical" }, [raise]],
      [{ resource: "policy" }, []],
      [{ since: "-PT30M" }, [raise, pool]],
      [{ since: "-P1D" }, [cut, raise, pool]],
      [{ since: "2026-11-20T13:30:00+01:00" }, [raise, pool]],
      [{ since: "2027-01-01T00:00:00Z" }, []],
      [{ team: "growth", state: "planned" }, []],
    ];
    for (const [filter, expected] of rows) expect([filter, await idsOf(harness, filter)]).toEqual([filter, new Set(expected)]);
    expect(await harness.ask(listChanges, { state: "planned", limit: 1 })).toMatchObject({ left_out: 1 });
  });

  test("a team is found by its display name also where a change names its id alone", async () => {
    const { sandbox, ask } = await openHarness({ logs: false });
    const { path, properties } = sandbox.world.get("subscriptions/prod-critical") ?? { path: "", properties: {} };
    sandbox.world.put(path, { ...properties, displayName: "Shop" });
    const text = String(sandbox.world.get(product)?.properties.value).replace("500000", "400000");
    const plan = await ask(applyPolicy, { product_id: "aoai", policy_xml: text });
    expect(plan.affected).toContain("prod-critical");
    expect((await ask(listChanges, { team: "shop" })).changes).toHaveLength(1);
    expect((await ask(listChanges, { team: "Labs" })).changes).toHaveLength(0);
  });

  test.for([["yesterday"], ["-P"], ["P1D"], ["2026-11-20T13:30:00"]])("since %s is no time", async ([since]) => {
    const { refuse } = await openHarness({ logs: false });
    expect(await refuse("list_changes", { since })).toContain("'since'");
  });
});

describe("one change, whole", () => {
  test("a plan is shown again as it was, with what has become of it", async () => {
    const { ask, apply } = await openHarness({ logs: false, env: { AIGW_ALLOW_OVERRIDE: "limit_cut" } });
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 10_000, override: ["limit_cut"] });
    const planned = await ask(listChanges, { plan_id: plan.plan_id });
    expect(planned.changes).toMatchObject([{ change_id: plan.plan_id, state: "planned", tool: "update_quota", summary: plan.summary }]);
    expect(planned.whole).toMatchObject({
      confirm: plan.confirm,
      affected: plan.affected,
      warnings: plan.warnings,
      guards: plan.guards,
      expires: plan.expires_at,
      actions: [`update ${product}`],
    });
    for (const line of plan.documents[0]?.diff.split("\n").filter((text) => /^[-+] /.test(text)) ?? [])
      expect(planned.whole?.patch).toContain(line);
    const changeId = await apply(plan);
    const undo = await ask(undoChange, { change_id: changeId });
    const undoId = await apply(undo);
    expect(await ask(listChanges, { plan_id: changeId })).toMatchObject({
      changes: [{ state: "undone" }],
      whole: { undone_by: undoId, confirm: plan.confirm },
    });
    expect(await ask(listChanges, { plan_id: undoId })).toMatchObject({ changes: [{ undoes: changeId, state: "applied" }] });
  });

  test("says why it failed", async () => {
    const { ask, refuse, sandbox } = await openHarness({ logs: false });
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    const body = { error: { code: "ValidationError", message: "No.", details: null } };
    sandbox.world.faults.add({ method: "PUT", path: product, outcome: { kind: "answer", status: 400, body } });
    await refuse("apply_change", { plan_id: plan.plan_id, confirm: plan.confirm });
    const { changes, whole } = await ask(listChanges, { plan_id: plan.plan_id });
    expect(changes[0]?.state).toBe("failed");
    expect(whole?.failure).toContain("No.");
  });

  test("takes no filter beside it, and knows its own ids alone", async () => {
    const { refuse } = await openHarness({ logs: false });
    expect(await refuse("list_changes", { plan_id: "chg-x", team: "growth" })).toContain("no filter");
    expect(await refuse("list_changes", { plan_id: "chg-none" })).toContain("There is no plan or change 'chg-none'");
  });

  test("in text too", async () => {
    const { ask, apply, client } = await openHarness({ logs: false });
    const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 }));
    const { text } = await client.call("list_changes", { plan_id: changeId });
    expect(text).toContain(`diff --git a/${product}.xml b/${product}.xml`);
    expect(text).toContain("Guard limit_cut: passed.");
  });
});

describe("the patch", () => {
  /** The service's documents as files, as they are now. */
  function exported({ sandbox }: Harness): string {
    const directory = mkdtempSync(join(tmpdir(), "aigw-patch-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    for (const { path, properties } of sandbox.world.all()) {
      const file = /polic(?:y|yFragments\/[^/]+)$/.test(path) ? `${path}.xml` : `${path}.json`;
      const text = file.endsWith(".xml") ? String(properties.value).replaceAll("\r\n", "\n") : JSON.stringify(properties, null, 2);
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      writeFileSync(join(directory, file), text.endsWith("\n") ? text : `${text}\n`);
    }
    return directory;
  }

  const patched = (directory: string, program: "git" | "patch", patch: string) =>
    execFileSync(program, program === "git" ? ["apply", "-"] : ["-p1", "-s"], {
      cwd: directory,
      input: patch,
      stdio: ["pipe", "pipe", "pipe"],
    });

  const read = (directory: string, file: string): string => readFileSync(join(directory, file), "utf8");

  test.for(["git", "patch"] as const)("makes of the files before those after, of new ones too: %s", async (program) => {
    const harness = await openHarness({ logs: false });
    const backends = [{ backend_id: "aoai-south", url: "https://aoai-south.openai.azure.com/openai", priority: 2 }];
    const plan = await harness.ask(updateBackendPool, { api_id: "azure-openai", backends });
    const before = exported(harness);
    const { whole } = await harness.ask(listChanges, { plan_id: plan.plan_id });
    await harness.apply(plan);
    patched(before, program, whole?.patch ?? "");
    const after = exported(harness);
    for (const file of ["backends/aoai-south.json", "backends/aoai-pool.json"]) {
      expect(JSON.parse(read(before, file))).toEqual(JSON.parse(read(after, file)));
    }
    const undo = await harness.ask(undoChange, { change_id: plan.plan_id });
    const back = await harness.ask(listChanges, { plan_id: undo.plan_id });
    expect(back.whole?.actions).toContain("delete backends/aoai-south");
    patched(before, program, back.whole?.patch ?? "");
    expect(() => read(before, "backends/aoai-south.json")).toThrow("ENOENT");
  });

  test("of a policy gives what the service then has", async () => {
    const harness = await openHarness({ logs: false });
    const plan = await harness.ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    const before = exported(harness);
    const { whole } = await harness.ask(listChanges, { plan_id: plan.plan_id });
    await harness.apply(plan);
    patched(before, "git", whole?.patch ?? "");
    expect(read(before, `${product}.xml`)).toBe(read(exported(harness), `${product}.xml`));
  });

  test("says where keys keep it from fitting", async () => {
    const { ask, sandbox } = await openHarness({ logs: false });
    const policy = (key: string) =>
      `<policies><inbound><base /><set-header name="api-key" exists-action="override"><value>${key}</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`;
    sandbox.world.put("products/aoai-trial/policies/policy", { format: "rawxml", value: policy("canary-1") });
    const plan = await ask(applyPolicy, { product_id: "aoai-trial", policy_xml: policy("canary-2") });
    const { whole } = await ask(listChanges, { plan_id: plan.plan_id });
    expect(whole?.patch).toMatch(/-.*\[redacted:1\][\s\S]*\+.*\[redacted:2\]/);
    expect(whole?.warnings).toContainEqual(expect.stringContaining("the patch does not apply"));
  });
});
