import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { call as callOnCommandLine } from "../../src/cli/call.ts";
import { readConfiguration } from "../../src/config.ts";
import type { FaultOutcome } from "../../src/sandbox/faults.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { openSurface } from "../../src/surface.ts";
import { tools } from "../../tools/index.ts";
import { openUser, yes } from "../mcp/user.ts";
import { fieldCanaries, keyedLimit, plant, policyCanaries } from "./canaries.ts";

const product = "products/aoai/policies/policy";
const api = "apis/azure-openai/policies/policy";
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Everything that must not be seen, with a name for the report. */
const canaries: readonly (readonly [string, string])[] = [
  ...Object.entries(fieldCanaries),
  ...seeds.flatMap((seed) => Object.entries(policyCanaries(seed)).map(([name, value]) => [`${name} ${seed}`, value] as const)),
];

/** Of a key not even its first ten characters; a cut one is one that was not seen. */
const sightings = (text: string, among = canaries): readonly string[] =>
  among.filter(([, value]) => text.includes(value) || text.includes(value.slice(0, Math.max(14, value.length - 6)))).map(([name]) => name);

/** A service full of canaries, a user who says yes, and all that the server has said to anyone. */
async function openWatched() {
  const state = await mkdtemp(join(tmpdir(), "aigw-canaries-"));
  onTestFinished(() => rm(state, { recursive: true, force: true }));
  const auditFile = join(state, "audit.jsonl");
  const env = { AIGW_STATE: join(state, "state"), AIGW_AUDIT_FILE: auditFile, AIGW_ALLOW_OVERRIDE: "limit_cut,auth_removed,base_removed" };
  const user = await openUser({ env, answer: () => yes });
  plant(user.sandbox);
  const heard: string[] = [];
  const run = async (tool: string, input: Record<string, unknown>) => {
    const answer = await user.call(tool, input);
    heard.push(JSON.stringify([tool, answer]));
    return answer;
  };
  return {
    ...user,
    run,
    async apply({ structured: { plan_id, confirm } }: { readonly structured: Record<string, unknown> }) {
      return run("apply_change", { plan_id, confirm });
    },
    fault(outcome: FaultOutcome, method = "PUT", path: string | RegExp = product, times = 1) {
      user.sandbox.world.faults.add({ method, path, times, outcome });
    },
    /** A configuration of another process on the same service and state. */
    async commandLine(tool: string, input: Record<string, unknown>, json: boolean) {
      const served = await serveSandbox(user.sandbox, {});
      onTestFinished(served.close);
      const environment = {
        ...env,
        AIGW_ARM_ENDPOINT: served.ready.arm,
        AIGW_ACCESS_TOKEN: served.ready.token,
        AIGW_SERVICE: served.ready.service,
      };
      const say = (text: string) => void heard.push(text);
      const surface = openSurface(readConfiguration({}, environment), { environment, err: say });
      const signal = new AbortController().signal;
      return callOnCommandLine({
        surface,
        lookedAfter: surface.lookedAfter,
        operands: [tool, JSON.stringify(input)],
        json,
        signal,
        readInput: async () => "",
        out: say,
        err: say,
      });
    },
    /** What anyone but Azure has been told, and what the state directory holds apart from the text of policies. */
    seen: () => [
      ...heard,
      JSON.stringify(user.questions),
      ...user.reports,
      JSON.stringify(user.audit),
      readFileSync(auditFile, "utf8"),
      ...journalOf(env.AIGW_STATE).map(({ name, text }) => `${name} ${withoutPolicyText(text)}`),
    ],
    journal: () => journalOf(env.AIGW_STATE),
  };
}

const journalOf = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ name, text: readFileSync(join(directory, name), "utf8") }));

/** The journal keeps the text of policies whole: an undo writes it back. */
function withoutPolicyText(record: string): string {
  return JSON.stringify(JSON.parse(record, (_, part) => (part?.format === "rawxml" ? { ...part, value: "" } : part)));
}

/** Secrets that Azure shows to the adapter, and so can repeat. */
const repeatable = ["header", "query", "authorization", "unknownKind", "proxy", "keyVault"] as const;

/** A refusal that repeats what it was sent, and more: a message can hold anything. With 500 the write has been done all the same. */
function refusal(token: string, status = 400, of: "policy" | "other" = "policy"): FaultOutcome {
  const keys = policyCanaries(7);
  return {
    kind: status === 500 ? "answer_after_apply" : "answer",
    status,
    headers: { "retry-after": "0" },
    body: {
      error: {
        code: "ValidationError",
        message: `Refused: ${token} ${repeatable.map((name) => fieldCanaries[name]).join(" ")}`,
        details: [
          { message: `The value '${fieldCanaries.header}' is wrong, and ${JSON.stringify({ password: fieldCanaries.proxy })}.` },
          { message: `Line 3: <set-header name="api-key" exists-action="override"><value>${keys.apiKey}</value></set-header>` },
          { message: `The value of x-url 'https://x/?sig=${keys.signature}', AccountKey=${keys.account}, ${keys.jwt}` },
          ...(of === "policy" ? [{ message: `The value '${keys.hexadecimal}' is wrong.` }] : []),
        ],
      },
    },
  };
}

