import { describe, expect, test } from "vitest";
import { apiPolicy as api, type Diagnosis, openService, type Service, timeout } from "./kit.ts";

const regions = ["aoai-eastus", "aoai-westeurope"];

/** From here on every answer of the models takes so long. */
function slowModels({ model }: Service, latencyMs: number): void {
  for (const region of regions) model(region).script.add({ latencyMs, behaviour: { kind: "answer" } });
}

/** From here on every call waits in the gateway, for something else that the policy calls. */
function slowPolicy(service: Service, latencyMs: number): void {
  const slow = new URL("https://billing.contoso.example/tenant");
  service.world.upstreams.unshift({
    matches: (url: URL) => url.host === slow.host,
    fetch: async () => {
      await service.clock.wait(latencyMs);
      return new Response("{}");
    },
  });
  service.rewrite(
    api,
    "<base />",
    `<base /><send-request mode="new" response-variable-name="tenant" timeout="60" ignore-error="true"><set-url>${slow.href}</set-url><set-method>GET</set-method></send-request>`,
  );
}

const quick = async ({ send, clock }: Service): Promise<void> => {
  await send("growth", 25);
  await clock.advance(60_000);
};

/** From so many minutes ago, as long as there is something slow. */
const lately = (minutes: number) => ({ symptom: "latency", since: `-PT${minutes}M` });

const latencyOf = ({ problems, unknown, ok }: Diagnosis) => ({
  problem: problems.find(({ check }) => check === "latency"),
  unknown: unknown.find(({ checks }) => checks.includes("latency")),
  ok: ok.split(", ").some((text) => text.startsWith("latency")),
});

describe("what got slow is found, with few calls too", () => {
  test("the gateway: a policy calls elsewhere", { timeout }, async () => {
    const service = await openService();
    await quick(service);
    slowPolicy(service, 15_000);
    await service.send("growth", 12, { secondsApart: 20 });
    const { problem } = latencyOf(await service.diagnose(lately(4)));
    expect(problem?.seen).toMatch(/^The slowest of 1\d calls took 150\d\d ms: backend \d+ ms, gateway 150\d\d ms; before that \d+ ms\.$/);
    expect(problem?.means).toContain("in the gateway");
    expect(problem?.do).toContain('get_policy {"api_id":"azure-openai","view":"effective"}');
  });

  test("the backend: the gateway's own time is as it was", { timeout }, async () => {
    const service = await openService();
    await quick(service);
    slowModels(service, 20_000);
    await service.send("growth", 12, { secondsApart: 25 });
    const { problem } = latencyOf(await service.diagnose(lately(5)));
    expect(problem?.seen).toMatch(/backend 200\d\d ms, gateway \d{1,3} ms; before that \d+ ms\.$/);
    expect(problem?.means).toContain("in the backend");
  });

  test("the gateway, before models that were slow all the time", { timeout }, async () => {
    const service = await openService();
    slowModels(service, 8000);
    await service.send("growth", 20, { secondsApart: 12 });
    slowPolicy(service, 15_000);
    await service.send("growth", 10, { secondsApart: 25 });
    const { problem } = latencyOf(await service.diagnose(lately(4)));
    expect(problem?.seen).toMatch(/gateway 150\d\d ms; before that 80\d\d ms/);
    expect(problem?.means).toContain("in the gateway");
  });
});

describe("without calls before there is nothing to compare with", () => {
  test("slow answers of a model may be what they always are: unknown to who asks, no alarm to who does not", { timeout }, async () => {
    const service = await openService();
    for (let pair = 0; pair < 12; pair += 1) {
      await service.send("growth", 1);
      slowModels(service, 20_000);
      await service.send("growth", 1, { secondsApart: 25 });
      for (const region of regions) service.model(region).script.clear();
    }
    const asked = latencyOf(await service.diagnose({ symptom: "latency" }));
    expect(asked).toMatchObject({ problem: undefined, ok: false });
    expect(asked.unknown?.why).toMatch(/^95 % within 200\d\d ms: backend 200\d\d ms, .* there are no calls to compare that with\.$/);
    const notAsked = await service.diagnose();
    expect(notAsked.problems).toEqual([]);
    expect(latencyOf(notAsked)).toMatchObject({ problem: undefined, unknown: undefined, ok: false });
  });

  test("answers without a wait need no comparison", { timeout }, async () => {
    const service = await openService();
    await service.send("growth", 24, { secondsApart: 10 });
    for (const input of [{ symptom: "latency" }, {}]) expect((await service.diagnose(input)).ok).toMatch(/\blatency\b/);
  });

  test("answers that nobody waits for are too slow whatever they were before", { timeout }, async () => {
    const service = await openService();
    slowModels(service, 75_000);
    await service.send("growth", 20, { secondsApart: 80 });
    for (const input of [{ symptom: "latency" }, {}]) {
      const { problem } = latencyOf(await service.diagnose(input));
      expect(problem?.seen).toMatch(/backend 750\d\d ms/);
      expect(problem?.means).toContain("in the backend");
    }
  });

  test("seconds of the gateway's own are too many whatever they were before", { timeout }, async () => {
    const service = await openService();
    slowPolicy(service, 5000);
    await service.send("growth", 6, { secondsApart: 10 });
    expect(latencyOf(await service.diagnose({ symptom: "latency" })).problem?.means).toContain("in the gateway");
    // One slow call of a few is no news to who has not asked.
    expect(latencyOf(await service.diagnose()).problem).toBeUndefined();
  });
});

test("where all is as it was, who asks gets the numbers", { timeout }, async () => {
  const service = await openService();
  slowModels(service, 4000);
  await service.send("growth", 40, { secondsApart: 10 });
  const { ok, problems, unknown } = await service.diagnose(lately(3));
  expect({ problems, unknown }).toEqual({ problems: [], unknown: [] });
  expect(ok).toMatch(/latency \((?:The slowest of \d+ calls took|95 % within) 40\d\d ms: .*; before that 40\d\d ms\)/);
});
