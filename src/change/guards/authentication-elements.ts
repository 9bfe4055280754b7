import { attribute, type Element } from "../../policy/document.ts";
import { isCredentialHeader } from "../../pool/credentials.ts";

/** Policies that let a caller in or out, or prove the gateway to a backend (https://learn.microsoft.com/azure/api-management/api-management-policies). */
const authenticationPolicies: ReadonlySet<string> = new Set([
  "authentication-basic",
  "authentication-certificate",
  "authentication-managed-identity",
  "check-header",
  "get-authorization-context",
  "ip-filter",
  "validate-azure-ad-token",
  "validate-client-certificate",
  "validate-jwt",
]);

/** How the authentication is called that an element is: `<validate-jwt>`; null where it is none. */
export function authenticationOf(element: Element): string | null {
  if (authenticationPolicies.has(element.name)) return `<${element.name}>`;
  if (element.name !== "set-header" || attribute(element, "exists-action") === "delete") return null;
  const header = attribute(element, "name")?.trim() ?? "";
  return isCredentialHeader(header) ? `<set-header name="${header.toLowerCase()}">` : null;
}
