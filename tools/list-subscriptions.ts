import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { findProduct, readInventory } from "../src/gateway/inventory.ts";
import { redactedText } from "../src/gateway/keys.ts";
import { scopeTitle } from "../src/gateway/model.ts";
import type { Limit, TeamLimits } from "../src/quota/limits.ts";
import { type Answer, defineTool, lines, type ReadContext, table } from "../src/tool.ts";

const amount = z.union([z.number(), z.literal("unknown")]);

const limit = z.object({
  limit_id: z.string(),
  kind: z.enum(["tpm", "token_quota", "rpm", "call_quota"]),
  value: amount,
  period: z.string().optional(),
  scope: z.string(),
  source: z.object({ document: z.string(), line: z.int() }),
  condition: z.string().optional(),
  shared_with: z.array(z.string()),
});

const subscription = z.object({
  subscription_id: z.string(),
  display_name: z.string(),
  state: z.string(),
  scope: z.string(),
  tpm: amount.nullable(),
  rpm: amount.nullable(),
  limits: z.array(limit),
  usage: z.record(z.string(), amount).optional(),
  tpm_by_region: z.record(z.string(), z.record(z.string(), amount)).optional(),
});

export const listSubscriptions = defineTool({
  name: "list_subscriptions",
  title: "List subscriptions with their limits",
  description: "The teams (APIM subscriptions) that use the gateway, with the TPM and RPM that bind each and where each limit is written.",
  effect: "read",
  toolset: "quotas",
  input: z.strictObject({
    product_id: z.string().min(1).optional(),
    limit: z.int().min(1).max(200).default(50),
    cursor: z.string().optional().describe("next_cursor of the answer before"),
    usage: z.string().optional().describe("How long back, e.g. P7D: adds TPM used and its share of the limit; sorts by it"),
  }),
  output: z.object({
    service: z.string(),
    subscriptions: z.array(subscription),
    left_out: z.int(),
    next_cursor: z.string().optional(),
    window: z.object({ since: z.string(), until: z.string() }).optional(),
    notes: z.array(z.string()).optional(),
  }),
  async handler(context, { product_id, limit: size, cursor, usage }) {
    const { service, gateway } = context;
    const [inventory, { teamLimits }, used] = await Promise.all([
      readInventory(gateway),
      import("../src/quota/limits.ts"),
      usage === undefined ? null : usageOf(context, usage),
    ]);
    const product = product_id === undefined ? null : findProduct(inventory.products, product_id);
    const teams = teamLimits(inventory)
      .filter(({ subscription: { scope } }) => product === null || (scope.kind === "product" && scope.productId === product.id))
      .map((team) => row(team, used))
      .toSorted((a, b) => shareOf(b) - shareOf(a) || a.subscription_id.localeCompare(b.subscription_id));
    const from = cursor === undefined ? 0 : teams.findIndex(({ subscription_id }) => subscription_id === cursor);
    if (from < 0) throw new GatewayError("invalid_input", `Unknown cursor '${cursor}'.`, { hint: "Ask again without cursor." });
    const page = teams.slice(from, from + size);
    const next = teams[from + size];
    return {
      service,
      subscriptions: page,
      left_out: Math.max(0, teams.length - from - size),
      ...(next === undefined ? {} : { next_cursor: next.subscription_id }),
      ...(used === null
        ? {}
        : { window: { since: used.window.since.toISOString(), until: used.window.until.toISOString() }, notes: used.notes }),
    };
  },
  render: ({ service, subscriptions, left_out, next_cursor, window, notes = [] }) =>
    subscriptions.length === 0
      ? `No subscriptions on ${service} match.`
      : lines(
          `Subscriptions on ${service}${window === undefined ? "" : `, usage ${window.since} to ${window.until}`}`,
          table(
            [
              "subscription",
              "name",
              "scope",
              "state",
              "TPM",
              "RPM",
              ...(window === undefined ? [] : usageColumns.map(({ title }) => title)),
              "written in",
            ],
            subscriptions.map((team) => [
              team.subscription_id,
              team.display_name,
              team.scope,
              team.state,
              team.tpm,
              team.rpm,
              ...(window === undefined ? [] : usageCells(team)),
              team.limits.map(({ kind, value, source }) => `${kind} ${value}: ${source.document}:${source.line}`).join("; ") || "no limit",
            ]),
          ),
          next_cursor !== undefined && `${left_out} left out: cursor "${next_cursor}".`,
          ...notes.map((note) => `Note: ${note}`),
        ),
});

