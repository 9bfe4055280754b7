import * as z from "zod";
import { readInventory } from "../src/gateway/inventory.ts";
import { changeInputs, defineTool, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

const breaker = z
  .strictObject({
    failure_count: z.int().optional().describe("Default 5"),
    failure_percent: z.int().optional(),
    interval: z.string().optional().describe("Default PT1M"),
    status_codes: z.array(z.string()).optional().describe('Default ["429", "500-599"]'),
    error_reasons: z.array(z.string()).optional(),
    trip_duration: z.string().optional().describe("Default PT1M"),
    accept_retry_after: z.boolean().optional(),
  })
  .nullable();

const backend = z.strictObject({
  backend_id: z.string().min(1),
  url: z.string().optional().describe("Creates the backend where there is none"),
  region: z.string().optional(),
  managed_identity: z.boolean().optional().describe("Default: as the others"),
  priority: z.int().optional().describe("0-100; lower is used first"),
  weight: z.int().optional().describe("0-100"),
  circuit_breaker: breaker.optional().describe("null removes it"),
});

const policies = z.strictObject({
  load_balancing: z.enum(["round_robin", "weighted", "priority"]).optional(),
  circuit_breaker: breaker.optional().describe("As above, for all members"),
  session_affinity: z
    .strictObject({ cookie: z.string().min(1) })
    .nullable()
    .optional(),
  failure_status: z.int().nullable().optional(),
  retry: z
    .strictObject({ count: z.int().optional(), status_codes: z.array(z.string()).optional() })
    .nullable()
    .optional(),
});

export const updateBackendPool = defineTool({
  name: "update_backend_pool",
  title: "Plan a backend pool",
  description:
    "Plans members, priorities, weights, circuit breakers, load balancing of an API's pool (made where there is none); members not named stay. Writes nothing.",
  effect: "plan",
  toolset: "backends",
  input: z.strictObject({
    api_id: z.string().min(1),
    backends: z.array(backend).optional().describe("Members to add or change"),
    policies: policies.optional().describe("What concerns the whole pool"),
    pool_id: z.string().min(1).optional().describe("Where the API has several; or the new one's"),
    remove: z.array(z.string().min(1)).optional(),
    probe: z.boolean().optional().describe("Asks new members first by test calls; they join only if they answer"),
    ...changeInputs,
  }),
  output: planOutput,
  async handler({ gateway, models, planner, grammar, drillTools, now }, { override, dry_run: _, probe = false, ...request }) {
    const [inventory, csharp, { endpointsMoved, planPool, poolDocuments }, { readBehind }, { tested }] = await Promise.all([
      readInventory(gateway),
      grammar(),
      import("../src/pool/plan.ts"),
      import("../src/pool/account-tokens.ts"),
      import("../src/pool/test-path/tested.ts"),
    ]);
    const documents = await Promise.all(poolDocuments(inventory, csharp, request).map((id) => gateway.document(id)));
    const live = new Map(documents.filter((document) => document !== null).map((document) => [document.id, document]));
    const behind = await readBehind(models, endpointsMoved(inventory, csharp, live, request), now());
    const edit = planPool(inventory, csharp, live, request, behind);
    const asked = probe ? await tested(gateway, { inventory, csharp }, request, edit, drillTools) : edit;
    return planAnswer(await planner.plan({ tool: "update_backend_pool", ...asked, override }));
  },
  render: renderPlan,
});
