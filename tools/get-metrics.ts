import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { findApi, findSubscription } from "../src/gateway/inventory.ts";
import { type Answer, defineTool, fenced, lines, type ReadContext, table } from "../src/tool.ts";
import { includes } from "../src/usage/totals.ts";

const known = z.union([z.number(), z.literal("unknown")]);
const groupings = ["subscription", "product", "operation", "backend", "region", "model", "cause", "time"] as const;
const text = z.string().optional();
const figures = z.record(z.string(), known);

const totals = z.looseObject({
  requests: known,
  throttled: z.object({ total: known, by_origin: z.array(z.looseObject({ origin: z.string(), requests: z.number() })) }),
  errors: z.object({ total: known, by_cause: z.array(z.looseObject({ cause: z.string(), requests: z.number() })) }),
  tokens: known,
});

const row = z.looseObject({ requests: z.number().optional(), throttled: z.number().optional(), errors: z.number().optional() });

/** What `include` adds. It is no part of the listed schema, which every client pays for by the token. */
const included = z.object({
  outcomes: figures.optional(),
  token_split: figures.optional(),
  tpm: figures.optional(),
  tpm_by_region: z.record(z.string(), figures).optional(),
  latency_ms: z.record(z.string(), figures).optional(),
  cache: z.object({ estimators: z.record(z.string(), figures), tokens_saved: known, method: z.string() }).optional(),
  backends: z
    .object({
      of_window: z.record(z.string(), figures),
      by_time: z.array(z.object({ time: z.string(), percent: figures })),
      left_out: z.int(),
    })
    .optional(),
});

const input = z.strictObject({
  api_id: z.string().min(1).optional(),
  since: z.string().optional().describe("ISO 8601 with offset, or ago: -PT1H"),
  until: z.string().optional(),
  group_by: z.array(z.enum(groupings)).max(2).default([]),
  subscriptions: z.array(z.string().min(1)).max(50).default([]),
  interval: z.string().optional().describe("Length of a point, e.g. PT5M"),
  limit: z.int().min(1).max(200).default(8).describe("Rows"),
  include: z.array(z.enum(includes)).default([]).describe("More than requests, throttled, errors, tokens"),
  change_id: z.string().min(1).optional().describe("Compare as long before and after this change"),
  show_query: z.boolean().default(false),
  report: z.string().optional().describe("So long, e.g. P7D: governance report of all teams as markdown; beside it only until"),
});

const output = z.object({
  service: z.string(),
  api_id: z.string().nullable(),
  window: z.object({ since: z.string(), until: z.string(), interval: z.string() }),
  totals,
  rows: z.array(row),
  left_out: z.int(),
  change: z
    .object({
      change_id: z.string(),
      time: z.string(),
      summary: z.string(),
      before: z.looseObject({}),
      difference: figures,
    })
    .optional(),
  sources: z.array(z.object({ name: z.string(), resolution: z.string(), lag: z.string(), newest: text })),
  notes: z.array(z.string()),
  missing: z.array(z.object({ what: z.string(), fix: text })).optional(),
  queries: z.array(z.string()).optional(),
  report: text,
});

export const getMetrics = defineTool({
  name: "get_metrics",
  title: "Get traffic metrics",
  description:
    "Requests, throttling by origin, errors by cause and tokens of an API, or of the whole service, in a window (default: the last hour that is complete).",
  effect: "read",
  toolset: "metrics",
  input,
  output,
  async handler(context, asked) {
    if (asked.report !== undefined) return governanceReport(context, asked.report, asked);
    const { service, gateway, now } = context;
    const asOf = now();
    const { readGround, readUsage } = await import("../src/usage/report.ts");
    const { comparedWindows, metricsWindow } = await import("../src/usage/window.ts");
    // What cannot be read is refused before anything is asked.
    if (asked.change_id === undefined) metricsWindow(asked, asOf);
    const apiId = asked.api_id === undefined ? undefined : findApi(await gateway.apis(), asked.api_id).id;
    const subscriptions = await subscriptionIds(context, asked.subscriptions);
    const groupBy = [...new Set(asked.group_by)];
    const ground = await readGround(context, apiId, asOf);
    const about = { apiId, groupBy, subscriptions, interval: asked.interval, include: [...new Set(asked.include)], limit: asked.limit };
    const read = (window: Parameters<typeof readUsage>[2]["window"]) => readUsage(context, ground, { ...about, window }, asOf);
    if (asked.change_id === undefined) {
      const report = await read(metricsWindow(asked, asOf, ground.complete));
      return answer(service, apiId, report, asked.show_query);
    }
    const change = await appliedChange(context, asked.change_id, asked.since);
    const windows = comparedWindows(new Date(change.time), asked.until, asOf, ground.complete);
    const [{ differenceOf }, after, before] = await Promise.all([
      import("../src/usage/difference.ts"),
      read(windows.after),
      read(windows.before),
    ]);
    return {
      ...answer(service, apiId, after, asked.show_query),
      change: {
        change_id: change.changeId,
        time: change.time,
        summary: change.summary,
        before: { window: before.window, totals: before.totals, sources: before.sources },
        difference: differenceOf(before, after),
      },
    };
  },
  render: ({ report, ...output }) => (report === undefined ? renderMetrics(output) : lines(report, ...commandsOf(output))),
});

