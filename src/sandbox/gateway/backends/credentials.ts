import type { Json, JsonObject } from "../../../gateway/documents.ts";
import { namedValue } from "../../arm/references.ts";
import { objectAt, textAt } from "../../json.ts";
import type { World } from "../../world.ts";

/** What a backend's credentials add to a request. */
interface BackendCredentials {
  readonly headers: Headers;
  readonly query: readonly (readonly [name: string, value: string])[];
}

/**
 * Headers, query parameters, the authorization header and the managed identity of a backend's `credentials`, named values put in.
 * Client certificates are not modelled. Assumed: an authorization header comes before a managed identity.
 */
export function credentialsOf(world: World, properties: JsonObject): BackendCredentials {
  const credentials = objectAt(properties, "credentials");
  const headers = new Headers();
  for (const [name, value] of pairs(world, objectAt(credentials, "header"))) headers.append(name, value);
  const authorization = authorizationOf(world, credentials);
  if (authorization !== null) headers.set("authorization", authorization);
  return { headers, query: pairs(world, objectAt(credentials, "query")) };
}

/** The token that the sandbox's service gets for a resource: opaque, and of no use anywhere. */
export const managedIdentityToken = (resource: string): string => `sandbox.${Buffer.from(resource).toString("base64url")}`;

function authorizationOf(world: World, credentials: JsonObject): string | null {
  const { scheme, parameter } = objectAt(credentials, "authorization");
  if (typeof scheme === "string") return `${scheme} ${typeof parameter === "string" ? withNamedValues(world, parameter) : ""}`.trim();
  const resource = textAt(objectAt(credentials, "managedIdentity"), "resource");
  return resource === undefined ? null : `Bearer ${managedIdentityToken(resource)}`;
}

function pairs(world: World, values: JsonObject): BackendCredentials["query"] {
  return Object.entries(values).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((text: Json) => typeof text === "string")
      .map((text): readonly [string, string] => [name, withNamedValues(world, text)]),
  );
}

/** A name that no named value has stays as it stands. */
const withNamedValues = (world: World, text: string): string =>
  text.replace(/\{\{([\w.-]+)\}\}/g, (whole, name: string) => textAt(namedValue(world, name)?.properties ?? {}, "value") ?? whole);
