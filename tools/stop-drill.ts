import * as z from "zod";
import { defineTool, drillOutput, renderDrill } from "../src/tool.ts";

export const stopDrill = defineTool({
  name: "stop_drill",
  title: "Stop a failover drill",
  description: "Ends a drill early: writes only the clean-up that its plan showed.",
  effect: "write",
  toolset: "backends",
  input: z.strictObject({ drill_id: z.string().min(1) }),
  output: drillOutput,
  async handler(context, { drill_id }) {
    const [{ drillAnswer }, drill] = await Promise.all([import("../src/change/drill/answer.ts"), context.stopper.stop(drill_id)]);
    return drillAnswer(context, drill);
  },
  render: renderDrill,
});
