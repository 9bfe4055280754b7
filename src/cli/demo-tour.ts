import type * as z from "zod";
import { applyChange } from "../../tools/apply-change.ts";
import type { Connection } from "../mcp/client.ts";
import type { PlanOutput } from "../tool.ts";
import type { DemoClock } from "./demo-clock.ts";
import type { Documents } from "./demo-documents.ts";
import type { Traffic } from "./demo-traffic.ts";
import type { Terminal } from "./terminal.ts";

/** What a step of the tour needs: the connected server, the applications whose calls it governs, its time, and somewhere to write. */
export interface Tour {
  readonly server: Connection;
  readonly traffic: Traffic;
  readonly documents: () => Promise<Documents>;
  readonly clock: DemoClock;
  readonly page: Terminal;
  readonly say: (text: string) => void;
}

/** One tool as the tour calls it: its name, and the schema that its answer is read with. */
interface Called<O extends z.ZodObject> {
  readonly name: string;
  readonly output: O;
}

/** What an applied plan is known by. */
interface Applied {
  readonly changeId: string;
  /** Of a drill. */
  readonly drillId: string | undefined;
}

/** Calls a tool; throws where it answers an error. */
export async function ask<O extends z.ZodObject>({ server }: Tour, tool: Called<O>, input: Record<string, unknown>): Promise<z.output<O>> {
  const answer = await server.call(tool.name, input);
  expect(!answer.isError, `${tool.name}: ${answer.text}`);
  return tool.output.parse(answer.structured);
}

/** Shows a plan's documents as diffs, and what follows from them. */
export function showPlan(tour: Tour, plan: PlanOutput): void {
  for (const { diff } of plan.documents) tour.say(tour.page.diff(diff.trimEnd()));
  showTerms(tour, plan);
}

/** Shows what a plan warns of, whom it affects, and the line that stands for it. */
export function showTerms({ page, say }: Tour, { status, summary, confirm, warnings, affected }: PlanOutput): void {
  expect(status === "planned" && confirm !== undefined, `planned, not ${status}: ${summary}`);
  for (const warning of warnings) say(`  ${page.muted(`warning: ${warning}`)}`);
  say(`  affected: ${affected.join(", ") || "nobody"}`);
  say(`  confirm: ${page.heading(confirm ?? "")}`);
}

/** Applies a plan with its own confirmation. */
export async function applied(tour: Tour, { plan_id, confirm }: PlanOutput): Promise<Applied> {
  const { change_id, drill_id, summary } = await ask(tour, applyChange, { plan_id, confirm });
  tour.say(`  ${tour.page.good("applied")} ${summary} ${tour.page.muted(change_id)}\n`);
  return { changeId: change_id, drillId: drill_id };
}

/** Shows the plan and applies it; answers with the change's id. */
export async function confirmed(tour: Tour, plan: PlanOutput): Promise<string> {
  showPlan(tour, plan);
  return (await applied(tour, plan)).changeId;
}

export const step = ({ say, page }: Tour, text: string): void => say(`\n${page.heading(text)}\n`);

/** The tour is a check, too: it ends where an answer is not what it promises. */
export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`The tour expected: ${what}`);
}
