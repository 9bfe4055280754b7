import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { callTool } from "../../src/mcp/call.ts";
import { openSurface } from "../../src/surface.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";
import { openUser } from "./user.ts";

const product = "products/aoai/policies/policy";
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const hash = /^[0-9a-f]{16}$/;
const cut = { subscription_id: "growth", tpm: 100_000 };

/** A line of a call that has neither planned nor written. */
const plain = {
  time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  audit: true,
  client: { name: "chat", version: "2.0" },
  caller: expect.stringMatching(/^local:./),
  service: "sandbox",
  plan_id: null,
  change_id: null,
  undoes: null,
  documents: [],
  guards: [],
  asked: null,
  confirmed_by: null,
  writes: [],
  verdict: "ok",
  duration_ms: expect.any(Number),
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "aigw-audit-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("each call has one line", () => {
  test("a read", async () => {
    const { call, audit } = await openUser({ logs: false });
    await call("list_subscriptions", {});
    expect(audit).toEqual([{ ...plain, tool: "list_subscriptions", effect: "read" }]);
    expect(audit[0]?.duration_ms).toBeGreaterThanOrEqual(0);
  });

  test("a plan, its change and their undo: the hashes meet", async () => {
    const { call, apply, audit } = await openUser({ logs: false });
    const plan = updateQuota.output.parse((await call("update_quota", cut)).structured);
    const changeId = await apply(plan);
    const undo = updateQuota.output.parse((await call("undo_change", { change_id: changeId })).structured);
    const undoId = await apply(undo);
    const [planned, applied, undoPlanned, undone] = audit;
    const document = { id: product, before: expect.stringMatching(hash), after: expect.stringMatching(hash) };
    const guards = expect.arrayContaining([{ name: "limit_cut", verdict: "passed" }]);
    expect(planned).toEqual({ ...plain, tool: "update_quota", effect: "plan", plan_id: changeId, documents: [document], guards });
    const [there, back] = [planned?.documents[0], undoPlanned?.documents[0]];
    expect(there?.before).not.toBe(there?.after);
    expect(back).toEqual({ id: product, before: there?.after, after: there?.before });
    expect(applied).toEqual({
      ...plain,
      client: { name: "azure-ai-gateway-demo", version: "1.0.0" },
      tool: "apply_change",
      effect: "write",
      plan_id: changeId,
      change_id: changeId,
      documents: [there],
      confirmed_by: "apply_change",
      writes: [{ id: product, sent: there?.after, answer: "accepted", correlation_id: expect.stringMatching(guid) }],
    });
    expect(undoPlanned).toMatchObject({ tool: "undo_change", effect: "plan", plan_id: undoId, undoes: changeId });
    expect(undone).toMatchObject({ tool: "apply_change", plan_id: undoId, change_id: undoId, undoes: changeId, documents: [back] });
    expect(audit).toHaveLength(4);
  });

  test.for([
    ["elicitation", {}, "accepted"],
    ["direct", { AIGW_DIRECT: "true" }, null],
  ] as const)("a plan that goes on to its write, confirmed by %s", async ([by, env, asked]) => {
    const { call, audit } = await openUser({ logs: false, env });
    const { plan_id } = updateQuota.output.parse((await call("update_quota", { ...cut, dry_run: false })).structured);
    expect(audit).toHaveLength(1);
    expect(audit[0]).toMatchObject({
      tool: "update_quota",
      effect: "write",
      plan_id,
      change_id: plan_id,
      guards: expect.arrayContaining([{ name: "limit_cut", verdict: "passed" }]),
      asked,
      confirmed_by: by,
      writes: [{ id: product, answer: "accepted" }],
      verdict: "ok",
    });
  });

  test("a plan that the user declines", async () => {
    const { call, audit } = await openUser({ logs: false, answer: () => ({ action: "decline" }) });
    const { plan_id } = updateQuota.output.parse((await call("update_quota", { ...cut, dry_run: false })).structured);
    expect(audit).toMatchObject([
      { effect: "plan", plan_id, change_id: null, asked: "declined", confirmed_by: null, writes: [], verdict: "ok" },
    ]);
  });

  test("a plan that a guard blocks", async () => {
    const { call, audit } = await openUser({ logs: false });
    await call("update_quota", { ...cut, tpm: 1000, dry_run: false });
    expect(audit).toMatchObject([
      {
        effect: "plan",
        plan_id: null,
        documents: [{ id: product }],
        guards: expect.arrayContaining([{ name: "limit_cut", verdict: "blocked" }]),
        asked: null,
        verdict: "blocked",
      },
    ]);
  });

  test("an overridden guard stands in it", async () => {
    const { call, audit } = await openUser({ logs: false, env: { AIGW_ALLOW_OVERRIDE: "limit_cut" } });
    await call("update_quota", { ...cut, tpm: 1000, override: ["limit_cut"] });
    expect(audit[0]).toMatchObject({ guards: expect.arrayContaining([{ name: "limit_cut", verdict: "overridden" }]), verdict: "ok" });
  });

  test("a change that was applied before: no write", async () => {
    const { call, apply, audit } = await openUser({ logs: false });
    const plan = updateQuota.output.parse((await call("update_quota", cut)).structured);
    await apply(plan);
    await apply(plan);
    expect(audit[2]).toMatchObject({
      tool: "apply_change",
      change_id: plan.plan_id,
      documents: [{ id: product }],
      writes: [],
      verdict: "ok",
    });
  });

  test("a write that Azure refuses, and the rollback of the one before it", async () => {
    const { call, sandbox, audit } = await openUser({ logs: false, env: { AIGW_DIRECT: "true" } });
    sandbox.world.faults.add({
      method: "PUT",
      path: "backends/aoai-pool",
      outcome: { kind: "answer", status: 400, body: { error: { code: "ValidationError", message: "canary in a message" } } },
    });
    const backends = [{ backend_id: "aoai-south", url: "https://aoai-south.openai.azure.com/openai", priority: 2 }];
    const { isError, text } = await call("update_backend_pool", { api_id: "azure-openai", backends, dry_run: false });
    expect([isError, text]).toEqual([true, expect.stringContaining("Nothing of this change stands")]);
    expect(audit[0]).toMatchObject({
      effect: "write",
      change_id: expect.stringMatching(/^chg-/),
      confirmed_by: "direct",
      verdict: "invalid_input",
      documents: expect.arrayContaining([{ id: "backends/aoai-south", before: null, after: expect.stringMatching(hash) }]),
      writes: [
        { id: "backends/aoai-south", sent: expect.stringMatching(hash), answer: "accepted", correlation_id: expect.stringMatching(guid) },
        { id: "backends/aoai-pool", answer: "invalid_input", correlation_id: expect.stringMatching(guid) },
        { id: "backends/aoai-south", sent: null, answer: "accepted", correlation_id: expect.stringMatching(guid) },
      ],
    });
    expect(JSON.stringify(audit)).not.toContain("canary");
  });

  test.for([
    ["an input that is not valid", "update_quota", { subscription_id: 1 }, { effect: "plan", service: null, verdict: "invalid_input" }],
    ["a name that is unknown", "get_backend_pool", { api_id: "azure-opnai" }, { effect: "read", verdict: "not_found" }],
    ["an unknown tool", "drop_everything", {}, { effect: null, service: null, verdict: "invalid_input" }],
    ["an unknown plan", "apply_change", { plan_id: "chg-none", confirm: "x" }, { effect: "write", verdict: "not_found" }],
  ] as const)("%s", async ([, tool, input, expected]) => {
    const { call, audit } = await openUser({ logs: false });
    expect((await call(tool, input)).isError).toBe(true);
    expect(audit).toEqual([{ ...plain, tool, ...expected }]);
  });

  test("a wrong confirmation names the plan, and confirms nothing", async () => {
    const { call, audit } = await openUser({ logs: false });
    const { plan_id } = updateQuota.output.parse((await call("update_quota", cut)).structured);
    await call("apply_change", { plan_id, confirm: "yes" });
    expect(audit[1]).toMatchObject({ plan_id, change_id: null, confirmed_by: null, writes: [], verdict: "invalid_input" });
  });

  test("a refusal of a read-only server", async () => {
    const { call, audit } = await openUser({ logs: false, env: { AIGW_READ_ONLY: "true" } });
    await call("apply_change", { plan_id: "chg-none", confirm: "x" });
    expect(audit).toEqual([{ ...plain, tool: "apply_change", effect: null, service: null, verdict: "read_only" }]);
  });

  test("a service that is not configured", async () => {
    const lines: string[] = [];
    const surface = openSurface(readConfiguration({}, {}), { environment: {}, err: (line) => lines.push(line) });
    const signal = new AbortController().signal;
    await callTool(surface, { tool: "list_subscriptions", input: {}, signal, client: plain.client, ask: null });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...plain, tool: "list_subscriptions", effect: "read", service: null, verdict: "not_configured" },
    ]);
  });
});

