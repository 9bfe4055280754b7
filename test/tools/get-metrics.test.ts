import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { movableClock } from "../../src/sandbox/clock.ts";
import { demoSetting, sandboxWorkspace } from "../../src/sandbox/monitor/diagnostic-settings.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type HarnessOptions, openHarness } from "../harness.ts";
import { type LoggedCall, tableRows } from "../usage/rows.ts";

const openAt = (now: string, options: HarnessOptions = {}) => openHarness({ ...options, clock: movableClock(new Date(now)) });

/** No log query endpoint is configured: as where the identity may not read logs, or there are none. */
const withoutLogs = { logs: false };

const hour = { since: "2026-03-01T10:20:00Z", until: "2026-03-01T11:20:00Z" };

describe("from the logs", () => {
  it("counts what platform metrics count, and knows tokens and teams", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z");
    const logs = await ask(getMetrics, { ...hour, group_by: ["subscription"], include: ["outcomes"] });
    expect(logs.sources).toMatchObject([{ name: "gateway logs", newest: expect.stringMatching(/^2026-03-01T11:5/) }]);
    expect(logs.notes).toEqual([]);
    expect(logs.missing).toBeUndefined();
    expect(logs.totals.tokens).toBeGreaterThan(0);
    expect(logs.rows.map(({ subscription }) => subscription)).toContain("growth");
    expect(logs.rows.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(logs.totals.requests);
    const platform = await (await openAt("2026-03-01T12:00:00Z", withoutLogs)).ask(getMetrics, { ...hour, include: ["outcomes"] });
    expect(platform.sources).toMatchObject([{ name: "platform metrics (Azure Monitor)" }]);
    const { tokens, ...counted } = platform.totals;
    expect(tokens).toBe("unknown");
    expect(logs.totals).toMatchObject(counted);
  });

  it("is asked for by subscription, by their names", async () => {
    const { ask, refuse } = await openAt("2026-03-01T12:00:00Z");
    const all = await ask(getMetrics, { ...hour, group_by: ["subscription"] });
    const some = await ask(getMetrics, { ...hour, group_by: ["subscription"], subscriptions: ["Growth", "labs"] });
    expect(some.rows).toEqual(all.rows.filter(({ subscription }) => subscription === "growth" || subscription === "labs"));
    expect(await refuse("get_metrics", { ...hour, subscriptions: ['x" or 1 == 1'] })).toContain("not_found");
  });

  it("shows its queries for the portal", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z");
    const { queries } = await ask(getMetrics, { ...hour, api_id: "azure-openai", show_query: true, include: ["tpm"] });
    expect(queries).toEqual([expect.stringContaining('| where ApiId =~ "azure-openai"'), expect.stringContaining("make-series")]);
    expect((await ask(getMetrics, hour)).queries).toBeUndefined();
  });

  it("ends where they are complete, by whole minutes, and names the tail of an end that was given", async () => {
    const { ask, sandbox } = await openAt("2026-03-01T12:00:20Z");
    sandbox.world.settings.ingestionSeconds = 300;
    const usual = await ask(getMetrics, {});
    expect(usual.window).toMatchObject({ since: "2026-03-01T10:55:00.000Z", until: "2026-03-01T11:55:00.000Z" });
    expect(usual.notes).toEqual([]);
    expect(usual.sources[0]?.lag).toMatch(/^300 s/);
    const given = await ask(getMetrics, { since: "-PT30M", until: "2026-03-01T12:00:00Z" });
    expect(given.window).toMatchObject({ since: "2026-03-01T11:30:00.000Z", until: "2026-03-01T12:00:00.000Z" });
    expect(given.notes.join()).toContain("after 2026-03-01T11:55:00.000Z");
  });

  it("compares the time before a change with that after it", async () => {
    const clock = movableClock(new Date("2026-03-01T12:00:30Z"));
    const { ask, apply, refuse } = await openHarness({ clock });
    const change_id = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 150_000 }));
    expect(await refuse("get_metrics", { change_id })).toContain("nothing to compare yet");
    await clock.advance(10 * 60_000);
    const { window, change, totals } = await ask(getMetrics, { change_id });
    expect(window).toMatchObject({ since: "2026-03-01T12:01:00.000Z", until: "2026-03-01T12:10:00.000Z" });
    expect(change).toMatchObject({
      change_id,
      summary: expect.stringContaining("growth"),
      before: { window: { since: "2026-03-01T11:51:00.000Z", until: "2026-03-01T12:00:00.000Z" } },
    });
    const before = change?.before.totals;
    expect(before).toMatchObject({ requests: expect.any(Number) });
    expect(Object.keys(change?.difference ?? {})).toEqual(["requests", "throttled", "errors", "tokens"]);
    expect(totals.requests).not.toBe("unknown");
    expect(await refuse("get_metrics", { change_id, since: "-PT1H" })).toContain("'since' and 'change_id'");
    expect(await refuse("get_metrics", { change_id: "nothing" })).toContain("not_found");
  });
});

