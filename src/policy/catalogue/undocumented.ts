import { everyGateway, everyScope, everySection, type PolicyDefinition, type PolicyTable } from "./types.ts";

/** Nothing is known of where they may stand. */
const anywhere: Pick<PolicyDefinition, "undocumented" | "sections" | "scopes" | "gateways"> = {
  undocumented: true,
  sections: everySection,
  scopes: everyScope,
  gateways: everyGateway,
};

/**
 * Policies that the reference does not have: the schemas have them, or, for `cache-value`, the policy toolkit
 * (https://github.com/Azure/azure-api-management-policy-toolkit).
 */
export const undocumented: PolicyTable = {
  "authentication-token": {
    ...anywhere,
    attributes: {
      "token-type": {
        type: ["managed-service-identity", "token-service"],
        expression: "unknown",
        default: "managed-service-identity",
      },
      "token-service-url": { type: "string", expression: "unknown" },
      "resource-url": { type: "string", expression: "unknown" },
      "ignore-error": { type: "boolean", expression: "unknown" },
    },
  },
  "authentication-token-store": {
    ...anywhere,
    attributes: {
      "token-id": { type: "string", expression: "unknown" },
      "client-id": { type: "string", expression: "unknown" },
      "output-token-variable-name": { type: "string", expression: "unknown" },
      "ignore-error": { type: "boolean", expression: "unknown" },
    },
  },
  block: { ...anywhere, content: "policies" },
  "cache-value": {
    ...anywhere,
    attributes: {
      key: { type: "string", required: true, expression: "yes" },
      "variable-name": { type: "string", required: true, expression: "unknown" },
      "expires-after": { type: "int", expression: "yes" },
      "refresh-after": { type: "int", expression: "yes" },
      "default-value": { type: "string", expression: "yes" },
      "caching-type": { type: "string", expression: "unknown" },
    },
    content: { order: "any", elements: { value: { content: "policies" } } },
  },
  "invoke-request": {
    ...anywhere,
    attributes: { url: { type: "string", required: true, expression: "yes" } },
    content: "any",
  },
  "set-request-metric-dimension-value": {
    ...anywhere,
    attributes: {
      name: { type: "string", required: true, expression: "unknown" },
      value: { type: "string", required: true, expression: "unknown" },
    },
  },
};
