import { describe, expect, test } from "vitest";
import { armId } from "../../src/sandbox/world.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { withCache } from "./faults.ts";
import { apiPolicy as api, breaker, type Diagnosis, openService, type Service, timeout } from "./kit.ts";

const product = "products/aoai/policies/policy";

/** What a diagnosis must say of a fault, and must not. */
interface Claim {
  readonly name: string;
  plant(service: Service): Promise<void>;
  readonly asked?: Record<string, unknown>;
  readonly failed?: Diagnosis["failed"];
  readonly verdict?: RegExp;
  /** By check: what its `seen`, `means` and `do` say together. */
  readonly problems: Readonly<Record<string, RegExp>>;
  readonly never?: RegExp;
}

const inbound = (service: Service, xml: string) => service.rewrite(api, "<base />", `<base />${xml}`);
const withoutBreakers = ({ change }: Service) => {
  for (const id of ["aoai-eastus", "aoai-westeurope"]) change(`backends/${id}`, { circuitBreaker: null });
};

const claims: readonly Claim[] = [
  {
    name: "a policy that answers 503 is named, not breakers that do not exist",
    async plant(service) {
      withoutBreakers(service);
      inbound(service, '<return-response><set-status code="503" reason="Maintenance" /></return-response>');
      await service.send("growth", 8);
    },
    verdict: /answered 503 by a policy, API 'azure-openai' policy, line \d+ \(return-response\)/,
    problems: { "unexplained-errors": /A policy answers these calls itself, with 503: API 'azure-openai' policy, line \d+/ },
    never: /breakers were open/,
  },
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
    name: "an API that somebody has deleted",
    async plant(service) {
      await service.send("growth", 4);
      service.world.activity.push({
        time: service.clock.now(),
        caller: "someone@contoso.example",
        path: "apis/azure-openai/operations/ChatCompletions_Create",
        action: "delete",
        status: "Succeeded",
        correlationId: "5a11db0c-0000-4000-8000-00000000e5e5",
      });
      service.world.delete("apis/azure-openai/operations/ChatCompletions_Create");
      await service.send("growth", 8);
    },
    failed: { backend: 0, gateway: 8, client: 0 },
    verdict: /someone@contoso\.example has deleted apis\/azure-openai\/operations\/ChatCompletions_Create/,
    problems: { addresses: /\/openai\/deployments\/gpt-4o\/chat\/completions.*has deleted/ },
  },
  {
    name: "a path that no operation has, without a trace of why",
    async plant(service) {
      service.world.delete("apis/azure-openai/operations/ChatCompletions_Create");
      await service.send("growth", 8);
    },
    failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
    verdict: /^Whose doing it was cannot be told/,
    problems: { addresses: /deleted or moved, or callers have it wrong/ },
  },
  {
    name: "requests that the model rejects are a problem of their own",
    plant: async (service) => void (await service.send("growth", 8, { body: { nonsense: true } })),
    failed: { backend: 0, gateway: 0, client: 8 },
    problems: { requests: /The model rejects what it is sent \(400\)/ },
  },
  ...["suspended", "expired", "cancelled"].map(
    (state): Claim => ({
      name: `a subscription that is ${state} is named`,
      async plant(service) {
        service.change("subscriptions/growth", { state });
        await service.send("growth", 8);
      },
      failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
      verdict: new RegExp(`growth is ${state}`),
      problems: { keys: new RegExp(`8 with one that does not open the API.*growth is ${state}`) },
      never: /mistake/,
    }),
  ),
  {
    name: "an API that was taken out of a product",
    async plant(service) {
      service.world.delete("products/aoai-trial/apis/azure-openai");
      await service.send("labs", 8);
    },
    failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
    problems: { keys: /labs opens product 'aoai-trial', which has no API/ },
  },
  {
    name: "without logs the metrics tell whose a 401 is",
    async plant(service) {
      service.world.diagnosticSettings = [];
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 401 } });
      await service.send("growth", 8);
      await service.clock.advance(180_000);
    },
    failed: { backend: 0, gateway: 8, client: 0 },
    problems: { "backend-access": /^8 of 8 calls.*refuses the gateway's credential \(401\)/, logging: /./ },
    never: /It was the client/,
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
    name: "a credential that nothing sends is no role that is missing",
    async plant(service) {
      service.rewrite(api, '<include-fragment fragment-id="aoai-auth" />', "");
      for (const id of ["aoai-eastus", "aoai-westeurope"]) service.change(`backends/${id}`, { credentials: {} });
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 401 } });
      await service.send("growth", 8);
    },
    problems: { "backend-access": /nothing signs it in.*authentication-managed-identity/ },
    never: /role assignment/,
  },
  {
    name: "a policy that refuses everyone is the gateway's doing",
    async plant(service) {
      inbound(service, '<ip-filter action="allow"><address>10.0.0.1</address></ip-filter>');
      await service.send("growth", 8);
    },
    failed: { backend: 0, gateway: 8, client: 0 },
    problems: { refusals: /ip-filter/ },
  },
  {
    name: "a fragment that is missing explains the 500s",
    async plant(service) {
      service.world.delete("policyFragments/aoai-auth");
      await service.send("growth", 8);
    },
    problems: { "unexplained-errors": /a policy that is wrong explains them: .*'aoai-auth'/, policies: /aoai-auth/ },
    never: /Azure support/,
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
    name: "a deployment that callers name wrong: what the account has instead",
    async plant(service) {
      for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).deployments.set(service.model(id).deployments.all);
      await service.send("growth", 8, { deployment: "gpt-4-turbo" });
    },
    failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
    problems: { requests: /404.*deployment 'gpt-4-turbo'\), but 'gpt-4o', 'text-embedding-3-small'/ },
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
    name: "an identity without the role: the account that it is to be granted on",
    async plant(service) {
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 403 } });
      await service.send("growth", 8);
    },
    problems: { "backend-access": /--role "Cognitive Services OpenAI User" --scope '\/subscriptions\/.+\/accounts\/aoai-eastus'/ },
  },
  {
    name: "a service that takes no calls of this program's API version",
    async plant({ world }) {
      const properties = { ...world.service.properties, apiVersionConstraint: { minApiVersion: "2027-01-01" } };
      world.service = { ...world.service, properties };
    },
    problems: { platform: /before 2027-01-01.*asks with 2024-05-01/ },
  },
  {
    name: "a certificate that Key Vault does not renew, and whom it is shown to",
    async plant({ world, clock, change }) {
      const expirationDate = new Date(clock.now().getTime() + 90 * 24 * 3_600_000).toISOString();
      const keyVault = {
        secretIdentifier: "https://kv.vault.azure.net/secrets/client",
        lastStatus: { code: "AccessDenied", message: "No." },
      };
      world.put("certificates/client", { subject: "CN=gw", thumbprint: "AA11", expirationDate, keyVault });
      change("backends/aoai-westeurope", {
        credentials: { certificate: ["aa11"], managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
      });
    },
    problems: { certificates: /'client' \(shown to aoai-westeurope\), Key Vault says: No\./ },
  },
  {
    name: "an authority that is trusted and ends",
    async plant({ world, clock }) {
      const expiry = new Date(clock.now().getTime() + 5 * 24 * 3_600_000).toISOString();
      const certificates = [{ storeName: "Root", certificate: { expiry, thumbprint: "B1", subject: "CN=contoso-root" } }];
      world.service = { ...world.service, properties: { ...world.service.properties, certificates } };
    },
    problems: { certificates: /'CN=contoso-root' expires in 4 days/ },
  },
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
];

