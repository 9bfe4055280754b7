import * as z from "zod";
import { type Inventory, readInventory } from "../src/gateway/inventory.ts";
import { type ModelDeployment, readServedModels } from "../src/gateway/model-accounts.ts";
import { shortened } from "../src/policy/excerpt.ts";
import type { Breaker, Member } from "../src/pool/backend.ts";
import type { Route } from "../src/pool/routes.ts";
import type { MemberModels } from "../src/pool/served.ts";
import { type Answer, defineTool, lines, type ReadContext, table } from "../src/tool.ts";
import type { ObservedShares, Silent } from "../src/usage/observed-shares.ts";

/** Characters of an expression. */
const longestExpression = 300;

/** Its other members are those of `breakerRow`. */
const breaker = z.looseObject({ interval: z.string().nullable(), trip_duration: z.string().nullable(), status_codes: z.array(z.string()) });

/** Deployments of a member that are shown; the others are counted. */
const mostDeployments = 5;

/** What Azure does not say is "unknown"; `tpm` and `rpm` are the deployment's own limits. */
const deployment = z.looseObject({ name: z.string(), model: z.string(), version: z.string() });

/** Where they are known also `deployments_left_out`, and `observed_percent` and `recent_percent` where several backends can get the API's calls. */
const member = z.looseObject({
  backend_id: z.string(),
  url: z.string().nullable(),
  region: z.string(),
  priority: z.number(),
  weight: z.number(),
  share_percent: z.number(),
  credential: z.string(),
  circuit_breaker: breaker.nullable(),
  deployments: z.union([z.array(deployment), z.literal("unknown")]),
});

/** Where they are known also `deployments` of a URL at a model host, `url`, `same_url_as`, `operation_id`, `condition`, `expression`, `session_affinity`, `failure_status`, `worst_case`. */
const route = z.looseObject({
  backend_id: z.string().nullable(),
  kind: z.enum(["pool", "backend", "url"]),
  certainty: z.enum(["certain", "conditional", "dynamic"]),
  source: z.string(),
  members: z.array(member),
});

/** Where there were calls in its last minutes also `recent_since` and `recent_calls`; `failed` and `recent_failed` where any were. */
const observedWindow = z.looseObject({ since: z.string(), until: z.string(), calls: z.number() });

const output = z.object({
  service: z.string(),
  api_id: z.string(),
  routes: z.array(route),
  observed: observedWindow.optional(),
  retry: z.object({ count: z.string(), condition: z.string(), source: z.string() }).nullable(),
  shared_with: z.array(z.object({ backend_id: z.string(), api_ids: z.array(z.string()) })),
  findings: z.array(z.object({ code: z.string(), severity: z.enum(["problem", "advice"]), text: z.string(), fix: z.string() })),
  notes: z.array(z.string()),
});

