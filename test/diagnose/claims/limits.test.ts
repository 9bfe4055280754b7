import { describe } from "vitest";
import { type Claim, holds, inbound, masking, outbound, product, regions, withoutBreakers } from "./claims.ts";

const claims: readonly Claim[] = [
  {
    name: "a limit of calls is told as such, with its own number and call",
    async plant(service) {
      service.rewrite(
        product,
        "<otherwise>",
        '<otherwise><rate-limit-by-key calls="5" renewal-period="60" counter-key="@(context.Subscription.Id)" />',
      );
      await service.send("growth", 20);
    },
    verdict: /over a call limit/,
    problems: { limits: /growth: rpm 5, product 'aoai'.*update_quota \{"subscription_id":"growth","rpm":10\}/ },
    never: /tpm/,
  },
  {
    name: "a policy that answers 429 is no limit of the team",
    async plant(service) {
      inbound(service, '<return-response><set-status code="429" reason="Too many" /></return-response>');
      await service.send("growth", 8);
    },
    verdict: /answered 429 by a policy/,
    problems: { limits: /A policy answers 429 itself: API 'azure-openai' policy, line \d+/ },
    never: /update_quota/,
  },
  {
    name: "a deployment at its own limit: both limits in numbers, and the command with its account",
    async plant(service) {
      withoutBreakers(service);
      for (const id of ["aoai-eastus", "aoai-westeurope"]) {
        const { deployments } = service.model(id);
        deployments.set(
          deployments.all.map((one) => (one.name === "gpt-4o" ? { ...one, tokensPerMinute: 2000, requestsPerMinute: 600 } : one)),
        );
      }
      await service.send("growth", 30, { body: { messages: [{ role: "user", content: "Say hello" }], max_tokens: 400 }, secondsApart: 1 });
      await service.clock.advance(120_000);
    },
    asked: { symptom: "429" },
    problems: {
      deployments:
        /'gpt-4o' at aoai-eastus may use 2000 tokens and 600 calls per minute, has counted \d+ 429s and at most \d+ tokens in a minute.*growth: tpm 200000, product 'aoai'\) changes nothing.*\/accounts\/aoai-eastus\/deployments\/gpt-4o\?api-version=2025-06-01" --body '\{"sku":\{"name":"GlobalStandard","capacity":4\}\}'/,
    },
    never: /<account>|update_quota/,
  },
  {
    name: "a number that cannot be read is said to be unknown",
    async plant(service) {
      service.rewrite(product, 'tokens-per-minute="200000"', 'tokens-per-minute="20"');
      await service.send("growth", 12);
      const body = { error: { code: "AuthorizationFailed", message: "No." } };
      service.world.faults.add({
        method: "GET",
        path: /\/service\/sandbox\/subscriptions$/,
        times: Number.POSITIVE_INFINITY,
        outcome: { kind: "answer", status: 403, body },
      });
    },
    problems: { limits: /its number is unknown, as not all of the policies, products and subscriptions can be read/ },
    never: /tpm \d/,
  },
  {
    name: "a policy's 429 beside a team's limit: each with its own team and remedy",
    async plant(service) {
      service.rewrite(product, 'tokens-per-minute="200000"', 'tokens-per-minute="20"');
      inbound(
        service,
        '<choose><when condition="@(context.Request.Headers.ContainsKey("x-maint"))"><return-response><set-status code="429" reason="Slow down" /></return-response></when></choose>',
      );
      await service.send("growth", 12, { secondsApart: 1 });
      await service.send("prod-critical", 7, { headers: { "x-maint": "yes" } });
    },
    problems: {
      limits:
        /of growth\. The gateway's own limit refuses them \(growth: tpm 20, product 'aoai'\).*update_quota \{"subscription_id":"growth","tpm":40\}\n7 of 19 calls, .*of prod-critical\. A policy answers 429 itself: API 'azure-openai' policy, line \d+ \(return-response\)/,
    },
    never: /of growth, prod-critical/,
  },
  ...[
    { key: "all", shown: "all", lints: { lints: /./ } },
    { key: "@(context.Api.Id)", shown: "@\\(context\\.Api\\.Id\\)", lints: {} },
  ].map(
    ({ key, shown, lints }): Claim => ({
      name: `a counter that teams share (${key}): who shares it, and what sets them apart`,
      async plant(service) {
        service.rewrite(
          product,
          'counter-key="@(context.Subscription.Id)" tokens-per-minute="200000"',
          `counter-key="${key}" tokens-per-minute="300"`,
        );
        await service.send("growth", 4, { prompt: "word ".repeat(200), secondsApart: 1 });
        await service.send("analytics", 8, { secondsApart: 1 });
      },
      asked: { subscription_id: "analytics" },
      problems: {
        limits: new RegExp(
          `analytics: tpm 300, product 'aoai', its counter ${shown} is shared with .*growth.*apply_policy \\{"product_id":"aoai","edits":\\[\\{"select":"inbound/[^"]*llm-token-limit[^"]*","set":\\{"counter-key":"@\\(context\\.Subscription\\.Id\\)"\\}\\}\\]\\}.*get_metrics \\{"group_by":\\["subscription"\\]`,
        ),
        ...lints,
      },
      never: /update_quota/,
    }),
  ),
  {
    name: "a model that refuses far below its limit needs no more capacity",
    async plant(service) {
      withoutBreakers(service);
      for (const id of regions) service.model(id).script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 1 } });
      await service.send("growth", 12);
      await service.clock.advance(120_000);
    },
    problems: { deployments: /far below its limit.*Leave its capacity: read the 429's message/, "failover-breakers": /./ },
    never: /Double its capacity/,
  },
  {
    name: "a model's 429 that a policy makes a 503 of is the model's, and the policy is named",
    async plant(service) {
      withoutBreakers(service);
      for (const id of regions) service.model(id).script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 1 } });
      outbound(service, masking(429, 503));
      await service.send("growth", 8);
      await service.clock.advance(120_000);
    },
    failed: { backend: 8, gateway: 0, client: 0 },
    asked: { symptom: "429" },
    problems: { deployments: /^8 of 8 calls.*Callers got 503: a policy makes that of the 429, API 'azure-openai' policy, line \d+/ },
    never: /passed it on|Nothing failed/,
  },
  {
    name: "a model's 429 that callers see as 503, asked about as such",
    async plant(service) {
      withoutBreakers(service);
      for (const id of regions) service.model(id).script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 1 } });
      outbound(service, masking(429, 503));
      await service.send("growth", 8);
    },
    asked: { symptom: "5xx" },
    failed: { backend: 8, gateway: 0, client: 0 },
    problems: { deployments: /^8 of 8 calls/ },
    never: /The backend failed/,
  },
];

describe("limits and the models behind them", () => {
  holds(claims);
});