const textOf = ({ seen, means, do: todo }: Diagnosis["problems"][number]): string => `${seen} ${means} ${todo}`;

describe("a cause is named only with evidence for it", () => {
  test.for(claims)("$name", { timeout }, async ({ plant, asked, failed, verdict, problems, never }) => {
    const service = await openService();
    await plant(service);
    await service.clock.advance(60_000);
    const found = await service.diagnose(asked);
    expect(found.problems.map(({ check }) => check).toSorted()).toEqual(Object.keys(problems).toSorted());
    for (const one of found.problems) expect(textOf(one)).toMatch(problems[one.check] ?? /./);
    if (failed !== undefined) expect(found.failed).toEqual(failed);
    if (verdict !== undefined) expect(found.verdict).toMatch(verdict);
    if (never !== undefined) expect([found.verdict, ...found.problems.map(textOf)].join("\n")).not.toMatch(never);
  });
});

const traffic = ["limits", "quotas", "deployments", "backend-errors", "breakers", "keys", "refusals", "requests", "latency"];

test("without calls nothing is fine that calls would show", { timeout }, async () => {
  const service = await openService();
  await service.clock.advance(600_000);
  const { ok, unknown, problems } = await service.diagnose();
  expect(problems).toEqual([]);
  expect(unknown).toMatchObject([{ why: "No calls in the window.", checks: expect.arrayContaining(traffic) }]);
  for (const check of traffic) expect(ok.split(", ")).not.toContain(check);
});