describe("from the token metrics of Application Insights", () => {
  const gatewayLogsAlone = (settings: typeof demoSetting) => {
    const { logs } = settings.properties;
    return [{ ...settings, properties: { ...settings.properties, logs: Array.isArray(logs) ? logs.slice(0, 1) : [] } }];
  };

  it("come the tokens where the gateway's log of models is off, the same that it would have", async () => {
    const asked = { ...hour, group_by: ["subscription" as const], include: ["tokens" as const, "tpm" as const] };
    const logged = await (await openAt("2026-03-01T12:00:00Z")).ask(getMetrics, asked);
    const { ask, sandbox, client } = await openAt("2026-03-01T12:00:00Z");
    sandbox.world.diagnosticSettings = gatewayLogsAlone(demoSetting);
    const spent = await ask(getMetrics, asked);
    expect(spent.sources.map(({ name }) => name)).toEqual(["gateway logs", "Application Insights token metrics"]);
    expect(spent.missing?.map(({ what }) => what).join()).toContain("GatewayLlmLogs");
    expect(spent.notes.join()).toMatch(/llm-emit-token-metric.*estimated/);
    expect(Math.abs(Number(spent.totals.tokens) / Number(logged.totals.tokens) - 1)).toBeLessThan(0.02);
    expect(spent.rows.map(({ subscription, tpm }) => [subscription, typeof tpm])).toEqual(
      logged.rows.map(({ subscription, tpm }) => [subscription, typeof tpm]),
    );
    const { text, structured } = await client.call("get_metrics", { group_by: ["subscription"] });
    expect(countTokens(text)).toBeLessThanOrEqual(500);
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(500);
  });

  it("come the tokens of teams where there are no logs, but a workspace", async () => {
    const { ask, sandbox } = await openAt("2026-03-01T12:00:00Z", { env: { AIGW_WORKSPACE: sandboxWorkspace.customerId } });
    sandbox.world.diagnosticSettings = [];
    const { sources, rows, totals } = await ask(getMetrics, { ...hour, group_by: ["subscription"] });
    expect(sources.map(({ name }) => name)).toEqual(["platform metrics (Azure Monitor)", "Application Insights token metrics"]);
    expect(rows.reduce((sum, { tokens }) => sum + Number(tokens), 0)).toBe(totals.tokens);
    expect(rows[0]).toEqual({ subscription: expect.any(String), tokens: expect.any(Number) });
  });
});

