import { type Document, type JsonObject, type ListedDocument, withPolicyText } from "../../src/gateway/documents.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import type { Api } from "../../src/gateway/model.ts";

export const resourceId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/apim";

/** A service for tests: what is not given is empty. */
export interface Parts {
  /** API ids with their service URL. */
  readonly apis?: Readonly<Record<string, string | null>>;
  /** Product ids with their APIs. */
  readonly products?: Readonly<Record<string, readonly string[]>>;
  /** Policy documents by id, as XML. */
  readonly policies?: Readonly<Record<string, string>>;
  readonly fragments?: Readonly<Record<string, string>>;
  /** Display names with values; null for a secret. */
  readonly namedValues?: Readonly<Record<string, string | null>>;
  readonly backends?: Readonly<Record<string, JsonObject>>;
  readonly sku?: string;
}

export function inventoryOf(parts: Parts): Inventory {
  const sku = parts.sku ?? "StandardV2";
  return {
    service: {
      name: "apim",
      resourceId,
      location: "eastus",
      sku,
      tier: sku === "Consumption" ? "consumption" : "v2",
      gatewayUrl: null,
      tenantId: null,
      regions: ["East US"],
      selfHostedGateways: 0,
    },
    apis: Object.entries(parts.apis ?? { chat: "https://origin.example/" }).map(([id, serviceUrl]) => apiOf(id, serviceUrl)),
    products: Object.entries(parts.products ?? {}).map(([id, apiIds]) => ({ id, displayName: id, apiIds })),
    subscriptions: [],
    policies: new Map(Object.entries(parts.policies ?? {}).map(([id, xml]) => [id, liveDocument(id, withPolicyText(null, xml))])),
    fragments: Object.entries(parts.fragments ?? {}).map(([id, xml]) => ({
      id: `policyFragments/${id}`,
      properties: { format: "rawxml", value: xml },
    })),
    namedValues: Object.entries(parts.namedValues ?? {}).map(([displayName, value], index) => ({
      id: `namedValues/nv-${index}`,
      properties: value === null ? { displayName, secret: true } : { displayName, value },
    })),
    workspaces: [],
    notes: [],
    backends: Object.entries(parts.backends ?? {}).map(([id, properties]) => ({ id: `backends/${id}`, properties })),
  };
}

const apiOf = (id: string, serviceUrl: string | null): Api => ({ id, displayName: id, path: id, serviceUrl, subscriptionRequired: true });

const liveDocument = (id: string, properties: JsonObject): Document => ({ id, properties, etag: `"${id}"` });

/** The backends as a caller would read them one by one. */
export const live = (backends: readonly ListedDocument[]): ReadonlyMap<string, Document> =>
  new Map(backends.map(({ id, properties }) => [id, liveDocument(id, properties)]));

export const single = (url: string, more: JsonObject = {}): JsonObject => ({ url, protocol: "http", ...more });

export const pool = (services: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({ type: "Pool", pool: { services, ...more } });

export const breaker = (more: JsonObject = {}): JsonObject => ({
  circuitBreaker: {
    rules: [
      {
        name: "own-name",
        failureCondition: { count: 3, interval: "PT1M", statusCodeRanges: [{ min: 429, max: 429 }] },
        tripDuration: "PT2M",
        acceptRetryAfter: true,
        ...more,
      },
    ],
  },
});

/** A policy document with these sections; one that is not given inherits. */
export const policy = (inbound: string, backend = "<base />"): string =>
  `<policies>
    <inbound>
        ${inbound}
    </inbound>
    <backend>
        ${backend}
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;
