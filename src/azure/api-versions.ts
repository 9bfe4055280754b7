import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { ArmResponse } from "./arm-response.ts";

/** The newest stable version, and the one that `@azure/arm-apimanagement` 10 sends. */
export const defaultApiVersion = "2024-05-01";

/**
 * First version of each backend member that the default one does not know: Azure/bicep-types-az's types of all versions.
 * A write with an older version loses the member.
 */
const firstVersions: Readonly<Record<string, string>> = {
  // Assumed: no published specification has it; Azure-Samples/AI-Gateway deploys it with this version.
  managedIdentity: "2024-06-01-preview",
  failureResponse: "2024-10-01-preview",
  sessionAffinity: "2024-10-01-preview",
  azureRegion: "2025-03-01-preview",
  preferredCarbonEmission: "2025-03-01-preview",
};

/**
 * For reading backends. An answer in an older version hides what it does not know, and the next write would erase it;
 * versions after this one, up to 2026-09-01-preview, add nothing to backends.
 */
export const backendReadVersion = newest(Object.values(firstVersions));

/** The oldest version that keeps all that we know in these properties. */
export function writeVersion(properties: JsonObject): string {
  const needed = memberNames(properties).flatMap((name) => (Object.hasOwn(firstVersions, name) ? [firstVersions[name] ?? ""] : []));
  return newest([defaultApiVersion, ...needed]);
}

function memberNames(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(memberNames);
  return isObject(value) ? Object.entries(value).flatMap(([name, member]) => [name, ...memberNames(member)]) : [];
}

/** By date; on one date the stable version is newer than the preview. */
function newest(versions: readonly string[]): string {
  const order = (version: string): string => (version.endsWith("-preview") ? `${version.slice(0, 10)}-0` : `${version.slice(0, 10)}-1`);
  return versions.reduce((best, version) => (order(version) > order(best) ? version : best));
}

/** Asks with the wanted version, and where ARM does not support it, with the newest that its error lists. */
export type Versioned = (wanted: string, ask: (version: string) => Promise<ArmResponse>) => Promise<ArmResponse>;

/** One service's knowledge of which versions stand in for which, so that each is refused only once. */
export function versionFallback(): Versioned {
  const substitutes = new Map<string, string>();
  return async (wanted, ask) => {
    let version = substitutes.get(wanted) ?? wanted;
    const refused = new Set<string>();
    for (;;) {
      const response = await ask(version);
      const supported = supportedVersions(response);
      if (supported.length === 0) return response;
      refused.add(version);
      version = newest(supported);
      if (refused.has(version)) return response;
      substitutes.set(wanted, version);
    }
  };
}

/** The versions in "... The supported api-versions are '2024-05-01, 2023-03-01-preview'."; none where an answer is not about its version. */
function supportedVersions({ status, body }: ArmResponse): readonly string[] {
  if ((status !== 400 && status !== 404) || !isObject(body?.error) || typeof body.error.message !== "string") return [];
  const list = /supported (?:api-)?versions are '([^']*)'/i.exec(body.error.message)?.[1] ?? "";
  return list.match(/\d{4}-\d{2}-\d{2}(?:-preview)?/g) ?? [];
}
