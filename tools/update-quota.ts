import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { findSubscription, type Inventory, readInventory } from "../src/gateway/inventory.ts";
import type { Proposal } from "../src/gateway/proposal.ts";
import { proposedDocuments } from "../src/gateway/proposed-documents.ts";
import type { Forecast } from "../src/quota/forecast/index.ts";
import { forecastLine } from "../src/quota/forecast/line.ts";
import type { Limit } from "../src/quota/limit.ts";
import type { QuotaRequest } from "../src/quota/plan.ts";
import { changeInputs, defineTool, type PlanContext, planAnswer, planOutput, renderPlan } from "../src/tool.ts";

const perMinute = z.int().min(1).max(2_147_483_647).nullable().optional();
const perPeriod = z.int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().optional();

const share = z.number();

/** What the change would have done to the team's last seven days; shares are from 0 to 1. */
const forecast = z.object({
  status: z.enum(["known", "unknown"]),
  reason: z.string().optional(),
  fix: z.string().optional(),
  window: z.object({ since: z.string(), until: z.string() }).optional(),
  requests: z.number().optional(),
  algorithm: z.enum(["sliding window", "token bucket", "both"]).optional(),
  before: z.object({ refused_share: share, refused_requests: z.number().optional() }).optional(),
  after: z
    .object({
      refused_share: share,
      refused_requests: z.number().optional(),
      tokens_turned_away: z.number().optional(),
      worst_hour: z.object({ start: z.string(), share }).optional(),
      interval: z.tuple([share, share]).optional(),
    })
    .optional(),
  lower_bound: z.literal(true).optional(),
  upper_bound: z.literal(true).optional(),
  notes: z.array(z.string()),
});

export const updateQuota = defineTool({
  name: "update_quota",
  title: "Plan a team's token or request limit",
  description:
    "Plans new limits for one team (APIM subscription); the plan proves every other team unchanged. null removes a limit that only this team has. Writes nothing.",
  effect: "plan",
  toolset: "quotas",
  input: z.strictObject({
    subscription_id: z.string().min(1).describe("sid, or exact display name"),
    tpm: perMinute.describe("Tokens per minute"),
    rpm: perMinute.describe("Requests per minute"),
    token_quota: perPeriod.describe("Tokens per period"),
    period: z.enum(["Hourly", "Daily", "Weekly", "Monthly", "Yearly"]).optional(),
    limit_id: z.string().min(1).optional().describe("Not the binding one"),
    api_id: z.string().min(1).optional().describe("Limit calls of this API alone"),
    mode: z.enum(["enforce", "shadow"]).default("enforce").describe("shadow: only record what tpm would refuse"),
    ...changeInputs,
  }),
  output: planOutput.extend({ forecast: forecast.optional() }),
  async handler(context, { subscription_id, tpm, rpm, token_quota, period, limit_id, api_id, mode, override }) {
    const request: QuotaRequest = {
      subscriptionId: subscription_id,
      ...(api_id === undefined ? {} : { apiId: api_id }),
      ...(limit_id === undefined ? {} : { limitId: limit_id }),
      ...(tpm === undefined ? {} : { tpm }),
      ...(rpm === undefined ? {} : { rpm }),
      ...(token_quota === undefined ? {} : { tokenQuota: token_quota }),
      ...(period === undefined ? {} : { period }),
    };
    const inventory = await readInventory(context.gateway);
    const { proposal, limits } =
      mode === "shadow" ? await shadowed(context, inventory, request) : await enforced(context, inventory, request);
    const [plan, expected] = await Promise.all([
      context.planner.plan({ ...proposal, tool: "update_quota", override }),
      limits === null ? null : forecastOf(context, { ...limits, sku: inventory.service.sku }),
    ]);
    return { ...planAnswer(plan), ...(expected === null ? {} : { forecast: expected }) };
  },
  render: ({ forecast: expected, ...plan }) => [renderPlan(plan), ...(expected === undefined ? [] : [forecastLine(expected)])].join("\n"),
});

interface Planned {
  readonly proposal: Omit<Proposal, "tool" | "override">;
  /** The team's, where the change is one of limits. */
  readonly limits: { readonly subscriptionId: string; readonly before: readonly Limit[]; readonly after: readonly Limit[] } | null;
}

/** A source that fails makes it unknown, not the plan. */
async function forecastOf(
  { gateway, metrics, logs, now }: PlanContext,
  { subscriptionId, ...change }: NonNullable<Planned["limits"]> & { readonly sku: string },
): Promise<Forecast | null> {
  const [{ readRequestHistory }, { forecast: forecastFrom, noForecast }] = await Promise.all([
    import("../src/usage/request-history.ts"),
    import("../src/quota/forecast/index.ts"),
  ]);
  try {
    return forecastFrom(await readRequestHistory({ gateway, metrics, logs }, { subscriptionId }, now()), change);
  } catch (error) {
    if (error instanceof GatewayError && error.code !== "cancelled") return noForecast(error.message);
    throw error;
  }
}

async function enforced({ gateway, grammar }: PlanContext, inventory: Inventory, request: QuotaRequest): Promise<Planned> {
  const [csharp, { planQuota }] = await Promise.all([grammar(), import("../src/quota/plan.ts")]);
  const { documents, limitsBefore, limitsAfter, ...edit } = planQuota(inventory, csharp, request);
  return {
    proposal: { ...edit, documents: await proposedDocuments(gateway, documents) },
    limits: { subscriptionId: findSubscription(inventory, request.subscriptionId).id, before: limitsBefore, after: limitsAfter },
  };
}

async function shadowed({ gateway, grammar }: PlanContext, inventory: Inventory, request: QuotaRequest): Promise<Planned> {
  if (request.tpm == null || request.rpm !== undefined || request.tokenQuota !== undefined) {
    throw new GatewayError("invalid_input", "A shadow limit is one of tokens per minute.", { hint: "Give tpm, and no other limit." });
  }
  const [csharp, { shadowTarget }, { planShadow }] = await Promise.all([
    grammar(),
    import("../src/quota/plan.ts"),
    import("../src/quota/shadow.ts"),
  ]);
  const { documents, ...edit } = planShadow(inventory, { ...shadowTarget(inventory, csharp, request), proposed: request.tpm });
  return { proposal: { ...edit, documents: await proposedDocuments(gateway, documents) }, limits: null };
}