type Row = Answer<z.output<typeof subscription>>;
/** Columns of the usage, each with the number in `usage` and that in `tpm_by_region`. */
const usageColumns = [
  { title: "average", name: "tpm_average", ofRegion: "average" },
  { title: "p95", name: "tpm_p95", ofRegion: "p95" },
  { title: "peak", name: "tpm_peak", ofRegion: "peak" },
  { title: "% of limit (p95)", name: "limit_share_p95", ofRegion: "" },
  { title: "throttled", name: "throttled", ofRegion: "" },
];

const usageCells = ({ usage = {}, tpm_by_region = {} }: z.output<typeof subscription>): readonly (string | number)[] =>
  usageColumns.map(({ name, ofRegion }) => {
    const regions = Object.entries(tpm_by_region).flatMap(([region, numbers]) =>
      numbers[ofRegion] === undefined ? [] : [`${region} ${numbers[ofRegion]}`],
    );
    const cell = usage[name] ?? "-";
    return regions.length === 0 ? cell : `${cell} (${regions.join(", ")})`;
  });

type Used = Awaited<ReturnType<typeof usageOf>>;

async function usageOf({ gateway, metrics, logs, now }: ReadContext, duration: string) {
  const { readSubscriptionUsage, shareOfLimit } = await import("../src/usage/subscription-usage.ts");
  return { ...(await readSubscriptionUsage({ gateway, metrics, logs }, duration, now())), shareOfLimit };
}

/** Whose share is not known, or who has no limit, comes last. */
function shareOf({ usage = {} }: Row): number {
  const { limit_share_p95: p95, limit_share_peak: peak } = usage;
  return typeof p95 === "number" ? p95 + (typeof peak === "number" ? peak / 1e6 : 0) : -1;
}

function row({ subscription: { id, displayName, state, scope }, tpm, rpm, limits }: TeamLimits, used: Used | null): Row {
  const usage = used?.of(id);
  return {
    subscription_id: id,
    display_name: displayName,
    state,
    scope: scopeTitle(scope),
    tpm,
    rpm,
    limits: limits.map(limitRow),
    ...(usage === undefined || used === null ? {} : usageRow(usage, tpm === null ? null : used.shareOfLimit(usage, tpm))),
  };
}

function usageRow(
  { requests, throttled, tokens, tpm, tpm_by_region }: ReturnType<Used["of"]>,
  share: ReturnType<Used["shareOfLimit"]> | null,
): Pick<Row, "usage" | "tpm_by_region"> {
  return {
    usage: {
      requests,
      throttled,
      tokens,
      tpm_average: tpm.average,
      tpm_p95: tpm.p95,
      tpm_peak: tpm.peak,
      ...(share === null ? {} : { limit_share_p95: share.p95, limit_share_peak: share.peak }),
    },
    ...(tpm_by_region === undefined ? {} : { tpm_by_region }),
  };
}

function limitRow({ limitId, kind, value, period, scope, document, line, condition, sharedWith }: Limit): Answer<z.output<typeof limit>> {
  return {
    limit_id: limitId,
    kind,
    value,
    ...(period === undefined ? {} : { period }),
    scope,
    source: { document, line },
    ...(condition === undefined ? {} : { condition: redactedText(condition) }),
    shared_with: sharedWith,
  };
}
