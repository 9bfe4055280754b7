import { expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type HarnessOptions, openHarness } from "../harness.ts";

const url = "https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
const body = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] });

/** What a caller has seen of one call. */
interface Seen {
  readonly status: number;
  readonly tokens: number;
  readonly region: string | null;
}

/** The demo service on a clock of the test's own, with somebody who calls it. */
async function openTraffic(env: HarnessOptions["env"] = {}) {
  const clock = movableClock(new Date("2026-03-01T12:00:00Z"));
  const harness = await openHarness({ clock, env });
  const { sandbox } = harness;
  const gateway = await sandbox.gateway();
  const { models } = await sandbox.dataPlane();
  const send = async (team: string): Promise<Seen> => {
    const headers = { "api-key": sandbox.keys()[team] ?? "", "content-type": "application/json" };
    const answering = gateway.fetch(new Request(url, { method: "POST", headers, body }));
    await clock.advance(2000);
    const answer = await answering;
    const { usage } = JSON.parse(await answer.text());
    return { status: answer.status, tokens: usage?.total_tokens ?? 0, region: answer.headers.get("x-ms-region") };
  };
  return { ...harness, clock, models, send };
}

it("metrics are what callers have seen: a team whose limit was lowered is refused, another is not", async () => {
  const { ask, apply, clock, send } = await openTraffic({ AIGW_ALLOW_OVERRIDE: "limit_cut" });
  const change_id = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 100, override: ["limit_cut"] }));
  await clock.advance(60_000);
  const seen = { growth: [] as Seen[], "prod-critical": [] as Seen[] };
  for (let round = 0; round < 20; round++) {
    seen.growth.push(await send("growth"));
    seen["prod-critical"].push(await send("prod-critical"));
  }
  await clock.advance(60_000);

  const refused = seen.growth.filter(({ status }) => status === 429).length;
  expect(refused).toBeGreaterThan(0);
  const tokens = (team: keyof typeof seen): number => seen[team].reduce((sum, answer) => sum + answer.tokens, 0);
  const { totals, rows, notes, change } = await ask(getMetrics, { change_id, group_by: ["subscription"], include: ["outcomes"] });
  expect(totals).toMatchObject({
    requests: 40,
    throttled: { total: refused, by_origin: [{ origin: "gateway:token-rate-limit", requests: refused }] },
    errors: { total: 0 },
    tokens: tokens("growth") + tokens("prod-critical"),
  });
  expect(rows.toSorted((a, b) => String(a.subscription).localeCompare(String(b.subscription)))).toEqual([
    {
      subscription: "growth",
      requests: 20,
      throttled: refused,
      errors: 0,
      tokens: tokens("growth"),
      outcomes: { succeeded: 20 - refused, rejected: 0 },
    },
    {
      subscription: "prod-critical",
      requests: 20,
      throttled: 0,
      errors: 0,
      tokens: tokens("prod-critical"),
      outcomes: { succeeded: 20, rejected: 0 },
    },
  ]);
  expect(notes).toEqual([]);
  expect(change?.difference.throttled).not.toBe("unknown");

  const { subscriptions } = await ask(listSubscriptions, { usage: "PT3M" });
  expect(subscriptions[0]).toMatchObject({
    subscription_id: "growth",
    usage: { requests: 20, throttled: refused, tokens: tokens("growth") },
  });
});

it("an outage shows in the minute in which it begins: the share of the backends shifts", async () => {
  const { ask, apply, clock, models, send } = await openTraffic();
  const circuit_breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
  const backends = [{ backend_id: "aoai-westeurope", priority: 2, circuit_breaker }];
  await apply(await ask(updateBackendPool, { api_id: "azure-openai", backends, policies: { circuit_breaker } }));
  await clock.advance(60_000);
  const minute = async (): Promise<readonly Seen[]> => {
    const seen: Seen[] = [];
    for (let call = 0; call < 10; call++) seen.push(await send("prod-critical"));
    await clock.advance(40_000);
    return seen;
  };
  const before = await minute();
  models.of("aoai-eastus")?.script.add({ behaviour: { kind: "status", status: 500 } });
  const during = await minute();
  const after = await minute();

  const from = (seen: readonly Seen[], region: string) => seen.filter((one) => one.region === region).length;
  expect([from(before, "East US"), from(after, "West Europe")]).toEqual([10, 10]);
  const west = from(during, "West Europe");
  const { totals } = await ask(getMetrics, { since: "2026-03-01T12:01:00Z", include: ["backends"], interval: "PT1M", group_by: ["time"] });
  expect(totals.backends).toMatchObject({
    of_window: { "aoai-eastus": { requests: 10 + 10 - west }, "aoai-westeurope": { requests: 10 + west } },
    by_time: [
      { time: "2026-03-01T12:01:00.000Z", percent: { "aoai-eastus": 100 } },
      { time: "2026-03-01T12:02:00.000Z", percent: { "aoai-eastus": 100 - 10 * west, "aoai-westeurope": 10 * west } },
      { time: "2026-03-01T12:03:00.000Z", percent: { "aoai-westeurope": 100 } },
    ],
  });
  expect(totals.errors).toMatchObject({ total: 10 - west, by_cause: [{ cause: "backend", requests: 10 - west }] });
});

it("what a cache saved is what the model did not see", async () => {
  const { ask, apply, clock, models, sandbox, send } = await openTraffic();
  sandbox.world.put("backends/embeddings", {
    type: "Single",
    protocol: "http",
    url: "https://aoai-eastus.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
  });
  const lookup =
    '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned" />';
  const edits = [
    { select: "inbound", append: lookup },
    { select: "outbound", append: '<llm-semantic-cache-store duration="3600" />' },
  ];
  await apply(await ask(applyPolicy, { api_id: "azure-openai", edits }));
  const model = models.of("aoai-eastus");
  const seen: Seen[] = [];
  for (let call = 0; call < 10; call++) seen.push(await send("prod-critical"));
  await clock.advance(60_000);

  const [first] = seen;
  expect(seen.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  // Ten embeddings, and one answer of the model.
  expect(model?.received).toBe(11);
  const { totals } = await ask(getMetrics, { since: "2026-03-01T12:00:00Z", include: ["cache"] });
  expect(totals.tokens).toBe(first?.tokens);
  expect(totals.cache).toMatchObject({ tokens_saved: 9 * (first?.tokens ?? 0) });
});
