import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { namedSubscriptions, readInventory } from "../src/gateway/inventory.ts";
import { type Subscription, sameName, sharedSids, subscriptionName } from "../src/gateway/model.ts";
import { policyTarget } from "../src/gateway/targets.ts";
import type { TeamLimits } from "../src/quota/limit.ts";
import type { TeamRow } from "../src/quota/team-row.ts";
import { type Answer, defineTool, lines, type ReadContext, table } from "../src/tool.ts";

const amount = z.union([z.number(), z.enum(["none", "unknown", "several"])]);
const used = z.union([z.number(), z.literal("unknown")]);

const limit = z.object({
  limit_id: z.string(),
  kind: z.enum(["tpm", "token_quota", "rpm", "call_quota"]),
  binds: z.boolean(),
  status: z.enum(["value", "none", "several", "unknown"]),
  value: z.number().optional(),
  values: z.array(z.number()).optional(),
  why: z.string().optional(),
  written: z.string().optional(),
  period: z.string().optional(),
  bandwidth: z.string().optional(),
  conditions: z.array(z.string()),
  deployment: z.string().optional(),
  counter_key: z.string(),
  shared_with: z.array(z.string()),
  shared_with_left_out: z.int().optional(),
  may_be_shared_with: z.array(z.string()).optional(),
  per_value_of: z.string().optional(),
  gateways: used,
  document: z.string(),
  line: z.int(),
  number_in: z.string().optional(),
  scope: z.string(),
  api_ids: z.array(z.string()).optional(),
  operations: z.array(z.string()).optional(),
  accounting: z.literal(true).optional(),
  editable: z.boolean(),
  reason: z.string().optional(),
});

const subscription = z.object({
  subscription_id: z.string(),
  display_name: z.string(),
  scope: z.string(),
  state: z.string(),
  tpm: amount,
  rpm: amount,
  token_quota: amount.optional(),
  token_quota_period: z.string().optional(),
  call_quota: amount.optional(),
  call_quota_period: z.string().optional(),
  limit_id: z.string().optional(),
  note: z.string().optional(),
  limits: z.array(limit).optional(),
  warnings: z.array(z.string()).optional(),
  usage: z.record(z.string(), used).optional(),
  tpm_by_region: z.record(z.string(), z.record(z.string(), used)).optional(),
});

