import * as z from "zod";
import { changeInputs, defineTool, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

export const undoChange = defineTool({
  name: "undo_change",
  title: "Undo a change",
  description: "Plans the way back from an applied change; refused where someone has edited the documents since. Writes nothing.",
  effect: "plan",
  toolset: "changes",
  input: z.strictObject({ change_id: z.string().min(1), ...changeInputs }),
  output: planOutput,
  handler: async ({ planner }, { change_id, override }) => planAnswer(await planner.planUndo(change_id, override)),
  render: renderPlan,
});
