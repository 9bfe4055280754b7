import { type DocumentId, fragmentDocumentId, type ListedDocument, policyText } from "../../src/gateway/documents.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import type { Api, Operation, Product, Subscription } from "../../src/gateway/model.ts";
import type { QuotaEdit } from "../../src/quota/plan.ts";

/** A gateway in shorthand: what differs from one with product `aoai`, API `openai` and the teams given. */
export interface Shorthand {
  /** Subscription id to its scope: a product's id, `api:<id>`, `apis` or `service`. */
  readonly teams: Readonly<Record<string, string>>;
  /** Inbound sections by scope: `global`, `product:<id>`, `api:<id>`, `operation:<api>/<id>`. */
  readonly inbound: Readonly<Record<string, string>>;
  readonly fragments?: Readonly<Record<string, string>>;
  /** A value; null for a secret. */
  readonly namedValues?: Readonly<Record<string, string | null>>;
  /** Product id to its APIs. */
  readonly products?: Readonly<Record<string, readonly string[]>>;
  /** APIs that need no subscription. */
  readonly open?: readonly string[];
  readonly sku?: { readonly name: string; readonly tier: "classic" | "v2" | "consumption" };
  /** Team to the user whose it is. */
  readonly owners?: Readonly<Record<string, string>>;
  /** API to all of its operations; where left out they are not known. */
  readonly operations?: Readonly<Record<string, readonly string[]>>;
  /** Teams that are suspended. */
  readonly suspended?: readonly string[];
  readonly regions?: readonly string[];
  readonly selfHosted?: number | "unknown";
  /** Workspace id to what it has. In a scope of `inbound` it stands before: `data/product:gold`. */
  readonly workspaces?: Readonly<Record<string, Pick<Shorthand, "teams" | "products">>>;
}

export function gateway(shorthand: Shorthand): Inventory {
  const documents = Object.entries(shorthand.inbound).map(([scope, xml]) => {
    const id = documentId(scope);
    return [id, { id, etag: '"1"', properties: { format: "rawxml", value: policy(xml) } }] as const;
  });
  return {
    service: {
      name: "apim",
      resourceId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/apim",
      location: "East US",
      sku: shorthand.sku?.name ?? "Developer",
      tier: shorthand.sku?.tier ?? "classic",
      gatewayUrl: null,
      tenantId: null,
      regions: shorthand.regions ?? ["East US"],
      selfHostedGateways: shorthand.selfHosted ?? 0,
    },
    ...level(shorthand),
    workspaces: Object.entries(shorthand.workspaces ?? {}).map(([id, workspace]) => ({ id, ...level(workspace, id) })),
    policies: new Map(documents),
    fragments: Object.entries(shorthand.fragments ?? {}).map(
      ([id, xml]): ListedDocument => ({
        id: fragmentDocumentId(id),
        properties: { format: "rawxml", value: `<fragment>\n    ${xml}\n</fragment>` },
      }),
    ),
    namedValues: Object.entries(shorthand.namedValues ?? {}).map(([id, value]) => ({
      id: `namedValues/${id}`,
      properties: value === null ? { displayName: id, secret: true } : { displayName: id, value, secret: false },
    })),
    backends: [],
    notes: [],
  };
}

/** The products, APIs and teams of the service itself or of a workspace. */
function level(
  { teams, products = { aoai: ["openai"] }, open = [], suspended = [], owners = {}, operations = {} }: Omit<Shorthand, "inbound">,
  workspaceId?: string,
): { readonly products: readonly Product[]; readonly apis: readonly Api[]; readonly subscriptions: readonly Subscription[] } {
  const apiIds = [...new Set([...Object.values(products).flat(), ...open])];
  return {
    products: Object.entries(products).map(([id, apis]) => ({ id, displayName: id, apiIds: apis })),
    apis: apiIds.map((id) => ({
      id,
      displayName: id,
      path: id,
      serviceUrl: null,
      subscriptionRequired: !open.includes(id),
      ...(operations[id] === undefined ? {} : { operations: operations[id].map(operation) }),
    })),
    subscriptions: Object.entries(teams).map(([id, scope]) => ({
      id,
      displayName: `Team ${id}`,
      state: suspended.includes(id) ? "suspended" : "active",
      scope: scopeOf(scope),
      ...(owners[id] === undefined ? {} : { ownerId: owners[id] }),
      ...(workspaceId === undefined ? {} : { workspaceId }),
    })),
  };
}

