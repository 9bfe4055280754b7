import { deploymentOf } from "../../src/sandbox/models/deployments.ts";
import { apiPolicy as api, type Service, twoRegions } from "./kit.ts";

/** Something that is made to go wrong, and the one check that is to find it. */
export interface Fault {
  readonly name: string;
  readonly check: string;
  /** Other checks that explain it as well, and so keep this one from finding it. */
  readonly explainedBy?: RegExp;
  /** With the calls that show it. What it leaves behind does not disturb other calls. */
  plant(service: Service): Promise<void>;
}

const product = "products/aoai/policies/policy";
const regions = ["aoai-eastus", "aoai-westeurope"];

type Behaviour = Parameters<ReturnType<Service["model"]>["script"]["add"]>[0]["behaviour"];

/** Both regions behave like this for so many calls. */
async function misbehaving(service: Service, behaviour: Behaviour, calls = 12): Promise<void> {
  for (const region of regions) service.model(region).script.add({ behaviour });
  await service.send("prod-critical", calls);
  for (const region of regions) service.model(region).script.clear();
  // Until the breakers have closed.
  await service.clock.advance(120_000);
}

const chat = deploymentOf("gpt-4o");
const embeddings = deploymentOf("text-embedding-3-small");

const asked = '<when condition="@(context.Request.Headers.ContainsKey("x-cache"))">';
const store = `<choose>${asked}<llm-semantic-cache-store duration="3600" /></when></choose>`;

/** A semantic cache for calls that ask for it, with which nothing is wrong; once. */
export function withCache({ world, rewrite }: Service, { everyCall = false } = {}): void {
  const [open, close] = everyCall ? ["", ""] : [`<choose>${asked}`, "</when></choose>"];
  if (world.get("backends/embeddings") !== undefined) return;
  rewrite(
    api,
    '<include-fragment fragment-id="aoai-auth" />',
    `${open}
      <llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned"><vary-by>@(context.Subscription.Id)</vary-by></llm-semantic-cache-lookup>
      <rate-limit-by-key calls="6000" renewal-period="60" counter-key="@(context.Subscription.Id + "-cache")" />
    ${close}
    <include-fragment fragment-id="aoai-auth" />`,
  );
  rewrite(api, "<outbound>", `<outbound>${store}`);
  world.put("caches/default", { connectionString: "{{redis}}", useFromLocation: "default" });
  world.put("backends/embeddings", {
    type: "Single",
    protocol: "http",
    url: "https://aoai-eastus.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
  });
}

/** A cache with one thing wrong. */
const cacheFault = (name: string, check: string, spoil: (service: Service) => void): Fault => ({
  name,
  check,
  async plant(service) {
    withCache(service);
    spoil(service);
  },
});

const words =
  "amber bridge copper delta ember falcon granite harbor indigo juniper kestrel lagoon marble nectar orchid pebble quartz river saffron timber".split(
    " ",
  );

