import { expect, test } from "vitest";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { openHarness } from "../harness.ts";

const calls = 10;

/** The demo's API with two regions at one priority and the retry that the tool writes; East US does not listen. */
async function statuses(statusCodes?: readonly string[]): Promise<readonly number[]> {
  const { sandbox, ask, apply } = await openHarness();
  const api = "apis/azure-openai/policies/policy";
  sandbox.world.put(api, {
    format: "rawxml",
    value: '<policies><inbound><base /><set-backend-service backend-id="aoai-pool" /></inbound></policies>',
  });
  await apply(
    await ask(updateBackendPool, {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-westeurope", priority: 1 }],
      policies: { retry: { count: 1, ...(statusCodes === undefined ? {} : { status_codes: statusCodes }) } },
    }),
  );
  expect((await ask(getBackendPool, { api_id: "azure-openai" })).routes).toHaveLength(1);
  const [{ models }, gateway] = await Promise.all([sandbox.dataPlane(), sandbox.gateway()]);
  models.of("aoai-eastus")?.script.add({ behaviour: { kind: "refuse" } });
  const seen: number[] = [];
  while (seen.length < calls) {
    const answer = await gateway.fetch(
      new Request("https://gateway.example/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
        method: "POST",
        headers: { "api-key": sandbox.keys().growth ?? "", "content-type": "application/json" },
        body: JSON.stringify({ messages: [{ role: "user", content: "ping" }], max_tokens: 1 }),
      }),
    );
    await answer.arrayBuffer();
    seen.push(answer.status);
  }
  return seen;
}

test("a connection that is refused is tried again elsewhere: no caller sees it", async () => {
  expect(await statuses()).toEqual(Array.from({ length: calls }, () => 200));
});

test("but not where only 429 is to be tried again", async () => {
  expect(new Set(await statuses(["429"]))).toEqual(new Set([200, 500]));
});
