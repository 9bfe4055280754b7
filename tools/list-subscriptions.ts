import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { findProduct, readInventory } from "../src/gateway/inventory.ts";
import { redactedText } from "../src/gateway/keys.ts";
import { scopeTitle } from "../src/gateway/model.ts";
import type { Limit, TeamLimits } from "../src/quota/limits.ts";
import { type Answer, defineTool, lines, table } from "../src/tool.ts";

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
  }),
  output: z.object({
    service: z.string(),
    subscriptions: z.array(subscription),
    left_out: z.int(),
    next_cursor: z.string().optional(),
  }),
  async handler({ service, gateway }, { product_id, limit: size, cursor }) {
    const [inventory, { teamLimits }] = await Promise.all([readInventory(gateway), import("../src/quota/limits.ts")]);
    const product = product_id === undefined ? null : findProduct(inventory.products, product_id);
    const teams = teamLimits(inventory)
      .filter(({ subscription: { scope } }) => product === null || (scope.kind === "product" && scope.productId === product.id))
      .toSorted((a, b) => a.subscription.id.localeCompare(b.subscription.id));
    const from = cursor === undefined ? 0 : teams.findIndex(({ subscription: { id } }) => id === cursor);
    if (from < 0) throw new GatewayError("invalid_input", `Unknown cursor '${cursor}'.`, { hint: "Ask again without cursor." });
    const page = teams.slice(from, from + size);
    const next = teams[from + size];
    return {
      service,
      subscriptions: page.map(row),
      left_out: Math.max(0, teams.length - from - size),
      ...(next === undefined ? {} : { next_cursor: next.subscription.id }),
    };
  },
  render: ({ service, subscriptions, left_out, next_cursor }) =>
    subscriptions.length === 0
      ? `No subscriptions on ${service} match.`
      : lines(
          `Subscriptions on ${service}`,
          table(
            ["subscription", "name", "scope", "state", "TPM", "RPM", "written in"],
            subscriptions.map(({ subscription_id, display_name, scope, state, tpm, rpm, limits }) => [
              subscription_id,
              display_name,
              scope,
              state,
              tpm,
              rpm,
              limits.map(({ kind, value, source }) => `${kind} ${value}: ${source.document}:${source.line}`).join("; ") || "no limit",
            ]),
          ),
          next_cursor !== undefined && `${left_out} left out: cursor "${next_cursor}".`,
        ),
});

function row({ subscription: { id, displayName, state, scope }, tpm, rpm, limits }: TeamLimits): Answer<z.output<typeof subscription>> {
  return { subscription_id: id, display_name: displayName, state, scope: scopeTitle(scope), tpm, rpm, limits: limits.map(limitRow) };
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
