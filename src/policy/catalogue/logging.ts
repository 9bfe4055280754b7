import { type Content, everyGateway, everyScope, everySection, many, type PolicyTable } from "./types.ts";

/** What splits a metric that a policy emits. */
export const dimensions: Content = {
  order: "sequence",
  elements: {
    dimension: {
      max: 10,
      attributes: {
        name: { type: "string", required: true, expression: "yes" },
        value: { type: "string", expression: "yes" },
      },
    },
  },
};

export const logging: PolicyTable = {
  "emit-metric": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      name: { type: "string", required: true, expression: "no" },
      namespace: { type: "string", expression: "no", default: "API Management" },
      value: { type: "double", expression: "yes", default: "1" },
      "default-dimensions": { type: "boolean", expression: "unknown", undocumented: true },
    },
    content: dimensions,
  },
  "log-to-eventhub": {
    sections: everySection,
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    attributes: {
      "logger-id": { type: "name", required: true, expression: "no", refersTo: "logger" },
      "partition-id": { type: "string", expression: "no" },
      "partition-key": { type: "string", expression: "yes" },
    },
    constraints: [{ atMostOneOf: ["partition-id", "partition-key"] }],
    content: "text",
  },
  trace: {
    // The error handling page has it in on-error, too.
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      source: { type: "string", required: true, expression: "no" },
      severity: { type: ["verbose", "information", "error"], expression: "no", default: "verbose" },
    },
    content: {
      order: "any",
      text: true,
      elements: {
        message: { content: "text" },
        metadata: {
          max: many,
          attributes: {
            name: { type: "string", required: true, expression: "yes" },
            value: { type: "string", required: true, expression: "yes" },
          },
        },
      },
    },
  },
};