export const listSubscriptions = defineTool({
  name: "list_subscriptions",
  title: "List subscriptions with their limits",
  description: "The teams (APIM subscriptions) that use the gateway, with the TPM, RPM and quotas that bind each.",
  effect: "read",
  toolset: "quotas",
  input: z.strictObject({
    product_id: z.string().min(1).optional(),
    subscription_id: z.string().min(1).optional().describe("sid or display name"),
    detail: z.boolean().default(false).describe("Every limit: where it is written, conditions, who shares its counter"),
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
  async handler(context, { product_id, subscription_id, detail, limit: size, cursor, usage }) {
    const { service, gateway } = context;
    const [inventory, csharp, { openLimits }, rows, usedBy] = await Promise.all([
      readInventory(gateway),
      context.grammar(),
      import("../src/quota/limits.ts"),
      import("../src/quota/team-row.ts"),
      usage === undefined ? null : usageOf(context, usage),
    ]);
    const named = subscription_id === undefined ? null : new Set(namedSubscriptions(inventory, subscription_id).map(subscriptionName));
    const inProduct = product_id === undefined ? () => true : await productFilter(gateway, product_id);
    const open = openLimits(inventory, csharp);
    const unclear = sharedSids(open.subscriptions);
    const teams = open.subscriptions
      .filter((subscription) => inProduct(subscription) && (named?.has(subscriptionName(subscription)) ?? true))
      .map((subscription): Team => {
        const limits = () => open.of(subscription);
        return { limits, name: subscriptionName(subscription), ...usageIn(usedBy, subscription, limits, unclear) };
      })
      .toSorted((a, b) => b.share - a.share || compare(a.name, b.name));
    const from = cursor === undefined ? 0 : teams.findIndex(({ name }) => name === cursor);
    if (from < 0) throw new GatewayError("invalid_input", `Unknown cursor '${cursor}'.`, { hint: "Ask again without cursor." });
    const page = teams.slice(from, from + size).map((team) => ({ ...team, limits: team.limits() }));
    const next = teams[from + size];
    const notes = [
      ...notesOn(page, rows.gatewaysOf, detail),
      ...inventory.notes,
      ...(usedBy === null ? [] : [...usedBy.notes, ...unclearNotes(unclear)]),
    ];
    return {
      service,
      subscriptions: page.map(({ limits, usage: usageFields }) => ({
        ...rows.teamRow(limits),
        ...(detail ? { limits: rows.limitRows(limits), warnings: limits.warnings } : {}),
        ...usageFields,
      })),
      left_out: Math.max(0, teams.length - from - size),
      ...(next === undefined ? {} : { next_cursor: next.name }),
      ...(usedBy === null ? {} : { window: { since: usedBy.window.since.toISOString(), until: usedBy.window.until.toISOString() } }),
      ...(notes.length === 0 && usedBy === null ? {} : { notes }),
    };
  },
  render: ({ service, subscriptions, left_out, next_cursor, window, notes = [] }) =>
    subscriptions.length === 0
      ? lines(`No subscriptions on ${service} match.`, ...notes.map((note) => `Note: ${note}`))
      : lines(
          `Subscriptions on ${service}${window === undefined ? "" : `, usage ${window.since} to ${window.until}`}`,
          renderTable(subscriptions),
          ...subscriptions.flatMap(renderLimits),
          next_cursor !== undefined && `${left_out} left out: cursor "${next_cursor}".`,
          ...notes.map((note) => `Note: ${note}`),
        ),
});

type Shown = z.output<typeof subscription>;
type UsageFields = Pick<Answer<Shown>, "usage" | "tpm_by_region">;

interface Team {
  readonly name: string;
  /** Worked out for those that are shown. */
  readonly limits: () => TeamLimits;
  readonly usage: UsageFields;
  /** Of its limit that it uses, in percent; -1 where that is not known. */
  readonly share: number;
}

type ShownTeam = Pick<Team, "name"> & { readonly limits: TeamLimits };

/** By code units: the same on every machine, so that a cursor means the same to the next call. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function productFilter(gateway: ReadContext["gateway"], productName: string): Promise<(subscription: Subscription) => boolean> {
  const target = await policyTarget(gateway, { product_id: productName });
  if (target.kind !== "product") return () => false;
  const { productId, workspaceId } = target;
  return ({ scope, workspaceId: own }) => scope.kind === "product" && own === workspaceId && sameName(scope.productId, productId);
}

/** What is alike for many teams is said once. */
function notesOn(
  page: readonly ShownTeam[],
  gatewaysOf: (team: TeamLimits) => number | "unknown" | null,
  detail: boolean,
): readonly string[] {
  const counts = new Set(page.map(({ limits }) => gatewaysOf(limits)).filter((count) => count !== null));
  const several = [...counts].filter((count) => count !== 1);
  return [
    ...several.map((count) =>
      count === "unknown"
        ? "How many gateways count each limit for themselves is not known."
        : `${count} gateways count each for themselves: a team may use ${count} times a limit.`,
    ),
    ...(detail ? [] : warningsOn(page)),
  ];
}

const mostWarnings = 3;

function warningsOn(page: readonly ShownTeam[]): readonly string[] {
  const teams = new Map<string, string[]>();
  for (const { name, limits } of page) {
    for (const warning of limits.warnings) {
      const warned = teams.get(warning);
      if (warned === undefined) teams.set(warning, [name]);
      else warned.push(name);
    }
  }
  const shown = [...teams]
    .slice(0, mostWarnings)
    .map(([warning, [first, ...others]]) => `${first}${others.length > 0 ? ` and ${others.length} more` : ""}: ${warning}`);
  return teams.size > mostWarnings ? [...shown, `${teams.size - mostWarnings} more warnings: detail shows them.`] : shown;
}

/** A column of the table; shown where any team has something in it. */
interface Column {
  readonly title: string;
  readonly cell: (team: Shown) => string | number | undefined;
}

const period = (quota: TeamRow["token_quota"], length: string | undefined): string | undefined =>
  quota === undefined ? undefined : `${quota}${length === undefined ? "" : ` ${length}`}`;

const columns: readonly Column[] = [
  { title: "subscription", cell: ({ subscription_id }) => subscription_id },
  { title: "name", cell: ({ display_name }) => display_name },
  { title: "scope", cell: ({ scope }) => scope },
  { title: "state", cell: ({ state }) => state },
  { title: "TPM", cell: ({ tpm }) => tpm },
  { title: "RPM", cell: ({ rpm }) => rpm },
  { title: "token quota", cell: (team) => period(team.token_quota, team.token_quota_period) },
  { title: "call quota", cell: (team) => period(team.call_quota, team.call_quota_period) },
  ...(
    [
      ["average", "tpm_average", "average"],
      ["p95", "tpm_p95", "p95"],
      ["peak", "tpm_peak", "peak"],
      ["% of limit (p95)", "limit_share_p95", ""],
      ["throttled", "throttled", ""],
    ] as const
  ).map(([title, name, ofRegion]): Column => ({ title, cell: (team) => usageCell(team, name, ofRegion) })),
  { title: "limit", cell: ({ limit_id }) => limit_id },
  { title: "note", cell: ({ note }) => note },
];

function renderTable(subscriptions: readonly Shown[]): string {
  const shown = columns.filter(({ cell }) => subscriptions.some((team) => cell(team) !== undefined));
  return table(
    shown.map(({ title }) => title),
    subscriptions.map((team) => shown.map(({ cell }) => cell(team) ?? "-")),
  );
}

/** `ofRegion`: the name of the number in `tpm_by_region`. */
function usageCell({ usage, tpm_by_region = {} }: Shown, name: string, ofRegion: string): string | number | undefined {
  if (usage === undefined) return undefined;
  const regions = Object.entries(tpm_by_region).flatMap(([region, numbers]) =>
    numbers[ofRegion] === undefined ? [] : [`${region} ${numbers[ofRegion]}`],
  );
  const cell = usage[name] ?? "-";
  return regions.length === 0 ? cell : `${cell} (${regions.join(", ")})`;
}

const renderLimits = ({ subscription_id, limits, warnings = [] }: Shown): readonly string[] =>
  limits === undefined
    ? []
    : [`Limits of ${subscription_id}:`, ...limits.map(renderLimit), ...warnings.map((warning) => `Warning: ${warning}`)];

/** A limit as `key: value` pairs, as the data has them. */
const renderLimit = ({ limit_id, ...rest }: Readonly<Record<string, unknown>>): string =>
  `- ${limit_id}: ${Object.entries(rest)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? `[${value.join(", ")}]` : String(value)}`)
    .join("; ")
    .replace(/\s+/g, " ")}`;

type Used = Awaited<ReturnType<typeof usageOf>>;

async function usageOf({ gateway, metrics, logs, now }: ReadContext, duration: string) {
  const { readSubscriptionUsage, shareOfBinding } = await import("../src/usage/subscription-usage.ts");
  return { ...(await readSubscriptionUsage({ gateway, metrics, logs }, duration, now())), shareOfBinding };
}

/** `unclear`: sids in lower case whose usage cannot be told apart. */
function usageIn(
  usedBy: Used | null,
  subscription: Subscription,
  limits: () => TeamLimits,
  unclear: ReadonlySet<string>,
): Pick<Team, "usage" | "share"> {
  if (usedBy === null || unclear.has(subscription.id.toLowerCase())) return { usage: {}, share: -1 };
  const used = usedBy.of(subscription.id);
  const { requests, throttled, tokens, tpm, tpm_by_region } = used;
  const share = usedBy.shareOfBinding(used, limits().binding.tpm);
  return {
    usage: {
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
    },
    share: share === null ? -1 : orderOf(share),
  };
}

const unclearNotes = (unclear: ReadonlySet<string>): readonly string[] =>
  unclear.size === 0
    ? []
    : [`Usage is not shown where several have one sid, as logs name nothing else: ${[...unclear].slice(0, 5).join(", ")}.`];

/** Whose share is not known, or who has no limit, comes last. */
const orderOf = ({ p95, peak }: { readonly p95: number | "unknown"; readonly peak: number | "unknown" }): number =>
  p95 === "unknown" ? -1 : p95 + (peak === "unknown" ? 0 : peak / 1e6);
