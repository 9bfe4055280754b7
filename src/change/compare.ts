import { type DocumentId, documentKind, isObject, type Json, type JsonObject, withoutNulls } from "../gateway/documents.ts";
import { canonical } from "../policy/canonical.ts";

/** Whether two contents of a document mean the same to APIM: policies apart from its reformatting, JSON apart from order and nulls. */
export function sameContent(id: DocumentId, a: JsonObject | null, b: JsonObject | null): boolean {
  if (a === null || b === null) return a === b;
  return equal(canonicalContent(id, a), canonicalContent(id, b));
}

/**
 * Whether a live document holds what was written. Unlike `sameContent` it lets ARM add members (defaults, states) that
 * neither the intended document nor the one before had; what was taken out must be gone.
 */
export function holds(id: DocumentId, live: JsonObject | null, intended: JsonObject | null, before: JsonObject | null): boolean {
  if (live === null || intended === null) return live === intended;
  return contains(canonicalContent(id, live), canonicalContent(id, intended), before === null ? undefined : canonicalContent(id, before));
}

function contains(live: Json | undefined, intended: Json | undefined, before: Json | undefined): boolean {
  if (intended === undefined) return live === undefined || before === undefined;
  if (isArray(intended)) {
    return (
      isArray(live) &&
      live.length === intended.length &&
      intended.every((item, index) => contains(live[index], item, isArray(before) ? before[index] : undefined))
    );
  }
  if (!isObject(intended)) return live === intended;
  if (!isObject(live)) return false;
  return [...new Set([...Object.keys(live), ...Object.keys(intended)])].every((key) =>
    contains(live[key], intended[key], isObject(before) ? before[key] : undefined),
  );
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(a[key], b[key]));
}

/** A document's content without what means nothing to APIM: its reformatting of policies, nulls, states, the spelling of ids. */
export function canonicalContent(id: DocumentId, properties: JsonObject): JsonObject {
  // ARM sets provisioningState itself on what it stores with a long-running operation.
  const { provisioningState: _, ...own } = withoutNulls(properties);
  switch (documentKind(id)) {
    case "policy":
    case "fragment": {
      const { format: __, value, ...rest } = own;
      return { ...rest, value: canonical(typeof value === "string" ? value : "") };
    }
    case "backend":
      return isObject(own.pool) ? { ...own, pool: canonicalPool(own.pool) } : own;
    case "named_value":
      return own;
    case "api_revision": {
      // It says what the revision is to be made of, and is not part of what is then stored.
      const { sourceApiId: __, ...rest } = own;
      return rest;
    }
  }
}

/** ARM takes members as `/backends/<name>` and as whole ids; names are case-insensitive. */
function canonicalPool(pool: JsonObject): JsonObject {
  if (!isArray(pool.services)) return pool;
  const services = pool.services.map((member) =>
    isObject(member) && typeof member.id === "string"
      ? { ...member, id: member.id.slice(member.id.lastIndexOf("/") + 1).toLowerCase() }
      : member,
  );
  return { ...pool, services };
}

const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
