import { expect, test } from "vitest";
import { applyChange } from "../../tools/apply-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { openHarness } from "../harness.ts";

const newMember = {
  api_id: "azure-openai",
  backends: [{ backend_id: "aoai-north", url: "https://aoai-north.openai.azure.com/openai", priority: 2 }],
};
const command =
  /^az role assignment create .*--role "Cognitive Services OpenAI User" --scope '<.* https:\/\/aoai-north\.openai\.azure\.com\/openai>'$/;

test("what is accepted, what is not known to be effective, and what is left to do by hand", async () => {
  const { ask, client, sandbox } = await openHarness();
  const plan = await ask(updateBackendPool, newMember);
  expect(plan).toMatchObject({ status: "planned", manual_steps: [expect.stringMatching(command)] });
  const input = { plan_id: plan.plan_id, confirm: plan.confirm };
  const change = await ask(applyChange, input);
  expect(change).toMatchObject({ status: "applied", effective: "unknown", manual_steps: plan.manual_steps });
  expect(Date.parse(change.accepted)).toBeLessThanOrEqual(sandbox.world.now().getTime());
  expect(change.next).toContain("get_backend_pool");
  expect(await ask(applyChange, input)).toEqual(change);

  const { text } = await client.call("apply_change", input);
  expect(text).toContain(`Accepted by Azure: ${change.accepted}. Effective on the gateways: unknown.`);
  expect(text).toContain("To be run by someone who may:\n```sh\naz role assignment create ");
});

test("nothing is left to do where nothing is new", async () => {
  const { ask } = await openHarness();
  const plan = await ask(updateBackendPool, { api_id: "azure-openai", backends: [{ backend_id: "aoai-westeurope", priority: 3 }] });
  expect(plan.status).toBe("planned");
  expect(plan).not.toHaveProperty("manual_steps");
  expect(await ask(applyChange, { plan_id: plan.plan_id, confirm: plan.confirm })).not.toHaveProperty("manual_steps");
});