export const getBackendPool = defineTool({
  name: "get_backend_pool",
  title: "Get an API's backends",
  description:
    "Where an API's traffic goes: pool or backend, members with priority, share, circuit breaker and model deployments, retry, the policy line that decides; findings with fixes.",
  effect: "read",
  toolset: "backends",
  input: z.strictObject({ api_id: z.string().min(1) }),
  output,
  async handler(context, { api_id }) {
    const { service, gateway, models, grammar } = context;
    const [inventory, csharp, pool] = await Promise.all([readInventory(gateway), grammar(), poolModules()]);
    const { tier } = inventory.service;
    const resolved = pool.resolveRoutes(inventory, csharp, api_id);
    const { apiId, routes, retry, signedIn, sharedWith, notes, unrouted } = resolved;
    const members = routes.flatMap((one) => one.members).filter(({ isMissing }) => isMissing !== true);
    const urls = routes.flatMap(pool.modelUrl);
    const [served, observed] = await Promise.all([
      readServedModels(models, pool.hostsOf([...members, ...urls])),
      readObserved(context, inventory, apiId, routes),
    ]);
    const findings = [...pool.findingsOf(resolved, tier), ...pool.modelFindingsOf(resolved, served)];
    const told = findings.some(({ code }) => code === "missing_backend") ? pool.reachedBy(routes).map(pool.missingNote) : [];
    return {
      service,
      api_id: apiId,
      routes: routes.map((one) => {
        const shares = observed === null ? null : observed.of(one.members);
        const rows = one.members.map((each, index) => memberRow(each, pool.memberModels(each, served), shares?.[index]));
        const worstCase = pool.worstCaseText(one.members, retry, tier, pool.flawsOf(one.members, signedIn, served));
        const [url] = pool.modelUrl(one);
        return { ...routeRow(one, rows, worstCase), ...(url === undefined ? {} : deploymentRows(pool.memberModels(url, served))) };
      }),
      ...(observed?.window === undefined ? {} : { observed: observed.window }),
      retry:
        retry === null
          ? null
          : { count: retry.count, condition: shortened(retry.condition, longestExpression), source: sourceText(retry.source) },
      shared_with: sharedWith.map(({ backendId, apiIds }) => ({ backend_id: backendId, api_ids: apiIds })),
      findings,
      notes: [
        ...notes.filter((note) => !told.includes(note)),
        ...(unrouted === null ? [] : [unrouted]),
        ...pool.unknownText([...members, ...urls], served).map((text) => `Models unknown ${text}`),
        ...(observed === null ? [] : observed.notes),
      ],
    };
  },
  render: ({ service, api_id, routes, observed, retry, shared_with, findings, notes }) =>
    lines(
      `Backends of API '${api_id}' on ${service}`,
      ...routes.map(renderRoute),
      observed !== undefined &&
        `Observed: ${observed.calls} calls in the logs of ${observed.since} to ${clockText(observed.until)}${failedText(observed.failed)}${recentText(observed)}, shares by who answered`,
      retry !== null && `Retry: ${retry.count} times on ${retry.condition} (${retry.source})`,
      ...shared_with.map(({ backend_id, api_ids }) => `${backend_id} also serves: ${api_ids.join(", ")}`),
      ...findings.map(({ code, severity, text, fix }) => `${severity === "problem" ? "Problem" : "Advice"} ${code}: ${text} Fix: ${fix}`),
      ...notes.map((note) => `Note: ${note}`),
    ),
});

async function poolModules() {
  const [routes, findings, modelFindings, served, flaws, worstCase] = await Promise.all([
    import("../src/pool/routes.ts"),
    import("../src/pool/findings.ts"),
    import("../src/pool/model-findings.ts"),
    import("../src/pool/served.ts"),
    import("../src/pool/flaws.ts"),
    import("../src/pool/worst-case.ts"),
  ]);
  return { ...routes, ...findings, ...modelFindings, ...served, ...flaws, ...worstCase };
}

/** What the logs say of who gets the calls. */
interface Observed {
  readonly of: (members: readonly Member[]) => readonly Shares[];
  readonly window?: Answer<z.output<typeof observedWindow>>;
  readonly notes: readonly string[];
}

/** Percent of the answered calls of an hour, and of its last minutes where there were any; unknown for a member of several routes. */
interface Shares {
  readonly observed_percent: number | "unknown";
  readonly recent_percent?: number | "unknown";
}

