import { everyGateway, everyScope, everySection, many, type PolicyTable } from "./types.ts";

export const controlFlow: PolicyTable = {
  choose: {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    content: {
      order: "sequence",
      elements: {
        when: {
          required: true,
          max: many,
          attributes: { condition: { type: "boolean", required: true, expression: "yes" } },
          content: "policies",
        },
        otherwise: { content: "policies" },
      },
    },
  },
  "include-fragment": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    inFragment: "no",
    attributes: { "fragment-id": { type: "name", required: true, expression: "no", refersTo: "fragment" } },
  },
  "limit-concurrency": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      key: { type: "string", required: true, expression: "yes" },
      "max-count": { type: "int", required: true, expression: "no", range: { min: 1 } },
    },
    content: "policies",
  },
  "mock-response": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "status-code": { type: "int", expression: "no", default: "200" },
      "content-type": { type: "string", expression: "no" },
      enabled: { type: "boolean", expression: "unknown", undocumented: true },
      index: { type: "int", expression: "unknown", undocumented: true },
    },
  },
  retry: {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      condition: { type: "boolean", required: true, expression: "yes" },
      count: { type: "positiveInteger", required: true, expression: "yes", range: { max: 50 } },
      interval: { type: "nonNegativeInteger", required: true, expression: "yes" },
      "max-interval": { type: "positiveInteger", expression: "yes" },
      delta: { type: "positiveInteger", expression: "yes" },
      "first-fast-retry": { type: "boolean", expression: "yes", default: "false" },
    },
    content: "policies",
  },
  "return-response": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: { "response-variable-name": { type: "string", expression: "no" } },
    content: {
      order: "sequence",
      elements: {
        "set-status": { policy: true },
        "set-header": { max: many, policy: true },
        "set-body": { policy: true },
      },
    },
  },
  "set-variable": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      name: { type: "string", required: true, expression: "no" },
      value: { type: "string", required: true, expression: "yes" },
    },
  },
  wait: {
    sections: ["inbound", "backend", "outbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: { for: { type: ["all", "any"], required: "disputed", expression: "yes", default: "all" } },
    content: {
      order: "any",
      required: true,
      elements: {
        "send-request": { max: many, policy: true },
        "cache-lookup-value": { max: many, policy: true },
        choose: { max: many, policy: true },
        "cache-store-value": { max: many, policy: true },
        "forward-request": { max: many, policy: true },
        "authentication-managed-identity": { max: many, policy: true },
        "authentication-token": { max: many, policy: true },
      },
    },
  },
};
