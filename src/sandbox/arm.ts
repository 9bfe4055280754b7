import { randomUUID } from "node:crypto";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { type Accounts, accountVersions, deploymentsAnswer, readableAccount } from "./arm/accounts.ts";
import { armError, HttpError, unknownRoute } from "./arm/errors.ts";
import { operationStatus, settleOperations } from "./arm/operations.ts";
import { answerGraphQuery, graphPath, graphVersions } from "./arm/resource-graph.ts";
import { answerResource } from "./arm/resources.ts";
import { connectionReset, dripping, isConnectionReset, type RequestFault, scriptedAnswer, truncated } from "./faults.ts";
import { accountsPath } from "./models/accounts.ts";
import { measuredAccount } from "./monitor/account-metrics.ts";
import { activityApiVersions, activityPath, answerActivity, writesRecorded } from "./monitor/activity-log.ts";
import {
  diagnosticSettingsApiVersions,
  listSettings,
  oneSetting,
  sandboxWorkspace,
  workspaceAnswer,
  workspaceApiVersions,
} from "./monitor/diagnostic-settings.ts";
import type { RowsOfTable } from "./monitor/logs.ts";
import { answerMetrics, measuredService, metricsApiVersions } from "./monitor/metrics.ts";
import { answerReport } from "./monitor/reports.ts";
import { requestUrl } from "./request-url.ts";
import { regionName, sandboxService } from "./service.ts";
import type { WorldState } from "./world.ts";

const serviceRoot = sandboxService.resourceId.toLowerCase();

const workspaceRoot = sandboxWorkspace.resourceId.toLowerCase();
const settingsRoot = `${serviceRoot}/providers/microsoft.insights/diagnosticsettings`;

/** What the management API answers from besides the world: each is opened when it is first asked for. */
interface Sources {
  readonly rows: () => Promise<RowsOfTable>;
  readonly accounts: Accounts;
}

/**
 * The management API and Azure Monitor's metrics and diagnostic settings of the service, the accounts behind its backends and Azure Resource
 * Graph, which finds them, for requests that carry `token`.
 */
export function armApp(world: WorldState, token: string, { rows, accounts }: Sources): Hono {
  const app = new Hono({ getPath: (request) => requestUrl(request).pathname.toLowerCase() });
  app.onError((error) => {
    if (isConnectionReset(error)) throw error;
    if (error instanceof HttpError) return Response.json(error.body, { status: error.status });
    return Response.json({ error: { code: "InternalServerError", message: String(error), details: null } }, { status: 500 });
  });
  app.notFound(({ req }) => {
    throw unknownService(req.raw);
  });
  app.use(requestIds);
  app.use(rateLimits(world));
  app.use(scriptedFaults(world));
  app.use(authentication(token));
  app.use(writesRecorded(world));
  app.use("/subscriptions/*", apiVersion(world));
  app.use(graphPath, apiVersion(world));
  app.use(async (_, next) => {
    settleOperations(world);
    await next();
  });
  app.get(`${serviceRoot}/providers/microsoft.insights/metrics`, ({ req }) =>
    answerMetrics(measuredService(world), world.now(), requestUrl(req.raw)),
  );
  app.get(`${serviceRoot}/reports/:by`, async ({ req }) =>
    answerReport(world, req.param("by"), requestUrl(req.raw).searchParams.get("$filter"), (await rows())("ApiManagementGatewayLogs")),
  );
  app.get(activityPath, ({ req }) => answerActivity(world, requestUrl(req.raw)));
  app.get(settingsRoot, () => listSettings(world.diagnosticSettings));
  app.get(`${settingsRoot}/:name`, ({ req }) => oneSetting(world.diagnosticSettings, req.param("name")));
  app.post(graphPath, async ({ req }) => answerGraphQuery(world, await accounts(), req.raw));
  app.get(`${accountsPath}/:name/deployments`, async ({ req }) =>
    deploymentsAnswer(world, await readableAccount(accounts, req.param("name"), "deployments/read"), requestUrl(req.raw)),
  );
  app.get(`${accountsPath}/:name/providers/microsoft.insights/metrics`, async ({ req }) =>
    answerMetrics(
      measuredAccount(world, await readableAccount(accounts, req.param("name"), "providers/Microsoft.Insights/metrics/read")),
      world.now(),
      requestUrl(req.raw),
    ),
  );
  app.get(workspaceRoot, () => workspaceAnswer(regionName(world.service.location)));
  app.get(`${serviceRoot}/tenant/operationresults/:id`, ({ req }) => operationStatus(world, req.param("id")));
  app.get(serviceRoot, () => serviceAnswer(world));
  app.all(`${serviceRoot}/*`, ({ req }) => answerResource(world, req.raw, segmentsOf(req.raw)));
  return app;
}

/** The path below the service, decoded. */
function segmentsOf(request: Request): readonly string[] {
  const { pathname } = requestUrl(request);
  const segments = pathname.slice(serviceRoot.length + 1).split("/");
  if (segments.some((segment) => /%(?![\da-f]{2})|%2f/i.test(segment))) throw unknownRoute(request.method, pathname);
  return segments.map(decodeURIComponent);
}

