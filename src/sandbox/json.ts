import type { Json, JsonObject } from "../gateway/documents.ts";

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** A member that should be an object; an empty one where it is anything else. */
export const objectAt = (parent: JsonObject, name: string): JsonObject => {
  const value = parent[name];
  return isObject(value) ? value : {};
};

/** A member that should be a list; an empty one where it is anything else. */
export const listAt = (parent: JsonObject, name: string): readonly Json[] => {
  const value = parent[name];
  return isList(value) ? value : [];
};

/** A member that should be a text; undefined where it is anything else. */
export const textAt = (parent: JsonObject, name: string): string | undefined => {
  const value = parent[name];
  return typeof value === "string" ? value : undefined;
};
