import * as z from "zod";
import { defineTool, lines, oneLine, renderSteps } from "../src/tool.ts";

export const applyChange = defineTool({
  name: "apply_change",
  title: "Apply a planned change",
  description: "Writes a plan, exactly as it was shown, after the user has agreed. The only tool that writes. Undo with undo_change.",
  effect: "write",
  toolset: "changes",
  input: z.strictObject({
    plan_id: z.string().min(1),
    confirm: z.string().min(1).describe("The plan's confirm line, word for word"),
  }),
  output: z.object({
    status: z.literal("applied"),
    change_id: z.string(),
    service: z.string(),
    summary: z.string(),
    documents: z.array(z.object({ id: z.string(), action: z.enum(["create", "update", "delete"]) })),
    accepted: z.string(),
    effective: z.string(),
    manual_steps: z.array(z.string()).optional(),
    drill_id: z.string().optional(),
    next: z.string(),
  }),
  async handler({ applier }, { plan_id, confirm }) {
    const { changeId, manualSteps, drillId, ...change } = await applier.apply(plan_id, confirm);
    return {
      change_id: changeId,
      ...change,
      ...(manualSteps === undefined ? {} : { manual_steps: manualSteps }),
      ...(drillId === undefined ? {} : { drill_id: drillId }),
    };
  },
  render: ({ change_id, service, summary, documents, accepted, effective, manual_steps, next }) =>
    lines(
      `**applied** on ${service}: ${oneLine(summary)} (change \`${change_id}\`)`,
      ...documents.map(({ id, action }) => `- ${action} \`${id}\`, read back and compared`),
      `Accepted by Azure: ${accepted}. Effective on the gateways: ${effective}.`,
      ...renderSteps(manual_steps),
      `Next: ${next}`,
    ),
});
