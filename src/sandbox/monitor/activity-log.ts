import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { JsonObject } from "../../gateway/documents.ts";
import { HttpError } from "../arm/errors.ts";
import { conjuncts, unquoted } from "../odata.ts";
import { requestUrl } from "../request-url.ts";
import { sandboxService } from "../service.ts";
import type { World } from "../world.ts";

/** The one version of `Microsoft.Insights/eventtypes`. */
export const activityApiVersions = ["2015-04-01"];

export const activityPath = `/subscriptions/${sandboxService.azureSubscription}/providers/microsoft.insights/eventtypes/management/values`;

/** An event of the service's activity log. */
export interface ActivityEvent {
  readonly time: Date;
  readonly caller: string;
  /** Below the service, as it was sent; empty for the service itself. */
  readonly path: string;
  readonly action: "write" | "delete";
  readonly status: "Accepted" | "Started" | "Succeeded" | "Failed";
  readonly correlationId: string;
}

/** Who comes with the sandbox's token. */
export const sandboxCaller = "azure-ai-gateway-mcp@sandbox.example";

const knownEvents = 1000;

/** Writes down what writes below the service came to. Assumed: one event for each, dated when it was answered; Azure has one or more. */
export function writesRecorded(world: World): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { req, res } = context;
    const action = req.method === "PUT" || req.method === "PATCH" ? "write" : req.method === "DELETE" ? "delete" : null;
    const { pathname } = requestUrl(req.raw);
    if (action === null || !pathname.toLowerCase().startsWith(`${sandboxService.resourceId.toLowerCase()}/`)) return;
    world.activity.push({
      time: world.now(),
      caller: sandboxCaller,
      path: decodeURIComponent(pathname.slice(sandboxService.resourceId.length + 1)),
      action,
      status: res.status < 300 ? "Succeeded" : "Failed",
      correlationId: req.header("x-ms-correlation-request-id") ?? randomUUID(),
    });
    if (world.activity.length > knownEvents) world.activity.shift();
  };
}

const badRequest = (message: string): HttpError => new HttpError(400, { code: "BadRequest", message });

/** The events that a filter asks for, newest first (https://learn.microsoft.com/rest/api/monitor/activity-logs/list). `$select` is not followed: all members are there. */
export function answerActivity(world: World, { searchParams }: URL): Response {
  const { since, until, isInGroup } = readFilter(searchParams.get("$filter"));
  const found = isInGroup ? world.activity.filter(({ time }) => time >= since && time <= until) : [];
  return Response.json({ value: found.toReversed().map(eventAnswer) });
}

function readFilter(filter: string | null): { readonly since: Date; readonly until: Date; readonly isInGroup: boolean } {
  const conditions = new Map<string, string>(
    conjuncts(filter ?? "").map((condition) => {
      const [, name = "", operator = "", text = ""] = /^(\w+) (ge|le|eq) '((?:[^']|'')*)'$/.exec(condition) ?? [];
      return [`${name} ${operator}`, unquoted(text)] as const;
    }),
  );
  const [since, until] = ["eventTimestamp ge", "eventTimestamp le"].map((name) => new Date(conditions.get(name) ?? ""));
  const group = conditions.get("resourceGroupName eq");
  if (
    conditions.size !== 3 ||
    group === undefined ||
    since === undefined ||
    until === undefined ||
    Number.isNaN(since.getTime() + until.getTime())
  ) {
    throw badRequest("The sandbox reads a filter by time and by resource group, and no other.");
  }
  return { since, until, isInGroup: group.toLowerCase() === sandboxService.resourceGroup.toLowerCase() };
}

const localized = (value: string): JsonObject => ({ value, localizedValue: value });

function eventAnswer({ time, caller, path, action, status, correlationId }: ActivityEvent): JsonObject {
  const resourceId = path === "" ? sandboxService.resourceId : `${sandboxService.resourceId}/${path}`;
  const type = path
    .split("/")
    .filter((_, index) => index % 2 === 0)
    .map((collection) => `${collection}/`)
    .join("");
  return {
    caller,
    correlationId,
    eventTimestamp: time.toISOString(),
    submissionTimestamp: time.toISOString(),
    operationName: localized(`Microsoft.ApiManagement/service/${type}${action}`),
    category: localized("Administrative"),
    resourceGroupName: sandboxService.resourceGroup,
    resourceProviderName: localized("Microsoft.ApiManagement"),
    resourceId,
    status: localized(status),
    subscriptionId: sandboxService.azureSubscription,
    level: status === "Failed" ? "Error" : "Informational",
  };
}
