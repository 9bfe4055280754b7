import * as z from "zod";
import type { Applier, AuditTrail, ChangeLog, DrillLog, DrillStopper, Plan, Planner } from "./change/types.ts";
import type { ModelsReader } from "./gateway/model-accounts.ts";
import type { AzureReader, GatewayReader, LogsReader, MetricsReader } from "./gateway/ports.ts";
import type { Prices } from "./gateway/prices.ts";
import type { CSharp } from "./policy/expression-syntax.ts";

export type { AuditedChange, AuditedPlan, AuditedWrite, AuditTrail } from "./change/types.ts";

/** What a tool may do; annotations, read-only behaviour and the context of its handler follow from it. */
export type Effect = "read" | "plan" | "write";

type Toolset = "quotas" | "backends" | "policies" | "metrics" | "changes";

/** What every handler gets; bound to one call. */
export interface ReadContext {
  /** The service's name for answers ("sandbox" for the embedded one). */
  readonly service: string;
  readonly gateway: GatewayReader;
  readonly metrics: MetricsReader;
  readonly logs: LogsReader;
  readonly azure: AzureReader;
  readonly models: ModelsReader;
  readonly changes: ChangeLog;
  readonly drills: DrillLog;
  readonly now: () => Date;
  /** The C# grammar that policy expressions are read by; loaded on first need. */
  readonly grammar: () => Promise<CSharp>;
  /** Of models, as the operator has given them; null where none are given. */
  readonly prices: Prices | null;
}

export interface PlanContext extends ReadContext {
  readonly planner: Planner;
  readonly drillTools: DrillTools;
}

/** What the operator has given for drills. */
export interface DrillTools {
  /** Whether test calls can be made. */
  readonly probes: boolean;
  /** The model deployment that they ask. */
  readonly deployment: string;
  /** Where what a rehearsal lets fail is sent; `own`: it belongs to the service itself. Null where none is configured. */
  readonly fault: { readonly url: string; readonly own: boolean } | null;
}

interface WriteContext extends ReadContext {
  readonly applier: Applier;
  /** Only for what ends drills. */
  readonly stopper: DrillStopper;
}

/** The context of each effect: a handler gets its own, so a `read` or `plan` tool that reaches for the writer does not compile. */
export interface Contexts {
  readonly read: ReadContext;
  readonly plan: PlanContext;
  readonly write: WriteContext;
}

/** One call, as the service is opened for it: `signal` is its cancellation, `trail` hears what it plans and writes. */
export interface Opening {
  readonly signal: AbortSignal;
  readonly trail: AuditTrail;
}

/**
 * One MCP tool. What computes its answer is imported by the handler, at the first call: a client waits for the list of tools at every start.
 * `handler` returns data, `render` turns it into short markdown; neither knows MCP.
 */
export interface Tool<E extends Effect, I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: E;
  readonly toolset: Toolset;
  readonly input: I;
  readonly output: O;
  handler(context: Contexts[E], input: z.output<I>): Promise<Answer<z.output<O>>>;
  render(output: z.output<O>): string;
}

/** What a handler may answer: the output's shape, with data that nobody may write to. */
export type Answer<T> = T extends readonly (infer Item)[]
  ? readonly Answer<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Answer<T[Key]> }
    : T;

export const defineTool = <E extends Effect, I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<E, I, O>): Tool<E, I, O> => tool;

/** A tool in a list, its types forgotten: what `mcp/` and the command line need of any of them. */
export interface AnyTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly toolset: Toolset;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  /** Parses the input, runs the handler on the context of the tool's effect, parses its output. */
  run(contexts: Contexts, input: unknown): Promise<Record<string, unknown>>;
  /** Apart from `run`, so that hidden characters are gone before text from the gateway is fenced. */
  render(output: Record<string, unknown>): string;
}

/** Forgets a tool's types, for the list of tools. */
export function anyTool<E extends Effect, I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<E, I, O>): AnyTool {
  return {
    ...tool,
    async run(contexts, input) {
      return tool.output.parse(await tool.handler(contexts[tool.effect], tool.input.parse(input)));
    },
    render: (output) => tool.render(tool.output.parse(output)),
  };
}

/** Inputs that name the target of a policy; `policyTarget` reads them. */
export const targetInputs = {
  api_id: z.string().min(1).optional(),
  operation_id: z.string().min(1).optional().describe("With api_id"),
  product_id: z.string().min(1).optional(),
  global: z.literal(true).optional(),
};

/** Inputs of every tool that plans a change. */
export const changeInputs = {
  dry_run: z.boolean().default(true).describe("false: also apply it, if the user says yes when asked; else through apply_change"),
  override: z.array(z.string()).default([]).describe("Guards to override, where the operator allows it"),
};

/** The answer of every tool that plans a change; `applied` where the call has gone on to the write. */
export const planOutput = z.object({
  status: z.enum(["planned", "unchanged", "blocked", "applied"]),
  plan_id: z.string().optional(),
  confirm: z.string().optional(),
  service: z.string(),
  azure: z.string().optional(),
  summary: z.string(),
  documents: z.array(z.object({ id: z.string(), action: z.enum(["create", "update", "delete"]), diff: z.string() })),
  affected: z.array(z.string()),
  warnings: z.array(z.string()),
  guards: z.array(z.object({ name: z.string(), verdict: z.enum(["passed", "blocked", "overridden"]), message: z.string() })),
  manual_steps: z.array(z.string()).optional(),
  next: z.string(),
  expires_at: z.string().optional(),
  applied: z.object({ change_id: z.string(), status: z.literal("applied"), next: z.string() }).optional(),
  confirmed_by: z.enum(["elicitation", "direct"]).optional(),
});

