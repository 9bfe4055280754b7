import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { withCache } from "./faults.ts";
import { apiPolicy as api, type Diagnosis, openService, type Service, timeout } from "./kit.ts";

const cached = { "x-cache": "yes" };
const words = "amber bridge copper delta ember falcon granite harbor indigo juniper kestrel lagoon marble nectar orchid pebble".split(" ");

const problemOf = ({ problems }: Diagnosis, check: string) => problems.find((one) => one.check === check);

/** Makes the call of apply_policy that a remedy names, and applies it. */
async function follow({ harness }: Service, todo: string): Promise<void> {
  const [, input = ""] = /apply_policy (\{.*\})/.exec(todo) ?? [];
  const asked: JsonObject = JSON.parse(input);
  await harness.apply(await harness.ask(applyPolicy, asked));
}

describe("a remedy is a call that can be made, and mends it", () => {
  test.each<[check: string, spoil: (service: Service) => void]>([
    ["cache-threshold", ({ rewrite }) => rewrite(api, 'score-threshold="0.05"', 'score-threshold="0.95"')],
    ["cache-threshold", ({ rewrite }) => rewrite(api, 'score-threshold="0.05"', 'score-threshold="0.3"')],
    ["cache-vary-by", ({ rewrite }) => rewrite(api, "<vary-by>@(context.Subscription.Id)", "<vary-by>@(context.RequestId.ToString())")],
    [
      "cache-vary-by",
      ({ rewrite }) => rewrite(api, "<vary-by>@(context", "<vary-by>@(context.RequestId.ToString())</vary-by><vary-by>@(context"),
    ],
    ["cache-streaming", ({ rewrite }) => rewrite(api, "<forward-request ", '<forward-request buffer-response="false" ')],
    ["cache-pair", ({ rewrite }) => rewrite(api, '<llm-semantic-cache-store duration="3600" />', "")],
    ["cache-embeddings", ({ rewrite }) => rewrite(api, ' embeddings-backend-auth="system-assigned"', "")],
  ])("%s", { timeout }, async (check, spoil) => {
    const service = await openService();
    withCache(service);
    spoil(service);
    const { do: todo = "" } = problemOf(await service.diagnose({ symptom: "cache" }), check) ?? {};
    await follow(service, todo);
    expect(problemOf(await service.diagnose({ symptom: "cache" }), check)).toBeUndefined();
  });
});

test("calls that are streamed are blamed on streaming alone", { timeout }, async () => {
  const service = await openService();
  withCache(service, { everyCall: true });
  await service.send("growth", 30, { stream: true });
  const { problems, unknown } = await service.diagnose({ symptom: "cache" });
  expect(problems.map(({ check }) => check)).toEqual(["cache-streaming"]);
  expect(problems[0]?.seen).toBe("30 of 30 answers were streamed, as their callers asked for, and none came from the cache.");
  expect(unknown.flatMap(({ checks }) => checks)).toContain("cache-embeddings");
});

test("without a hit, embeddings that were made are not suspected, and the step is the prompt's", { timeout }, async () => {
  const service = await openService();
  withCache(service, { everyCall: true });
  for (const word of [...words, ...words.map((one) => one.toUpperCase().repeat(2))]) {
    await service.send("growth", 1, { prompt: `${word} `.repeat(40) });
  }
  const found = await service.diagnose({ symptom: "cache" });
  const hits = problemOf(found, "cache-hits");
  expect(hits?.means).toMatch(
    /embeddings are made \('text-embedding-3-small' has answered \d+ calls\): either no two prompts are alike, or Redis fails/,
  );
  expect(hits?.do).not.toContain("embeddings backend");
  expect(hits?.do).toContain('"score-threshold":"0.07"');
  await follow(service, hits?.do ?? "");
});

test("without a semantic cache nothing of caches is unknown, whatever may not be read", { timeout }, async () => {
  const service = await openService();
  await service.send("growth", 4);
  service.world.faults.add({ path: /\/caches$/, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403 } });
  const { unknown } = await service.diagnose({ symptom: "cache" });
  expect(unknown.flatMap(({ checks }) => checks)).not.toContain("cache-redis");
  withCache(service);
  expect((await service.diagnose({ symptom: "cache" })).unknown.flatMap(({ checks }) => checks)).toContain("cache-redis");
});

test("tokens saved are estimated by calls of the same team, not by other teams' long prompts", { timeout }, async () => {
  const service = await openService();
  withCache(service);
  await service.send("prod-critical", 10, { prompt: words.join(" ").repeat(100) });
  await service.send("growth", 1, { headers: cached });
  const { growth: key = "" } = service.harness.sandbox.keys();
  expect(key).not.toBe("");
  await service.send("growth", 12, { headers: cached });
  await service.clock.advance(60_000);
  const { structured } = await service.harness.client.call("get_metrics", { since: "-PT10M", include: ["cache"] });
  const { totals } = structured as { totals: { cache: { tokens_saved: number; method: string } } };
  expect(totals.cache.method).toMatch(/^estimate: mean tokens of the same team's/);
  expect(totals.cache.tokens_saved).toBeLessThan(12 * 200);
  expect(totals.cache.tokens_saved).toBeGreaterThan(12 * 10);
});
