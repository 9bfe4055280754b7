import { type AttributeDefinition, everyGateway, everyScope, many, type PolicyTable } from "./types.ts";

/** The service accepts at most 300 seconds (https://github.com/MicrosoftDocs/azure-docs/issues/17231). */
const rateLimitWindow = { min: 1, max: 300 } as const;

/** The service accepts 300 seconds or more, and 0 for a period without end (https://github.com/MicrosoftDocs/azure-docs/issues/119835). */
const quotaWindow = { min: 300, except: 0 } as const;

/** Known of `quota-by-key`, likely for the other. */
const likelyQuotaWindow = { ...quotaWindow, disputed: true } as const;

const counted = { min: 0 } as const;

const reported: Readonly<Record<string, AttributeDefinition>> = {
  "retry-after-header-name": { type: "string", expression: "no", default: "Retry-After" },
  "retry-after-variable-name": { type: "string", expression: "no" },
  "remaining-calls-header-name": { type: "string", expression: "no" },
  "remaining-calls-variable-name": { type: "string", expression: "no" },
  "total-calls-header-name": { type: "string", expression: "no" },
};

const named: Readonly<Record<string, AttributeDefinition>> = {
  name: { type: "string", expression: "unknown" },
  id: { type: "string", expression: "unknown" },
};

const rateOfPart = {
  max: many,
  attributes: {
    ...named,
    calls: { type: "int", required: "disputed", expression: "no", range: counted },
    "renewal-period": { type: "int", required: "disputed", expression: "no", range: rateLimitWindow },
    ...reported,
  },
  constraints: [{ atLeastOneOf: ["name", "id"] }],
} as const;

/** The service takes no period of their own from an API and an operation, though the page asks for one. */
const quotaOfPart = {
  max: many,
  attributes: {
    ...named,
    bandwidth: { type: "long", expression: "no", range: counted },
    calls: { type: "int", expression: "no", range: counted },
    "renewal-period": { type: "int", expression: "no", range: likelyQuotaWindow },
  },
  constraints: [{ atLeastOneOf: ["name", "id"] }, { atLeastOneOf: ["calls", "bandwidth"], disputed: true }],
} as const;

export const limits: PolicyTable = {
  "rate-limit": {
    sections: ["inbound"],
    scopes: ["product", "api", "operation"],
    gateways: everyGateway,
    once: "definition",
    attributes: {
      calls: { type: "int", required: true, expression: "no", range: counted },
      "renewal-period": { type: "int", required: true, expression: "no", range: rateLimitWindow },
      ...reported,
    },
    content: {
      order: "sequence",
      elements: {
        api: { ...rateOfPart, content: { order: "sequence", elements: { operation: rateOfPart } } },
        operation: rateOfPart,
      },
    },
  },
  "rate-limit-by-key": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: ["classic", "v2", "self-hosted", "workspace"],
    attributes: {
      calls: { type: "int", required: true, expression: "yes", range: counted },
      "renewal-period": { type: "int", required: true, expression: "yes", range: rateLimitWindow },
      "counter-key": { type: "string", required: true, expression: "yes" },
      "increment-condition": { type: "boolean", expression: "yes" },
      "increment-count": { type: "int", expression: "yes", default: "1" },
      ...reported,
      "increment-after-response": { type: "boolean", expression: "unknown", undocumented: true },
      "flexible-retry-window": { type: "boolean", expression: "unknown", undocumented: true },
    },
  },
  quota: {
    sections: ["inbound"],
    scopes: ["product"],
    gateways: everyGateway,
    once: "definition",
    attributes: {
      calls: { type: "int", expression: "no", range: counted },
      bandwidth: { type: "long", expression: "no", range: counted },
      "renewal-period": { type: "int", required: true, expression: "no", range: likelyQuotaWindow },
    },
    constraints: [{ atLeastOneOf: ["calls", "bandwidth"] }],
    content: {
      order: "sequence",
      elements: { api: { ...quotaOfPart, content: { order: "sequence", elements: { operation: quotaOfPart } } } },
    },
  },
  "quota-by-key": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: ["classic", "v2", "self-hosted", "workspace"],
    attributes: {
      calls: { type: "int", expression: "no", range: counted },
      bandwidth: { type: "long", expression: "no", range: counted },
      "renewal-period": { type: "int", required: true, expression: "no", range: quotaWindow },
      "counter-key": { type: "string", required: true, expression: "yes" },
      "increment-condition": { type: "boolean", expression: "yes" },
      "increment-count": { type: "int", expression: "yes", default: "1" },
      "first-period-start": { type: "dateTime", expression: "no", default: "0001-01-01T00:00:00Z" },
    },
    constraints: [{ atLeastOneOf: ["calls", "bandwidth"] }],
  },
};