describe("what a caller chooses is bounded", () => {
  test("long and hidden text", async () => {
    const lines: string[] = [];
    const surface = openSurface(readConfiguration({ sandbox: "true" }, {}), { environment: {}, err: (line) => lines.push(line) });
    const signal = new AbortController().signal;
    const long = `a\u202e\u0007\n${"x".repeat(100_000)}`;
    const client = { name: long, version: long };
    await callTool(surface, { tool: long, input: { [long]: long }, signal, client, ask: null });
    await callTool(surface, { tool: "apply_change", input: { plan_id: long, confirm: long }, signal, client, ask: null });
    await callTool(surface, { tool: "update_quota", input: { subscription_id: long, tpm: 1 }, signal, client, ask: null });
    await callTool(surface, { tool: "apply_policy", input: { api_id: long, policy_xml: long }, signal, client, ask: null });
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(line.length).toBeLessThan(2000);
      expect(line).toMatch(/^\{.*\}\n$/);
      expect(line).not.toMatch(/\u202e|\\u0007/);
    }
  });
});

describe("AIGW_AUDIT_FILE", () => {
  test("gets the lines that stderr gets, and only its owner reads it", async () => {
    const file = join(await folder(), "audit.jsonl");
    const first = await openUser({ logs: false, env: { AIGW_AUDIT_FILE: file } });
    await first.call("list_subscriptions", {});
    await first.call("update_quota", { ...cut, dry_run: false });
    const second = await openHarness({ env: { AIGW_AUDIT_FILE: file } });
    await second.client.call("list_changes", {});
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([...first.audit, ...second.audit]);
    expect(lines).toHaveLength(3);
    if (process.platform !== "win32") expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("lines of calls at the same time stay whole", async () => {
    const file = join(await folder(), "audit.jsonl");
    await writeFile(file, "kept\n");
    const { client, audit } = await openHarness({ env: { AIGW_AUDIT_FILE: file } });
    await Promise.all(Array.from({ length: 40 }, () => client.call("list_changes", {})));
    const [kept, ...lines] = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(kept).toBe("kept");
    expect(lines.map((line) => JSON.parse(line).tool)).toEqual(audit.map(({ tool }) => tool));
    expect(lines).toHaveLength(40);
  });

  test("that cannot be opened: reading and planning go on and say so; nothing is written, and nobody is asked", async () => {
    const file = join(await folder(), "missing", "audit.jsonl");
    const user = await openUser({ logs: false, env: { AIGW_AUDIT_FILE: file } });
    const before = user.documents();
    expect((await user.call("list_subscriptions", {})).isError).toBe(false);
    const plan = updateQuota.output.parse((await user.call("update_quota", cut)).structured);
    expect(plan.status).toBe("planned");
    expect(user.reports.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: "error", message: "the audit file does not have the line above", file }),
      expect.objectContaining({ file, reason: expect.stringContaining("ENOENT") }),
    ]);
    for (const [tool, input] of [
      ["apply_change", { plan_id: plan.plan_id, confirm: plan.confirm }],
      ["update_quota", { ...cut, dry_run: false }],
    ] as const) {
      const { isError, text } = await user.call(tool, input);
      expect(isError).toBe(true);
      expect(text).toContain(`Error unavailable: The audit file ${file} cannot be opened`);
      expect(text).toContain("AIGW_AUDIT_FILE");
    }
    expect(user.questions).toEqual([]);
    expect(user.documents()).toEqual(before);
    expect(user.audit.map(({ verdict }) => verdict)).toEqual(["ok", "ok", "unavailable", "unavailable"]);

    await mkdir(join(file, ".."));
    await user.apply(plan);
    expect(user.documents()).not.toEqual(before);
  });

  test("that cannot be opened holds a direct write up, too", async () => {
    const directory = await folder();
    const user = await openUser({ logs: false, env: { AIGW_AUDIT_FILE: directory, AIGW_DIRECT: "true" } });
    const before = user.documents();
    expect((await user.call("update_quota", { ...cut, dry_run: false })).text).toMatch(/^Error unavailable: The audit file/);
    expect(user.documents()).toEqual(before);
  });

  test("that is a device which is full is reported", async (context) => {
    if (process.platform !== "linux") context.skip();
    const user = await openUser({ logs: false, env: { AIGW_AUDIT_FILE: "/dev/full" } });
    expect((await user.call("list_changes", {})).isError).toBe(false);
    expect(user.reports.join("")).toContain("ENOSPC");
  });
});

