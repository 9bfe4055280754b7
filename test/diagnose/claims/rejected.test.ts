import { describe, expect, test } from "vitest";
import { apiPolicy as api, openService, timeout } from "../kit.ts";
import { type Claim, holds, inbound } from "./claims.ts";

const claims: readonly Claim[] = [
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
    name: "a deployment that callers name wrong: what the account has instead",
    async plant(service) {
      for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).deployments.set(service.model(id).deployments.all);
      await service.send("growth", 8, { deployment: "gpt-4-turbo" });
    },
    failed: { backend: 0, gateway: 0, client: 0, unknown: 8 },
    problems: { requests: /404.*deployment 'gpt-4-turbo'\), but 'gpt-4o', 'text-embedding-3-small'/ },
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
    name: "a team that was suspended after some good calls",
    async plant(service) {
      await service.send("growth", 5);
      service.change("subscriptions/growth", { state: "suspended" });
      await service.send("growth", 20);
    },
    asked: { subscription_id: "growth", symptom: "403" },
    verdict:
      /^No logged call of growth failed that way: 5 calls.*growth is suspended\. 20 calls of the service were rejected for their key and carry no team/,
    problems: { keys: /^growth is suspended\. Its key is refused.*20 calls/ },
  },
  {
    name: "a standby without the deployment: callers have its name right, and the command that creates it",
    async plant(service) {
      const { deployments } = service.model("aoai-westeurope");
      deployments.set(deployments.all.filter(({ kind }) => kind === "embeddings"));
      service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 500 }, times: 30 });
      await service.send("growth", 20);
    },
    verdict: /sent to a member without the deployment that another has \(gpt-4o, 404\)/,
    problems: {
      models:
        /aoai-westeurope has none of that name \(aoai-eastus has\).*It has cost \d+ of 20 calls.*az cognitiveservices account deployment create .*--name 'aoai-westeurope' --deployment-name 'gpt-4o'/,
    },
    never: /name that exists|cannot be told whose/,
  },
];

describe("callers that are turned away", () => {
  holds(claims);
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

test("keys that were rejected may be of any team: that is unknown, and fine where there are none", { timeout }, async () => {
  const service = await openService();
  await service.send("growth", 5);
  await service.clock.advance(60_000);
  expect((await service.diagnose({ subscription_id: "growth" })).unknown).toEqual([]);
  await service.send("growth", 6, { key: "b1c2-not-a-real-key" });
  await service.clock.advance(60_000);
  for (const symptom of [undefined, "403"]) {
    const { problems, unknown, verdict } = await service.diagnose({ subscription_id: "growth", symptom });
    expect(problems).toEqual([]);
    expect(unknown).toMatchObject([
      { checks: ["keys"], why: expect.stringMatching(/^6 calls of the service were rejected for their key/) },
    ]);
    expect(verdict).toMatch(/^No logged call of growth failed.*6 calls of the service/);
  }
});

test("a team that was suspended and called nothing since", { timeout }, async () => {
  const service = await openService();
  await service.send("growth", 5);
  service.change("subscriptions/growth", { state: "suspended" });
  await service.clock.advance(60_000);
  const { problems } = await service.diagnose({ subscription_id: "growth" });
  expect(problems).toMatchObject([{ check: "keys", seen: "growth is suspended.", means: expect.not.stringContaining("among them") }]);
});