type Metrics = Omit<z.output<typeof output>, "report">;

const renderMetrics = ({
  service,
  api_id,
  window,
  totals,
  rows,
  left_out,
  change,
  sources,
  notes,
  missing = [],
  queries = [],
}: Metrics): string =>
  lines(
    `${api_id === null ? "All APIs" : `API '${api_id}'`} on ${service}, ${window.since} to ${window.until}`,
    change !== undefined && `After change \`${change.change_id}\` of ${change.time}: ${change.summary}`,
    table(numbers, [numbers.map((name) => plain(totals[name]))]),
    change !== undefined && `Against as long before: ${plain(change.difference)}`,
    shares(
      "Throttled by",
      totals.throttled.by_origin.map(({ origin, ...ended }) => ({ name: origin, ...ended })),
    ),
    shares(
      "Errors by",
      totals.errors.by_cause.map(({ cause, ...ended }) => ({ name: cause, ...ended })),
    ),
    totals.shadowed !== undefined && `Shadowed: ${plain(totals.shadowed)}`,
    includedLines(included.parse(totals)),
    rows.length > 0 && rowTable(rows),
    left_out > 0 && `${left_out} rows left out.`,
    `Source: ${sources.map(({ name, resolution, lag, newest }) => `${name}, by ${resolution}, lag ${lag}${newest === undefined ? "" : `, newest ${newest}`}`).join("; ")}`,
    ...notes.map((note) => `Note: ${note}`),
    ...commandsOf({ missing, queries }),
  );

const commandsOf = ({ missing = [], queries = [] }: Pick<Metrics, "missing" | "queries">): readonly string[] => [
  ...missing.map(({ what, fix }) => (fix === undefined ? `Missing: ${what}` : `Missing: ${what}\n${fenced(fix, "sh")}`)),
  ...queries.map((query) => fenced(query, "kusto")),
];

type Report = Awaited<ReturnType<typeof import("../src/usage/report.ts").readUsage>>;

function answer(service: string, apiId: string | undefined, report: Report, showQuery: boolean): Answer<z.output<typeof output>> {
  const { window, totals: numbers, rows, left_out, sources, notes, missing, queries } = report;
  return {
    service,
    api_id: apiId ?? null,
    window,
    totals: numbers,
    rows,
    left_out,
    sources,
    notes,
    ...(missing.length === 0 ? {} : { missing: missing.map(({ what, fix }) => ({ what, ...(fix === undefined ? {} : { fix }) })) }),
    ...(showQuery ? { queries } : {}),
  };
}

/** Inputs that say what a report says by itself. */
const notBeside = ["api_id", "since", "group_by", "subscriptions", "interval", "include", "change_id"] as const;

