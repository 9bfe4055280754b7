import * as z from "zod";
import { defineTool, lines, table } from "../src/tool.ts";

const change = z.object({
  change_id: z.string(),
  state: z.enum(["planned", "expired", "applying", "applied", "failed", "rolled_back", "undone"]),
  time: z.string(),
  tool: z.string(),
  caller: z.string(),
  summary: z.string(),
  documents: z.array(z.string()),
  undoes: z.string().optional(),
});

export const listChanges = defineTool({
  name: "list_changes",
  title: "List changes",
  description: "Changes planned and made through this server, newest first: when, what, state. For undo_change.",
  effect: "read",
  toolset: "changes",
  input: z.strictObject({ limit: z.int().min(1).max(100).default(10) }),
  output: z.object({ service: z.string(), changes: z.array(change), left_out: z.int() }),
  async handler({ service, changes: log }, { limit }) {
    const { changes, leftOut } = await log.list(limit);
    return {
      service,
      changes: changes.map(({ changeId, ...record }) => ({ change_id: changeId, ...record })),
      left_out: leftOut,
    };
  },
  render: ({ service, changes, left_out }) =>
    changes.length === 0
      ? `No changes on ${service}.`
      : lines(
          `Changes on ${service}`,
          table(
            ["change_id", "state", "time", "tool", "summary"],
            changes.map(({ change_id, state, time, tool, summary }) => [change_id, state, time, tool, summary]),
          ),
          left_out > 0 && `${left_out} older left out: raise limit.`,
        ),
});
