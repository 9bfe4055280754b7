import type { Json, JsonObject } from "../../gateway/documents.ts";
import { isObject, textAt } from "../json.ts";
import type { PolicyFormat } from "../policy-text.ts";
import { requestUrl } from "../request-url.ts";
import { sandboxService } from "../service.ts";
import { armId, etagOf, isFragment, nameOf, type Resource, type WorldState } from "../world.ts";
import { findApiLink, putApiLink } from "./api-links.ts";
import { armError, invalid, invalidFields, modified, notFound, unknownRoute } from "./errors.ts";
import { isSame, levelOf } from "./level.ts";
import { listPage } from "./lists.ts";
import { pollAnswer, refuseWhileRunning, startOperation } from "./operations.ts";
import { policyFormat } from "./policies.ts";
import { usersOf } from "./references.ts";
import { type Method, type ResourceType, resourceTypes, shown, shownApi } from "./resource-types.ts";
import { copyOfSource } from "./revisions.ts";

/** A request to a resource or to a collection of a known type. */
interface Target {
  readonly world: WorldState;
  readonly request: Request;
  readonly url: URL;
  readonly type: ResourceType;
  /** Below the service, collections spelled as ARM does. */
  readonly path: string;
}

type Handlers = Readonly<Record<Method, (target: Target) => Response | Promise<Response>>>;

const handlers: Handlers = { HEAD: head, GET: get, PUT: put, PATCH: patch, DELETE: remove };

/** What differs for collections whose items are no resources of their own. */
const handlersOf: Readonly<Record<string, Partial<Handlers>>> = {
  "products/apis": { PUT: link },
  "products/apiLinks": { GET: getApiLink, PUT: writeApiLink, DELETE: removeApiLink },
};

/** Answers a request below the service; `segments` is its path from there, decoded. */
export async function answerResource(world: WorldState, request: Request, segments: readonly string[]): Promise<Response> {
  const url = requestUrl(request);
  const type = typeOf(segments);
  if (type === undefined) throw unknownRoute(request.method, url.pathname);
  const target = { world, request, url, type, path: canonicalPath(type, segments) };
  if (segments.length % 2 === 1 && request.method === "GET") return list(target);
  const method = type.methods.find((known) => known === request.method);
  const isNamed = segments.length % 2 === 0 && (type.onlyName ?? segments.at(-1)) === segments.at(-1);
  if (method === undefined || !isNamed) throw unknownRoute(request.method, url.pathname);
  return (handlersOf[type.collection]?.[method] ?? handlers[method])(target);
}

function typeOf(segments: readonly string[]): ResourceType | undefined {
  const collection = segments
    .filter((_, index) => index % 2 === 0)
    .join("/")
    .toLowerCase();
  return resourceTypes.find((type) => type.collection.toLowerCase() === collection);
}

function canonicalPath({ collection }: ResourceType, segments: readonly string[]): string {
  const names = collection.split("/");
  return segments.map((segment, index) => (index % 2 === 0 ? names[index / 2] : segment)).join("/");
}

/** A resource in ARM's form. */
const resourceBody = (type: ResourceType, path: string, properties: JsonObject): JsonObject => ({
  id: armId(path),
  type: `Microsoft.ApiManagement/service/${type.collection}`,
  name: nameOf(path),
  properties,
});

function resourceAnswer({ type }: Target, resource: Resource, format: PolicyFormat, status = 200): Response {
  const body = resourceBody(type, resource.path, shown(type, resource, format));
  return Response.json(body, { status, headers: { etag: etagOf(resource) } });
}

function list({ world, url, type, path }: Target): Response {
  requireParent({ world, path });
  const { items, count, nextLink } = listPage(world, type, path, url);
  return Response.json({ value: items.map((item) => resourceBody(type, item.path, item.properties)), count, nextLink });
}

