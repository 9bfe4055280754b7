import * as z from "zod";
import { defineTool, lines, table } from "../src/tool.ts";

const change = z.object({
  change_id: z.string(),
  state: z.enum(["planned", "expired", "claimed", "applying", "applied", "failed", "rolled_back", "undone"]),
  time: z.string(),
  tool: z.string(),
  caller: z.string(),
  summary: z.string(),
  documents: z.array(z.string()),
  undoes: z.string().optional(),
  note: z.string().optional(),
});

export const listChanges = defineTool({
  name: "list_changes",
  title: "List changes",
  description: "Changes planned and made through this server, newest first: when, what, state. For undo_change.",
  effect: "read",
  toolset: "changes",
  input: z.strictObject({ limit: z.int().min(1).max(100).default(10) }),
  output: z.object({ service: z.string(), changes: z.array(change), left_out: z.int(), damaged: z.array(z.string()).optional() }),
  async handler({ service, changes: log }, { limit }) {
    const { changes, leftOut, damaged } = await log.list(limit);
    return {
      service,
      changes: changes.map(({ changeId, ...record }) => ({ change_id: changeId, ...record })),
      left_out: leftOut,
      ...(damaged === undefined ? {} : { damaged }),
    };
  },
  render: ({ service, changes, left_out, damaged = [] }) =>
    lines(
      changes.length === 0 ? `No changes on ${service}.` : `Changes on ${service}`,
      changes.length > 0 &&
        table(
          ["change_id", "state", "time", "tool", "summary"],
          changes.map(({ change_id, state, time, tool, summary }) => [change_id, state, time, tool, summary]),
        ),
      ...changes.map(({ change_id, note }) => note !== undefined && `${change_id}: ${note}`),
      ...damaged.map((problem) => `Damaged: ${problem}`),
      left_out > 0 && `${left_out} older left out: raise limit.`,
    ),
});
