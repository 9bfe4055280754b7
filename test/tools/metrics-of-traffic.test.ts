import { expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";

const url = "https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
const body = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] });

it("metrics are what callers have seen: a team whose limit was lowered is refused, another is not", async () => {
  const clock = movableClock(new Date("2026-03-01T12:00:00Z"));
  const { ask, apply, sandbox } = await openHarness({ clock, env: { AIGW_ALLOW_OVERRIDE: "limit_cut" } });
  const gateway = await sandbox.gateway();
  const send = async (team: string): Promise<{ readonly status: number; readonly tokens: number }> => {
    const headers = { "api-key": sandbox.keys()[team] ?? "", "content-type": "application/json" };
    const answering = gateway.fetch(new Request(url, { method: "POST", headers, body }));
    await clock.advance(2000);
    const answer = await answering;
    const { usage } = JSON.parse(await answer.text());
    return { status: answer.status, tokens: usage?.total_tokens ?? 0 };
  };

  const change_id = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 100, override: ["limit_cut"] }));
  await clock.advance(60_000);
  const seen = { growth: [] as Awaited<ReturnType<typeof send>>[], "prod-critical": [] as Awaited<ReturnType<typeof send>>[] };
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