/** 404 where the resource around this one is missing. */
function requireParent({ world, path }: Pick<Target, "world" | "path">): void {
  const segments = path.split("/");
  const parent = segments.slice(0, segments.length - (segments.length % 2 === 0 ? 2 : 1));
  if (parent.length === 0 || world.get(parent.join("/")) !== undefined) return;
  throw notFound(typeOf(parent)?.noun ?? "Resource");
}

function existing({ world, type, path }: Target): Resource {
  requireParent({ world, path });
  const resource = world.get(path);
  if (resource === undefined) throw notFound(type.noun);
  return resource;
}

function head(target: Target): Response {
  const resource = existing(target);
  return target.type.unconditional === true
    ? new Response(null, { status: 204 })
    : new Response(null, { headers: { etag: etagOf(resource) } });
}

function get(target: Target): Response {
  const { world, type, path, url } = target;
  const format = readFormat(url);
  const show = (resource: Resource): JsonObject => resourceBody(type, resource.path, shown(type, resource, format));
  return pollAnswer(world, path, url, show) ?? resourceAnswer(target, existing(target), format);
}

function readFormat({ searchParams }: URL): PolicyFormat {
  const asked = searchParams.get("format") ?? "xml";
  const format = policyFormat(asked);
  if (format === undefined) throw invalid(`The sandbox does not export policies as '${asked}'.`);
  return format;
}

/** The body is read first: between a precondition and its write nothing else may happen. */
async function put(target: Target): Promise<Response> {
  const body = await target.request.text();
  requireParentOfWrite(target);
  const before = target.world.get(target.path);
  checkPreconditions(target.request, before);
  return write(target, before, propertiesOf(body));
}

/** What ARM says about a missing operation (https://github.com/Azure/apiops/issues/513) differs from what it says about the rest. */
function requireParentOfWrite(target: Target): void {
  const { world, path, type } = target;
  const operation = path.split("/").slice(0, -2).join("/");
  if (/(?:^|\/)operations\/policies$/.test(type.collection) && world.get(operation) === undefined) {
    throw invalid("Entity with specified identifier not found");
  }
  requireParent(target);
}

async function patch(target: Target): Promise<Response> {
  const body = await target.request.text();
  const before = existing(target);
  requireIfMatch(target.request);
  checkPreconditions(target.request, before);
  return write(target, before, { ...before.properties, ...propertiesOf(body) });
}

function write(target: Target, before: Resource | undefined, properties: JsonObject): Response {
  const { world, url, type } = target;
  const path = before?.path ?? target.path;
  refuseWhileRunning(world, path);
  const format = policyFormat(textAt(properties, "format")) ?? "xml";
  const prepare = (): JsonObject => type.accept?.({ world, path, properties, before: before?.properties ?? null }) ?? properties;
  if (type.longRunning === undefined) {
    const stored = world.put(path, prepare());
    if (type.collection === "apis" && before === undefined) copyOfSource(world, path, properties);
    return resourceAnswer(target, stored, format, before === undefined ? 201 : 200);
  }
  // A fragment is shown as it was sent: only a stored one can be exported in a format.
  const sent = isFragment(path) ? properties : shown(type, { path, properties, rowVersion: 0 }, format);
  const body = resourceBody(type, path, sent);
  return startOperation(world, { kind: type.longRunning, path, created: before === undefined, format, prepare, body }, url);
}

/** A product's link to an API has no body, no ETag and no precondition. */
function link(target: Target): Response {
  const { world, path, type } = target;
  requireParent(target);
  const api = world.get(`apis/${nameOf(path)}`);
  if (api === undefined) throw notFound("Api");
  const isNew = world.get(path) === undefined;
  if (isNew) world.put(path, {});
  return Response.json(resourceBody(type, path, shownApi(api.properties)), { status: isNew ? 201 : 200 });
}

function getApiLink({ world, path, type }: Target, status = 200): Response {
  requireParent({ world, path });
  const found = findApiLink(world, path);
  if (found === undefined) throw notFound(type.noun);
  return Response.json(resourceBody(type, found.path, found.properties), { status });
}

