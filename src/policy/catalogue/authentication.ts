import { type ChildDefinition, type Children, everyGateway, everyScope, listOf, many, type PolicyTable } from "./types.ts";

const claims: Children = {
  order: "sequence",
  elements: {
    claim: {
      max: many,
      attributes: {
        name: { type: "string", required: "disputed", expression: "yes" },
        match: { type: ["all", "any"], expression: "yes", default: "all" },
        separator: { type: "string", expression: "yes" },
      },
      content: { order: "sequence", elements: { value: { max: many, content: "text" } } },
    },
  },
};

const applicationIds: ChildDefinition = { content: listOf("application-id", "name") };

const signingKey: ChildDefinition = {
  max: many,
  attributes: {
    id: { type: "string", expression: "unknown" },
    "certificate-id": { type: "name", expression: "unknown", refersTo: "certificate" },
    n: { type: "string", expression: "no" },
    e: { type: "string", expression: "no" },
  },
  constraints: [
    { attribute: "n", needs: "e" },
    { attribute: "e", needs: "n" },
  ],
  content: "text",
};

const decryptionKey: ChildDefinition = {
  required: true,
  max: many,
  attributes: {
    id: { type: "string", expression: "unknown" },
    "certificate-id": { type: "name", expression: "unknown", refersTo: "certificate" },
  },
  content: "text",
};