export type PlanOutput = z.output<typeof planOutput>;

/** A plan in the shape in which tools answer it. */
export function planAnswer({ planId, expiresAt, confirm, manualSteps, ...plan }: Plan): Answer<PlanOutput> {
  return {
    ...plan,
    ...(planId === undefined ? {} : { plan_id: planId }),
    ...(confirm === undefined ? {} : { confirm }),
    ...(manualSteps === undefined ? {} : { manual_steps: manualSteps }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
  };
}

/** A plan for people and for clients that read only text. */
export function renderPlan(plan: PlanOutput): string {
  const expiry = plan.expires_at === undefined ? "" : `, until ${plan.expires_at}`;
  const passed = plan.guards.filter(({ verdict }) => verdict === "passed").map(({ name }) => name);
  return lines(
    `**${plan.status}** on ${plan.service}${plan.azure === undefined ? "" : ` (Azure ${plan.azure})`}: ${oneLine(plan.summary)}`,
    ...plan.documents.map(({ id, action, diff }) => `${action} \`${id}\`\n${fenced(diff, "diff")}`),
    plan.affected.length > 0 && `Affected: ${oneLine(plan.affected.join(", "))}`,
    ...plan.warnings.map((warning) => `Warning: ${oneLine(warning)}`),
    ...renderSteps(plan.manual_steps),
    ...plan.guards
      .filter(({ verdict }) => verdict !== "passed")
      .map(({ name, verdict, message }) => `Guard ${name}: ${verdict}. ${oneLine(message)}`),
    passed.length > 0 && `Guards passed: ${passed.join(", ")}`,
    plan.applied === undefined && plan.plan_id !== undefined && `Plan \`${plan.plan_id}\`${expiry}. Confirm with: \`${plan.confirm}\``,
    plan.applied !== undefined && `Change \`${plan.applied.change_id}\`, confirmed by ${plan.confirmed_by}: \`${plan.confirm}\``,
    `Next: ${plan.applied?.next ?? plan.next}`,
  );
}

/** The answer of every tool that shows a drill; what else it says stands in `DrillAnswer`. */
export const drillOutput = z.looseObject({ service: z.string(), drill_id: z.string(), state: z.string(), next: z.string() });

/** Lists of an answer's part as lines; of any other part, nothing. */
const entries = (part: unknown, line: (entry: Readonly<Record<string, unknown>>) => string): readonly string[] =>
  Array.isArray(part) ? part.map((entry) => `- ${oneLine(line(entry))}`) : [];

/** What the parts of a drill's time are; `evacuated` judges by `before` and `during`. */
const drillParts: Readonly<Record<string, string>> = {
  before: "as long before it as it took",
  starting: "at its start, while gateways may not follow it yet (not counted)",
  during: "during it",
  ending: "begun in it and answered behind its end (not counted)",
  after: "as long after it as it took",
};

/** A drill for people and for clients that read only text. */
export function renderDrill({ service, drill_id, state, next, ...more }: z.output<typeof drillOutput>): string {
  const { drill, from, until, planned_until: planned, timeline, traffic, left_behind, verdict, means, not_shown, failure } = more;
  const shares = (part: unknown) =>
    entries(part, ({ backend, requests, failed }) => `${backend}: ${requests} calls, ${failed} failed there`);
  const logged = typeof traffic === "object" && traffic !== null ? Object.entries(traffic).filter(([part]) => part !== "by_minute") : [];
  return lines(
    `**${state}** on ${service}: ${oneLine(String(drill))} (drill \`${drill_id}\`)`,
    from !== undefined && `From ${from} until ${until}${planned === undefined ? "" : `, stopped; it was to end at ${planned}`}`,
    failure !== undefined && oneLine(String(failure)),
    verdict !== undefined && `Verdict: **${verdict}**. ${oneLine(String(means))}`,
    ...entries(timeline, ({ time, event }) => `${time} ${event}`),
    ...logged.flatMap(([part, list]) => (shares(list).length === 0 ? [] : [`In the logs, ${drillParts[part] ?? part}:`, ...shares(list)])),
    traffic === "unknown" && "The logs cannot be read.",
    ...entries(left_behind, ({ id, why, todo }) => `left behind: \`${id}\`, ${why}; ${todo}`),
    Array.isArray(not_shown) && not_shown.length > 0 && `Not shown: ${oneLine(not_shown.join(" "))}`,
    `Next: ${next}`,
  );
}

/** What has to be done besides, in a fence each: commands to be copied whole. */
export const renderSteps = (steps: readonly string[] = []): readonly string[] =>
  steps.map((step) => `To be run by someone who may:\n${fenced(step, "sh")}`);

/** A text that may hold names from the gateway: no name can begin a line of an answer. */
export const oneLine = (text: string): string => text.replace(/\s*[\r\n\u0085\u2028\u2029]\s*/g, " ");

/** Lines of an answer; what does not apply is left out. */
export const lines = (...parts: readonly (string | false)[]): string => parts.filter((part) => part !== false && part !== "").join("\n");

/** Text that came from the gateway, in a fence that it cannot close: data, not instructions. */
export function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/** A markdown table; cells may hold text from the gateway. */
export function table(headers: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const line = (cells: readonly (string | number | null)[]) => `| ${cells.map((cell) => escapeCell(String(cell ?? "-"))).join(" | ")} |`;
  return [line(headers), `|${headers.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

const escapeCell = (text: string): string => text.replace(/[\r\n]+/g, " ").replaceAll("|", "\\|");