export const faults: readonly Fault[] = [
  {
    name: "an outage of all regions",
    check: "backend-errors",
    plant: (service) => misbehaving(service, { kind: "status", status: 500 }),
  },
  {
    name: "backends that nobody reaches",
    check: "backend-connection",
    plant: (service) => misbehaving(service, { kind: "refuse" }),
  },
  {
    name: "deployments at their own limit",
    check: "deployments",
    plant: (service) => misbehaving(service, { kind: "throttle", retryAfterSeconds: 1 }),
  },
  {
    name: "an identity without a role at the model",
    check: "backend-access",
    plant: (service) => misbehaving(service, { kind: "status", status: 401 }),
  },
  {
    name: "a policy that throws",
    check: "policy-failures",
    async plant(service) {
      service.rewrite(
        api,
        "<base />",
        '<base /><set-variable name="tier" value="@(context.Request.Headers.ContainsKey("x-tier") ? context.Request.Headers.GetValueOrDefault("x-tier", "").Substring(50) : "")" />',
      );
      await service.send("prod-critical", 7, { headers: { "x-tier": "gold" } });
    },
  },
  {
    name: "clients that hang up",
    check: "clients",
    async plant(service) {
      service.model("aoai-eastus").script.add({ latencyMs: 5000, behaviour: { kind: "answer" } });
      await service.send("prod-critical", 8, { hangsUp: true, secondsApart: 10 });
      service.model("aoai-eastus").script.clear();
    },
  },
  {
    name: "keys that open nothing",
    check: "keys",
    plant: async (service) => void (await service.send("prod-critical", 6, { key: "b1c2-not-a-real-key" })),
  },
  {
    name: "a policy that refuses callers",
    check: "refusals",
    async plant(service) {
      service.rewrite(
        api,
        "<base />",
        '<base /><choose><when condition="@(context.Request.Headers.ContainsKey("x-check"))"><check-header name="x-team" failed-check-httpcode="403" failed-check-error-message="No team." ignore-case="true" /></when></choose>',
      );
      await service.send("prod-critical", 6, { headers: { "x-check": "yes" } });
    },
  },
  {
    name: "a limit that is too low",
    check: "limits",
    async plant(service) {
      service.rewrite("products/aoai-trial/policies/policy", 'tokens-per-minute="20000"', 'tokens-per-minute="20"');
      await service.send("labs", 12);
    },
  },
  {
    name: "a quota that is used up",
    check: "quotas",
    async plant(service) {
      service.rewrite(product, 'tokens-per-minute="200000"', 'tokens-per-minute="200000" token-quota="20" token-quota-period="Hourly"');
      await service.send("analytics", 12);
    },
  },
  {
    name: "answers that take much longer than before",
    check: "latency",
    async plant(service) {
      await service.send("prod-critical", 20);
      await service.clock.advance(3_600_000);
      for (const region of regions) service.model(region).script.add({ latencyMs: 20_000, behaviour: { kind: "answer" } });
      await service.send("prod-critical", 20, { secondsApart: 25 });
      for (const region of regions) service.model(region).script.clear();
    },
  },
  cacheFault("a lookup without store", "cache-pair", ({ rewrite }) => rewrite(api, '<llm-semantic-cache-store duration="3600" />', "")),
  cacheFault("an embeddings backend of another name", "cache-embeddings", ({ rewrite }) =>
    rewrite(api, 'embeddings-backend-id="embeddings"', 'embeddings-backend-id="embedding"'),
  ),
  {
    name: "a standby with an older version, that has answered nothing",
    check: "models",
    async plant({ model }) {
      model("aoai-westeurope").deployments.set([{ ...chat, version: "2024-05-13" }, embeddings]);
    },
  },
  cacheFault("no Redis", "cache-redis", ({ world }) => world.delete("caches/default")),
  cacheFault("a similarity for a distance", "cache-threshold", ({ rewrite }) =>
    rewrite(api, 'score-threshold="0.05"', 'score-threshold="0.95"'),
  ),
  cacheFault("a cache that varies by each call", "cache-vary-by", ({ rewrite }) =>
    rewrite(api, "<vary-by>@(context.Subscription.Id)", "<vary-by>@(context.RequestId.ToString())"),
  ),
  cacheFault("a cache of answers that are streamed", "cache-streaming", ({ rewrite }) =>
    rewrite(api, "<forward-request ", '<forward-request buffer-response="false" '),
  ),
  {
    name: "a cache that never hits",
    check: "cache-hits",
    explainedBy: /^cache-/,
    async plant(service) {
      withCache(service);
      for (const word of words) await service.send("prod-critical", 1, { prompt: `${word} `.repeat(40), headers: { "x-cache": "yes" } });
      await service.send("prod-critical", 1, { prompt: "Nothing like the others at all" });
    },
  },
  {
    name: "a pool with a member that does not exist",
    check: "failover-backends",
    async plant({ world, change }) {
      const { pool } = world.get("backends/aoai-pool")?.properties ?? {};
      const services = typeof pool === "object" && pool !== null && "services" in pool && Array.isArray(pool.services) ? pool.services : [];
      change("backends/aoai-pool", { pool: { services: [...services, { id: "/backends/aoai-gone", priority: 3 }] } });
    },
  },
  {
    name: "a primary without a breaker",
    check: "failover-breakers",
    plant: async ({ change }) => change("backends/aoai-eastus", { circuitBreaker: null }),
  },
  {
    name: "a retry that does not retry 5xx",
    check: "failover-retry",
    plant: async ({ rewrite }) => rewrite(api, " || context.Response.StatusCode >= 500", ""),
  },
  {
    name: "regions with different models",
    check: "models",
    async plant(service) {
      const { world, model } = service;
      const west = model("aoai-westeurope");
      const older = {
        matches: west.matches,
        fetch: async (request: Request) => {
          const answer = await west.fetch(request);
          return new Response((await answer.text()).replaceAll("gpt-4o-2024-11-20", "gpt-4o-2024-05-13"), answer);
        },
      };
      world.upstreams.unshift(older);
      const before = world.get("backends/aoai-pool")?.properties ?? twoRegions;
      world.put("backends/aoai-pool", {
        ...twoRegions,
        pool: { services: [{ id: "/backends/aoai-eastus" }, { id: "/backends/aoai-westeurope" }] },
      });
      await service.send("prod-critical", 10);
      world.put("backends/aoai-pool", before);
      world.upstreams.splice(world.upstreams.indexOf(older), 1);
    },
  },
  {
    name: "tokens that are not logged",
    check: "logging",
    plant: async ({ change }) => change("diagnostics/azuremonitor", { largeLanguageModel: { logs: "disabled" } }),
  },
  {
    name: "a policy that the service would refuse",
    check: "policies",
    plant: async ({ world }) =>
      void world.put("policyFragments/broken", {
        value: '<fragment><rate-limit calls="ten" renewal-period="60" /></fragment>',
        format: "rawxml",
      }),
  },
  {
    name: "a deployment that callers name and nobody has",
    check: "requests",
    async plant(service) {
      for (const region of regions) {
        const { deployments } = service.model(region);
        deployments.set(deployments.all);
      }
      await service.send("prod-critical", 6, { deployment: "gpt-4-turbo" });
    },
  },
  cacheFault("an embeddings deployment that is gone", "cache-embeddings", ({ model }) => {
    model("aoai-eastus").deployments.set(model("aoai-eastus").deployments.all.filter(({ kind }) => kind === "chat"));
  }),
  {
    name: "a key in a policy",
    check: "lints",
    plant: async ({ world }) =>
      void world.put("policyFragments/clear", {
        value:
          '<fragment><set-header name="api-key" exists-action="override"><value>0123456789abcdef0123456789abcdef</value></set-header></fragment>',
        format: "rawxml",
      }),
  },
  {
    name: "an embeddings model that refuses the gateway",
    check: "cache-embeddings",
    async plant(service) {
      withCache(service);
      service.model("aoai-eastus").script.add({ deployment: embeddings.name, behaviour: { kind: "status", status: 401 } });
      await service.send("prod-critical", 4, { headers: { "x-cache": "yes" } });
      service.model("aoai-eastus").script.clear();
    },
  },
  {
    name: "a platform that Azure has retired",
    check: "platform",
    async plant({ world }) {
      world.service = { ...world.service, properties: { ...world.service.properties, platformVersion: "stv1" } };
    },
  },
  {
    name: "a certificate that ends soon",
    check: "certificates",
    async plant({ world, clock }) {
      const expiry = new Date(clock.now().getTime() + 10 * 24 * 3_600_000).toISOString();
      const hostnameConfigurations = [
        { type: "Proxy", hostName: "ai.contoso.example", certificate: { expiry, thumbprint: "A1", subject: "CN=ai" } },
      ];
      world.service = { ...world.service, properties: { ...world.service.properties, hostnameConfigurations } };
    },
  },
];
