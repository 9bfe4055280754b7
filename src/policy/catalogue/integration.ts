import { type AttributeDefinition, type Children, everyGateway, everyScope, everySection, many, type PolicyTable } from "./types.ts";

/** What makes up a request of its own. */
const request: Children = {
  order: "sequence",
  elements: {
    "set-url": { content: "uri" },
    "set-method": { policy: true },
    "set-header": { max: many, policy: true },
    "set-body": { policy: true },
    "authentication-certificate": { policy: true },
    "authentication-token": { policy: true },
    "authentication-token-store": { policy: true },
    "authentication-managed-identity": { policy: true },
    proxy: { policy: true },
  },
};

const daprTimeout: AttributeDefinition = { type: "int", expression: "yes", default: "5", range: { min: 1, max: 240 } };

const template: AttributeDefinition = { type: ["Liquid", "liquid"], expression: "unknown" };

export const integration: PolicyTable = {
  "invoke-dapr-binding": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["self-hosted"],
    attributes: {
      name: { type: "string", required: true, expression: "yes" },
      operation: { type: "string", expression: "no", default: "create" },
      "ignore-error": { type: "boolean", expression: "no", default: "false" },
      "response-variable-name": { type: "string", expression: "no" },
      timeout: daprTimeout,
      template,
      "content-type": { type: "string", expression: "unknown" },
    },
    content: {
      order: "sequence",
      text: true,
      elements: {
        metadata: {
          content: {
            order: "sequence",
            elements: {
              item: { max: many, attributes: { key: { type: "string", required: true, expression: "unknown" } }, content: "any" },
            },
          },
        },
        data: { content: "any" },
      },
    },
  },
  "publish-to-dapr": {
    sections: ["inbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["self-hosted"],
    attributes: {
      "pubsub-name": { type: "string", expression: "yes" },
      topic: { type: "string", required: true, expression: "yes" },
      "ignore-error": { type: "boolean", expression: "no", default: "false" },
      "response-variable-name": { type: "string", expression: "no" },
      timeout: daprTimeout,
      template,
      "content-type": { type: "string", expression: "unknown" },
    },
    content: "any",
  },
  "send-one-way-request": {
    sections: everySection,
    scopes: everyScope,
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    attributes: {
      mode: { type: ["new", "copy"], expression: "yes", default: "new" },
      timeout: { type: "int", expression: "yes", default: "60" },
    },
    content: request,
  },
  "send-request": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      mode: { type: ["new", "copy"], expression: "yes", default: "new" },
      "response-variable-name": { type: "string", required: "disputed", expression: "yes" },
      timeout: { type: "int", expression: "yes", default: "60" },
      "ignore-error": { type: "boolean", expression: "no", default: "false" },
      "timeout-ms": { type: "int", expression: "yes", undocumented: true },
      "buffer-response": { type: "boolean", expression: "unknown", default: "true", undocumented: true },
      "fail-on-error-status-code": { type: "boolean", expression: "unknown", default: "false", undocumented: true },
    },
    content: request,
  },
  "send-service-bus-message": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic"],
    attributes: {
      "queue-name": { type: "string", expression: "yes" },
      "topic-name": { type: "string", expression: "yes" },
      namespace: { type: "string", expression: "yes" },
      "client-id": { type: "string", expression: "yes" },
    },
    constraints: [{ atLeastOneOf: ["queue-name", "topic-name"] }, { atMostOneOf: ["queue-name", "topic-name"] }],
    content: {
      order: "any",
      elements: {
        "message-properties": {
          content: {
            order: "sequence",
            elements: {
              "message-property": {
                max: many,
                attributes: { name: { type: "string", required: true, expression: "unknown" } },
                content: "text",
              },
            },
          },
        },
        payload: { required: true, content: "any" },
      },
    },
  },
};
