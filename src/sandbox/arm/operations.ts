import type { JsonObject } from "../../gateway/documents.ts";
import { objectAt } from "../json.ts";
import type { PolicyFormat } from "../policy-text.ts";
import { sandboxService } from "../service.ts";
import { armId, etagOf, type LongRunning, type Operation, type Resource, type WorldState } from "../world.ts";
import { ArmError, armError, type ErrorBody, errorEnvelope, invalid } from "./errors.ts";
import { isSame } from "./level.ts";

/** A write to be finished later. `prepare` checks it and gives what is to be stored; what it throws becomes the operation's failure. */
interface SlowWrite {
  readonly kind: LongRunning;
  readonly path: string;
  readonly created: boolean;
  readonly format: PolicyFormat;
  readonly prepare: () => JsonObject;
  /** The resource as the first answer shows it, before anything is stored. */
  readonly body: JsonObject;
}

/** Stores what the operations that are due by the world's clock have to store. A failed one leaves the resource as it was. */
export function settleOperations(world: WorldState): void {
  for (const operation of world.operations.values()) {
    if (operation.settled || world.now().getTime() < operation.due) continue;
    operation.settled = true;
    if ("properties" in operation.outcome) world.put(operation.path, operation.outcome.properties);
  }
}

/** https://github.com/Azure/apiops/issues/379 */
export function refuseWhileRunning(world: WorldState, path: string): void {
  const running = [...world.operations.values()].some((operation) => !operation.settled && isSame(operation.path, path));
  if (running) throw armError(409, "PessimisticConcurrencyConflict", "Operation on the API is in progress");
}

/** Accepts a write and answers as the shape set for its kind does. */
export function startOperation(world: WorldState, write: SlowWrite, url: URL): Response {
  const operation: Operation = {
    id: (world.operations.size + 0x63093a6b).toString(16).padStart(24, "0"),
    path: write.path,
    shape: world.settings.operationShapes[write.kind],
    created: write.created,
    format: write.format,
    due: world.now().getTime() + world.settings.operationSeconds * 1000,
    outcome: outcomeOf(write, world.faults.takeFailure(url.pathname)),
    settled: false,
  };
  world.operations.set(operation.id, operation);
  settleOperations(world);
  return startAnswer(operation, write.body, url);
}

function outcomeOf({ prepare }: SlowWrite, scripted: ErrorBody | undefined): Operation["outcome"] {
  if (scripted !== undefined) return { error: scripted };
  try {
    return { properties: prepare() };
  } catch (error) {
    if (error instanceof ArmError) return { error: error.error };
    throw error;
  }
}

function startAnswer(operation: Operation, body: JsonObject, url: URL): Response {
  const status = operation.created ? 201 : 200;
  const headers: Record<string, string> = { location: pollUrl(operation, url) };
  if (operation.shape === "accepted") return new Response(null, { status: 202, headers });
  if (operation.shape !== "async_operation") return Response.json(body, { status, headers });
  headers["azure-asyncoperation"] = statusUrl(operation, url);
  return Response.json({ ...body, properties: { ...objectAt(body, "properties"), provisioningState: "InProgress" } }, { status, headers });
}

/** The resource's own URL with the operation's id; on the origin that was asked. */
function pollUrl({ id, path, shape, created, format }: Operation, url: URL): string {
  const version = url.searchParams.get("api-version");
  const poll = `${url.origin}${armId(path)}?api-version=${version}`;
  return shape === "created" || shape === "created_or_400"
    ? `${poll}&azure-asyncId=${id}&format=${format}`
    : `${poll}&asyncId=${id}&asyncCode=${created ? 201 : 200}`;
}

const statusUrl = ({ id }: Operation, url: URL): string =>
  `${url.origin}${sandboxService.resourceId}/tenant/operationResults/${id}?api-version=${url.searchParams.get("api-version")}`;

/** The answer to a poll of `Location`; null where the request is no poll. */
export function pollAnswer(world: WorldState, path: string, url: URL, show: (resource: Resource) => JsonObject): Response | null {
  const id = url.searchParams.get("asyncId") ?? url.searchParams.get("azure-asyncId");
  if (id === null) return null;
  const operation = knownOperation(world, id);
  if (!isSame(operation.path, path)) throw invalid(`Operation '${id}' is not one of ${path}.`);
  if (!operation.settled) return new Response(null, { status: 202, headers: { location: url.href } });
  if ("error" in operation.outcome) return failure(operation);
  const stored = world.get(operation.path);
  if (stored === undefined) throw armError(404, "ResourceNotFound", `'${path}' not found.`);
  const status = operation.shape === "accepted" && operation.created ? 201 : 200;
  return Response.json(show(stored), { status, headers: { etag: etagOf(stored) } });
}

function failure({ shape, outcome }: Operation): Response {
  const envelope = "error" in outcome ? errorEnvelope(outcome.error) : {};
  const isStatus = shape === "created" || shape === "async_operation";
  return isStatus ? Response.json({ status: "Failed", ...envelope }) : Response.json(envelope, { status: 400 });
}

/** The answer to a poll of `Azure-AsyncOperation`. */
export function operationStatus(world: WorldState, id: string): Response {
  const operation = knownOperation(world, id);
  if (!operation.settled) return Response.json({ id, status: "InProgress" });
  return "error" in operation.outcome ? failure(operation) : Response.json({ id, status: "Succeeded" });
}

function knownOperation(world: WorldState, id: string): Operation {
  const operation = world.operations.get(id);
  if (operation === undefined) throw armError(404, "ResourceNotFound", `Operation '${id}' not found.`);
  return operation;
}