/** The page stands in both forms of the answer, and holds all notes: what it is made of would cost as much again. */
async function governanceReport(
  context: ReadContext,
  duration: string,
  asked: z.output<typeof input>,
): Promise<Answer<z.output<typeof output>>> {
  const beside = notBeside.filter((name) => asked[name] !== undefined && asked[name].length > 0);
  if (beside.length > 0) {
    throw new GatewayError("invalid_input", `'report' does not go with ${beside.join(", ")}.`, {
      hint: "A report is of the whole service and all teams. Leave report out for anything else.",
    });
  }
  const [{ readGovernanceReport }, { pageOf }, { drillAnswer }] = await Promise.all([
    import("../src/diagnose/report/report.ts"),
    import("../src/diagnose/report/page.ts"),
    import("../src/change/drill/answer.ts"),
  ]);
  const { service, gateway, metrics, logs, azure, models, changes, drills, prices, grammar, now } = context;
  const readers = {
    ...{ gateway, metrics, logs, azure, models, changes },
    async drill(drillId: string) {
      const shown = await drills.show(drillId);
      const { drill, state, verdict } = await drillAnswer(context, shown);
      return { drillId, drill, state, window: shown.window, verdict: verdict ?? null };
    },
  };
  const report = await readGovernanceReport(readers, { duration, until: asked.until, prices }, grammar, now());
  const { cache: _, ...numbers } = report.traffic.now.totals;
  return {
    ...answer(service, undefined, { ...report.traffic.now, totals: numbers, notes: [], missing: [] }, asked.show_query),
    ...(report.missing.length === 0
      ? {}
      : { missing: report.missing.map(({ what, fix }) => ({ what, ...(fix === undefined ? {} : { fix }) })) }),
    report: pageOf(service, report),
  };
}

async function subscriptionIds({ gateway }: ReadContext, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const [service, subscriptions] = await Promise.all([gateway.service(), gateway.subscriptions()]);
  return names.map((name) => findSubscription({ service, subscriptions }, name).id);
}

/** The change, and when it was applied. */
async function appliedChange({ changes }: ReadContext, changeId: string, since: string | undefined) {
  if (since !== undefined) {
    throw new GatewayError("invalid_input", "'since' and 'change_id' do not go together: the change says where its windows begin.", {
      hint: "Leave 'since' out; 'until' ends the window after the change, and the one before it is as long.",
    });
  }
  const change = await changes.show(changeId);
  if (change.state === "applied") return change;
  throw new GatewayError("invalid_input", `Change '${changeId}' is ${change.state}: there is no time after it to compare.`, {
    hint: "Give 'since' and 'until' in place of 'change_id', once for each window.",
  });
}

interface Ended {
  readonly name: string;
  readonly requests: number;
  readonly examples?: unknown;
}

const shares = (title: string, parts: readonly Ended[]): string =>
  parts.length === 0
    ? ""
    : `${title}: ${parts.map(({ name, requests, examples }) => `${name} ${requests}${examples === undefined ? "" : ` (${plain(examples)})`}`).join(", ")}`;

const includedLines = ({ outcomes, token_split, tpm, tpm_by_region, latency_ms, cache, backends }: z.output<typeof included>): string =>
  lines(
    outcomes !== undefined && `Others: ${plain(outcomes)}`,
    token_split !== undefined && `Tokens: ${plain(token_split)}`,
    tpm !== undefined && `Tokens per minute: ${plain({ ...tpm, ...tpm_by_region })}`,
    latency_ms !== undefined && `Latency, ms: ${plain(latency_ms)}`,
    cache !== undefined && `Cache by sign of a hit: ${plain(cache.estimators)}. Tokens saved: ${cache.tokens_saved} (${cache.method})`,
    backends !== undefined &&
      lines(
        table(
          ["backend", "requests", "failed", "%"],
          Object.entries(backends.of_window).map(([backend, of]) => [backend, plain(of.requests), plain(of.failed), plain(of.percent)]),
        ),
        backends.by_time.length > 0 &&
          table(
            ["from", "% by backend"],
            backends.by_time.map(({ time, percent }) => [time, plain(percent)]),
          ),
        backends.left_out > 0 && `${backends.left_out} earlier changes of the shares left out.`,
      ),
  );

function rowTable(rows: readonly z.output<typeof row>[]): string {
  const columns = [
    "time",
    ...groupings.filter((name) => name !== "time"),
    ...numbers,
    "blocked",
    "failed",
    "shadowed",
    "outcomes",
    "token_split",
    "tpm",
    "tpm_by_region",
    "latency_ms",
    "examples",
  ];
  const shown = columns.filter((name) => rows.some((one) => one[name] !== undefined));
  return table(
    shown,
    rows.map((one) => shown.map((name) => plain(one[name]))),
  );
}

const numbers = ["requests", "throttled", "errors", "tokens"] as const;

/** A number; of what has a total the total; of an object its members in words. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value !== "object" || value === null) return String(value ?? "-");
  if ("total" in value && typeof value.total !== "object") return String(value.total);
  return Object.entries(value)
    .map(([name, part]) => (typeof part === "object" ? `${name} (${plain(part)})` : `${name} ${part}`))
    .join(", ");
}
