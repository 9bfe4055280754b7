import { type AttributeDefinition, everyGateway, everyScope, everySection, many, type PolicyTable } from "./types.ts";

const cachingType: AttributeDefinition = {
  type: ["prefer-external", "external", "internal"],
  expression: "no",
  default: "prefer-external",
};

const duration: AttributeDefinition = { type: "int", required: true, expression: "yes", range: { min: 0 } };

export const caching: PolicyTable = {
  "cache-lookup": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    inFragment: "no",
    attributes: {
      "vary-by-developer": { type: "boolean", required: true, expression: "yes" },
      "vary-by-developer-groups": { type: "boolean", required: true, expression: "yes" },
      "caching-type": cachingType,
      "downstream-caching-type": { type: ["none", "private", "public"], expression: "yes", default: "none" },
      "must-revalidate": { type: "boolean", expression: "yes", default: "true" },
      "allow-private-response-caching": { type: "boolean", expression: "yes", default: "false" },
    },
    content: {
      order: "any",
      elements: {
        "vary-by-header": { max: many, content: "text" },
        "vary-by-query-parameter": { max: many, content: "text" },
      },
    },
  },
  "cache-lookup-value": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    onceDisputed: true,
    inFragment: "disputed",
    attributes: {
      key: { type: "string", required: true, expression: "yes" },
      "variable-name": { type: "string", required: true, expression: "no" },
      "default-value": { type: "string", expression: "yes" },
      "caching-type": cachingType,
    },
  },
  "cache-remove-value": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      key: { type: "string", required: true, expression: "yes" },
      "caching-type": cachingType,
      "fail-on-cache-removal-error": { type: "boolean", expression: "yes", default: "false" },
    },
  },
  "cache-store": {
    sections: ["outbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: {
      duration,
      "cache-response": { type: "boolean", expression: "yes", default: "false" },
      "caching-mode": { type: "string", expression: "unknown", undocumented: true },
    },
  },
  "cache-store-value": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    onceDisputed: true,
    attributes: {
      key: { type: "string", required: true, expression: "yes" },
      value: { type: "string", required: true, expression: "yes" },
      duration,
      "caching-type": cachingType,
    },
  },
};
