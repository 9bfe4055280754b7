import * as z from "zod";
import { symptoms } from "../src/diagnose/check.ts";
import { defineTool, lines, oneLine } from "../src/tool.ts";

const text = z.string().optional();

/** More of either are named, and counted. */
const mostProblems = 5;
const mostUnknown = 4;
const mostChanges = 5;

export const diagnoseGateway = defineTool({
  name: "diagnose_gateway",
  title: "Diagnose the gateway",
  description:
    "What is wrong in a window (default: the last hour) and whose doing it was, gateway, backend or client: checks with evidence and what to do.",
  effect: "read",
  toolset: "metrics",
  input: z.strictObject({
    api_id: z.string().min(1).optional(),
    subscription_id: z.string().min(1).optional(),
    symptom: z.enum(symptoms).optional(),
    since: text,
    until: text,
  }),
  output: z.looseObject({
    service: z.string(),
    verdict: z.string(),
    problems: z.array(z.object({ check: z.string(), seen: z.string(), means: z.string(), do: z.string() })),
    unknown: z.array(z.object({ checks: z.array(z.string()), why: z.string(), do: z.string() })),
    ok: z.string(),
    changed: z.array(z.string()),
    notes: z.array(z.string()),
  }),
  async handler(context, { api_id, subscription_id, ...asked }) {
    const { diagnose } = await import("../src/diagnose/diagnose.ts");
    const found = await diagnose(context, { apiId: api_id, subscriptionId: subscription_id, ...asked }, context.grammar, context.now());
    const { cause, window, problems, unknown, ok, changed, notes } = found;
    return {
      service: context.service,
      ...(window === null ? {} : { window }),
      verdict: cause.verdict,
      ...(cause.failed === null ? {} : { failed: cause.failed }),
      problems: problems.slice(0, mostProblems).map(({ check, seen, means, do: todo }) => ({ check, seen, means, do: todo })),
      unknown: unknown.slice(0, mostUnknown).map(({ checks, why, do: todo }) => ({ checks, why, do: todo })),
      ok: fine(ok, [...problems.map(({ check }) => check), ...unknown.flatMap(({ checks }) => checks)]).join(", "),
      changed: changed.slice(-mostChanges).map(({ time, what }) => `${time.slice(0, 16)}Z ${what}`),
      notes: [
        ...notes,
        ...left(
          problems.slice(mostProblems).map(({ check }) => check),
          "problem",
        ),
        ...left(
          unknown.slice(mostUnknown).flatMap(({ checks }) => checks),
          "unknown",
        ),
        ...(changed.length > mostChanges ? [`${changed.length - mostChanges} earlier changes left out: list_changes.`] : []),
      ],
    };
  },
  render: ({ service, verdict, problems, unknown, ok, changed, notes }) =>
    lines(
      `${service}: ${oneLine(verdict)}`,
      ...problems.map(({ check, seen, means, do: todo }) => `- **${check}**: ${oneLine(seen)} ${oneLine(means)} Do: ${oneLine(todo)}`),
      ...unknown.map(({ checks, why, do: todo }) => `- Unknown: ${checks.join(", ")}. ${oneLine(why)} Do: ${oneLine(todo)}`),
      changed.length > 0 && `Changed: ${oneLine(changed.join("; "))}`,
      ...notes.map((note) => `Note: ${note}`),
      ok !== "" && `OK: ${oneLine(ok)}`,
    ),
});

/** Checks of one subject by its name alone, where all of them are fine: `cache` for `cache-pair`, `cache-redis` and so on. */
function fine(ok: readonly { readonly check: string; readonly remark?: string }[], others: readonly string[]): readonly string[] {
  const subjectOf = (check: string): string => subjects.find((subject) => check.startsWith(`${subject}-`)) ?? check;
  const told = ok.map(({ check, remark }) => {
    const subject = subjectOf(check);
    return { name: others.some((other) => subjectOf(other) === subject) ? check : subject, remark };
  });
  return [...new Set(told.map(({ name }) => name))].map((name) => {
    const remarks = told.flatMap((one) => (one.name === name && one.remark !== undefined ? [one.remark] : []));
    return remarks.length === 0 ? name : `${name} (${remarks.join("; ")})`;
  });
}

const subjects = ["cache", "failover", "backend"];

const left = (checks: readonly string[], what: string): readonly string[] =>
  checks.length === 0 ? [] : [`Also ${what}: ${[...new Set(checks)].join(", ")}. Ask again with a symptom.`];
