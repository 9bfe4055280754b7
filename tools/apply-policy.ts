import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { type Document, type DocumentId, documentTitle, policyDocumentId, policyText, withPolicyText } from "../src/gateway/documents.ts";
import type { ProposedDocument } from "../src/gateway/proposal.ts";
import { policyTarget } from "../src/gateway/targets.ts";
import { type Patched, patch } from "../src/policy/patch.ts";
import { validate } from "../src/policy/validate.ts";
import { changeInputs, defineTool, lines, planAnswer, planOutput, renderPlan, targetInputs } from "../src/tool.ts";

const diagnostic = z.object({
  severity: z.enum(["error", "warning"]),
  code: z.string(),
  message: z.string(),
  line: z.int(),
  column: z.int(),
  fix: z.string().optional(),
});

const xml = z.string().optional();

const edit = z.strictObject({
  select: z.string().describe("One path: inbound/choose/when[2]/set-header[@name='x']"),
  set: z
    .record(z.string(), z.union([z.string(), z.number(), z.null()]))
    .optional()
    .describe("null removes"),
  insert_before: xml,
  insert_after: xml,
  append: xml,
  replace: xml,
  remove: z.literal(true).optional(),
});

const input = z.strictObject({
  ...targetInputs,
  policy_xml: z.string().min(1).max(300_000).optional().describe("The whole document, <policies>...</policies>"),
  edits: z.array(edit).max(50).optional().describe("Instead of policy_xml: in order, each one operation"),
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
    const scope = await policyTarget(gateway, request);
    const id = policyDocumentId(scope);
    const before = await gateway.document(id);
    const { source, done } = requested(request, id, before);
    const diagnostics = validate(source, { scope: scope.kind });
    const document: ProposedDocument = { id, before, after: withPolicyText(before?.properties ?? null, source) };
    const plan = await planner.plan({
      tool: "apply_policy",
      action: `${id} ${done.length > 1 ? `${done.length} edits: ` : ""}${done.join("; ")}`,
      summary: `${before === null ? "Create" : request.edits === undefined ? "Replace" : "Edit"} the ${documentTitle(id)}.`,
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

/** The document that the request asks for, and what it does in words. */
function requested({ policy_xml, edits }: z.output<typeof input>, id: DocumentId, before: Document | null): Patched {
  if ((policy_xml === undefined) === (edits === undefined)) {
    throw new GatewayError("invalid_input", "Exactly one of policy_xml and edits is needed.", {
      hint: "Give the whole document in policy_xml, or what changes in it in edits.",
    });
  }
  if (edits === undefined) return { source: policy_xml ?? "", done: [before === null ? "new policy" : "policy replaced"] };
  if (before === null) {
    throw new GatewayError("not_found", `There is no ${documentTitle(id)} to edit.`, {
      hint: "Give the whole document in policy_xml; each section of it needs <base /> to keep what it inherits.",
    });
  }
  return patch(policyText(before), edits);
}
