import { managedIdentityToken } from "../backends/credentials.ts";
import { type Call, PolicyError, type PolicyHandlers, type PolicyNode } from "../policy.ts";

/** How the gateway signs in to a backend (https://learn.microsoft.com/azure/api-management/api-management-policies#authentication-and-authorization). */
export const authenticationPolicies: PolicyHandlers = {
  async "authentication-basic"(node, call) {
    return await authorize(node, call);
  },
  async "authentication-certificate"(node, call) {
    return await authorize(node, call);
  },
  async "authentication-managed-identity"(node, call) {
    return await authorize(node, call);
  },
};

async function authorize(node: PolicyNode, call: Call): Promise<"next"> {
  const authorization = await authorizationFor(node, call);
  if (typeof authorization === "string") call.request.headers.set("authorization", authorization);
  return "next";
}

/**
 * What an authentication policy puts into `Authorization`: null where it puts nothing there, undefined where it is none.
 *
 * Assumed: a client certificate changes nothing that a backend of the sandbox could see.
 */
export async function authorizationFor(node: PolicyNode, call: Call): Promise<string | null | undefined> {
  switch (node.name) {
    case "authentication-basic": {
      const credentials = `${await call.text(node, "username")}:${await call.text(node, "password")}`;
      return `Basic ${Buffer.from(credentials).toString("base64")}`;
    }
    case "authentication-certificate":
      return null;
    case "authentication-managed-identity":
      return await identityToken(node, call);
    default:
      return undefined;
  }
}

/** With a variable for it, the token goes there and not into the header. */
async function identityToken(node: PolicyNode, call: Call): Promise<string | null> {
  if (call.world.service.identity === undefined) {
    if (await call.boolean(node, "ignore-error", false)) return null;
    // Assumed: how the service says so.
    throw new PolicyError({ source: node.name, reason: "ManagedIdentityNotFound", message: "The service has no managed identity." });
  }
  const token = managedIdentityToken(await call.text(node, "resource"));
  const variable = await call.text(node, "output-token-variable-name");
  if (variable === "") return `Bearer ${token}`;
  call.variables.set(variable, token);
  return null;
}
