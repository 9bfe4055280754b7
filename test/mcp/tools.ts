import { z } from "zod";
import { GatewayError } from "../../src/errors.ts";
import type { AuditLine } from "../../src/mcp/audit.ts";
import type { Surface } from "../../src/mcp/call.ts";
import { anyTool, type Contexts, defineTool, fenced } from "../../src/tool.ts";

/** Tools without a gateway: what the protocol does with a tool, whatever the tool is about. */

const echo = defineTool({
  name: "echo",
  title: "Echo",
  description: "Answers what it got.",
  effect: "read",
  toolset: "metrics",
  input: z.strictObject({
    text: z.string(),
    times: z.int().min(1).max(3).default(1),
    place: z.strictObject({ city: z.string(), street: z.string().optional() }).optional(),
    kind: z.enum(["loud", "quiet"]).optional(),
    amount: z.union([z.int(), z.literal("all")]).optional(),
  }),
  output: z.object({ service: z.string(), text: z.string() }),
  handler: async ({ service }, { text, times }) => ({ service, text: text.repeat(times) }),
  render: ({ text }) => fenced(text),
});

const planIt = defineTool({
  name: "plan_it",
  title: "Plan",
  description: "Plans.",
  effect: "plan",
  toolset: "changes",
  input: z.strictObject({}),
  output: z.object({ service: z.string() }),
  handler: async ({ service }) => ({ service }),
  render: () => "planned",
});

const writeIt = defineTool({
  name: "write_it",
  title: "Write",
  description: "Writes.",
  effect: "write",
  toolset: "changes",
  input: z.strictObject({}),
  output: z.object({ service: z.string() }),
  handler: async ({ service }) => ({ service }),
  render: () => "written",
});

const failures: Readonly<Record<string, () => unknown>> = {
  guarded: () => new GatewayError("guarded", "It is guarded.", { hint: "Ask the operator.", details: ["base_removed"] }),
  throttled: () => new GatewayError("throttled", "Too fast.", { retryable: true }),
  long: () => new GatewayError("policy_invalid", "x".repeat(9000), { hint: "Write less.", details: Array(100).fill("y".repeat(200)) }),
  hidden: () => new GatewayError("not_found", "No \u202egnp\u202c.", { hint: "Try \u{e0041}another." }),
  unexpected: () => new TypeError("cannot read the secret of undefined"),
  withKey: () => new TypeError("cannot read https://x/?sig=canary of undefined"),
};

const fail = defineTool({
  name: "fail",
  title: "Fail",
  description: "Fails as told.",
  effect: "read",
  toolset: "metrics",
  input: z.strictObject({ as: z.string() }),
  output: z.object({ service: z.string() }),
  handler: async (_, { as }) => {
    throw failures[as]?.();
  },
  render: () => "",
});

export const tools = [anyTool(echo), anyTool(planIt), anyTool(writeIt), anyTool(fail)];

const missing = (): never => {
  throw new Error("these tools have no gateway");
};

const read = {
  service: "apim-test",
  gateway: new Proxy({}, { get: missing }),
  metrics: { platform: missing },
  changes: { list: missing },
  now: () => new Date("2026-01-01T00:00:00Z"),
} as unknown as Contexts["read"];

export const contexts: Contexts = {
  read,
  plan: { ...read, planner: { plan: missing, planUndo: missing }, drillTools: { probes: false, deployment: "gpt-4o", fault: null } },
  write: { ...read, applier: { apply: missing }, stopper: { stop: missing, recover: missing } },
};

/** A surface of these tools, and what it has told its operator: reports, and lines of the audit. */
export function surfaceOf(
  changed: Partial<Surface> = {},
): Surface & { readonly reports: Readonly<Record<string, unknown>>[]; readonly lines: AuditLine[]; readonly version: string } {
  const reports: Readonly<Record<string, unknown>>[] = [];
  const lines: AuditLine[] = [];
  return {
    tools,
    caller: "local:ada",
    contexts: async () => contexts,
    readOnly: false,
    direct: false,
    sharedPlans: true,
    audit: { ready: async () => {}, write: async (line) => void lines.push(line) },
    report: (message, details) => reports.push({ message, ...details }),
    version: "1.2.3",
    reports,
    lines,
    ...changed,
  };
}