async function writeApiLink(target: Target): Promise<Response> {
  const { world, path, request } = target;
  const { apiId } = propertiesOf(await request.text());
  requireParent(target);
  const isNew = findApiLink(world, path) === undefined;
  putApiLink(world, path, typeof apiId === "string" ? apiId : "");
  return getApiLink(target, isNew ? 201 : 200);
}

function removeApiLink({ world, path }: Target): Response {
  const found = findApiLink(world, path);
  if (found === undefined) return new Response(null, { status: 204 });
  world.delete(found.keptAt);
  return new Response(null, { status: 200 });
}

function remove(target: Target): Response {
  const { world, request, path, type, url } = target;
  if (type.unconditional !== true) requireIfMatch(request);
  const before = world.get(path);
  if (before === undefined) return new Response(null, { status: 204 });
  checkPreconditions(request, before);
  refuseWhileRunning(world, path);
  refuseWhileUsed(target, before);
  const subscriptions = url.searchParams.get("deleteSubscriptions") === "true" ? subscriptionsOf(world, path) : [];
  for (const removed of [...subscriptions, path]) world.delete(removed);
  return new Response(null, { status: 200 });
}

/** https://github.com/Azure/apiops-cli/issues/261. Assumed: that backends and named values are refused alike, with these words. */
function refuseWhileUsed({ world, type, url }: Target, before: Resource): void {
  const name = nameOf(before.path);
  const users = usersOf(world, before);
  if (users.length > 0) {
    const kind = isFragment(before.path) ? "Policy Fragment" : type.noun;
    throw invalid(`The ${kind} '${name}' is used by the following entities:\r\n${users.map((user) => `/${user}\r\n`).join("")}`);
  }
  // Assumed: the wording; that subscriptions stand in the way without `deleteSubscriptions` is the specification's.
  if (
    /^(?:workspaces\/)?products$/.test(type.collection) &&
    url.searchParams.get("deleteSubscriptions") !== "true" &&
    subscriptionsOf(world, before.path).length > 0
  ) {
    throw invalid(`Product '${name}' cannot be deleted while it has subscriptions.`);
  }
}

const subscriptionsOf = (world: WorldState, productPath: string): readonly string[] => {
  const scope = `${sandboxService.resourceId}/${productPath}`;
  return world
    .list(`${levelOf(productPath)}subscriptions`)
    .filter(({ properties }) => isSame(textAt(properties, "scope") ?? "", scope))
    .map(({ path }) => path);
};

function requireIfMatch(request: Request): void {
  // Assumed: the wording; that the header is required is the specification's.
  if (request.headers.get("if-match") === null) throw invalidFields([{ target: "If-Match", message: "'If-Match' header is required." }]);
}

/** `If-Match: *` also creates, as in ARM's own examples. Assumed: that a precondition is looked at before the body. */
function checkPreconditions(request: Request, before: Resource | undefined): void {
  const ifMatch = request.headers.get("if-match");
  const ifNoneMatch = request.headers.get("if-none-match");
  if (ifNoneMatch !== null && ifNoneMatch !== "*") throw invalid("The sandbox knows If-None-Match only as '*'.");
  if (ifNoneMatch === "*" && before !== undefined) throw modified();
  if (ifMatch === null || ifMatch === "*") return;
  if (before === undefined || etagOf(before) !== ifMatch) throw modified();
}

function propertiesOf(text: string): JsonObject {
  const body = parsedBody(text);
  if (!isObject(body) || !isObject(body.properties)) {
    // Assumed: the wording.
    throw invalidFields([{ target: "properties", message: "'properties' must be an object." }]);
  }
  return body.properties;
}

function parsedBody(text: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    throw armError(400, "InvalidRequestContent", `The request content was invalid and could not be deserialized: '${reason}'.`);
  }
}
