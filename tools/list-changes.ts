import * as z from "zod";
import type { ShownChange } from "../src/change/types.ts";
import { GatewayError } from "../src/errors.ts";
import { type Subscription, sameName } from "../src/gateway/model.ts";
import { type Answer, defineTool, fenced, lines, planOutput, type ReadContext, renderSteps, table } from "../src/tool.ts";

const state = z.enum(["planned", "expired", "claimed", "applying", "applied", "failed", "rolled_back", "undone"]);

const change = z.object({
  change_id: z.string(),
  state,
  time: z.string(),
  tool: z.string(),
  caller: z.string(),
  summary: z.string(),
  documents: z.array(z.string()),
  undoes: z.string().optional(),
  note: z.string().optional(),
});

const whole = z.object({
  planned: z.string(),
  expires: z.string(),
  confirm: z.string(),
  affected: z.array(z.string()),
  warnings: z.array(z.string()),
  guards: planOutput.shape.guards,
  manual_steps: z.array(z.string()),
  failure: z.string().optional(),
  undone_by: z.string().optional(),
  actions: z.array(z.string()),
  patch: z.string(),
});

const input = z.strictObject({
  plan_id: z.string().min(1).optional().describe("Shows this plan or change whole, with its patch"),
  resource: z.string().min(1).optional().describe("Document id, or name of an API, product, backend or team"),
  team: z.string().min(1).optional(),
  since: z.string().optional().describe("ISO 8601: 2026-01-31T09:00:00Z or -P7D"),
  state: state.optional(),
  limit: z.int().min(1).max(100).default(10),
});

const output = z.object({
  service: z.string(),
  changes: z.array(change),
  left_out: z.int(),
  damaged: z.array(z.string()).optional(),
  whole: whole.optional(),
});

export const listChanges = defineTool({
  name: "list_changes",
  title: "List changes",
  description: "Your changes to this service through this server, newest first: who, when, what, state. For undo_change and reviews.",
  effect: "read",
  toolset: "changes",
  input,
  output,
  handler: (context, request) => (request.plan_id === undefined ? listed(context, request) : shown(context, request.plan_id, request)),
  render: ({ service, changes, left_out, damaged = [], whole: details }) =>
    lines(
      changes.length === 0 ? `No such changes on ${service}.` : `Changes on ${service}`,
      changes.length > 0 &&
        table(
          ["change_id", "state", "time", "tool", "summary"],
          changes.map(({ change_id, state: now, time, tool, summary }) => [change_id, now, time, tool, summary]),
        ),
      ...changes.map(({ change_id, note }) => note !== undefined && `${change_id}: ${note}`),
      ...damaged.map((problem) => `Damaged: ${problem}`),
      left_out > 0 && `${left_out} older left out: raise limit.`,
      details !== undefined && renderWhole(details),
    ),
});

type Request = z.output<typeof input>;

async function listed(
  { service, gateway, changes: log, now }: ReadContext,
  { limit, since, resource, team, state: wanted }: Request,
): Promise<Answer<z.output<typeof output>>> {
  const { pastTime } = await import("../src/usage/window.ts");
  const { changes, leftOut, damaged } = await log.list(limit, {
    resource,
    team: team === undefined ? undefined : namesOf(team, await gateway.subscriptions()),
    state: wanted,
    since: since === undefined ? undefined : pastTime("since", since, now()),
  });
  return {
    service,
    changes: changes.map(({ changeId, ...record }) => ({ change_id: changeId, ...record })),
    left_out: leftOut,
    ...(damaged === undefined ? {} : { damaged }),
  };
}

/** A change names a team by its id, and mostly by its display name too. One that is gone has left the name that is asked for. */
function namesOf(team: string, subscriptions: readonly Subscription[]): readonly string[] {
  const found = subscriptions.find(({ id, displayName }) => sameName(id, team) || sameName(displayName, team));
  return found === undefined ? [team] : [found.id, found.displayName];
}

async function shown(
  { service, changes: log }: ReadContext,
  planId: string,
  { resource, team, since, state: wanted }: Request,
): Promise<Answer<z.output<typeof output>>> {
  if ([resource, team, since, wanted].some((filter) => filter !== undefined)) {
    throw new GatewayError("invalid_input", "plan_id shows one change, and takes no filter beside it.", {
      hint: "Leave plan_id or the filters out.",
    });
  }
  const found = await log.show(planId);
  return { service, changes: [rowOf(found)], left_out: 0, whole: wholeOf(found) };
}

const rowOf = ({
  changeId,
  state: now,
  time,
  tool,
  caller,
  summary,
  documents,
  undoes,
  note,
}: ShownChange): Answer<z.output<typeof change>> => ({
  change_id: changeId,
  state: now,
  time,
  tool,
  caller,
  summary,
  documents,
  ...(undoes === undefined ? {} : { undoes }),
  ...(note === undefined ? {} : { note }),
});

const wholeOf = ({
  planned,
  expires,
  confirm,
  affected,
  warnings,
  guards,
  manualSteps,
  failure,
  undoneBy,
  actions,
  patch,
  hidesKeys,
}: ShownChange): Answer<z.output<typeof whole>> => ({
  planned,
  expires,
  confirm,
  affected,
  warnings: hidesKeys ? [...warnings, "Keys are shown as [redacted:n]: where one stands, the patch does not apply."] : warnings,
  guards,
  manual_steps: manualSteps,
  ...(failure === undefined ? {} : { failure }),
  ...(undoneBy === undefined ? {} : { undone_by: undoneBy }),
  actions: actions.map(({ id, action }) => `${action} ${id}`),
  patch,
});

const renderWhole = ({
  planned,
  expires,
  confirm,
  affected,
  warnings,
  guards,
  manual_steps,
  failure,
  undone_by,
  patch,
}: z.output<typeof whole>): string =>
  lines(
    `Planned ${planned}, to be applied until ${expires}. Confirm: \`${confirm}\``,
    failure !== undefined && `Failed: ${failure}`,
    undone_by !== undefined && `Undone by ${undone_by}`,
    affected.length > 0 && `Affected: ${affected.join(", ")}`,
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...renderSteps(manual_steps),
    ...guards.map(({ name, verdict, message }) => `Guard ${name}: ${verdict}. ${message}`),
    `Patch, for git apply or patch -p1:\n${fenced(patch, "diff")}`,
  );
