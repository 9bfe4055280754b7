import * as z from "zod";
import { GatewayError, unknownName } from "../src/errors.ts";
import { documentTitle, type PolicyScope, policyDocumentId, withPolicyText } from "../src/gateway/documents.ts";
import { findApi, findProduct } from "../src/gateway/inventory.ts";
import type { GatewayReader } from "../src/gateway/ports.ts";
import type { ProposedDocument } from "../src/gateway/proposal.ts";
import { validate } from "../src/policy/validate.ts";
import { changeInputs, defineTool, lines, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

const diagnostic = z.object({
  severity: z.enum(["error", "warning"]),
  code: z.string(),
  message: z.string(),
  line: z.int(),
  column: z.int(),
  fix: z.string().optional(),
});

const input = z.strictObject({
  api_id: z.string().min(1).optional(),
  operation_id: z.string().min(1).optional().describe("With api_id"),
  product_id: z.string().min(1).optional(),
  global: z.literal(true).optional(),
  policy_xml: z.string().min(1).max(300_000).describe("The whole document, <policies>...</policies>"),
  ...changeInputs,
});

export const applyPolicy = defineTool({
  name: "apply_policy",
  title: "Plan a policy",
  description: "Validates a policy and plans it for one target: api_id (with operation_id), product_id or global. Writes nothing.",
  effect: "plan",
  toolset: "policies",
  input,
  output: z.object({ ...planOutput.shape, diagnostics: z.array(diagnostic) }),
  async handler({ gateway, planner }, request) {
    const scope = await target(gateway, request);
    const id = policyDocumentId(scope);
    const before = await gateway.document(id);
    const diagnostics = validate(request.policy_xml, { scope: scope.kind });
    const document: ProposedDocument = { id, before, after: withPolicyText(before?.properties ?? null, request.policy_xml) };
    const plan = await planner.plan({
      tool: "apply_policy",
      action: `${id} ${before === null ? "new policy" : "policy replaced"}`,
      summary: `${before === null ? "Create" : "Replace"} the ${documentTitle(id)}.`,
      documents: [document],
      affected: [documentTitle(id).replace(/ policy$/, "")],
      warnings: diagnostics.filter(({ severity }) => severity === "warning").map(({ line, message }) => `line ${line}: ${message}`),
      policyErrors: diagnostics.filter(({ severity }) => severity === "error").map(({ line, message }) => `line ${line}: ${message}`),
      override: request.override,
    });
    return { ...planAnswer(plan), diagnostics };
  },
  render: ({ diagnostics, ...plan }) =>
    lines(
      renderPlan(plan),
      ...diagnostics.map(
        ({ severity, line, column, message, fix }) =>
          `- ${severity} at ${line}:${column}: ${message}${fix === undefined ? "" : ` Write: ${fix}`}`,
      ),
    ),
});

/** The one target that the input names; it must exist. */
async function target(gateway: GatewayReader, { api_id, operation_id, product_id, global }: z.output<typeof input>): Promise<PolicyScope> {
  if ([api_id, product_id, global].filter((given) => given !== undefined).length !== 1) {
    throw new GatewayError("invalid_input", "Exactly one target is needed.", {
      hint: "Give api_id (with operation_id for one operation), or product_id, or global: true.",
    });
  }
  if (operation_id !== undefined && api_id === undefined) {
    throw new GatewayError("invalid_input", "operation_id needs the api_id that it belongs to.", { hint: "Add api_id." });
  }
  if (product_id !== undefined) return { kind: "product", productId: findProduct(await gateway.products(), product_id).id };
  if (api_id === undefined) return { kind: "global" };
  const api = findApi(await gateway.apis(), api_id);
  if (operation_id === undefined) return { kind: "api", apiId: api.id };
  const operations = await gateway.operations(api.id);
  const operation = operations.find(({ id }) => id.toLowerCase() === operation_id.toLowerCase());
  if (operation === undefined) {
    throw unknownName(
      `operation of API '${api.id}'`,
      operation_id,
      operations.map(({ id }) => id),
    );
  }
  return { kind: "operation", apiId: api.id, operationId: operation.id };
}