/** Null where only one backend can get calls: the logs could say nothing else, and asking them takes seconds. */
async function readObserved(
  { logs, now }: ReadContext,
  { service, backends }: Inventory,
  apiId: string,
  routes: readonly Route[],
): Promise<Observed | null> {
  const members = routes.flatMap((one) => one.members).filter(({ isMissing }) => isMissing !== true);
  const ids = new Set(members.map(({ backendId }) => `backends/${backendId}`));
  if (ids.size < 2) return null;
  const { callsIn, observedPercents, readObservedShares, silentMembers } = await import("../src/usage/observed-shares.ts");
  const reached = backends.filter(({ id }) => ids.has(id));
  const read: ObservedShares = await readObservedShares(logs, service, apiId, reached, now());
  if (read.kind === "unknown")
    return {
      of: (some) => some.map(() => ({ observed_percent: "unknown" as const })),
      notes: [`Observed shares: unknown, ${read.reason}`],
    };
  const { window, all, recent, partial } = read;
  const recentCalls = callsIn(recent);
  return {
    of: (some) => {
      const [hour, now] = [observedPercents(all, some), observedPercents(recent, some)];
      return some.map(({ backendId }, index) => {
        const onSeveral = routes.filter(({ members: of }) => of.some((one) => one.backendId === backendId)).length > 1;
        return {
          observed_percent: onSeveral ? "unknown" : (hour[index] ?? "unknown"),
          ...(recentCalls === 0 ? {} : { recent_percent: onSeveral ? "unknown" : (now[index] ?? "unknown") }),
        };
      });
    },
    window: {
      since: timeText(window.since),
      until: timeText(window.until),
      calls: callsIn(all),
      ...(all.failed === 0 ? {} : { failed: all.failed }),
      ...(recentCalls === 0 ? {} : { recent_since: timeText(recent.since), recent_calls: recentCalls }),
      ...(recent.failed === 0 ? {} : { recent_failed: recent.failed }),
    },
    notes: [
      ...(partial === null ? [] : [`Observed shares are of a part of the calls: ${partial}`]),
      // The logs do not say which of several routes a call has taken.
      ...(routes.length > 1 ? [] : routes.flatMap((one) => silentMembers(read, one.members)).map((one) => silentText(one, window.until))),
    ],
  };
}

const silentText = ({ backendId, since, others }: Silent, until: Date): string =>
  `${backendId} answered none of ${others} calls from ${timeText(since)} to ${clockText(timeText(until))}; why: diagnose_gateway {"symptom":"failover"}, list_changes`;

/** Whole minutes. */
const timeText = (time: Date): string => time.toISOString().replace(/:00\.000Z$/, "Z");