describe("from the reports of a classic tier", () => {
  const classic = async (sku = "Premium") => {
    const harness = await openAt("2026-03-01T12:00:00Z");
    const { world } = harness.sandbox;
    world.service = { ...world.service, sku: { name: sku, capacity: 1 } };
    world.diagnosticSettings = [];
    return harness;
  };
  const day = { since: "2026-03-01T00:00:00Z", until: "2026-03-01T12:00:00Z" };

  it.each(["subscription", "product", "operation"] as const)(
    "come rows by %s, the same calls that logs have, never called throttled",
    async (by) => {
      const logged = await (await openAt("2026-03-01T12:00:00Z")).ask(getMetrics, { ...day, group_by: [by] });
      const { ask } = await classic();
      const { rows, sources, notes } = await ask(getMetrics, { ...day, group_by: [by] });
      expect(sources.map(({ name }) => name)).toEqual(["platform metrics (Azure Monitor)", "reports (API Management)"]);
      expect(notes.join()).toMatch(/2027-03-15.*401, 403 and 429 together/);
      const named = logged.rows.filter((row) => row[by] !== "none");
      expect(rows.map((row) => [row[by], row.requests])).toEqual(named.map((row) => [row[by], row.requests]));
      for (const row of rows) {
        expect(Object.keys(row).toSorted()).toEqual([by, "requests", "blocked", "failed"].toSorted());
        expect(row.blocked).toBeGreaterThanOrEqual(Number(named.find((one) => one[by] === row[by])?.throttled));
      }
    },
  );

  it("come rows of one API by operation, and of some teams by team, but not otherwise", async () => {
    const { ask } = await classic("Developer");
    const rowsOf = async (asked: Partial<z.input<typeof getMetrics.input>>) => (await ask(getMetrics, { ...day, ...asked })).rows.length;
    expect(await rowsOf({ group_by: ["operation"], api_id: "azure-openai" })).toBeGreaterThan(0);
    expect(await rowsOf({ group_by: ["subscription"], subscriptions: ["growth"] })).toBe(1);
    expect(await rowsOf({ group_by: ["subscription"], api_id: "azure-openai" })).toBe(0);
    expect(await rowsOf({ group_by: ["product"], subscriptions: ["growth"] })).toBe(0);
  });

  it.each(["StandardV2", "Consumption"])("%s has none, and is not asked", async (sku) => {
    const { ask, sandbox } = await classic(sku);
    const { rows, notes } = await ask(getMetrics, { ...day, group_by: ["subscription"] });
    expect(rows).toEqual([]);
    expect(notes.join()).toContain("no subscription: such rows need resource logs");
    expect(sandbox.world.requests.filter(({ path }) => path.includes("/reports/"))).toEqual([]);
  });

  it.each([410, 404, 403])("say why they cannot be read, as once they are retired: %s", async (status) => {
    const { ask, sandbox } = await classic();
    sandbox.world.faults.add({ path: "reports/bySubscription", outcome: { kind: "answer", status } });
    const { rows, notes } = await ask(getMetrics, { ...day, group_by: ["subscription"] });
    expect(rows).toEqual([]);
    expect(notes.join()).toContain("reports cannot be read");
  });
});

describe("from platform metrics", () => {
  it("says why it is not from the logs, and what turns them on", async () => {
    const { ask, sandbox } = await openAt("2026-03-01T12:00:00Z");
    sandbox.world.diagnosticSettings = [];
    const { sources, totals, missing, notes } = await ask(getMetrics, hour);
    expect(sources).toMatchObject([{ name: "platform metrics (Azure Monitor)" }]);
    expect(totals.requests).toBeGreaterThan(0);
    expect(totals.tokens).toBe("unknown");
    expect(notes.join()).toContain("No diagnostic setting");
    expect(missing?.[0]?.fix).toMatch(/^az monitor diagnostic-settings create .*GatewayLlmLogs/);
  });

  it("counts the same in a window, however long its points are", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z", withoutLogs);
    const answers = await Promise.all(["PT1M", "PT1H", "P1D"].map((interval) => ask(getMetrics, { ...hour, interval })));
    const [first] = answers;
    for (const { totals, notes } of answers) {
      expect(totals.requests).toBe(first?.totals.requests);
      expect(notes.join()).not.toContain("whole minutes");
    }
  });

  it("ends a window of its own with the last whole minute that is there", async () => {
    const { ask } = await openAt("2026-03-01T12:00:20Z", withoutLogs);
    const { window, notes } = await ask(getMetrics, {});
    expect(window).toMatchObject({ since: "2026-03-01T10:59:00.000Z", until: "2026-03-01T11:59:00.000Z" });
    expect(notes.join()).not.toContain("whole minutes");
  });

  it("says that a window which begins within a minute is counted by whole ones", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z", withoutLogs);
    const whole = await ask(getMetrics, hour);
    const cut = await ask(getMetrics, { ...hour, since: "2026-03-01T10:20:40Z" });
    expect(cut.totals.requests).toBe(whole.totals.requests);
    expect(cut.notes.join()).toContain("whole minutes");
  });

  it("knows nothing of what Azure Monitor no longer keeps, and does not ask for it", async () => {
    const { ask, sandbox } = await openAt("2026-06-02T12:00:00Z");
    const before = sandbox.world.requests.length;
    const { totals, notes } = await ask(getMetrics, hour);
    expect(totals).toMatchObject({ requests: "unknown", throttled: { total: "unknown" } });
    expect(notes.join()).toContain("93 days");
    expect(sandbox.world.requests.slice(before).filter(({ path }) => /metrics/i.test(path))).toEqual([]);
  });

  it("counts the part of a window that is kept", async () => {
    const { ask } = await openAt("2026-06-02T10:50:00Z", withoutLogs);
    const { totals, notes } = await ask(getMetrics, hour);
    const whole = await (await openAt("2026-03-01T12:00:00Z", withoutLogs)).ask(getMetrics, hour);
    expect(totals.requests).toBeGreaterThan(0);
    expect(totals.requests).toBeLessThan(Number(whole.totals.requests));
    expect(notes.join()).toContain("93 days");
  });
});

