import * as z from "zod";
import { defineTool, drillOutput, renderDrill } from "../src/tool.ts";

export const getDrill = defineTool({
  name: "get_drill",
  title: "Show a failover drill",
  description: "Timeline, evidence, left_behind of a drill; a verdict once it is over and cleaned up.",
  effect: "read",
  toolset: "backends",
  input: z.strictObject({ drill_id: z.string().min(1) }),
  output: drillOutput,
  async handler(context, { drill_id }) {
    const [{ drillAnswer }, drill] = await Promise.all([import("../src/change/drill/answer.ts"), context.drills.show(drill_id)]);
    return drillAnswer(context, drill);
  },
  render: renderDrill,
});
