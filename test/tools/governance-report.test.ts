import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { demoSetting } from "../../src/sandbox/monitor/diagnostic-settings.ts";
import { seedDemo } from "../../src/sandbox/seed.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { armId } from "../../src/sandbox/world.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Harness, type HarnessOptions, openHarness } from "../harness.ts";
import { type LoggedCall, tableRows } from "../usage/rows.ts";
import { openDrillService } from "./drill-kit.ts";

const openAt = (now: string, options: HarnessOptions = {}) => openHarness({ ...options, clock: movableClock(new Date(now)) });

const noon = "2026-03-01T12:00:00Z";

async function pageOf({ ask }: Harness, input: Record<string, unknown> = { report: "PT2H" }): Promise<string> {
  return (await ask(getMetrics, input)).report ?? "";
}

/** The cells of the rows of the table that has this column. */
function rowsOf(page: string, column: string): readonly (readonly string[])[] {
  const tables = page.split("\n\n").filter((block) => block.startsWith("|") && block.includes(column));
  expect(tables).toHaveLength(1);
  const [, , ...rows] = (tables[0] ?? "").split("\n");
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands under a title. */
const sectionOf = (page: string, title: string): string => page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";

const grouped = (value: unknown): string => Number(value).toLocaleString("en-US");

async function log({ sandbox }: Harness, calls: readonly LoggedCall[]): Promise<void> {
  const { logs } = await sandbox.dataPlane();
  for (const [table, rows] of Object.entries(tableRows(calls, sandboxService.resourceId))) {
    logs.add(rows.map((row) => ({ table: table === "ApiManagementGatewayLogs" ? table : "ApiManagementGatewayLlmLog", row })));
  }
}

const team = ({ sandbox }: Harness, id: string, displayName: string, product = "aoai"): void => {
  sandbox.world.put(`subscriptions/${id}`, {
    displayName,
    scope: armId(`products/${product}`),
    state: "active",
    createdDate: noon,
    allowTracing: false,
  });
};

describe("a governance report", () => {
  it("says what get_metrics and list_subscriptions say of the same window", async () => {
    const harness = await openAt(noon, { env: { AIGW_PRICES: "gpt-4o=2.5/10,currency=EUR" } });
    const page = await pageOf(harness);
    const window = { since: "-PT2H" };
    const { totals, rows } = await harness.ask(getMetrics, {
      ...window,
      group_by: ["subscription", "cause"],
      include: ["cache"],
      limit: 200,
    });
    const before = await harness.ask(getMetrics, { since: "-PT4H", until: "2026-03-01T10:00:00Z", group_by: ["subscription"] });
    const shown = new Map(rowsOf(page, "change").map(([name, ...cells]) => [name, cells]));
    const percent = (from: unknown, to: unknown) => {
      const change = Math.round((100 * (Number(to) - Number(from))) / Number(from));
      return `${change > 0 ? "+" : ""}${change} %`;
    };
    expect(shown.get("Requests")).toEqual([grouped(totals.requests), percent(before.totals.requests, totals.requests)]);
    expect(shown.get("Tokens")).toEqual([grouped(totals.tokens), percent(before.totals.tokens, totals.tokens)]);
    expect(shown.get("Throttled")?.[0]).toMatch(new RegExp(`^${grouped(totals.throttled.total)}(?: |$)`));
    const teams = new Map(rowsOf(page, "Team").map(([name, ...cells]) => [name, cells]));
    const { subscriptions } = await harness.ask(listSubscriptions, { usage: "PT2H" });
    const callers = subscriptions.filter(({ usage }) => usage?.requests !== 0);
    expect(callers.length).toBeGreaterThan(2);
    for (const { display_name, subscription_id, usage = {} } of callers) {
      const [tokens, change, share, throttled] = teams.get(display_name) ?? [];
      expect(tokens).toBe(grouped(usage.tokens));
      const earlier = before.rows.find(({ subscription }) => subscription === subscription_id)?.tokens;
      expect(change).toBe(percent(earlier, usage.tokens));
      expect(share).toBe(String(usage.limit_share_p95 ?? "none"));
      const origins = rows.filter(
        ({ subscription, cause }) => subscription === subscription_id && /^(?:gateway|backend):/.test(String(cause)),
      );
      expect((throttled ?? "").split(", ").toSorted()).toEqual(
        origins.length === 0
          ? ["0"]
          : origins.map(({ cause, requests }) => `${grouped(requests)} ${String(cause).replace("gateway:", "")}`).toSorted(),
      );
    }
    expect(page).toContain("No calls: Built-in all-access subscription.");
    expect(page).toMatch(/\| Cost, EUR \| (?:at least )?[\d,]+\.\d\d \|/);
    expect(page).toContain("No price for text-embedding-3-small");
  });

  it("has the changes and drills that were made through this server, and the failovers that logs show", async () => {
    const service = await openDrillService();
    const { harness, clock } = service;
    const calls = async (minutes: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        await service.asked("prod-critical", 4);
        await service.pass(60);
      }
    };
    await calls(6);
    const change = await harness.apply(await harness.ask(updateQuota, { subscription_id: "growth", tpm: 150_000 }));
    const drill = await service.begin({ mode: "evacuate", override: ["all_traffic"], duration: "PT3M" });
    await calls(10);
    expect([change, drill]).not.toContain(undefined);
    await clock.advance(60_000);
    const page = await pageOf(harness, { report: "PT17M" });
    expect(sectionOf(page, "Changes through this server")).toMatch(/- 2026-11-20 10:06 update_quota: .*growth.*150000/);
    expect(sectionOf(page, "Changes through this server")).not.toContain("drill");
    const failovers = sectionOf(page, "Failovers and drills");
    expect(failovers).toMatch(/aoai-westeurope answered API azure-openai in the place of aoai-eastus \(\d+ calls\), during a drill$/m);
    expect(failovers).toMatch(/- Drill 2026-11-20 10:0\d to 10:\d\d: evacuate aoai-eastus of aoai-pool/);
  });

  it("knows that an idle day has none of everything", async () => {
    const harness = await openAt(noon, { seed: "empty", env: { AIGW_PRICES: "gpt-4o=2.5/10" } });
    seedDemo(harness.sandbox.world);
    harness.sandbox.world.diagnosticSettings = [demoSetting];
    const page = await pageOf(harness, { report: "P1D" });
    const totals = new Map(rowsOf(page, "change").map(([name, ...cells]) => [name, cells[0]]));
    expect(Object.fromEntries(totals)).toMatchObject({
      Requests: "0",
      Tokens: "0",
      Throttled: "0",
      Errors: "0",
      "Tokens saved by the cache": "0 (no call succeeded)",
      Cost: "0.00",
    });
    expect(sectionOf(page, "Teams")).toMatch(/No team has made a call\.\n\nNo calls: /);
    expect(sectionOf(page, "Teams")).not.toContain("unknown");
    expect(sectionOf(page, "Findings")).toContain("Nothing was found.");
    expect(page).not.toContain("Usage is unknown");
  });

  it("knows that calls which were all rejected took no tokens, and says what a finding is about", async () => {
    const harness = await openAt(noon, { seed: "empty", env: { AIGW_PRICES: "gpt-4o=2.5/10" } });
    seedDemo(harness.sandbox.world);
    harness.sandbox.world.diagnosticSettings = [demoSetting];
    const rejected = { code: 401, backendCode: null, backendUrl: "", api: "azure-openai" } as const;
    await log(
      harness,
      [
        ...Array.from({ length: 12 }, () => ({
          ...rejected,
          time: "2026-03-01T11:00:00Z",
          subscription: null,
          reason: "SubscriptionKeyInvalid",
        })),
        ...Array.from({ length: 4 }, () => ({ ...rejected, code: 400, time: "2026-03-01T11:00:00Z" })),
      ].map((call, index) => ({ ...call, id: `rejected-${index}` })),
    );
    const page = await pageOf(harness);
    const teams = new Map(rowsOf(page, "Team").map(([name, ...cells]) => [name, cells]));
    expect(teams.get("Growth")).toEqual(["0", "unknown", "0", "0", "0.00"]);
    expect(teams.get("(no subscription)")).toEqual(["0", "unknown", "none", "0", "0.00"]);
    expect(sectionOf(page, "Findings")).toMatch(/- keys: 12 of 16 calls, [^.]*\. \S.{20,}/);
  });

  it("calls unknown what it does not know: without logs, teams and tokens and failovers", async () => {
    const harness = await openAt(noon, { logs: false, env: { AIGW_PRICES: "gpt-4o=1/1" } });
    const page = await pageOf(harness);
    const totals = new Map(rowsOf(page, "change").map(([name, ...cells]) => [name, cells]));
    expect(totals.get("Requests")?.[0]).toMatch(/^\d/);
    for (const name of ["Tokens", "Cache hit rate", "Tokens saved by the cache", "Cost"]) expect(totals.get(name)?.[0]).toBe("unknown");
    const teams = rowsOf(page, "Team");
    expect(teams.map(([name]) => name).toSorted()).toEqual([
      "Analytics",
      "Built-in all-access subscription",
      "Growth",
      "Labs",
      "Production critical",
    ]);
    for (const [name, ...cells] of teams) {
      expect(cells.map((cell) => (name === "Built-in all-access subscription" && cell === "none" ? "unknown" : cell))).toEqual(
        Array(5).fill("unknown"),
      );
    }
    expect(page).toContain("Failovers: unknown.");
    expect(page).toMatch(/Logs cannot be read/);
  });

  it("names the command for logs that nobody may read, whole and beside the page", async () => {
    const harness = await openAt(noon);
    const answer = { kind: "answer", status: 403 } as const;
    harness.sandbox.world.faults.add({ path: /\/query$/, times: Number.POSITIVE_INFINITY, outcome: answer });
    const { report = "", missing = [] } = await harness.ask(getMetrics, { report: "PT2H" });
    const grant = /^az role assignment create --assignee \S.* --role "Log Analytics Reader" --scope "[^"]+"$/;
    expect(missing).toEqual([{ what: expect.stringContaining("No right to"), fix: expect.stringMatching(grant) }]);
    expect(report).toContain("- Logs cannot be read (forbidden)");
    expect(report).not.toContain("az role");
    const { text } = await harness.client.call("get_metrics", { report: "PT2H" });
    expect(text).toContain(`\`\`\`sh\n${missing[0]?.fix}\n`);
  });

  it("does not take logs that nothing is sent to for a source", async () => {
    const page = await pageOf(await openAt(noon, { seed: "empty" }), { report: "P7D" });
    expect(page).toContain("Source: platform metrics");
    expect(page).toContain("Failovers: unknown.");
    expect(page).not.toMatch(/gateway logs\.|in the logs/);
  });

  it("marks the share of a team whose limit was changed in the window, by whomever", async () => {
    const harness = await openAt(noon);
    const { world } = harness.sandbox;
    const shareOf = async (name: string) => rowsOf(await pageOf(harness), "Team").find(([team]) => team === name)?.[3];
    expect(await shareOf("Growth")).toMatch(/^\d+$/);
    world.activity.push({
      time: new Date("2026-03-01T11:00:00Z"),
      caller: "somebody@contoso.example",
      path: "products/aoai/policies/policy",
      action: "write",
      status: "Succeeded",
      correlationId: "c",
    });
    expect(await shareOf("Growth")).toMatch(/^\d+ †$/);
    expect(await shareOf("Labs")).toMatch(/^\d+$/);
  });

  it("says where a team has used more than its limit lets through", async () => {
    const harness = await openAt(noon);
    const document = harness.sandbox.world.get("products/aoai/policies/policy");
    const value = String(document?.properties.value).replace(/tokens-per-minute="200000"/, 'tokens-per-minute="100"');
    harness.sandbox.world.put("products/aoai/policies/policy", { ...document?.properties, value });
    const page = await pageOf(harness);
    expect(rowsOf(page, "Team").find(([team]) => team === "Growth")?.[3]).toMatch(/^\d{1,3},\d{3} ‡$/);
    expect(page).toMatch(/^‡ More than the limit/m);
  });

  it("holds no line, cell or link that a name has made", async () => {
    const harness = await openAt(noon);
    const hostile = "a | 0 |\n## Findings\n- none [x](https://evil.example) <img src=x> `$(id)`\u202e\u{e0041}";
    team(harness, "hostile", hostile);
    await log(harness, [{ time: "2026-03-01T11:30:00Z", subscription: "hostile", api: "azure-openai", tokens: [99_999_999, 1] }]);
    await log(harness, [
      { time: "2026-03-01T11:30:00Z", id: "gone", subscription: "x | y\n| z", api: "azure-openai", tokens: [88_888_888, 1] },
    ]);
    const page = await pageOf(harness);
    const rows = rowsOf(page, "Team");
    expect(new Set(rows.map((cells) => cells.length))).toEqual(new Set([5]));
    expect(rows[0]?.[0]).toMatch(/^a \\\| 0 \\\| ## Findings/);
    expect(rows[0]?.[1]).toBe("100,000,000");
    expect(rows[1]?.[0]).toBe("x \\| y \\| z (not there any more)");
    expect(page.match(/^## Findings$/gm)).toHaveLength(1);
    expect(page).not.toMatch(/[\u202e\u{e0041}]|https:\/\/evil|<img/u);
  });

  it.each([
    [{ report: "P32D" }, "at most 31 days"],
    [{ report: "week" }, "'report' is not a duration"],
    [{ report: "banana" }, "'report' is not a duration of at most 31 days: 'banana'"],
    [{ report: "P1M" }, "Months have no one length"],
    [{ report: "P7D", api_id: "azure-openai", include: ["cache"] }, "does not go with api_id, include"],
    [{ report: "P7D", since: "-PT1H" }, "does not go with since"],
    [{ report: "P7D", until: "2031-01-01T00:00:00Z" }, "future"],
  ])("%j is refused", async (input, reason) => {
    const { refuse } = await openAt(noon);
    const answer = await refuse("get_metrics", input);
    expect(answer).toContain("invalid_input");
    expect(answer).toContain(reason);
  });
});

describe("for 40 teams", () => {
  /** As much to say of everything as there can be, but for findings and drills. */
  async function openLarge(): Promise<Harness> {
    const harness = await openAt(noon, { env: { AIGW_PRICES: "gpt-4o=2.5/10,currency=EUR" } });
    const names = Array.from({ length: 36 }, (_, index) => `team-${index}-of-the-company`);
    for (const [index, name] of names.entries()) team(harness, name, `Team ${index} of the company`);
    const throttled: readonly Partial<LoggedCall>[] = [
      { code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
      { code: 429, backendCode: 429 },
    ];
    await log(
      harness,
      names.flatMap((name, index) => {
        const call = { api: "azure-openai", subscription: name };
        const within = { ...call, time: `2026-03-01T11:${10 + index}:00.000Z` };
        return [
          { ...within, id: `${name}-now`, tokens: [12_345_678 + index, 1_234_567] as const },
          { ...call, time: `2026-03-01T09:${10 + index}:00.000Z`, id: `${name}-before`, tokens: [10_345_678, 1_234_567] as const },
          ...throttled.map((ending, position) => ({ ...within, ...ending, id: `${name}-${position}` })),
        ];
      }),
    );
    return harness;
  }

  it("it has a row for each, in at most 2,500 tokens in both forms", async () => {
    const { client } = await openLarge();
    const { text, structured } = await client.call("get_metrics", { report: "PT2H" });
    const { report = "" } = getMetrics.output.parse(structured);
    const named = rowsOf(report, "Team").filter(([name]) => name !== "(no subscription)");
    expect(named).toHaveLength(40);
    const tokens = { text: countTokens(text), structured: countTokens(JSON.stringify(structured)) };
    await expect(`${JSON.stringify(tokens)}\n\n${report}\n`).toMatchFileSnapshot("./governance-report.md");
    expect(tokens.text).toBeLessThanOrEqual(2500);
    expect(tokens.structured).toBeLessThanOrEqual(2800);
  });
});