const operation = (id: string): Operation => ({ id, displayName: `Operation ${id}`, method: "POST", urlTemplate: `/${id}` });

function policy(inbound: string): string {
  return `<policies>\n    <inbound>\n        ${inbound.replaceAll("\n", "\n        ")}\n    </inbound>\n    <backend>\n        <base />\n    </backend>\n</policies>\n`;
}

function documentId(written: string): DocumentId {
  const [, workspaceId, scope = ""] = /^(?:([^/:]+)\/)?(.*)$/.exec(written) ?? [];
  if (workspaceId !== undefined) return `workspaces/${workspaceId}/${documentId(scope === "" ? "global" : scope)}`;
  const [kind, name = ""] = scope.split(":");
  if (kind === "global") return "policies/policy";
  if (kind === "operation") return `apis/${name.replace("/", "/operations/")}/policies/policy`;
  return `${kind}s/${name}/policies/policy`;
}

function scopeOf(scope: string): Subscription["scope"] {
  if (scope === "apis" || scope === "service") return { kind: scope };
  return scope.startsWith("api:") ? { kind: "api", apiId: scope.slice(4) } : { kind: "product", productId: scope };
}

/** The inventory with a planned change made. */
export function changed(inventory: Inventory, edit: QuotaEdit): Inventory {
  const policies = new Map(inventory.policies);
  const replaced = (listed: ListedDocument): ListedDocument => {
    const change = edit.documents.find(({ id }) => id === listed.id);
    return change === undefined ? listed : { ...listed, properties: change.after };
  };
  for (const { id, after } of edit.documents) {
    if (id.endsWith("policies/policy")) policies.set(id, { id, etag: '"2"', properties: after });
  }
  return { ...inventory, policies, fragments: inventory.fragments.map(replaced), namedValues: inventory.namedValues.map(replaced) };
}

/** The inbound section of a scope's policy, without the indentation that `gateway` gave it. */
export function inboundOf(inventory: Inventory, scope: string): string {
  const document = inventory.policies.get(documentId(scope));
  const text = document === undefined ? "" : policyText(document);
  return (/<inbound>\n {8}(.*?)\n {4}<\/inbound>/s.exec(text)?.[1] ?? text).replaceAll("\n        ", "\n");
}

/** A limit's id without the mark of what it is: `products/aoai#tpm/1`. */
export const withoutMark = (limitId: string): string => limitId.replace(/(#\w+\/\d+)\.[0-9a-z]+/g, "$1");

export const own = "@(context.Subscription.Id)";

export function tokenLimit(tpm: number | string, key = own, more = ""): string {
  return `<llm-token-limit counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="true"${more} />`;
}

export function rateLimit(calls: number | string, seconds: number, key = own): string {
  return `<rate-limit-by-key calls="${calls}" renewal-period="${seconds}" counter-key="${key}" />`;
}

/** A `choose` of conditions and what stands under them; `null` is `otherwise`. */
export function choose(...branches: readonly (readonly [condition: string | null, xml: string])[]): string {
  const lines = branches.map(([condition, xml]) => {
    const [open, close] = condition === null ? ["<otherwise>", "</otherwise>"] : [`<when condition="${condition}">`, "</when>"];
    return `    ${open}\n        ${xml.replaceAll("\n", "\n        ")}\n    ${close}`;
  });
  return `<choose>\n${lines.join("\n")}\n</choose>`;
}
