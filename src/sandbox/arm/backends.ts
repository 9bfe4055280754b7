import type { JsonObject } from "../../gateway/documents.ts";
import { isObject, listAt, objectAt, textAt } from "../json.ts";
import { nameOf, type World } from "../world.ts";
import { invalidFields } from "./errors.ts";
import { levelOf } from "./level.ts";

interface Field {
  readonly target: string;
  readonly message: string;
}

const isGiven = (properties: JsonObject, name: string): boolean => properties[name] !== undefined && properties[name] !== null;

export const isPool = (properties: JsonObject): boolean => textAt(properties, "type")?.toLowerCase() === "pool";

/** Names of the backends in a pool; ids are whole ARM ids or `/backends/{name}`. */
export const poolMembers = (properties: JsonObject): readonly string[] =>
  listAt(objectAt(properties, "pool"), "services").flatMap((item) => {
    const id = isObject(item) ? textAt(item, "id") : undefined;
    return id === undefined ? [] : [nameOf(id)];
  });

/** Checks a backend as the service does on a write (https://learn.microsoft.com/azure/api-management/backends). */
export function acceptBackend(world: World, path: string, properties: JsonObject): JsonObject {
  const fields = [...(isPool(properties) ? poolErrors(world, path, properties) : singleErrors(properties)), ...breakerErrors(properties)];
  if (fields.length > 0) throw invalidFields(fields);
  return properties;
}

function singleErrors(properties: JsonObject): readonly Field[] {
  // Assumed: the wording; that both are required is the specification's.
  return ["url", "protocol"]
    .filter((name) => !isGiven(properties, name))
    .map((target) => ({ target, message: `'${target}' must not be empty.` }));
}

function poolErrors(world: World, path: string, properties: JsonObject): readonly Field[] {
  const target = "pool.services";
  const items = listAt(objectAt(properties, "pool"), "services");
  const unsupported = [
    { target: "url", message: "Url is not supported for backend pool." },
    { target: "protocol", message: "Protocol is not supported for backend pool." },
  ].filter((field) => isGiven(properties, field.target));
  // Assumed: the wording of all that follows; the rules are documented.
  const size =
    items.length === 0
      ? [{ target, message: "Backend pool must have at least one backend." }]
      : items.length > 30
        ? [{ target, message: "Backend pool cannot have more than 30 backends." }]
        : [];
  const missing = poolMembers(properties)
    .filter((member) => world.get(`${levelOf(path)}backends/${member}`) === undefined)
    .map((member) => ({ target, message: `Backend with id '${member}' could not be found.` }));
  const withoutId = items
    .filter((item) => !isObject(item) || textAt(item, "id") === undefined)
    .map(() => ({ target, message: "Backend pool item must have an id." }));
  return [...unsupported, ...size, ...withoutId, ...missing, ...items.filter(isObject).flatMap(rangeErrors)];
}

const rangeErrors = (item: JsonObject): readonly Field[] =>
  ["priority", "weight"]
    .filter((name) => isGiven(item, name) && !isPercent(item[name]))
    .map((name) => ({ target: `pool.services.${name}`, message: `'${name}' must be an integer between 0 and 100.` }));

const isPercent = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100;

function breakerErrors(properties: JsonObject): readonly Field[] {
  const rules = listAt(objectAt(properties, "circuitBreaker"), "rules");
  // Assumed: the wording.
  return rules.length > 1 ? [{ target: "circuitBreaker.rules", message: "Only one circuit breaker rule is supported for a backend." }] : [];
}

/** A pool is read with the members that it cannot have, as null. */
export const shownBackend = (properties: JsonObject): JsonObject =>
  isPool(properties) ? { ...properties, title: properties.title ?? null, url: null, protocol: null } : properties;
