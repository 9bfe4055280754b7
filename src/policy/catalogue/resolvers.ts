import { type AttributeDefinition, type ChildDefinition, type Children, many, type PolicyDefinition, type PolicyTable } from "./types.ts";

/** A resolver stands in no section and at none of the scopes of other policies: it is a document of its own. */
const resolver: Pick<PolicyDefinition, "resolver" | "sections" | "scopes"> = { resolver: true, sections: [], scopes: [] };

const liquid: AttributeDefinition = { type: ["liquid"], expression: "unknown" };

const optionalText: AttributeDefinition = { type: "string", expression: "unknown" };

const templated: ChildDefinition = { attributes: { template: liquid }, content: "text" };

const partitionKey: ChildDefinition = {
  attributes: { "data-type": { type: "string", expression: "unknown", default: "string" }, template: liquid },
  content: "text",
};

const etag: ChildDefinition = {
  attributes: { type: { type: "string", expression: "unknown", default: "match" }, template: liquid },
  content: "text",
};

const fragments: ChildDefinition = { max: many, policy: true };

const resolverResponse: Children = {
  order: "any",
  elements: { "set-body": { policy: true }, "publish-event": { policy: true }, "include-fragment": fragments },
};

export const resolvers: PolicyTable = {
  "cosmosdb-data-source": {
    ...resolver,
    gateways: ["classic", "v2"],
    content: {
      order: "any",
      elements: {
        "connection-info": {
          required: true,
          content: {
            order: "any",
            elements: {
              "connection-string": {
                required: true,
                attributes: {
                  "use-managed-identity": { type: "boolean", expression: "yes", default: "false" },
                  "client-id": { type: "string", expression: "unknown", undocumented: true },
                },
                content: "text",
              },
              "database-name": { required: true, content: "text" },
              "container-name": { required: true, content: "text" },
            },
          },
        },
        "query-request": {
          attributes: { "enable-low-precision-order-by": { type: "boolean", expression: "unknown" } },
          content: {
            order: "any",
            text: true,
            elements: {
              "sql-statement": { content: "text" },
              parameters: {
                content: {
                  order: "sequence",
                  elements: {
                    parameter: {
                      max: many,
                      attributes: {
                        name: { type: "string", required: true, expression: "unknown" },
                        type: { type: "string", expression: "unknown", undocumented: true },
                        template: liquid,
                      },
                      content: "text",
                    },
                  },
                },
              },
              "partition-key": partitionKey,
              paging: {
                content: {
                  order: "any",
                  elements: {
                    "max-item-count": { required: true, ...templated },
                    "continuation-token": { required: true, ...templated },
                  },
                },
              },
            },
          },
        },
        "read-request": {
          content: { order: "any", text: true, elements: { id: { required: true, ...templated }, "partition-key": partitionKey } },
        },
        "delete-request": {
          attributes: { "consistency-level": optionalText, "pre-trigger": optionalText, "post-trigger": optionalText },
          content: {
            order: "any",
            text: true,
            elements: { id: { required: true, ...templated }, "partition-key": partitionKey, etag },
          },
        },
        "write-request": {
          attributes: {
            type: { type: ["insert", "replace", "upsert"], expression: "unknown", default: "upsert" },
            "consistency-level": optionalText,
            "indexing-directive": { type: "string", expression: "unknown", default: "default" },
            "pre-trigger": optionalText,
            "post-trigger": optionalText,
            "enable-content-response-on-write": { type: "string", expression: "unknown", undocumented: true },
          },
          content: {
            order: "any",
            text: true,
            elements: {
              id: templated,
              "partition-key": partitionKey,
              etag,
              "set-body": { policy: true },
              "include-fragment": fragments,
            },
          },
        },
        response: { content: resolverResponse },
      },
    },
  },
  "graphql-data-source": {
    ...resolver,
    undocumented: true,
    gateways: ["classic", "v2", "consumption"],
    content: "any",
  },
  "http-data-source": {
    ...resolver,
    gateways: ["classic", "v2", "consumption"],
    content: {
      order: "sequence",
      elements: {
        "http-request": {
          required: true,
          content: {
            order: "sequence",
            elements: {
              "get-authorization-context": { policy: true },
              "set-backend-service": { policy: true },
              "set-method": { required: true, policy: true },
              "set-url": { required: true, content: "uri" },
              "include-fragment": fragments,
              "set-header": { max: many, policy: true },
              "set-body": { policy: true },
              "authentication-certificate": { policy: true },
            },
          },
        },
        backend: { content: { order: "sequence", elements: { "forward-request": { policy: true } } } },
        "http-response": {
          content: {
            order: "sequence",
            elements: {
              "set-body": { policy: true },
              "json-to-xml": { policy: true },
              "xml-to-json": { policy: true },
              "find-and-replace": { policy: true },
              "publish-event": { policy: true },
              "include-fragment": fragments,
            },
          },
        },
      },
    },
  },
  "publish-event": {
    sections: [],
    scopes: [],
    gateways: ["classic", "v2", "consumption"],
    content: {
      order: "sequence",
      elements: {
        targets: {
          required: true,
          content: {
            order: "sequence",
            elements: {
              "graphql-subscription": {
                required: true,
                max: many,
                attributes: { id: { type: "string", required: true, expression: "unknown" } },
              },
            },
          },
        },
      },
    },
  },
  "sql-data-source": {
    ...resolver,
    gateways: ["classic", "v2"],
    content: {
      order: "sequence",
      elements: {
        "connection-info": {
          required: true,
          content: {
            order: "sequence",
            elements: {
              "get-authorization-context": { policy: true },
              "connection-string": {
                required: true,
                attributes: {
                  "use-managed-identity": { type: "boolean", expression: "yes", default: "false" },
                  scope: { type: "string", expression: "unknown", undocumented: true },
                  "client-id": { type: "string", expression: "unknown", undocumented: true },
                },
                content: "text",
              },
              "include-fragment": fragments,
              "authentication-certificate": { policy: true },
            },
          },
        },
        "include-fragment": fragments,
        request: {
          required: true,
          attributes: { "single-result": { type: "boolean", expression: "yes", default: "false" } },
          content: {
            order: "sequence",
            elements: {
              "include-fragment": { policy: true },
              "set-body": { policy: true },
              "sql-statement": { required: true, content: "text" },
              parameters: {
                content: {
                  order: "sequence",
                  elements: {
                    parameter: {
                      required: true,
                      max: many,
                      attributes: { name: { type: "string", required: true, expression: "unknown" }, "sql-type": optionalText },
                      content: "text",
                    },
                  },
                },
              },
            },
          },
        },
        response: { content: resolverResponse },
      },
    },
  },
};
