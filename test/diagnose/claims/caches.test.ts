import { describe, expect, test } from "vitest";
import { withCache } from "../faults.ts";
import { apiPolicy as api, type Diagnosis, openService, timeout } from "../kit.ts";
import { type Claim, holds } from "./claims.ts";

const claims: readonly Claim[] = [
  {
    name: "embeddings that no call of the gateway's reaches",
    async plant(service) {
      withCache(service, { everyCall: true });
      service.change("backends/embeddings", {
        url: "https://aoai-embeddings.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
      });
      service.model("embeddings").script.add({ behaviour: { kind: "refuse" } });
      for (let index = 0; index < 22; index++) await service.send("growth", 1, { prompt: `${index} `.repeat(30 + index) });
    },
    problems: {
      "cache-embeddings": /aoai-embeddings has counted no call of 'text-embedding-3-small', while \d+ calls looked the cache up/,
    },
  },
];

describe("caches", () => {
  holds(claims);
});

const cached = { headers: { "x-cache": "yes" } };

const checksOf = (unknown: Diagnosis["unknown"]): readonly string[] => unknown.flatMap(({ checks }) => checks);

test("an embeddings backend of a chat deployment", { timeout }, async () => {
  const service = await openService();
  withCache(service);
  service.change("backends/embeddings", { url: "https://aoai-eastus.openai.azure.com/openai/deployments/gpt-4o/embeddings" });
  await service.send("growth", 3, cached);
  await service.clock.advance(60_000);
  const { problems, ok } = await service.diagnose();
  expect(problems).toMatchObject([{ check: "cache-embeddings", seen: expect.stringContaining("'gpt-4o'") }]);
  expect(ok).not.toContain("cache-hits");
});

test("no hit is a problem, also where the caches cannot be read, and embeddings are not said to work", { timeout }, async () => {
  const service = await openService();
  withCache(service);
  service.model("aoai-eastus").script.add({ behaviour: { kind: "answer" } });
  for (let index = 0; index < 22; index++) await service.send("growth", 1, { prompt: `${index} `.repeat(30 + index) });
  await service.clock.advance(60_000);
  const body = { error: { code: "AuthorizationFailed", message: "No." } };
  service.world.faults.add({
    method: "GET",
    path: /\/caches$/,
    times: Number.POSITIVE_INFINITY,
    outcome: { kind: "answer", status: 403, body },
  });
  const { problems, unknown } = await service.diagnose({ symptom: "cache" });
  expect(problems).toMatchObject([{ check: "cache-hits", seen: "0 of 22 answers came from the cache." }]);
  expect(checksOf(unknown)).toEqual(expect.arrayContaining(["cache-redis", "cache-embeddings"]));
});

test("answers that callers have streamed fill no cache", { timeout }, async () => {
  const service = await openService();
  withCache(service);
  await service.send("growth", 22, { ...cached, stream: true });
  await service.clock.advance(60_000);
  const { problems } = await service.diagnose({ symptom: "cache" });
  expect(problems).toMatchObject([{ check: "cache-streaming", seen: expect.stringMatching(/^22 of 22 answers were streamed/) }]);
});

test("hits without a listed cache contradict one another, and nothing is claimed", { timeout }, async () => {
  const service = await openService();
  withCache(service);
  service.world.delete("caches/default");
  service.rewrite(api, "<vary-by>@(context.Subscription.Id)", '<vary-by>@(context.Request.Headers.GetValueOrDefault("traceparent", ""))');
  await service.send("growth", 12, cached);
  await service.clock.advance(60_000);
  const { problems, unknown, ok } = await service.diagnose({ symptom: "cache" });
  expect(ok).toContain("came without a backend");
  expect(problems).toEqual([]);
  expect(checksOf(unknown)).toContain("cache-redis");
});
