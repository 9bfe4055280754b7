import { type AttributeDefinition, type Children, everyGateway, everyScope, everySection, many, type PolicyTable } from "./types.ts";

const existsAction: AttributeDefinition = { type: ["override", "skip", "append", "delete"], expression: "yes", default: "override" };

const values: Children = { order: "sequence", elements: { value: { max: many, content: "text" } } };

const emptyValues: AttributeDefinition = { type: ["preserve", "as-null"], expression: "yes", undocumented: true };

export const transformation: PolicyTable = {
  "find-and-replace": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      from: { type: "string", required: true, expression: "yes" },
      to: { type: "string", required: true, expression: "yes" },
    },
  },
  "json-to-xml": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      apply: { type: ["always", "content-type-json"], required: true, expression: "yes" },
      "consider-accept-header": { type: "boolean", expression: "yes", default: "true" },
      "parse-date": { type: "boolean", expression: "no", default: "true" },
      "namespace-separator": { type: "string", expression: "yes" },
      "namespace-prefix": { type: "string", expression: "yes" },
      "attribute-block-name": { type: "string", expression: "yes" },
      "attribute-prefix": { type: "string", expression: "unknown", undocumented: true },
      "namespace-block-name": { type: "string", expression: "unknown", undocumented: true },
      "invalid-character-replacement": { type: "string", expression: "unknown", undocumented: true },
      "null-values": { type: "string", expression: "unknown", undocumented: true },
      "trim-values": { type: "boolean", expression: "unknown", undocumented: true },
      "empty-values": emptyValues,
    },
  },
  "redirect-content-urls": { sections: ["inbound", "outbound"], scopes: everyScope, gateways: everyGateway, once: "section" },
  "rewrite-uri": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      template: { type: "string", required: true, expression: "yes" },
      "copy-unmatched-params": { type: "boolean", expression: "yes", default: "true" },
    },
  },
  "set-body": {
    // Its page leaves on-error out; the page on policies and real ones have it there.
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      template: { type: ["liquid", "none"], expression: "unknown" },
      "xsi-nil": { type: ["blank", "null"], expression: "no", default: "blank" },
      "parse-date": { type: "boolean", expression: "no", default: "true" },
      "html-decode-expression": { type: "boolean", expression: "unknown", undocumented: true },
    },
    content: "any",
  },
  "set-header": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: { name: { type: "string", required: true, expression: "yes" }, "exists-action": existsAction },
    content: values,
  },
  "set-method": {
    sections: ["inbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    content: "name",
  },
  "set-query-parameter": {
    sections: ["inbound", "backend"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: { name: { type: "string", required: true, expression: "yes" }, "exists-action": existsAction },
    content: values,
  },
  "set-status": {
    sections: everySection,
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      code: { type: "positiveInteger", required: true, expression: "yes" },
      // The page asks for it, the schema and many real policies do not.
      reason: { type: "string", expression: "yes" },
    },
  },
  "xml-to-json": {
    sections: ["inbound", "outbound", "on-error"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      kind: { type: ["javascript-friendly", "direct"], required: true, expression: "yes" },
      apply: { type: ["always", "content-type-xml"], required: true, expression: "yes" },
      "consider-accept-header": { type: "boolean", expression: "yes", default: "true" },
      "always-array-child-elements": { type: "boolean", expression: "yes", default: "false" },
      "preserve-whitespace-nodes": { type: "boolean", expression: "yes", undocumented: true },
      "trim-values": { type: "boolean", expression: "yes", undocumented: true },
      "empty-values": emptyValues,
    },
  },
  "xsl-transform": {
    sections: ["inbound", "outbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    content: "any",
  },
};