function unknownService(request: Request): Error {
  const path = requestUrl(request).pathname;
  const [, group, name] =
    /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)\/providers\/microsoft\.apimanagement\/service\/([^/]+)/i.exec(path) ?? [];
  if (name === undefined || path.toLowerCase().startsWith(serviceRoot)) return unknownRoute(request.method, path);
  return armError(
    404,
    "ResourceNotFound",
    `The Resource 'Microsoft.ApiManagement/service/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

/** Sets headers on whatever is answered further in. */
const requestIds: MiddlewareHandler = async (context, next) => {
  await next();
  const id = randomUUID();
  context.res.headers.set("x-ms-request-id", id);
  context.res.headers.set("x-ms-correlation-request-id", context.req.header("x-ms-correlation-request-id") ?? id);
};

/** https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling */
const budgets = {
  reads: { capacity: 250, perSecond: 25 },
  writes: { capacity: 200, perSecond: 10 },
  deletes: { capacity: 200, perSecond: 10 },
} as const;

/** Counts down ARM's token buckets in the headers; refuses nothing. */
function rateLimits(world: WorldState): MiddlewareHandler {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return async (context, next) => {
    const kind = kindOf(context);
    const { capacity, perSecond } = budgets[kind];
    const at = world.now().getTime();
    const before = buckets.get(kind) ?? { tokens: capacity, at };
    const tokens = Math.max(0, Math.min(capacity, before.tokens + ((at - before.at) / 1000) * perSecond) - 1);
    buckets.set(kind, { tokens, at });
    await next();
    context.res.headers.set(`x-ms-ratelimit-remaining-subscription-${kind}`, String(Math.floor(tokens)));
  };
}

function kindOf({ req }: Context): keyof typeof budgets {
  if (req.method === "GET" || req.method === "HEAD") return "reads";
  return req.method === "DELETE" ? "deletes" : "writes";
}

/** A broken connection is an error that nothing here answers: it rejects the whole `fetch`. */
export function scriptedFaults(world: WorldState): MiddlewareHandler {
  return async (context, next) => {
    const { raw, method } = context.req;
    const outcome = world.faults.take(method, requestUrl(raw).pathname);
    if (outcome === undefined) return next();
    if (outcome.kind === "reset_before_apply") throw connectionReset();
    if (outcome.kind !== "answer") await next();
    const answer = await faulty(outcome, context.res, raw.signal, world);
    // Hono would lay the headers of the answer before over the new one's.
    context.res = undefined;
    context.res = answer;
  };
}

async function faulty(outcome: RequestFault, answer: Response, signal: AbortSignal, { clock }: WorldState): Promise<Response> {
  switch (outcome.kind) {
    case "answer":
    case "answer_after_apply":
      return scriptedAnswer(outcome);
    case "truncated_after_apply":
      return truncated(answer);
    case "drip_after_apply":
      return dripping(answer, clock, signal);
    case "reset_before_apply":
    case "reset_after_apply":
      throw connectionReset();
  }
}

function authentication(token: string): MiddlewareHandler {
  return async ({ req }, next) => {
    const given = req.header("authorization");
    if (given === undefined) {
      throw armError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
    }
    if (given !== `Bearer ${token}`) throw armError(401, "InvalidAuthenticationToken", "The access token is invalid.");
    await next();
  };
}

function apiVersion(world: WorldState): MiddlewareHandler {
  return async ({ req }, next) => {
    const version = req.query("api-version");
    if (version === undefined || version === "") {
      throw armError(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.");
    }
    const { type, supported } = versionsOf(req.path, world);
    if (!supported.includes(version)) throw unsupportedVersion(version, type, supported, world);
    await next();
  };
}

function versionsOf(path: string, { settings }: WorldState): { readonly type: string; readonly supported: readonly string[] } {
  if (path === activityPath) return { type: "eventtypes", supported: activityApiVersions };
  if (path.startsWith(settingsRoot)) return { type: "diagnosticSettings", supported: diagnosticSettingsApiVersions };
  if (path.includes("/providers/microsoft.insights/")) return { type: "metrics", supported: metricsApiVersions };
  if (path.startsWith(workspaceRoot)) return { type: "workspaces", supported: workspaceApiVersions };
  if (path === graphPath) return { type: "resources", supported: graphVersions };
  if (path.startsWith(`${accountsPath}/`)) return { type: "accounts/deployments", supported: accountVersions };
  return { type: "service", supported: settings.apiVersions };
}

/** https://github.com/Azure/bicep-types-az/issues/2319 */
function unsupportedVersion(version: string, type: string, supported: readonly string[], { service }: WorldState): Error {
  const region = regionName(service.location);
  return armError(
    400,
    "NoRegisteredProviderFound",
    `No registered resource provider found for location '${region}' and API version '${version}' for type '${type}'. ` +
      `The supported api-versions are '${supported.join(", ")}'. The supported locations are '${region}'.`,
  );
}

const serviceAnswer = ({ service }: WorldState): Response =>
  Response.json({
    id: sandboxService.resourceId,
    name: sandboxService.name,
    type: "Microsoft.ApiManagement/service",
    etag: "AAAAAADmlgE=",
    ...service,
  });
