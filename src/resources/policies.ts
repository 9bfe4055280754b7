import { GatewayError } from "../errors.ts";
import { documentTitle, type PolicyScope, policyDocumentId, policyText } from "../gateway/documents.ts";
import { policyTarget, type TargetNames } from "../gateway/targets.ts";
import type { ResourceTemplate } from "../resource.ts";

/**
 * A policy document by its scope: `global`, `api:azure-openai`, `product:aoai`; `workspace:growth`, and `api:workspaces/growth/apis/chat` for what is in
 * one. Policies of single operations are left to `get_policy`. Ids have no colon: https://learn.microsoft.com/rest/api/apimanagement/apis/create-or-update#uri-parameters
 */
export const policies: ResourceTemplate = {
  uriTemplate: "apim://policies/{scope}",
  name: "policy",
  title: "Policy of a scope",
  description: "Policy XML as deployed, keys hidden. scope: global, api:ID, product:ID, workspace:ID",
  mimeType: "application/xml",
  known: async ({ gateway }) => (await gateway.policyScopes()).flatMap(nameOf),
  async text({ gateway }, scope) {
    const [{ openRedaction }, id] = await Promise.all([
      import("../policy/redaction.ts"),
      policyTarget(gateway, targetOf(scope)).then(policyDocumentId),
    ]);
    const document = await gateway.document(id);
    if (document !== null) return openRedaction().policy(policyText(document));
    throw new GatewayError("not_found", `There is no ${documentTitle(id)}: the scope inherits.`, {
      hint: "get_policy with view effective shows what its calls meet.",
    });
  },
};

function nameOf(scope: PolicyScope): readonly string[] {
  switch (scope.kind) {
    case "global":
      return ["global"];
    case "workspace":
      return [`workspace:${scope.workspaceId}`];
    case "product":
      return [`product:${within(scope.workspaceId, "products", scope.productId)}`];
    case "api":
      return [`api:${within(scope.workspaceId, "apis", scope.apiId)}`];
    case "operation":
      return [];
  }
}

const within = (workspaceId: string | undefined, collection: string, id: string): string =>
  workspaceId === undefined ? id : `workspaces/${workspaceId}/${collection}/${id}`;

function targetOf(scope: string): TargetNames {
  if (scope.toLowerCase() === "global") return { global: true };
  const [, kind, name = ""] = /^(api|product|workspace):(.+)$/i.exec(scope) ?? [];
  switch (kind?.toLowerCase()) {
    case "api":
      return { api_id: name };
    case "product":
      return { product_id: name };
    case "workspace":
      return { api_id: `workspaces/${name}` };
    default:
      throw new GatewayError("not_found", `'${scope}' is no scope of a policy.`, {
        hint: "Scopes are global, api:ID, product:ID, workspace:ID.",
      });
  }
}
