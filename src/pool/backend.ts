import { type DocumentId, isObject, type Json, type JsonObject, type ListedDocument } from "../gateway/documents.ts";
import { sameName } from "../gateway/model.ts";
import { type Region, regionOf } from "./regions.ts";
import { sharesOf } from "./shares.ts";

/** A rule that takes a backend out of use: https://learn.microsoft.com/azure/api-management/backends#circuit-breaker */
export interface Breaker {
  /** Failures that trip it; one of the two is set. */
  readonly failureCount: number | null;
  readonly failurePercent: number | null;
  /** ISO 8601 duration in which failures are counted. */
  readonly interval: string | null;
  /** What counts as a failure: `429`, `500-599`. */
  readonly statusCodes: readonly string[];
  readonly errorReasons: readonly string[];
  /** ISO 8601 duration for which it stays open. */
  readonly tripDuration: string | null;
  /** Whether a Retry-After of the backend decides instead of `tripDuration`. */
  readonly acceptRetryAfter: boolean;
}

/** A backend that requests can reach, as a pool lists it; a backend outside of a pool is its own only member. */
export interface Member {
  readonly backendId: string;
  /** Null where the backend does not exist, or is itself a pool. */
  readonly url: string | null;
  /** A lower number is used first. */
  readonly priority: number;
  /** Share among the members of one priority. */
  readonly weight: number;
  /** Percent of the requests while the breakers of all members are closed; one that does not exist gets none. */
  readonly share: number;
  /** Null where its document does not tell. */
  readonly region: Region | null;
  /** Kinds of what the backend's own document signs requests in with, never the values: `managedIdentity`, `header api-key`. */
  readonly credentials: readonly string[];
  readonly circuitBreaker: Breaker | null;
  /** Set where a pool names a backend that does not exist. */
  readonly isMissing?: true;
  /** Of a member that is itself a pool: its own members. */
  readonly members?: readonly string[];
}

export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
const numberOf = (value: Json | undefined): number | null => (typeof value === "number" ? value : null);
const textOf = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);

export const backendIdOf = (id: DocumentId): string => id.replace(/^backends\//, "");

export function findBackend(backends: readonly ListedDocument[], backendId: string): ListedDocument | undefined {
  return backends.find(({ id }) => sameName(backendIdOf(id), backendId));
}

/** Whether two URLs mean the same place: up to the case of the host and a slash at the end. */
export function sameUrl(a: string, b: string): boolean {
  const spelled = (url: string): string => (URL.canParse(url) ? new URL(url).href : url).replace(/\/+$/, "");
  return spelled(a) === spelled(b);
}

/** The backend, no pool, that is at this URL; null where none is. */
export function backendWithUrl(backends: readonly ListedDocument[], url: string): string | null {
  const found = backends.find(({ properties }) => typeof properties.url === "string" && sameUrl(properties.url, url));
  return found === undefined ? null : backendIdOf(found.id);
}

export const isPool = (properties: JsonObject): boolean => /^pool$/i.test(textOf(properties.type) ?? "") || isObject(properties.pool);

/** The entries of a pool, unknown members included. */
export const poolItems = (properties: JsonObject): readonly JsonObject[] => listOf(objectOf(properties.pool).services).filter(isObject);

/** The backend that a pool's entry names, by a whole ARM id or by `/backends/<name>`. */
export const itemBackendId = (item: JsonObject): string => (textOf(item.id) ?? "").split("/").at(-1) ?? "";

/** Ids of the backends in a pool; none for a backend that is no pool. */
export const poolMembers = (properties: JsonObject): readonly string[] => poolItems(properties).map(itemBackendId);

/** The pools that have this backend as a member. */
export function poolsWith(backends: readonly ListedDocument[], backendId: string): readonly string[] {
  return backends
    .filter(({ properties }) => poolMembers(properties).some((member) => sameName(member, backendId)))
    .map(({ id }) => backendIdOf(id));
}

/** Assumed: an entry that names no priority or weight counts as 1, so that a pool without either is a round robin. */
export const itemPriority = (item: JsonObject): number => numberOf(item.priority) ?? 1;
export const itemWeight = (item: JsonObject): number => numberOf(item.weight) ?? 1;

/** The members behind a backend: those of a pool, or the backend itself. */
export function membersOf(backends: readonly ListedDocument[], backend: ListedDocument): readonly Member[] {
  const items = isPool(backend.properties) ? poolItems(backend.properties) : [{ id: backend.id }];
  const placed = items.map((item) => ({
    item,
    own: findBackend(backends, itemBackendId(item)),
    priority: itemPriority(item),
    weight: itemWeight(item),
  }));
  const shares = sharesOf(placed, ({ own }) => own !== undefined);
  return placed.map(({ item, own, priority, weight }, index) => {
    const backendId = own === undefined ? itemBackendId(item) : backendIdOf(own.id);
    const properties = own?.properties ?? {};
    return {
      backendId,
      url: textOf(properties.url),
      priority,
      weight,
      share: shares[index] ?? 0,
      region: regionOf(backendId, properties),
      credentials: credentialsOf(properties),
      circuitBreaker: breakerOf(properties),
      ...(own === undefined ? { isMissing: true } : {}),
      ...(isPool(properties) ? { members: poolMembers(properties) } : {}),
    };
  });
}

/** What a backend's document signs its requests in with: `managedIdentity`, `header api-key`. Secrets may be markers. */
export function credentialsOf({ credentials }: JsonObject): readonly string[] {
  return Object.entries(objectOf(credentials)).flatMap(([kind, value]) => {
    if (isEmpty(value)) return [];
    if (kind !== "header" && kind !== "query") return [kind];
    return Object.entries(objectOf(value)).flatMap(([name, values]) => (isEmpty(values) ? [] : [`${kind} ${name.toLowerCase()}`]));
  });
}

/** Whether no credential is in it, at any depth. */
export function isEmpty(value: Json): boolean {
  if (isObject(value)) return Object.values(value).every(isEmpty);
  return Array.isArray(value) ? value.every(isEmpty) : value === null || value === "";
}

/** The first rule: API Management allows one. Null where the backend has none. */
export function breakerOf(properties: JsonObject): Breaker | null {
  const [rule] = listOf(objectOf(properties.circuitBreaker).rules).filter(isObject);
  if (rule === undefined) return null;
  const condition = objectOf(rule.failureCondition);
  return {
    failureCount: numberOf(condition.count),
    failurePercent: numberOf(condition.percentage),
    interval: textOf(condition.interval),
    statusCodes: listOf(condition.statusCodeRanges)
      .filter(isObject)
      .map(({ min, max }) => (min === max ? `${min}` : `${min}-${max}`)),
    errorReasons: listOf(condition.errorReasons).filter((reason) => typeof reason === "string"),
    tripDuration: textOf(rule.tripDuration),
    acceptRetryAfter: rule.acceptRetryAfter === true,
  };
}

/** The status that callers get while no member is available; null where the pool names none (https://learn.microsoft.com/azure/templates/microsoft.apimanagement/service/backends). */
export const failureStatus = (properties: JsonObject): number | null =>
  numberOf(objectOf(objectOf(properties.pool).failureResponse).statusCode);

/** The cookie that keeps a caller on one member: https://learn.microsoft.com/azure/api-management/backends#session-affinity */
export function affinityCookie(properties: JsonObject): string | null {
  return textOf(objectOf(objectOf(objectOf(properties.pool).sessionAffinity).sessionId).name);
}
