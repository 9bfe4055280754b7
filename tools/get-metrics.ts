import * as z from "zod";
import { findApi } from "../src/gateway/inventory.ts";
import { defineTool, lines, table } from "../src/tool.ts";
import { platformQueries } from "../src/usage/platform-metrics.ts";
import { summarize } from "../src/usage/summary.ts";
import { chooseInterval, forgotten, metricsWindow } from "../src/usage/window.ts";

const maxRows = 20;

const known = z.union([z.number(), z.literal("unknown")]);

const output = z.object({
  service: z.string(),
  api_id: z.string().nullable(),
  window: z.object({ since: z.string(), until: z.string(), interval: z.string() }),
  totals: z.object({
    requests: known,
    succeeded: known,
    throttled: z.object({ total: known, by_origin: z.array(z.object({ origin: z.string(), requests: z.number() })) }),
    rejected: known,
    errors: z.object({ total: known, by_cause: z.array(z.object({ cause: z.string(), requests: z.number() })) }),
    tokens: known,
    latency_ms: z.object({ average_total: known, average_backend: known }),
  }),
  rows: z.array(
    z.object({
      time: z.string().optional(),
      region: z.string().optional(),
      cause: z.string().optional(),
      requests: z.number(),
      succeeded: z.number(),
      throttled: z.number(),
      rejected: z.number(),
      errors: z.number(),
    }),
  ),
  left_out: z.int(),
  sources: z.array(z.object({ name: z.string(), resolution: z.string(), lag: z.string() })),
  notes: z.array(z.string()),
});

export const getMetrics = defineTool({
  name: "get_metrics",
  title: "Get traffic metrics",
  description:
    "Requests, 429s by origin, errors by cause and latency of an API, or of the whole service, in a window (default: the last hour).",
  effect: "read",
  toolset: "metrics",
  input: z.strictObject({
    api_id: z.string().min(1).optional(),
    since: z.string().optional().describe("ISO 8601 with offset"),
    until: z.string().optional().describe("ISO 8601 with offset"),
    group_by: z
      .array(z.enum(["subscription", "product", "operation", "backend", "region", "model", "cause", "time"]))
      .max(2)
      .default([]),
    interval: z.string().optional().describe("Length of a point, e.g. PT5M"),
  }),
  output,
  async handler({ service, gateway, metrics, now }, { api_id, since, until, group_by: groupBy, interval: asked }) {
    const asOf = now();
    const window = metricsWindow({ since, until }, asOf);
    // As many points as rows are shown, where there is a row a point.
    const interval = groupBy.includes("time") ? chooseInterval(window, asked, maxRows) : chooseInterval(window, asked);
    const apiId = api_id === undefined ? undefined : findApi(await gateway.apis(), api_id).id;
    // Azure Monitor refuses to be asked for what it no longer keeps.
    const queries = forgotten(window, asOf) === "all" ? [] : platformQueries({ window, interval, apiId, groupBy });
    const answers = await Promise.all(queries.map((query) => metrics.platform(query)));
    return { service, api_id: apiId ?? null, ...summarize({ window, interval, answers, groupBy, limit: maxRows, now: asOf }) };
  },
  render: ({ service, api_id, window, totals, rows, left_out, sources, notes }) =>
    lines(
      `${api_id === null ? "All APIs" : `API '${api_id}'`} on ${service}, ${window.since} to ${window.until}`,
      table(
        ["requests", "succeeded", "throttled", "rejected", "errors", "tokens", "latency ms", "backend ms"],
        [
          [
            totals.requests,
            totals.succeeded,
            totals.throttled.total,
            totals.rejected,
            totals.errors.total,
            totals.tokens,
            totals.latency_ms.average_total,
            totals.latency_ms.average_backend,
          ],
        ],
      ),
      shares(
        "Throttled by",
        totals.throttled.by_origin.map(({ origin, requests }) => [origin, requests]),
      ),
      shares(
        "Errors by",
        totals.errors.by_cause.map(({ cause, requests }) => [cause, requests]),
      ),
      rows.length > 0 && rowTable(rows),
      left_out > 0 && `${left_out} rows left out.`,
      `Source: ${sources.map(({ name, resolution, lag }) => `${name}, by ${resolution}, lag ${lag}`).join("; ")}`,
      ...notes.map((note) => `Note: ${note}`),
    ),
});

const shares = (title: string, parts: readonly (readonly [string, number])[]): string =>
  parts.length === 0 ? "" : `${title}: ${parts.map(([name, requests]) => `${name} ${requests}`).join(", ")}`;

function rowTable(rows: z.output<typeof output>["rows"]): string {
  const keys = (["time", "region", "cause"] as const).filter((key) => rows.some((row) => row[key] !== undefined));
  return table(
    [...keys, "requests", "succeeded", "throttled", "rejected", "errors"],
    rows.map((row) => [...keys.map((key) => row[key] ?? "-"), row.requests, row.succeeded, row.throttled, row.rejected, row.errors]),
  );
}
