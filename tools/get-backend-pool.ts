import * as z from "zod";
import { readInventory } from "../src/gateway/inventory.ts";
import { shortened } from "../src/policy/excerpt.ts";
import type { Breaker, Member } from "../src/pool/backend.ts";
import type { Route } from "../src/pool/routes.ts";
import { type Answer, defineTool, lines, table } from "../src/tool.ts";

/** Characters of an expression. */
const longestExpression = 300;

/** Its other members are those of `breakerRow`. */
const breaker = z.looseObject({ interval: z.string().nullable(), trip_duration: z.string().nullable(), status_codes: z.array(z.string()) });

const member = z.object({
  backend_id: z.string(),
  url: z.string().nullable(),
  region: z.string(),
  priority: z.number(),
  weight: z.number(),
  share_percent: z.number(),
  credential: z.string(),
  circuit_breaker: breaker.nullable(),
});

/** Where they are known also `url`, `same_url_as`, `operation_id`, `condition`, `expression`, `session_affinity`, `failure_status`, `worst_case`. */
const route = z.looseObject({
  backend_id: z.string().nullable(),
  kind: z.enum(["pool", "backend", "url"]),
  certainty: z.enum(["certain", "conditional", "dynamic"]),
  source: z.string(),
  members: z.array(member),
});

const output = z.object({
  service: z.string(),
  api_id: z.string(),
  routes: z.array(route),
  retry: z.object({ count: z.string(), condition: z.string(), source: z.string() }).nullable(),
  shared_with: z.array(z.object({ backend_id: z.string(), api_ids: z.array(z.string()) })),
  findings: z.array(z.object({ code: z.string(), severity: z.enum(["problem", "advice"]), text: z.string(), fix: z.string() })),
  notes: z.array(z.string()),
});

export const getBackendPool = defineTool({
  name: "get_backend_pool",
  title: "Get an API's backends",
  description:
    "Where an API's traffic goes: pool or backend, members with priority, share and circuit breaker, retry, the policy line that decides; findings with fixes.",
  effect: "read",
  toolset: "backends",
  input: z.strictObject({ api_id: z.string().min(1) }),
  output,
  async handler({ service, gateway, grammar }, { api_id }) {
    const [inventory, csharp, { missingNote, reachedBy, resolveRoutes }, { findingsOf }, { worstCaseText }] = await Promise.all([
      readInventory(gateway),
      grammar(),
      import("../src/pool/routes.ts"),
      import("../src/pool/findings.ts"),
      import("../src/pool/worst-case.ts"),
    ]);
    const { tier } = inventory.service;
    const resolved = resolveRoutes(inventory, csharp, api_id);
    const { apiId, routes, retry, sharedWith, notes, unrouted } = resolved;
    const findings = findingsOf(resolved, tier);
    const told = findings.some(({ code }) => code === "missing_backend") ? reachedBy(routes).map(missingNote) : [];
    return {
      service,
      api_id: apiId,
      routes: routes.map((one) => routeRow(one, worstCaseText(one.members, retry, tier))),
      retry:
        retry === null
          ? null
          : { count: retry.count, condition: shortened(retry.condition, longestExpression), source: sourceText(retry.source) },
      shared_with: sharedWith.map(({ backendId, apiIds }) => ({ backend_id: backendId, api_ids: apiIds })),
      findings,
      notes: [...notes.filter((note) => !told.includes(note)), ...(unrouted === null ? [] : [unrouted]), ...modelNotes(routes)],
    };
  },
  render: ({ service, api_id, routes, retry, shared_with, findings, notes }) =>
    lines(
      `Backends of API '${api_id}' on ${service}`,
      ...routes.map(renderRoute),
      retry !== null && `Retry: ${retry.count} times on ${retry.condition} (${retry.source})`,
      ...shared_with.map(({ backend_id, api_ids }) => `${backend_id} also serves: ${api_ids.join(", ")}`),
      ...findings.map(({ code, severity, text, fix }) => `${severity === "problem" ? "Problem" : "Advice"} ${code}: ${text} Fix: ${fix}`),
      ...notes.map((note) => `Note: ${note}`),
    ),
});

