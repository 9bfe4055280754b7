import { type AttributeDefinition, type ChildDefinition, everyGateway, everyScope, many, type PolicyTable } from "./types.ts";

const action: AttributeDefinition = { type: ["ignore", "prevent", "detect"], required: true, expression: "yes" };

const errorsVariable: AttributeDefinition = { type: "string", expression: "no" };

const namedAction: ChildDefinition = {
  max: many,
  attributes: { name: { type: "string", required: true, expression: "unknown" }, action },
};

const parameterGroup: ChildDefinition = {
  attributes: { "specified-parameter-action": action, "unspecified-parameter-action": action },
  content: { order: "sequence", elements: { parameter: namedAction } },
};

export const contentValidation: PolicyTable = {
  "validate-content": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "unspecified-content-type-action": action,
      "max-size": { type: "unsignedInt", required: true, expression: "yes", range: { max: 4 * 1024 * 1024, disputed: true } },
      "size-exceeded-action": action,
      "errors-variable-name": errorsVariable,
    },
    content: {
      order: "sequence",
      elements: {
        "content-type-map": {
          attributes: {
            "any-content-type-value": { type: "string", expression: "no" },
            "missing-content-type-value": { type: "string", expression: "no" },
          },
          content: {
            order: "sequence",
            elements: {
              type: {
                max: many,
                attributes: {
                  from: { type: "string", expression: "unknown" },
                  when: { type: "boolean", expression: "yes" },
                  to: { type: "string", required: true, expression: "unknown" },
                },
                constraints: [{ atLeastOneOf: ["from", "when"], disputed: true }, { atMostOneOf: ["from", "when"] }],
              },
            },
          },
        },
        content: {
          max: many,
          attributes: {
            "validate-as": { type: ["json", "xml", "soap"], required: true, expression: "unknown" },
            type: { type: "string", expression: "unknown" },
            action,
            "schema-id": { type: "string", expression: "unknown" },
            "schema-ref": { type: "string", expression: "unknown" },
            "allow-additional-properties": { type: "boolean", expression: "unknown" },
            "case-insensitive-property-names": { type: "boolean", expression: "unknown", default: "false" },
          },
        },
      },
    },
  },
  "validate-graphql-request": {
    sections: ["inbound"],
    scopes: ["global", "workspace", "product", "api"],
    gateways: everyGateway,
    once: "section",
    attributes: {
      "error-variable-name": { type: "string", expression: "yes" },
      "max-size": { type: "int", required: "disputed", expression: "yes", range: { max: 102_400, disputed: true } },
      "max-depth": { type: "int", expression: "yes", default: "6" },
      "max-total-depth": { type: "int", expression: "unknown", undocumented: true },
      "max-complexity": { type: "int", expression: "unknown", undocumented: true },
    },
    content: {
      order: "sequence",
      elements: {
        authorize: {
          content: {
            order: "sequence",
            elements: {
              rule: {
                required: true,
                max: 100,
                attributes: {
                  path: { type: "string", required: true, expression: "unknown" },
                  action: { type: ["allow", "remove", "reject", "ignore"], expression: "yes", default: "allow" },
                },
              },
            },
          },
        },
      },
    },
  },
  "validate-headers": {
    sections: ["outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: {
      "specified-header-action": action,
      "unspecified-header-action": action,
      "errors-variable-name": errorsVariable,
    },
    content: { order: "sequence", elements: { header: namedAction } },
  },
  "validate-odata-request": {
    sections: ["inbound"],
    scopes: ["global", "workspace", "product", "api"],
    gateways: everyGateway,
    once: "section",
    attributes: {
      "error-variable-name": { type: "string", expression: "unknown" },
      "default-odata-version": { type: "string", expression: "unknown", default: "4.0" },
      "min-odata-version": { type: "string", expression: "unknown" },
      "max-odata-version": { type: "string", expression: "unknown" },
      "max-size": { type: "int", expression: "unknown" },
    },
  },
  "validate-parameters": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: {
      "specified-parameter-action": action,
      "unspecified-parameter-action": action,
      "errors-variable-name": errorsVariable,
    },
    content: {
      order: "sequence",
      elements: {
        headers: parameterGroup,
        query: parameterGroup,
        path: { ...parameterGroup, attributes: { "specified-parameter-action": action } },
      },
    },
  },
  "validate-status-code": {
    sections: ["outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: { "unspecified-status-code-action": action, "errors-variable-name": errorsVariable },
    content: {
      order: "sequence",
      elements: {
        "status-code": { max: many, attributes: { code: { type: "unsignedInt", required: true, expression: "unknown" }, action } },
      },
    },
  },
};
