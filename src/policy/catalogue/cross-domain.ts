import { everyGateway, everyScope, listOf, type PolicyTable } from "./types.ts";

export const crossDomain: PolicyTable = {
  cors: {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: {
      "allow-credentials": { type: "boolean", expression: "yes", default: "false" },
      "terminate-unmatched-request": { type: "boolean", expression: "yes", default: "false" },
    },
    content: {
      order: "any",
      elements: {
        "allowed-origins": { required: true, content: listOf("origin") },
        "allowed-methods": {
          attributes: { "preflight-result-max-age": { type: "unsignedInt", expression: "yes", default: "0" } },
          content: listOf("method"),
        },
        "allowed-headers": { content: listOf("header") },
        "expose-headers": { content: listOf("header") },
      },
    },
  },
  "cross-domain": {
    sections: ["inbound"],
    scopes: ["global"],
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    content: { order: "sequence", elements: { "cross-domain-policy": { content: "any" } } },
  },
  jsonp: {
    sections: ["outbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: { "callback-parameter-name": { type: "string", required: true, expression: "yes" } },
  },
};
