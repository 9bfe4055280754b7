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
  usage: z
    .object({
      requests: amount,
      throttled: amount,
      tokens: amount,
      tpm: z.object({
        average: amount,
        p95: amount,
        peak: amount,
        by_region: z.record(z.string(), z.record(z.string(), amount)).optional(),
      }),
      limit_share: z.record(z.string(), amount).optional(),
    })
    .optional(),
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
      .toSorted((a, b) => sharePeak(b) - sharePeak(a) || a.subscription_id.localeCompare(b.subscription_id));
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
            ["subscription", "name", "scope", "state", "TPM", "RPM", ...(window === undefined ? [] : usageColumns), "written in"],
            subscriptions.map(({ subscription_id, display_name, scope, state, tpm, rpm, limits, usage }) => [
              subscription_id,
              display_name,
              scope,
              state,
              tpm,
              rpm,
              ...(window === undefined ? [] : usageCells(usage)),
              limits.map(({ kind, value, source }) => `${kind} ${value}: ${source.document}:${source.line}`).join("; ") || "no limit",
            ]),
          ),
          next_cursor !== undefined && `${left_out} left out: cursor "${next_cursor}".`,
          ...notes.map((note) => `Note: ${note}`),
        ),
});

type Row = Answer<z.output<typeof subscription>>;
type Usage = z.output<typeof subscription>["usage"];

const usageColumns = ["average", "p95", "peak", "% of limit (p95)", "throttled"];

function usageCells(usage: Usage): readonly (string | number)[] {
  if (usage === undefined) return usageColumns.map(() => "-");
  const { tpm, limit_share, throttled } = usage;
  return [tpm.average, tpm.p95, tpm.peak, limit_share?.p95 ?? "-", throttled].map((cell, index) => {
    const part = (["average", "p95", "peak"] as const)[index];
    const regions = part === undefined ? [] : Object.entries(tpm.by_region ?? {}).map(([region, numbers]) => `${region} ${numbers[part]}`);
    return regions.length === 0 ? cell : `${cell} (${regions.join(", ")})`;
  });
}

type Used = Awaited<ReturnType<typeof usageOf>>;

async function usageOf({ gateway, metrics, logs, now }: ReadContext, duration: string) {
  const { readSubscriptionUsage, shareOfLimit } = await import("../src/usage/subscription-usage.ts");
  return { ...(await readSubscriptionUsage({ gateway, metrics, logs }, duration, now())), shareOfLimit };
}

/** Whose share is not known, or who has no limit, comes last. */
function sharePeak({ usage }: Row): number {
  const { p95, peak } = usage?.limit_share ?? {};
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
    ...(usage === undefined || used === null
      ? {}
      : { usage: { ...usage, ...(tpm === null ? {} : { limit_share: used.shareOfLimit(usage.tpm, tpm) }) } }),
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