/** The accounts behind the backends are not read: a region that answers by another model does so without saying so. */
const modelNotes = (routes: readonly Route[]): readonly string[] =>
  routes.some(({ members }) => members.length > 1)
    ? ["Models and versions behind the members: unknown; az cognitiveservices account deployment list shows them."]
    : [];

function routeRow(one: Route, worstCase: string | null): Answer<z.output<typeof route>> {
  const { backendId, kind, certainty, source, members } = one;
  return {
    backend_id: backendId,
    kind,
    certainty,
    source: sourceText(source),
    ...detailsOf(one, worstCase),
    members: members.map(memberRow),
  };
}

function detailsOf(
  { kind, url, sameUrlAs, operationId, condition, expression, affinityCookie, failureStatus }: Route,
  worstCase: string | null,
): Readonly<Record<string, string | number>> {
  const details = {
    url: kind === "url" ? url : null,
    same_url_as: sameUrlAs,
    operation_id: operationId,
    condition: condition === null ? null : shortened(condition, longestExpression),
    expression: expression === null ? null : shortened(expression, longestExpression),
    session_affinity: affinityCookie,
    failure_status: failureStatus,
    worst_case: worstCase,
  };
  return Object.fromEntries(Object.entries(details).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function memberRow({
  backendId,
  url,
  region,
  priority,
  weight,
  share,
  credentials,
  circuitBreaker,
}: Member): Answer<z.output<typeof member>> {
  return {
    backend_id: backendId,
    url,
    region: region === null ? "unknown" : region.by === "name" ? `${region.name} (by its name)` : region.name,
    priority,
    weight,
    share_percent: share,
    credential: credentials.join(", ") || "none",
    circuit_breaker: circuitBreaker === null ? null : breakerRow(circuitBreaker),
  };
}

function breakerRow({
  failureCount,
  failurePercent,
  interval,
  statusCodes,
  errorReasons,
  tripDuration,
  acceptRetryAfter,
}: Breaker): Answer<z.output<typeof breaker>> {
  return {
    ...(failureCount === null ? {} : { failure_count: failureCount }),
    ...(failurePercent === null ? {} : { failure_percent: failurePercent }),
    interval,
    status_codes: statusCodes,
    ...(errorReasons.length === 0 ? {} : { error_reasons: errorReasons }),
    trip_duration: tripDuration,
    accept_retry_after: acceptRetryAfter,
  };
}

/** Expressions can be pages of C#; what decides mostly stands at their start, and `source` says where the rest is. */
const sourceText = (source: Route["source"]): string => (typeof source === "string" ? source : `${source.document}:${source.line}`);

function renderRoute({ backend_id, kind, certainty, source, members, ...details }: z.output<typeof route>): string {
  const detail = (name: string): string | undefined => (details[name] === undefined ? undefined : String(details[name]));
  const when = [detail("condition"), detail("expression")].filter((part) => part !== undefined).join("; ");
  const [operation, sameUrl, cookie, status] = ["operation_id", "same_url_as", "session_affinity", "failure_status"].map(detail);
  return lines(
    `**${kind} ${backend_id ?? detail("url") ?? "unknown"}** ${certainty}${when === "" ? "" : ` (${when})`}${operation === undefined ? "" : `, operation ${operation}`}, by ${source}`,
    sameUrl !== undefined && `The URL is that of backend ${sameUrl}, whose breaker and credentials do not apply here`,
    cookie !== undefined && `Session affinity by cookie ${cookie}`,
    status !== undefined && `Status ${status} while no member is available`,
    members.length > 0 &&
      table(
        ["member", "region", "priority", "weight", "share", "circuit breaker", "credential", "url"],
        members.map((one) => [
          one.backend_id,
          one.region,
          one.priority,
          one.weight,
          `${one.share_percent} %`,
          renderBreaker(one.circuit_breaker),
          one.credential,
          one.url,
        ]),
      ),
    detail("worst_case") ?? "",
  );
}

function renderBreaker(rule: z.output<typeof breaker> | null): string {
  if (rule === null) return "none";
  const failures = rule.failure_count === undefined ? `${rule.failure_percent}%` : `${rule.failure_count}`;
  return `${failures} failures in ${rule.interval ?? "?"} on ${rule.status_codes.join(",")}, open ${rule.trip_duration ?? "?"}`;
}