test("a team without rows: its calls are not known, and its state is", { timeout }, async () => {
  const service = await openService();
  await service.send("prod-critical", 3);
  service.change("subscriptions/growth", { state: "suspended" });
  await service.send("growth", 8);
  await service.clock.advance(60_000);
  const { verdict, unknown } = await service.diagnose({ subscription_id: "growth" });
  expect(verdict).toMatch(/^No logged calls of growth, .*rejected carry no team\. growth is suspended/);
  expect(unknown[0]?.why).toBe("No logged calls of growth in the window: calls whose key is rejected carry no team.");
});

test("a member outside of Azure that served no call may have any model", { timeout }, async () => {
  const service = await openService();
  service.change("backends/aoai-westeurope", { url: "https://models.contoso.example/openai" });
  await service.send("growth", 3);
  await service.clock.advance(60_000);
  expect((await service.diagnose()).unknown).toMatchObject([{ checks: ["models"], why: expect.stringContaining("aoai-westeurope") }]);
});

test("our own change of a limit is not what backends fail on, and what took it back is offered for no other", { timeout }, async () => {
  const service = await openService();
  const { ask, apply } = service.harness;
  const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 150_000 }));
  await service.clock.advance(60_000);
  for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).script.add({ behaviour: { kind: "status", status: 500 } });
  await service.send("growth", 8);
  await service.clock.advance(60_000);
  const { verdict, changed, problems } = await service.diagnose();
  expect(changed).toEqual([expect.stringContaining(changeId)]);
  expect(verdict).not.toContain("It began at");
  expect(problems.map(textOf).join("\n")).not.toContain("undo_change");
});

test("workspaces are named as what was not looked at", { timeout }, async () => {
  const service = await openService();
  service.world.put("workspaces/payments", { displayName: "Payments" });
  expect((await service.diagnose()).notes).toEqual([expect.stringMatching(/^What is in workspaces is not looked at.*payments/)]);
});

test("a window over midnight has dates", { timeout }, async () => {
  const service = await openService();
  await service.clock.advance(58 * 60_000);
  service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 400 } });
  await service.send("growth", 30, { secondsApart: 10 });
  await service.clock.advance(60_000);
  const { verdict } = await service.diagnose();
  expect(verdict).toMatch(/2026-11-20 23:04 to 11-21 00:04 UTC.*11-20 23:5\d to 11-21 00:0\d/);
});

test("an API's own diagnostic is looked at without its name", { timeout }, async () => {
  const service = await openService();
  const properties = { loggerId: armId("loggers/azuremonitor"), sampling: { samplingType: "fixed", percentage: 5 } };
  service.world.put("apis/azure-openai/diagnostics/azuremonitor", properties);
  const { problems } = await service.diagnose({ symptom: "logging" });
  expect(problems).toMatchObject([{ check: "logging", seen: expect.stringContaining("API 'azure-openai'") }]);
});

test("a change of limits is not what backends fail on", { timeout }, async () => {
  const service = await openService();
  const write = { caller: "someone@contoso.example", action: "write" as const, status: "Succeeded" as const };
  service.world.activity.push({
    ...write,
    time: service.clock.now(),
    path: product,
    correlationId: "5a11db0c-0000-4000-8000-00000000e5e5",
  });
  await service.clock.advance(60_000);
  for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).script.add({ behaviour: { kind: "status", status: 500 } });
  await service.send("growth", 8);
  await service.clock.advance(60_000);
  const { verdict, changed } = await service.diagnose();
  expect(changed).toHaveLength(1);
  expect(verdict).not.toContain("It began at");
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

test("every certificate that ends is named", { timeout }, async () => {
  const { world, clock, diagnose } = await openService();
  const at = (days: number) => new Date(clock.now().getTime() + days * 24 * 3_600_000).toISOString();
  const hostnameConfigurations = [-3, 10].map((days, index) => ({
    ...{ type: "Proxy", hostName: `ai${index}.contoso.example` },
    certificate: { expiry: at(days), thumbprint: `A${index}`, subject: "CN=ai" },
  }));
  world.service = { ...world.service, properties: { ...world.service.properties, hostnameConfigurations } };
  const { problems } = await diagnose();
  expect(problems).toMatchObject([{ check: "certificates", seen: expect.stringMatching(/'ai0\..*has expired.*'ai1\..*expires in/) }]);
});
