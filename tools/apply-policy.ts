import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import {
  type Document,
  type DocumentId,
  documentTitle,
  type PolicyScope,
  policyDocumentId,
  policyText,
  withPolicyText,
} from "../src/gateway/documents.ts";
import { type Inventory, readInventory, withPolicies } from "../src/gateway/inventory.ts";
import { redactedText } from "../src/gateway/keys.ts";
import type { Operation } from "../src/gateway/model.ts";
import type { GatewayReader } from "../src/gateway/ports.ts";
import type { LimitChange } from "../src/gateway/proposal.ts";
import { changeTarget } from "../src/gateway/targets.ts";
import type { Patched } from "../src/policy/patch.ts";
import type { ReviewDiagnostic } from "../src/policy/review.ts";
import { changeInputs, defineTool, lines, planAnswer, planOutput, type ReadContext, renderPlan, targetInputs } from "../src/tool.ts";

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
  async handler({ gateway, planner, grammar }, request) {
    await refuseMarks(request);
    const scope = await changeTarget(gateway, request);
    const id = policyDocumentId(scope);
    const [inventory, before, { limitChanges }] = await Promise.all([
      readInventory(gateway),
      gateway.document(id),
      import("../src/quota/limit-changes.ts"),
    ]);
    const { source, done } = await requested(request, id, before);
    const findings = await reviewed(source, { scope, before, inventory, operation: await operationOf(gateway, scope), grammar });
    const diagnostics = findings.map(withoutKeys);
    const after = withPolicyText(before?.properties ?? null, source);
    const limits = limitChanges(inventory, withPolicies(inventory, [{ id, etag: "", properties: after }]), await grammar());
    const plan = await planner.plan({
      tool: "apply_policy",
      action: `${id} ${done.length > 1 ? `${done.length} edits: ` : ""}${done.join("; ")}`,
      summary: `${before === null ? "Create" : request.edits === undefined ? "Replace" : "Edit"} the ${documentTitle(id)}.`,
      documents: [{ id, before, after }],
      affected: [documentTitle(id).replace(/ policy$/, ""), ...new Set(limits.map(({ subscriptionId }) => subscriptionId))],
      warnings: [...limits.flatMap(limitTexts), ...diagnostics.filter(({ severity }) => severity === "warning").map(diagnosticText)],
      limits,
      policyErrors: diagnostics.filter(({ severity }) => severity === "error").map(diagnosticText),
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
async function requested({ policy_xml, edits }: z.output<typeof input>, id: DocumentId, before: Document | null): Promise<Patched> {
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
  const { patch } = await import("../src/policy/patch.ts");
  return patch(policyText(before), edits);
}

/** What is to be written instead repeats expressions; a message quotes names, and values without their keys. */
const withoutKeys = ({ fix, ...finding }: ReviewDiagnostic): ReviewDiagnostic => ({
  ...finding,
  ...(fix === undefined ? {} : { fix: redactedText(fix) }),
});

/** A mark that `get_policy` shows in the place of a key, sent back, would take the key's place. */
async function refuseMarks({ policy_xml, edits = [] }: z.output<typeof input>): Promise<void> {
  const { redactionMarkIn } = await import("../src/policy/redaction.ts");
  const inXml = redactionMarkIn(policy_xml ?? "");
  const mark = inXml ?? redactionMarkIn(JSON.stringify(edits.map(({ select: _, ...operation }) => operation)));
  if (mark === null) return;
  const where = inXml === null ? "edits" : `policy_xml, line ${(policy_xml ?? "").split(mark)[0]?.split("\n").length}`;
  throw new GatewayError("invalid_input", `${mark} stands for a key that was not shown (${where}); written, it would replace the key.`, {
    hint: "Use edits that leave the element with the key alone. Better: put the key into a secret named value and write {{its-name}}.",
  });
}

const diagnosticText = ({ line, message }: z.output<typeof diagnostic>): string => `line ${line}: ${message}`;

/** What the guard says of a counter is not repeated: here stands the one that it lets pass, which starts anew. */
const limitTexts = ({ subscriptionId, kind, before, after, period, calls, counter }: LimitChange): readonly string[] => [
  ...(before === after && period === undefined
    ? []
    : [
        `The ${kind} that binds ${calls === undefined ? "" : "some calls of "}${subscriptionId} goes from ${before ?? "none"}${
          period === undefined ? "" : ` ${period.before ?? "unknown"}`
        } to ${after ?? "none"}${period === undefined ? "" : ` ${period.after ?? "unknown"}`}.`,
      ]),
  ...(counter?.perSubscription === true ? [`The ${kind} of ${subscriptionId} is counted anew, by another key.`] : []),
];

async function operationOf(gateway: GatewayReader, scope: PolicyScope): Promise<Operation | undefined> {
  return scope.kind === "operation" ? (await gateway.operations(scope.apiId)).find(({ id }) => id === scope.operationId) : undefined;
}

interface Reviewed {
  readonly scope: PolicyScope;
  readonly before: Document | null;
  readonly inventory: Inventory;
  readonly operation: Operation | undefined;
  readonly grammar: ReadContext["grammar"];
}

async function reviewed(source: string, { scope, before, inventory, operation, grammar }: Reviewed): Promise<readonly ReviewDiagnostic[]> {
  const [{ parse }, { review }, { appliedBeside, referencesOf }, { backendIdOf, isPool, poolItems }, csharp] = await Promise.all([
    import("../src/policy/document.ts"),
    import("../src/policy/review.ts"),
    import("../src/policy/surroundings.ts"),
    import("../src/pool/backend.ts"),
    grammar(),
  ]);
  return review(parse(source), {
    scope: scope.kind,
    tier: inventory.service.tier,
    inventory: referencesOf(inventory, operation),
    csharp,
    others: appliedBeside(inventory, scope),
    poolSizes: new Map(
      inventory.backends
        .filter(({ properties }) => isPool(properties))
        .map(({ id, properties }) => [backendIdOf(id), poolItems(properties).length]),
    ),
    ...(before === null ? {} : { before: parse(policyText(before)) }),
  });
}
