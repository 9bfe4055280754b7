import * as z from "zod";
import { readInventory } from "../src/gateway/inventory.ts";
import { changeInputs, defineTool, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

export const runFailoverDrill = defineTool({
  name: "run_failover_drill",
  title: "Plan a failover drill",
  description:
    "Plans a drill of a pool's member. rehearse: a copy fails, test calls only. evacuate: real calls go elsewhere, and come back by themselves. apply_change starts it; get_drill reports.",
  effect: "plan",
  toolset: "backends",
  input: z.strictObject({
    api_id: z.string().min(1),
    backend_id: z.string().min(1),
    pool_id: z.string().min(1).optional().describe("If in several pools"),
    mode: z.enum(["rehearse", "evacuate"]).default("rehearse"),
    duration: z.string().default("PT2M").describe("PT1S to PT1H"),
    subscriptions: z.array(z.string().min(1)).optional().describe("Whom to evacuate"),
    ...changeInputs,
  }),
  output: planOutput,
  async handler({ gateway, models, planner, grammar, drillTools, now }, { override, dry_run: _, ...request }) {
    const [inventory, csharp, { endpointsMoved, planDrill }, { drillMeans }, { readBehind }] = await Promise.all([
      readInventory(gateway),
      grammar(),
      import("../src/pool/drill/plan.ts"),
      import("../src/pool/drill/means.ts"),
      import("../src/pool/account-tokens.ts"),
    ]);
    const [means, behind] = await Promise.all([
      drillMeans(gateway, inventory, request, drillTools),
      readBehind(models, endpointsMoved(inventory, csharp, request), now()),
    ]);
    return planAnswer(
      await planner.plan({ tool: "run_failover_drill", ...planDrill(inventory, csharp, request, means, behind), override }),
    );
  },
  render: renderPlan,
});
