import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { readInventory } from "../src/gateway/inventory.ts";
import { changeInputs, defineTool, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

const perMinute = z.int().min(1).max(2_147_483_647);

export const updateQuota = defineTool({
  name: "update_quota",
  title: "Plan a team's token or request limit",
  description: "Plans a new TPM or RPM for one team (APIM subscription); the plan proves every other team unchanged. Writes nothing.",
  effect: "plan",
  toolset: "quotas",
  input: z.strictObject({
    subscription_id: z.string().min(1).describe("APIM subscription (sid), as list_subscriptions shows it"),
    tpm: perMinute.optional().describe("Tokens per minute"),
    rpm: perMinute.optional().describe("Requests per minute"),
    api_id: z.string().min(1).optional().describe("Only the limit met on this API"),
    ...changeInputs,
  }),
  output: planOutput,
  async handler({ gateway, planner }, { subscription_id, tpm, rpm, api_id, override }) {
    if (tpm === undefined && rpm === undefined) {
      throw new GatewayError("invalid_input", "Neither tpm nor rpm is given.", {
        hint: "Give the limit to change: tpm (tokens per minute), rpm, or both.",
      });
    }
    const [inventory, { planQuota }] = await Promise.all([readInventory(gateway), import("../src/quota/plan.ts")]);
    const edit = planQuota(inventory, {
      subscriptionId: subscription_id,
      ...(api_id === undefined ? {} : { apiId: api_id }),
      ...(tpm === undefined ? {} : { tpm }),
      ...(rpm === undefined ? {} : { rpm }),
    });
    return planAnswer(await planner.plan({ tool: "update_quota", ...edit, override }));
  },
  render: renderPlan,
});
