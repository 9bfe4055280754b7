import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject } from "../gateway/documents.ts";
import { credentialsOf, objectOf } from "./backend.ts";
import { identityFor, roleAssignments, sharedIdentity } from "./managed-identity.ts";
import { regionId } from "./regions.ts";
import type { BackendInput } from "./request.ts";

interface NewBackend {
  readonly properties: JsonObject;
  readonly warnings: readonly string[];
  readonly manualSteps: readonly string[];
}

/**
 * A backend for a new member of a pool. Of what the members authenticate with only a managed identity is taken over, and only
 * where all of them use the same: keys and other credentials are never copied. ARM's `protocol` is `http` for https too.
 */
export function newBackend(input: BackendInput & { readonly url: string }, siblings: readonly JsonObject[], serviceId: string): NewBackend {
  const { backend_id: backendId, url, region, managed_identity: asked } = input;
  checkBackendId(backendId);
  const credentials = siblings.map(({ credentials: own }) => objectOf(own));
  const shared = sharedIdentity(siblings);
  const identity = asked === true ? identityFor(siblings) : asked === false ? null : shared;
  const properties = {
    url,
    protocol: "http",
    ...(region === undefined ? {} : { azureRegion: regionId(region) ?? region }),
    ...(identity === null ? {} : { credentials: { managedIdentity: identity } }),
  };
  const besides = [...new Set(siblings.flatMap(credentialsOf))].filter((kind) => kind !== "managedIdentity");
  if (identity !== null) {
    const alike = shared === null ? "" : ", as the other members do";
    return {
      properties,
      warnings: [
        `New backend '${backendId}' authenticates with a managed identity${alike}: give it access to ${url}.`,
        ...(besides.length === 0
          ? []
          : [
              `New backend '${backendId}' does not send what other members do besides, ${besides.join(", ")}: it is not copied. Set it by hand where it is needed.`,
            ]),
      ],
      manualSteps: roleAssignments(identity, url, serviceId),
    };
  }
  const used = credentials.some((own) => Object.values(own).some((part) => isObject(part) && Object.keys(part).length > 0));
  return {
    properties,
    warnings: used ? [`New backend '${backendId}' has no credentials: those of the other members are not copied. Set them by hand.`] : [],
    manualSteps: [],
  };
}

/** Throws `invalid_input` for what cannot be the id of a backend. */
export function checkBackendId(backendId: string): void {
  if (/^[a-z\d](?:[\w.-]{0,78}[a-z\d])?$/i.test(backendId)) return;
  throw new GatewayError("invalid_input", `'${backendId}' cannot be the id of a new backend.`, {
    hint: "Use 1 to 80 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit.",
  });
}
