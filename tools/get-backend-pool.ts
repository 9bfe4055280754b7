import * as z from "zod";
import { readInventory } from "../src/gateway/inventory.ts";
import { shortened } from "../src/policy/excerpt.ts";
import type { Breaker } from "../src/pool/backend.ts";
import type { Route } from "../src/pool/routes.ts";
import { type Answer, defineTool, lines, table } from "../src/tool.ts";

/** Characters of an expression. */
const longestExpression = 300;

const breaker = z.object({
  failure_count: z.number().optional(),
  failure_percent: z.number().optional(),
  interval: z.string().nullable(),
  status_codes: z.array(z.string()),
  trip_duration: z.string().nullable(),
  accept_retry_after: z.boolean(),
});

const route = z.object({
  backend_id: z.string().nullable(),
  kind: z.enum(["pool", "backend", "url"]),
  url: z.string().optional(),
  operation_id: z.string().optional(),
  certainty: z.enum(["certain", "conditional", "dynamic"]),
  condition: z.string().optional(),
  expression: z.string().optional(),
  source: z.string(),
  session_affinity: z.string().optional(),
  members: z.array(
    z.object({
      backend_id: z.string(),
      url: z.string().nullable(),
      priority: z.number(),
      weight: z.number(),
      circuit_breaker: breaker.nullable(),
    }),
  ),
});

const output = z.object({
  service: z.string(),
  api_id: z.string(),
  routes: z.array(route),
  retry: z.object({ count: z.string(), condition: z.string(), source: z.string() }).nullable(),
  shared_with: z.array(z.object({ backend_id: z.string(), api_ids: z.array(z.string()) })),
  notes: z.array(z.string()),
});

export const getBackendPool = defineTool({
  name: "get_backend_pool",
  title: "Get an API's backends",
  description:
    "Where an API's traffic goes: pool or backend, members with priority, weight and circuit breaker, retry, and the policy line that decides.",
  effect: "read",
  toolset: "backends",
  input: z.strictObject({ api_id: z.string().min(1) }),
  output,
  async handler({ service, gateway }, { api_id }) {
    const [inventory, { resolveRoutes }] = await Promise.all([readInventory(gateway), import("../src/pool/routes.ts")]);
    const { apiId, routes, retry, sharedWith, notes } = resolveRoutes(inventory, api_id);
    return {
      service,
      api_id: apiId,
      routes: routes.map(routeRow),
      retry:
        retry === null
          ? null
          : { count: retry.count, condition: shortened(retry.condition, longestExpression), source: sourceText(retry.source) },
      shared_with: sharedWith.map(({ backendId, apiIds }) => ({ backend_id: backendId, api_ids: apiIds })),
      notes,
    };
  },
  render: ({ service, api_id, routes, retry, shared_with, notes }) =>
    lines(
      `Backends of API '${api_id}' on ${service}`,
      ...routes.map(renderRoute),
      retry !== null && `Retry: ${retry.count} times on ${retry.condition} (${retry.source})`,
      ...shared_with.map(({ backend_id, api_ids }) => `${backend_id} also serves: ${api_ids.join(", ")}`),
      ...notes.map((note) => `Note: ${note}`),
    ),
});

function routeRow({
  backendId,
  url,
  operationId,
  condition,
  expression,
  affinityCookie,
  kind,
  certainty,
  source,
  members,
}: Route): Answer<z.output<typeof route>> {
  return {
    backend_id: backendId,
    kind,
    ...(kind !== "url" || url === null ? {} : { url }),
    ...(operationId === null ? {} : { operation_id: operationId }),
    certainty,
    ...(condition === null ? {} : { condition: shortened(condition, longestExpression) }),
    ...(expression === null ? {} : { expression: shortened(expression, longestExpression) }),
    source: sourceText(source),
    ...(affinityCookie === null ? {} : { session_affinity: affinityCookie }),
    members: members.map(({ backendId: member, circuitBreaker, ...rest }) => ({
      backend_id: member,
      url: rest.url,
      priority: rest.priority,
      weight: rest.weight,
      circuit_breaker: circuitBreaker === null ? null : breakerRow(circuitBreaker),
    })),
  };
}

function breakerRow({
  failureCount,
  failurePercent,
  interval,
  statusCodes,
  tripDuration,
  acceptRetryAfter,
}: Breaker): Answer<z.output<typeof breaker>> {
  return {
    ...(failureCount === null ? {} : { failure_count: failureCount }),
    ...(failurePercent === null ? {} : { failure_percent: failurePercent }),
    interval,
    status_codes: statusCodes,
    trip_duration: tripDuration,
    accept_retry_after: acceptRetryAfter,
  };
}

/** Expressions can be pages of C#; what decides mostly stands at their start, and `source` says where the rest is. */
const sourceText = (source: Route["source"]): string => (typeof source === "string" ? source : `${source.document}:${source.line}`);

function renderRoute({
  backend_id,
  kind,
  url,
  operation_id,
  certainty,
  condition,
  expression,
  source,
  session_affinity,
  members,
}: z.output<typeof route>): string {
  const when = [condition, expression].filter((part) => part !== undefined).join("; ");
  return lines(
    `**${kind} ${backend_id ?? url ?? "unknown"}** ${certainty}${when === "" ? "" : ` (${when})`}${operation_id === undefined ? "" : `, operation ${operation_id}`}, by ${source}`,
    session_affinity !== undefined && `Session affinity by cookie ${session_affinity}`,
    members.length > 0 &&
      table(
        ["member", "priority", "weight", "circuit breaker", "url"],
        members.map((member) => [member.backend_id, member.priority, member.weight, renderBreaker(member.circuit_breaker), member.url]),
      ),
  );
}

function renderBreaker(rule: z.output<typeof breaker> | null): string {
  if (rule === null) return "none";
  const failures = rule.failure_count === undefined ? `${rule.failure_percent}%` : `${rule.failure_count}`;
  return `${failures} failures in ${rule.interval ?? "?"} on ${rule.status_codes.join(",")}, open ${rule.trip_duration ?? "?"}`;
}