export const authentication: PolicyTable = {
  "authentication-basic": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    once: "section",
    attributes: {
      username: { type: "string", required: true, expression: "yes" },
      password: { type: "string", required: true, expression: "yes" },
    },
  },
  "authentication-certificate": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      thumbprint: { type: "string", expression: "yes" },
      "certificate-id": { type: "name", expression: "yes", refersTo: "certificate" },
      body: { type: "string", expression: "yes" },
      password: { type: "string", expression: "yes" },
    },
    constraints: [{ atLeastOneOf: ["thumbprint", "certificate-id", "body"] }, { atMostOneOf: ["thumbprint", "certificate-id", "body"] }],
  },
  "authentication-managed-identity": {
    // Its page has inbound alone; real policies get a token for the caller in outbound, too.
    sections: ["inbound", "outbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic", "v2", "consumption", "self-hosted"],
    attributes: {
      resource: { type: "string", required: true, expression: "yes" },
      "client-id": { type: "string", expression: "no" },
      "output-token-variable-name": { type: "string", expression: "no" },
      "ignore-error": { type: "boolean", expression: "unknown", default: "false" },
    },
  },
  "check-header": {
    sections: ["inbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: everyGateway,
    attributes: {
      name: { type: "string", required: true, expression: "yes" },
      "failed-check-httpcode": { type: "integer", required: true, expression: "yes" },
      "failed-check-error-message": { type: "string", required: "disputed", expression: "yes" },
      "ignore-case": { type: "boolean", required: "disputed", expression: "yes" },
    },
    content: { order: "sequence", elements: { value: { max: many, content: "text" } } },
  },
  "get-authorization-context": {
    sections: ["inbound"],
    scopes: ["global", "product", "api", "operation"],
    gateways: ["classic", "v2", "consumption"],
    attributes: {
      "provider-id": { type: "string", required: true, expression: "yes" },
      "authorization-id": { type: "string", required: true, expression: "yes" },
      "context-variable-name": { type: "string", required: true, expression: "yes" },
      "identity-type": { type: ["managed", "jwt"], expression: "yes", default: "managed" },
      identity: { type: "string", expression: "yes" },
      "ignore-error": { type: "boolean", expression: "yes", default: "false" },
    },
  },
  "ip-filter": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      action: { type: ["allow", "forbid"], required: "disputed", expression: "yes", default: "allow" },
    },
    content: {
      order: "any",
      required: true,
      elements: {
        address: { max: many, content: "text" },
        "address-range": {
          max: many,
          attributes: {
            from: { type: "string", required: true, expression: "unknown" },
            to: { type: "string", required: true, expression: "unknown" },
          },
        },
      },
    },
  },
  "validate-azure-ad-token": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "tenant-id": { type: "name", required: true, expression: "yes" },
      "header-name": { type: "string", expression: "yes", default: "Authorization" },
      "query-parameter-name": { type: "string", expression: "yes" },
      "token-value": { type: "string", expression: "yes" },
      "authentication-endpoint": { type: "string", expression: "unknown" },
      "failed-validation-httpcode": { type: "integer", expression: "yes", default: "401" },
      "failed-validation-error-message": { type: "string", expression: "yes" },
      "output-token-variable-name": { type: "string", expression: "no" },
      "require-scheme": { type: "string", expression: "unknown", undocumented: true },
      "allow-protected-forwarded-tokens": { type: "boolean", expression: "yes", undocumented: true },
      "allow-proof-of-possession-tokens": { type: "boolean", expression: "yes", undocumented: true },
    },
    constraints: [{ atMostOneOf: ["header-name", "query-parameter-name", "token-value"] }],
    content: {
      order: "any",
      elements: {
        "backend-application-ids": applicationIds,
        "client-application-ids": applicationIds,
        audiences: { content: listOf("audience") },
        "required-claims": { content: claims },
        "decryption-keys": {
          content: {
            order: "sequence",
            elements: {
              key: {
                required: true,
                max: many,
                attributes: {
                  id: { type: "string", expression: "unknown", undocumented: true },
                  "certificate-id": { type: "name", required: true, expression: "unknown", refersTo: "certificate" },
                },
              },
            },
          },
        },
      },
    },
  },
  "validate-client-certificate": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "validate-revocation": { type: "boolean", expression: "no", default: "true" },
      "validate-trust": { type: "boolean", expression: "no", default: "true" },
      "validate-not-before": { type: "boolean", expression: "no", default: "true" },
      "validate-not-after": { type: "boolean", expression: "no", default: "true" },
      "ignore-error": { type: "boolean", expression: "no", default: "false" },
    },
    content: {
      order: "sequence",
      elements: {
        identities: {
          content: {
            order: "sequence",
            elements: {
              identity: {
                required: true,
                max: 10,
                attributes: {
                  thumbprint: { type: "string", expression: "unknown" },
                  "serial-number": { type: "string", expression: "unknown" },
                  "common-name": { type: "string", expression: "unknown" },
                  subject: { type: "string", expression: "unknown" },
                  "dns-name": { type: "string", expression: "unknown" },
                  "issuer-subject": { type: "string", expression: "unknown" },
                  "issuer-thumbprint": { type: "string", expression: "unknown" },
                  "issuer-certificate-id": { type: "name", expression: "unknown", refersTo: "certificate" },
                },
                content: "text",
              },
            },
          },
        },
      },
    },
  },
  "validate-jwt": {
    sections: ["inbound"],
    scopes: everyScope,
    gateways: everyGateway,
    attributes: {
      "header-name": { type: "string", expression: "yes" },
      "query-parameter-name": { type: "string", expression: "yes" },
      "token-value": { type: "string", expression: "yes" },
      "failed-validation-httpcode": { type: "integer", expression: "yes", default: "401" },
      "failed-validation-error-message": { type: "string", expression: "yes" },
      "require-expiration-time": { type: "boolean", expression: "yes", default: "true" },
      "require-scheme": { type: "string", expression: "yes" },
      "require-signed-tokens": { type: "boolean", expression: "yes", default: "true" },
      "clock-skew": { type: "integer", expression: "yes", default: "0" },
      "output-token-variable-name": { type: "string", expression: "no" },
    },
    constraints: [
      { atLeastOneOf: ["header-name", "query-parameter-name", "token-value"] },
      { atMostOneOf: ["header-name", "query-parameter-name", "token-value"] },
    ],
    content: {
      order: "sequence",
      elements: {
        "openid-config": {
          max: many,
          attributes: {
            url: { type: "uri", required: true, expression: "unknown" },
            host: { type: "string", expression: "unknown", undocumented: true },
            "validate-connectivity": { type: "boolean", expression: "unknown", default: "true" },
          },
        },
        "issuer-signing-tokens": { content: { order: "sequence", elements: { token: { max: many, content: "text" } } } },
        "issuer-signing-keys": {
          content: {
            order: "any",
            elements: {
              key: signingKey,
              "zumo-master-key": {
                max: many,
                attributes: { id: { type: "string", expression: "unknown", undocumented: true } },
                content: "text",
              },
            },
          },
        },
        "decryption-keys": { content: { order: "sequence", elements: { key: decryptionKey } } },
        audiences: { content: { order: "sequence", elements: { audience: { max: many, content: "text" } } } },
        issuers: { content: { order: "sequence", elements: { issuer: { max: many, content: "text" } } } },
        "required-claims": { content: claims },
      },
    },
  },
};
