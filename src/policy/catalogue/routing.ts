import { everyGateway, everyScope, type PolicyTable } from "./types.ts";

export const routing: PolicyTable = {
  "forward-request": {
    sections: ["backend"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      timeout: { type: "int", expression: "yes", default: "300", range: { min: 0 } },
      "timeout-ms": { type: "int", expression: "yes", range: { min: 0 } },
      "continue-timeout": { type: "int", expression: "yes" },
      "http-version": { type: ["1", "2or1", "2"], expression: "unknown", default: "1" },
      "follow-redirects": { type: "boolean", expression: "yes", default: "false" },
      "buffer-request-body": { type: "boolean", expression: "unknown", default: "false" },
      "buffer-response": { type: "boolean", expression: "no", default: "true" },
      "fail-on-error-status-code": { type: "boolean", expression: "no", default: "false" },
    },
    constraints: [{ atMostOneOf: ["timeout", "timeout-ms"] }],
  },
  proxy: {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      url: { type: "uri", required: true, expression: "yes" },
      username: { type: "string", expression: "yes" },
      password: { type: "string", expression: "yes" },
    },
  },
  "set-backend-service": {
    sections: ["inbound", "backend"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "backend-id": { type: "name", expression: "yes", refersTo: "backend" },
      "base-url": { type: "uri", expression: "yes" },
      "sf-resolve-condition": { type: "boolean", expression: "yes" },
      "sf-service-instance-name": { type: "string", expression: "yes" },
      "sf-partition-key": { type: "string", expression: "yes" },
      "sf-replica-type": { type: ["primary", "secondary"], expression: "yes" },
      "sf-listener-name": { type: "string", expression: "yes" },
      "dapr-app-id": { type: "string", expression: "yes", undocumented: true },
      "dapr-method": { type: "string", expression: "yes", undocumented: true },
      "dapr-namespace": { type: "string", expression: "yes", undocumented: true },
    },
    constraints: [
      { atLeastOneOf: ["backend-id", "base-url", "sf-service-instance-name", "dapr-app-id"] },
      { atMostOneOf: ["backend-id", "base-url"], disputed: true },
    ],
  },
};
