import type { JsonObject } from "../../../src/gateway/documents.ts";
import { sandboxService, standardV2 } from "../../../src/sandbox/service.ts";
import type { World } from "../../../src/sandbox/world.ts";

export interface Team {
  /** A product's id, `api:<id>`, `apis` or `service`. */
  readonly scope: string;
  readonly displayName?: string;
  readonly state?: "active" | "suspended";
  /** The user whose it is. */
  readonly owner?: string;
}

/** A gateway in shorthand, as it is deployed to the sandbox. */
export interface WrittenGateway {
  /** `StandardV2` where left out. */
  readonly sku?: string;
  /** Subscription id to what its key opens. */
  readonly teams: Readonly<Record<string, Team | string>>;
  /** Product id to its APIs; `llm` with the API `chat` where left out. */
  readonly products?: Readonly<Record<string, readonly string[]>>;
  /** Inbound sections by scope: `global`, `product:<id>`, `api:<id>`, `operation:<api>/<id>`. */
  readonly inbound: Readonly<Record<string, string>>;
  readonly fragments?: Readonly<Record<string, string>>;
  readonly namedValues?: Readonly<Record<string, string | { readonly secret: string }>>;
  /** Operations besides `chat`, by API: their ids, which are the ends of their paths too. */
  readonly operations?: Readonly<Record<string, readonly string[]>>;
  /** More resources by their path, e.g. those of a workspace. */
  readonly resources?: Readonly<Record<string, JsonObject>>;
}

const chat: JsonObject = {
  displayName: "Chat",
  method: "POST",
  urlTemplate: "/deployments/{deployment-id}/chat/completions",
  templateParameters: [{ name: "deployment-id", type: "string", required: true }],
};

const model: JsonObject = {
  url: "https://aoai-eastus.openai.azure.com/openai",
  protocol: "http",
  credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
};

/** Fills an empty sandbox with the gateway; every API has the operation `chat` and goes to one model. */
export function deploy(world: World, gateway: WrittenGateway): void {
  const products = gateway.products ?? { llm: ["chat"] };
  world.service = { ...standardV2, sku: { name: gateway.sku ?? "StandardV2", capacity: 1 } };
  world.put("backends/model", model);
  world.put("policies/policy", policy(gateway.inbound.global ?? '<set-backend-service backend-id="model" />', "global"));
  for (const [id, value] of Object.entries(gateway.namedValues ?? {})) {
    const secret = typeof value !== "string";
    world.put(`namedValues/${id}`, { displayName: id, value: secret ? value.secret : value, secret });
  }
  for (const [id, xml] of Object.entries(gateway.fragments ?? {})) {
    world.put(`policyFragments/${id}`, { format: "rawxml", value: `<fragment>\n    ${xml.replaceAll("\n", "\n    ")}\n</fragment>` });
  }
  for (const id of new Set(Object.values(products).flat())) putApi(world, id);
  for (const [api, ids] of Object.entries(gateway.operations ?? {})) {
    for (const id of ids)
      world.put(`apis/${api}/operations/${id}`, { ...chat, displayName: id, urlTemplate: `/deployments/{deployment-id}/${id}` });
  }
  for (const [id, apis] of Object.entries(products)) {
    world.put(`products/${id}`, { displayName: id, subscriptionRequired: true, state: "published" });
    for (const api of apis) world.put(`products/${id}/apis/${api}`, {});
  }
  for (const [scope, xml] of Object.entries(gateway.inbound)) {
    if (scope !== "global") world.put(policyPath(scope), policy(xml, scope));
  }
  for (const [id, team] of Object.entries(gateway.teams)) putTeam(world, id, typeof team === "string" ? { scope: team } : team);
  for (const [path, properties] of Object.entries(gateway.resources ?? {})) world.put(path, properties);
}

function putApi(world: World, id: string): void {
  const subscriptionKeyParameterNames = { header: "api-key", query: "subscription-key" };
  world.put(`apis/${id}`, {
    displayName: id,
    apiRevision: "1",
    isCurrent: true,
    path: id,
    protocols: ["https"],
    subscriptionRequired: true,
    subscriptionKeyParameterNames,
  });
  world.put(`apis/${id}/operations/chat`, chat);
}

function putTeam(world: World, id: string, { scope, displayName = `Team ${id}`, state = "active", owner }: Team): void {
  const [kind, name = ""] = scope.split(":");
  const below = scope === "service" ? "/" : scope === "apis" ? "/apis" : kind === "api" ? `/apis/${name}` : `/products/${scope}`;
  world.put(`subscriptions/${id}`, {
    displayName,
    scope: `${sandboxService.resourceId}${below}`,
    state,
    allowTracing: false,
    ...ownedBy(world, owner),
  });
}

function ownedBy(world: World, owner: string | undefined): JsonObject {
  if (owner === undefined) return {};
  const path = `users/${owner}`;
  if (world.get(path) === undefined) world.put(path, { firstName: owner, lastName: "X", email: `${owner}@contoso.com`, state: "active" });
  return { ownerId: `${sandboxService.resourceId}/${path}` };
}

function policyPath(scope: string): string {
  const [kind, name = ""] = scope.split(":");
  if (kind === "operation") return `apis/${name.replace("/", "/operations/")}/policies/policy`;
  return `${kind}s/${name}/policies/policy`;
}

function policy(inbound: string, scope: string): JsonObject {
  const rest = ["backend", "outbound", "on-error"].map((section) => {
    const inner = scope !== "global" ? "<base />" : section === "backend" ? "<forward-request />" : "";
    return `    <${section}>${inner}</${section}>`;
  });
  const value = `<policies>\n    <inbound>\n        ${inbound.replaceAll("\n", "\n        ")}\n    </inbound>\n${rest.join("\n")}\n</policies>`;
  return { format: "rawxml", value };
}