function routeRow(
  one: Route,
  members: Answer<z.output<typeof route>>["members"],
  worstCase: string | null,
): Answer<z.output<typeof route>> {
  const { backendId, kind, certainty, source } = one;
  return {
    backend_id: backendId,
    kind,
    certainty,
    source: sourceText(source),
    ...detailsOf(one, worstCase),
    members,
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

function memberRow(
  { backendId, url, region, priority, weight, share, credentials, circuitBreaker }: Member,
  models: MemberModels,
  observed: Shares | undefined,
): Answer<z.output<typeof member>> {
  return {
    backend_id: backendId,
    url,
    region: region === null ? "unknown" : region.by === "name" ? `${region.name} (by its name)` : region.name,
    priority,
    weight,
    share_percent: share,
    ...observed,
    credential: credentials.join(", ") || "none",
    circuit_breaker: circuitBreaker === null ? null : breakerRow(circuitBreaker),
    ...deploymentRows(models),
  };
}

function deploymentRows(models: MemberModels): Pick<Answer<z.output<typeof member>>, "deployments"> {
  if (models.kind === "unknown") return { deployments: "unknown" };
  const left = models.deployments.length - mostDeployments;
  return {
    deployments: models.deployments.slice(0, mostDeployments).map(deploymentRow),
    ...(left > 0 ? { deployments_left_out: left } : {}),
  };
}

const deploymentRow = ({ name, model, version, sku, tokensPerMinute, requestsPerMinute }: ModelDeployment) => ({
  name,
  model,
  version: version ?? "unknown",
  sku: sku ?? "unknown",
  tpm: tokensPerMinute ?? "unknown",
  rpm: requestsPerMinute ?? "unknown",
});

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
  const url = details.deployments === undefined ? undefined : member.shape.deployments.parse(details.deployments);
  const [operation, sameUrl, cookie, status] = ["operation_id", "same_url_as", "session_affinity", "failure_status"].map(detail);
  return lines(
    `**${kind} ${backend_id ?? detail("url") ?? "unknown"}** ${certainty}${when === "" ? "" : ` (${when})`}${operation === undefined ? "" : `, operation ${operation}`}, by ${source}`,
    sameUrl !== undefined && `The URL is that of backend ${sameUrl}, whose breaker and credentials do not apply here`,
    cookie !== undefined && `Session affinity by cookie ${cookie}`,
    status !== undefined && `Status ${status} while no member is available`,
    ...renderMembers(members),
    ...renderDeployments(members),
    url !== undefined && `The URL serves: ${deploymentsText({ ...details, deployments: url })}`,
    detail("worst_case") ?? "",
  );
}

/** Without a column for a breaker or a credential that all of several members have. */
function renderMembers(members: readonly z.output<typeof member>[]): readonly string[] {
  if (members.length === 0) return [];
  const columns: readonly (readonly [string, (one: z.output<typeof member>) => string | number | null])[] = [
    ["member", (one) => one.backend_id],
    ["region", (one) => one.region],
    ["priority", (one) => one.priority],
    ["weight", (one) => one.weight],
    ["share", sharesText],
    ["circuit breaker", (one) => renderBreaker(one.circuit_breaker)],
    ["credential", (one) => one.credential],
    ["url", (one) => one.url],
  ];
  const common = columns.filter(
    ([name, cell]) => ["circuit breaker", "credential"].includes(name) && members.length > 1 && new Set(members.map(cell)).size === 1,
  );
  const own = columns.filter((column) => !common.includes(column));
  const [first] = members;
  return [
    table(
      own.map(([name]) => name),
      members.map((one) => own.map(([, cell]) => cell(one))),
    ),
    ...(first === undefined || common.length === 0 ? [] : [`Each: ${common.map(([name, cell]) => `${name} ${cell(first)}`).join("; ")}`]),
  ];
}

function sharesText({ share_percent: share, observed_percent: observed, recent_percent: recent }: z.output<typeof member>): string {
  const now = recent === undefined ? "" : `, last minutes ${percentText(recent)}`;
  return `${share} %${observed === undefined ? "" : `, observed ${percentText(observed)}${now}`}`;
}

const recentText = ({ recent_since: since, recent_calls: calls, recent_failed: failed }: z.output<typeof observedWindow>): string =>
  since === undefined ? "" : ` (last minutes: ${calls} since ${clockText(since)}${failedText(failed)})`;

const failedText = (failed: unknown): string => (failed === undefined ? "" : `, ${failed} of them failed`);

/** `10:02Z` of a whole time. */
const clockText = (time: unknown): string => String(time).replace(/^.*T/, "");

const percentText = (percent: unknown): string => (typeof percent === "number" ? `${percent} %` : "unknown");

/** Members that serve the same stand in one line. */
function renderDeployments(members: readonly z.output<typeof member>[]): readonly string[] {
  const alike = new Map<string, readonly string[]>();
  for (const one of members) alike.set(deploymentsText(one), [...(alike.get(deploymentsText(one)) ?? []), one.backend_id]);
  return [...alike].map(([text, ids]) => `${ids.join(", ")}${ids.length === 1 ? " serves" : " serve"}: ${text}`);
}

function deploymentsText({
  deployments,
  deployments_left_out: left,
}: Readonly<Record<string, unknown>> & Pick<z.output<typeof member>, "deployments">): string {
  if (deployments === "unknown") return "unknown";
  const texts = deployments.map(({ name, model, version, sku, tpm, rpm }) => {
    const title = name === model ? version : `${model} ${version}`;
    return `${name} (${title}, ${sku}, ${tpm} tpm, ${rpm} rpm)`;
  });
  return `${texts.join(", ") || "no deployment"}${left === undefined ? "" : `, and ${left} more`}`;
}

function renderBreaker(rule: z.output<typeof breaker> | null): string {
  if (rule === null) return "none";
  const failures = rule.failure_count === undefined ? `${rule.failure_percent}%` : `${rule.failure_count}`;
  return `${failures} failures in ${rule.interval ?? "?"} on ${rule.status_codes.join(",")}, open ${rule.trip_duration ?? "?"}`;
}