type Watched = Awaited<ReturnType<typeof openWatched>>;

async function readAll({ run }: Watched): Promise<void> {
  await run("list_subscriptions", {});
  await run("list_subscriptions", { product_id: "aoai" });
  await run("get_backend_pool", { api_id: "azure-openai" });
  await run("get_metrics", { api_id: "azure-openai" });
  const targets = [
    { global: true },
    { product_id: "aoai" },
    { api_id: "azure-openai" },
    { api_id: "azure-openai", operation_id: "ChatCompletions_Create" },
  ];
  for (const target of targets) {
    for (const view of ["outline", "document"]) await run("get_policy", { ...target, view });
    for (const from_line of [1, 10, 20, 30]) await run("get_policy", { ...target, view: "effective", from_line });
  }
  await run("get_policy", { api_id: "azure-openai", product_id: "aoai", view: "effective" });
}

/** A second region, a team sent to it for a while, and back. */
async function drill({ run, apply }: Watched): Promise<void> {
  const backends = [{ backend_id: "aoai-westeurope", priority: 2 }];
  const region = await apply(await run("update_backend_pool", { api_id: "azure-openai", backends }));
  const evacuation = { api_id: "azure-openai", backend_id: "aoai-eastus", mode: "evacuate", subscriptions: ["growth"] };
  const { structured } = await apply(await run("run_failover_drill", { ...evacuation, override: ["auth_removed"] }));
  await run("get_drill", { drill_id: structured.drill_id });
  await run("stop_drill", { drill_id: structured.drill_id });
  await apply(await run("undo_change", { change_id: region.structured.change_id }));
}

/** Every way to a change, its undo and their failures. */
async function changeAll(watched: Watched): Promise<void> {
  const { run, apply, fault, sandbox } = watched;
  const { token, world } = sandbox;

  await apply(await run("update_quota", { subscription_id: "growth", tpm: 150_000, override: ["limit_cut"] }));
  const blocked = await run("update_quota", { subscription_id: "growth", tpm: 1 });
  expect(blocked.structured.status).toBe("blocked");

  // A backend with credentials, whose document goes through plan, journal, write and undo.
  const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
  const pool = await run("update_backend_pool", {
    api_id: "azure-openai",
    backends: [{ backend_id: "aoai-eastus", circuit_breaker: breaker }],
  });
  const poolChange = await apply(pool);
  await run("list_changes", { plan_id: pool.structured.plan_id });
  expect(poolChange.isError).toBe(false);

  // Policies: other keys in the place of the old ones, by the whole text and by edits.
  const text = keyedLimit(150_000, 6);
  const replaced = await run("apply_policy", { product_id: "aoai", policy_xml: text, override: ["auth_removed"] });
  expect(replaced.structured.status).toBe("planned");
  await run("list_changes", { plan_id: replaced.structured.plan_id });
  const change = await apply(replaced);
  expect(change.isError).toBe(false);
  const edits = [
    { select: "inbound/authentication-basic", set: { password: policyCanaries(7).password } },
    {
      select: "inbound/set-header[1]",
      replace: `<set-header name="api-key" exists-action="override"><value>${policyCanaries(7).apiKey}</value></set-header>`,
    },
  ];
  const edited = await run("apply_policy", { product_id: "aoai", edits });
  expect(edited.structured.status).toBe("planned");
  await run("apply_policy", {
    product_id: "aoai",
    policy_xml: text.replace('tokens-per-minute="150000"', `tokens-per-minute="${policyCanaries(7).hexadecimal}"`),
  });
  await run("apply_policy", { product_id: "aoai", policy_xml: `${text}<unclosed` });
  const number = `tokens-per-minute='@("${policyCanaries(7).hexadecimal}")'`;
  const mistyped = await run("apply_policy", { product_id: "aoai", policy_xml: text.replace('tokens-per-minute="150000"', number) });
  expect(JSON.stringify(mistyped.structured.diagnostics)).toContain('int.Parse(\\"[redacted]\\")');
  await run("apply_policy", { product_id: "aoai", policy_xml: "<policies><inbound /><backend /><outbound /><on-error /></policies>" });

  // Edited meanwhile: a conflict of the plan, and of the undo.
  world.put(product, { format: "rawxml", value: keyedLimit(150_000, 8) });
  expect((await apply(edited)).isError).toBe(true);
  expect((await run("undo_change", { change_id: change.structured.change_id })).isError).toBe(true);
  const backend = world.get("backends/aoai-eastus")?.properties ?? {};
  world.put("backends/aoai-eastus", { ...backend, credentials: { header: { "x-key": [`${fieldCanaries.header}-rotated`] } } });
  const rotated = await run("undo_change", { change_id: poolChange.structured.change_id });
  expect(rotated.text).toContain("Secrets changed since");
  world.put("backends/aoai-eastus", backend);
  expect((await apply(await run("undo_change", { change_id: poolChange.structured.change_id }))).isError).toBe(false);

  await drill(watched);

  // Writes that fail in every way, with messages that repeat what they were sent.
  const outcomes: readonly FaultOutcome[] = [
    refusal(token),
    refusal(token, 409),
    refusal(token, 412),
    refusal(token, 422),
    refusal(token, 500),
    { kind: "reset_after_apply" },
    { kind: "truncated_after_apply" },
  ];
  for (const [index, outcome] of outcomes.entries()) {
    const tpm = 140_000 - index * 1000;
    const plan = await run("update_quota", { subscription_id: "growth", tpm });
    fault(outcome);
    await apply(plan);
    await run("list_changes", { plan_id: plan.structured.plan_id });
  }
  for (const status of [400, 500]) {
    const plan = await run("update_backend_pool", {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-eastus", circuit_breaker: breaker }],
    });
    fault(refusal(token, status, "other"), "PUT", "backends/aoai-eastus");
    expect((await apply(plan)).isError).toBe(status === 400);
  }
  const asked = await run("apply_policy", {
    product_id: "aoai",
    policy_xml: keyedLimit(130_000, 7),
    dry_run: false,
    override: ["auth_removed"],
  });
  expect(watched.questions.length).toBeGreaterThan(0);
  expect(asked.structured.applied).toBeDefined();

  // Reads that fail.
  for (const status of [400, 401, 403, 404, 503]) {
    const times = status === 503 ? 4 : 1;
    fault(refusal(token, status), "GET", api, times);
    await run("get_policy", { api_id: "azure-openai", view: "document" });
    fault(refusal(token, status, "other"), "GET", /\/backends$/, times);
    await run("get_backend_pool", { api_id: "azure-openai" });
  }
  fault({ kind: "answer", status: 200, body: { value: `broken ${fieldCanaries.header}` } }, "GET", /\/backends$/);
  await run("get_backend_pool", { api_id: "azure-openai" });
  await run("undo_change", { change_id: "chg-none" });
  await run("apply_change", { plan_id: "chg-none", confirm: policyCanaries(7).signature });
  for (const state of [undefined, "failed", "applied"]) await run("list_changes", { limit: 100, state });
}