test("no line holds policy text, a secret or an input", async () => {
  const canary = "canary-7f3a";
  const user = await openUser({
    logs: false,
    env: { AIGW_DIRECT: "true", AIGW_ALLOW_OVERRIDE: "auth_removed,base_removed,policy_invalid" },
  });
  const { world } = user.sandbox;
  world.put("namedValues/partner-api-key", { displayName: "partner-api-key", value: `${canary}-named-value`, secret: true });
  world.put("backends/aoai-eastus", {
    url: `https://aoai-eastus.openai.azure.com/openai`,
    protocol: "http",
    title: `${canary}-title`,
    credentials: { header: { "api-key": [`${canary}-header`] }, query: { code: [`${canary}-query`] } },
  });
  const element = `<set-header name="x" exists-action="override"><value>${canary}-policy</value></set-header>`;
  const changes = [
    await user.call("apply_policy", { api_id: "azure-openai", edits: [{ select: "inbound", append: element }], dry_run: false }),
    await user.call("update_backend_pool", {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-eastus", priority: 2 }],
      policies: { circuit_breaker: { failure_count: 5 } },
      dry_run: false,
    }),
    await user.call("update_quota", { ...cut, dry_run: false }),
  ];
  expect(changes.map(({ isError, text }) => (isError ? text : "ok"))).toEqual(["ok", "ok", "ok"]);
  await user.call("apply_policy", { api_id: "azure-openai", policy_xml: `<policies><${canary} /></policies>` });
  await user.call("apply_policy", { api_id: "azure-openai", policy_xml: `<policies>${canary}` });
  await user.call("apply_change", { plan_id: canary, confirm: canary });
  await user.call("get_policy", { api_id: canary });
  await user.call("update_quota", { subscription_id: canary, tpm: 1 });
  await user.call("get_metrics", { since: canary });
  await user.call("list_subscriptions", { product_id: canary });
  expect(user.audit).toHaveLength(10);
  expect(user.audit.flatMap(({ writes }) => writes).length).toBeGreaterThanOrEqual(3);
  expect(JSON.stringify([user.audit, user.reports])).not.toContain(canary);
  expect(JSON.stringify([...user.documents().values()])).toContain(`${canary}-policy`);
});
