import { dimensions } from "./logging.ts";
import { everyGateway, everyScope, many, type PolicyTable } from "./types.ts";

export const aiGateway: PolicyTable = {
  "llm-token-limit": {
    aliases: ["azure-openai-token-limit"],
    sections: ["inbound"],
    scopes: everyScope,
    gateways: ["classic", "v2", "self-hosted", "workspace"],
    attributes: {
      "counter-key": { type: "string", required: true, expression: "yes" },
      // The schema takes an expression, the page is silent; of the quota it is the page, while services have been seen to reject it.
      "tokens-per-minute": { type: "int", expression: "unknown", range: { min: 0 } },
      "token-quota": { type: "long", expression: "unknown", range: { min: 0 } },
      "token-quota-period": { type: ["Hourly", "Daily", "Weekly", "Monthly", "Yearly", "Indefinite"], expression: "yes" },
      "estimate-prompt-tokens": { type: "boolean", required: true, expression: "unknown" },
      "retry-after-header-name": { type: "string", expression: "no", default: "Retry-After" },
      "retry-after-variable-name": { type: "string", expression: "no" },
      "remaining-quota-tokens-header-name": { type: "string", expression: "no", scopes: ["workspace", "api", "operation"] },
      "remaining-quota-tokens-variable-name": { type: "string", expression: "no" },
      "remaining-tokens-header-name": { type: "string", expression: "no" },
      "remaining-tokens-variable-name": { type: "string", expression: "no" },
      "tokens-consumed-header-name": { type: "string", expression: "no" },
      "tokens-consumed-variable-name": { type: "string", expression: "unknown" },
      "prompt-type": {
        type: ["auto", "chat-completion", "completion", "embeddings"],
        expression: "unknown",
        default: "auto",
        undocumented: true,
      },
      "ignore-prompt": { type: "boolean", expression: "unknown", default: "false", undocumented: true },
    },
    constraints: [
      { atLeastOneOf: ["tokens-per-minute", "token-quota"] },
      { attribute: "token-quota", needs: "token-quota-period" },
      { attribute: "token-quota-period", needs: "token-quota", disputed: true },
    ],
  },
  "llm-emit-token-metric": {
    aliases: ["azure-openai-emit-token-metric"],
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      namespace: { type: "string", expression: "no", default: "API Management" },
      name: { type: "string", expression: "unknown", undocumented: true },
      "value-type": {
        type: ["all", "total-tokens", "prompt-tokens", "completion-tokens"],
        expression: "unknown",
        default: "all",
        undocumented: true,
      },
      "ignore-prompt": { type: "boolean", expression: "unknown", default: "false", undocumented: true },
    },
    content: dimensions,
  },
  "llm-semantic-cache-lookup": {
    aliases: ["azure-openai-semantic-cache-lookup"],
    sections: ["inbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    once: "section",
    attributes: {
      "score-threshold": { type: "float", required: true, expression: "unknown", range: { min: 0, max: 1 } },
      "embeddings-backend-id": { type: "name", required: true, expression: "unknown", refersTo: "backend" },
      "embeddings-backend-auth": {
        type: ["system-assigned", "header"],
        required: "disputed",
        expression: "unknown",
        default: "system-assigned",
      },
      "ignore-system-messages": { type: "boolean", expression: "unknown", default: "false" },
      "max-message-count": { type: "int", expression: "unknown" },
      "cache-id": { type: "string", expression: "unknown", undocumented: true },
    },
    content: { order: "any", elements: { "vary-by": { max: many, content: "text" } } },
  },
  "llm-semantic-cache-store": {
    aliases: ["azure-openai-semantic-cache-store"],
    sections: ["outbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    once: "section",
    attributes: {
      duration: { type: "int", required: true, expression: "yes", range: { min: 0 } },
      "cache-response": { type: "boolean", expression: "yes", default: "false" },
    },
  },
  "llm-content-safety": {
    sections: ["inbound", "outbound"],
    scopes: ["global", "workspace", "product", "api"],
    gateways: everyGateway,
    attributes: {
      "backend-id": { type: "name", required: true, expression: "yes", refersTo: "backend" },
      "shield-prompt": { type: "boolean", expression: "yes", default: "false" },
      "enforce-on-completions": { type: "boolean", expression: "yes", default: "false" },
      "window-size": { type: "int", expression: "yes", default: "1000" },
      "window-overlap-size": { type: "int", expression: "yes" },
    },
    content: {
      order: "any",
      elements: {
        categories: {
          attributes: {
            "output-type": { type: ["FourSeverityLevels", "EightSeverityLevels"], expression: "yes", default: "FourSeverityLevels" },
          },
          content: {
            order: "sequence",
            elements: {
              category: {
                required: true,
                max: many,
                attributes: {
                  name: { type: ["Hate", "SelfHarm", "Sexual", "Violence"], required: true, expression: "yes" },
                  threshold: { type: "int", required: true, expression: "yes", range: { min: 0, max: 7 } },
                },
              },
            },
          },
        },
        blocklists: { content: { order: "sequence", elements: { id: { required: true, max: many, content: "text" } } } },
      },
    },
  },
};