test("no canary is seen by anyone, whatever the tools are asked, and whatever goes wrong", { timeout: 120_000 }, async () => {
  const watched = await openWatched();
  for (const symptom of [undefined, "cache"]) await watched.run("diagnose_gateway", { symptom });
  await readAll(watched);
  await changeAll(watched);
  for (const json of [true, false]) {
    await watched.commandLine("get_policy", { product_id: "aoai", view: "document" }, json);
    await watched.commandLine("get_backend_pool", { api_id: "azure-openai" }, json);
    await watched.commandLine("update_quota", { subscription_id: "growth", tpm: 120_000 }, json);
    await watched.commandLine("list_changes", { limit: 100 }, json);
    await watched.commandLine("undo_change", { change_id: "chg-none" }, json);
  }

  // Every tool has answered, at least once without an error.
  const answered = watched.audit.filter(({ verdict }) => verdict === "ok").map(({ tool }) => tool);
  expect(tools.map(({ name }) => name).filter((name) => !answered.includes(name))).toEqual([]);
  // What is not to be seen was there to be seen: the journal has it, Azure has had it back, and answers show marks.
  expect(
    sightings(
      watched
        .journal()
        .map(({ text }) => text)
        .join("\n"),
    ),
  ).toEqual(expect.arrayContaining(["apiKey 1", "apiKey 6", "password 8"]));
  expect(JSON.stringify(watched.sandbox.world.get("backends/aoai-eastus")?.properties)).toContain(fieldCanaries.header);
  const seen = watched.seen();
  for (const shown of ["[redacted:1]", "[redacted]", "<secret:credentials.header.x-key.0#"]) expect(seen.join("\n")).toContain(shown);

  for (const text of seen) expect([sightings(text), text.slice(0, 300)]).toEqual([[], expect.anything()]);
  expect(seen.join("\n").includes(watched.sandbox.token)).toBe(false);
});

describe("a policy that is sent back with marks in it", () => {
  test("is refused, and says what to do; edits keep the keys that they leave alone", async () => {
    const { run, apply, sandbox } = await openWatched();
    const { structured } = await run("get_policy", { product_id: "aoai", view: "document" });
    expect(structured.notes).toEqual([expect.stringContaining("use edits")]);
    const refused = await run("apply_policy", { product_id: "aoai", policy_xml: structured.text });
    expect([refused.isError, refused.text]).toEqual([true, expect.stringMatching(/\[redacted:\d+\] stands for a key.*line \d+/)]);
    const edits = [{ select: "inbound/set-header[1]", set: { "exists-action": "skip" } }];
    await apply(await run("apply_policy", { product_id: "aoai", edits }));
    const stored = String(sandbox.world.get(product)?.properties.value);
    expect(stored).toContain("skip");
    for (const value of Object.values(policyCanaries(1))) expect(stored).toContain(value);
    const marked = await run("apply_policy", {
      product_id: "aoai",
      edits: [{ select: "inbound/authentication-basic", set: { password: "[redacted:3]" } }],
    });
    expect([marked.isError, marked.text]).toEqual([true, expect.stringContaining("(edits)")]);
  });
});
