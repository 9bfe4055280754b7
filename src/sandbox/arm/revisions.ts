import type { JsonObject } from "../../gateway/documents.ts";
import { textAt } from "../json.ts";
import { nameOf, type Resource, type World } from "../world.ts";
import { invalid, notFound } from "./errors.ts";

const revisionOf = (path: string): string | null => /;rev=(\d+)$/i.exec(path)?.[1] ?? null;

/**
 * A revision as it is stored when it is created: what the API that it is made of has, with what is given in its place, and not the current
 * one (https://learn.microsoft.com/rest/api/apimanagement/apis/create-or-update#examples, "ApiManagementCreateApiRevisionFromExistingApi").
 * Null where the path is no revision's, or it exists. Assumed: the wording where the API that it is made of is missing; that it is stored at once.
 */
export function newRevision(world: World, path: string, given: JsonObject): JsonObject | null {
  const revision = revisionOf(path);
  if (revision === null || world.get(path) !== undefined) return null;
  if (world.get(path.replace(/;rev=\d+$/i, "")) === undefined) throw notFound("Api");
  const source = sourceOf(world, given);
  if (source === undefined) throw invalid("A revision is created from an existing API: 'sourceApiId' names none.");
  const { sourceApiId: _, ...own } = given;
  return { ...source.properties, ...own, apiRevision: revision, isCurrent: false };
}

/** Gives a new revision the operations and policies of the API that it is made of. */
export function copyOfSource(world: World, path: string, given: JsonObject): void {
  const source = sourceOf(world, given);
  if (source === undefined || revisionOf(path) === null) return;
  for (const { path: below, properties } of world.all()) {
    const rest = below.slice(source.path.length);
    if (below.toLowerCase().startsWith(`${source.path.toLowerCase()}/`)) world.put(`${path}${rest}`, properties);
  }
}

const sourceOf = (world: World, given: JsonObject): Resource | undefined => {
  const id = textAt(given, "sourceApiId");
  return id === undefined ? undefined : world.get(`apis/${nameOf(id)}`);
};