describe("list_subscriptions with usage", () => {
  it("has the busiest first, with its share of the limit", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z");
    const { subscriptions, window, notes } = await ask(listSubscriptions, { usage: "PT6H" });
    expect(window).toEqual({ since: "2026-03-01T06:00:00.000Z", until: "2026-03-01T12:00:00.000Z" });
    expect(notes).toEqual([]);
    const shares = subscriptions.map(({ usage }) => Number(usage?.limit_share_p95 ?? -1));
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(subscriptions[0]).toMatchObject({ subscription_id: "growth", tpm: 200_000 });
    for (const { usage, tpm } of subscriptions) {
      expect(Object.hasOwn(usage ?? {}, "limit_share_p95")).toBe(tpm !== "none");
      expect(usage?.tpm_peak).toBeGreaterThanOrEqual(Number(usage?.tpm_p95));
    }
  });

  it("does not know it without logs, and leaves the order as it is", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z", withoutLogs);
    const { subscriptions, notes } = await ask(listSubscriptions, { usage: "P7D" });
    expect(notes?.join()).toContain("unknown");
    expect(subscriptions.map(({ subscription_id }) => subscription_id)).toEqual(["analytics", "growth", "labs", "master", "prod-critical"]);
    for (const { usage } of subscriptions) expect(usage).toMatchObject({ requests: "unknown", tpm_p95: "unknown" });
  });

  it.each(["P7X", "7 days", "-P7D", "PT0M", "P32D", ""])("refuses %j", async (usage) => {
    const { refuse } = await openAt("2026-03-01T12:00:00Z");
    expect(await refuse("list_subscriptions", { usage })).toContain("invalid_input");
  });
});

/** Calls of 40 teams in the last hour, some of them refused in each way that there is. */
function callsOfManyTeams(): readonly LoggedCall[] {
  const endings: readonly Partial<LoggedCall>[] = [
    { code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
    { code: 403, backendCode: null, reason: "OpenAITokenQuotaExceeded" },
    { code: 429, backendCode: 429 },
    { code: 500 },
    { code: 503, backendCode: null },
    { code: 504, backendCode: null, reason: "Timeout" },
    { code: 401, backendCode: null, subscription: null },
  ];
  return Array.from({ length: 40 }, (_, team) => team).flatMap((team) => {
    const common = { api: "azure-openai", subscription: `team-${team}-of-the-company`, time: `2026-03-01T11:${10 + team}:00.000Z` };
    return [{ ...common, tokens: [123_456, 7_890] as const }, ...endings.map((ending) => ({ ...common, ...ending }))];
  });
}

describe("default answers", () => {
  it.each([
    ["totals", []],
    ["rows by team", ["subscription"]],
    ["rows by backend", ["backend"]],
  ])("%s take at most 500 tokens, as data and as text, on a service with 40 teams", async (_, group_by) => {
    const { sandbox, client } = await openAt("2026-03-01T12:00:00Z");
    const { logs } = await sandbox.dataPlane();
    for (const [table, rows] of Object.entries(tableRows(callsOfManyTeams(), sandboxService.resourceId))) {
      logs.add(rows.map((row) => ({ table: table === "ApiManagementGatewayLogs" ? table : "ApiManagementGatewayLlmLog", row })));
    }
    const { text, structured } = await client.call("get_metrics", { group_by, api_id: "azure-openai" });
    const { rows, left_out } = getMetrics.output.parse(structured);
    if (group_by.includes("subscription")) expect(rows.length + left_out).toBeGreaterThan(40);
    expect(countTokens(text)).toBeLessThanOrEqual(500);
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(500);
  });

  it("take at most 500 tokens without logs", async () => {
    const { client, sandbox } = await openAt("2026-03-01T12:00:00Z");
    sandbox.world.diagnosticSettings = [];
    const { text, structured } = await client.call("get_metrics", {});
    expect(countTokens(text)).toBeLessThanOrEqual(500);
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(500);
  });
});
