import { describe, expect, test } from "vitest";
import { armId } from "../../../src/sandbox/world.ts";
import { breaker, openService, timeout } from "../kit.ts";
import { type Claim, failing, holds, masking, outbound, regions, withoutBreakers } from "./claims.ts";

const claims: readonly Claim[] = [
  {
    name: "a pool whose only member is gone is named, not breakers",
    async plant(service) {
      service.world.put("backends/aoai-pool", { type: "Pool", pool: { services: [{ id: armId("backends/aoai-gone") }] } });
      await service.send("growth", 8);
    },
    verdict: /not sent on, as pool 'aoai-pool' has no member that exists \(aoai-gone\)/,
    problems: { "unexplained-errors": /nowhere to go/, "failover-backends": /aoai-gone/ },
    never: /breakers were open/,
  },
  {
    name: "a breaker that does not open while all calls fail",
    async plant(service) {
      const [rule] = Array.isArray(breaker.rules) ? breaker.rules : [];
      const failureCondition = { count: 1000, interval: "PT1S", statusCodeRanges: [{ min: 500, max: 599 }], errorReasons: ["Timeout"] };
      service.change("backends/aoai-eastus", { circuitBreaker: { rules: [{ ...Object(rule), failureCondition }] } });
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 500 } });
      await service.send("growth", 15);
    },
    problems: {
      "backend-errors": /500/,
      "failover-breakers": /aoai-eastus has failed all of 15 calls; aoai-westeurope got none.*1000 failures within PT1S/,
    },
  },
  {
    name: "one member alone, when it fails",
    async plant(service) {
      service.world.put("backends/aoai-pool", { type: "Pool", pool: { services: [{ id: armId("backends/aoai-eastus") }] } });
      withoutBreakers(service);
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 500 } });
      await service.send("growth", 8);
    },
    problems: { "backend-errors": /./, "failover-members": /nothing takes over/ },
  },
  {
    name: "a standby without the deployment that is called",
    async plant(service) {
      const { deployments } = service.model("aoai-westeurope");
      deployments.set(deployments.all.filter(({ kind }) => kind === "embeddings"));
      await service.send("growth", 8);
    },
    failed: { backend: 0, gateway: 0, client: 0 },
    problems: { models: /'gpt-4o' is called, and aoai-westeurope has none of that name \(aoai-eastus has\)/ },
  },
  {
    name: "a stream that the backend breaks off",
    async plant(service) {
      service.model("aoai-eastus").script.add({ behaviour: { kind: "broken_stream", chunks: 1 } });
      await service.send("growth", 8, { stream: true });
    },
    failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
    problems: { clients: /the logs do not say whether the caller hung up or the backend broke its stream off/ },
    never: /neither the gateway nor the backend/,
  },
  {
    name: "a failover that has worked, with breakers that heed Retry-After",
    async plant(service) {
      const [rule] = Array.isArray(breaker.rules) ? breaker.rules : [];
      for (const id of ["aoai-eastus", "aoai-westeurope"])
        service.change(`backends/${id}`, { circuitBreaker: { rules: [{ ...Object(rule), acceptRetryAfter: true }] } });
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 500 }, times: 12 });
      await service.send("growth", 30);
    },
    asked: { symptom: "failover" },
    problems: { "backend-errors": /^\d of 30 calls/ },
  },
  {
    name: "four of four calls is an outage",
    async plant(service) {
      withoutBreakers(service);
      failing(service, 503);
      await service.send("growth", 4);
    },
    verdict: /^It was the backend: 4 failed of 4 calls/,
    problems: { "backend-errors": /^4 of 4 calls/, "failover-breakers": /./ },
  },
  {
    name: "four of ten calls, and three more over a limit",
    async plant(service) {
      withoutBreakers(service);
      await service.send("prod-critical", 6);
      failing(service, 500);
      await service.send("prod-critical", 4);
      for (const id of regions) service.model(id).script.clear();
      service.rewrite("products/aoai-trial/policies/policy", 'tokens-per-minute="20000"', 'tokens-per-minute="20"');
      await service.send("labs", 4, { secondsApart: 1 });
    },
    problems: { "backend-errors": /^4 of 14 calls/, "failover-breakers": /./, limits: /^3 of 14 calls/ },
  },
  {
    name: "all calls of a team that calls little",
    async plant(service) {
      withoutBreakers(service);
      await service.send("prod-critical", 100, { secondsApart: 1 });
      await service.send("analytics", 3, { body: { nonsense: true } });
    },
    problems: { requests: /^3 of 103 calls, .*, of analytics \(3 of analytics's 3\)/, "failover-breakers": /./ },
  },
  {
    name: "failures of several kinds in which each is few",
    async plant(service) {
      withoutBreakers(service);
      failing(service, 500);
      await service.send("growth", 2);
      for (const id of regions) service.model(id).script.clear();
      for (const id of regions) service.model(id).script.add({ behaviour: { kind: "refuse" } });
      await service.send("growth", 2);
    },
    verdict: /^It was the backend: 4 failed of 4 calls/,
    problems: { "backend-errors": /^2 of 4/, "backend-connection": /^2 of 4/, "failover-breakers": /./ },
  },
  ...[undefined, "5xx"].map(
    (symptom): Claim => ({
      name: `errors that a policy makes answers of${symptom === undefined ? "" : ", asked about as 5xx"}`,
      async plant(service) {
        outbound(service, masking(400, 200));
        withoutBreakers(service);
        await service.send("growth", 10);
        failing(service, 503);
        await service.send("growth", 10);
      },
      asked: symptom === undefined ? {} : { symptom },
      failed: { backend: 0, gateway: 0, client: 0 },
      verdict: /^Nothing failed.*Behind 10 calls that succeeded a backend had failed/,
      problems: {
        "backend-masked-errors":
          /^10 of 20 calls, .*The backend failed \(status 503\), and the caller got 200: API 'azure-openai' policy, line \d+ \(return-response\)/,
        ...(symptom === undefined ? { "failover-breakers": /./ } : {}),
      },
    }),
  ),
];

describe("backends", () => {
  holds(claims);
});

test("a member outside of Azure that served no call may have any model", { timeout }, async () => {
  const service = await openService();
  service.change("backends/aoai-westeurope", { url: "https://models.contoso.example/openai" });
  await service.send("growth", 3);
  await service.clock.advance(60_000);
  expect((await service.diagnose()).unknown).toMatchObject([{ checks: ["models"], why: expect.stringContaining("aoai-westeurope") }]);
});
