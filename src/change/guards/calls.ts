import { documentKind, documentTitle, type PolicyScope, policyDocumentId, policyScopeOf } from "../../gateway/documents.ts";
import { sameName } from "../../gateway/model.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { type CallPath, policyChain } from "../../policy/steps.ts";
import { type Judged, textsOf } from "./states.ts";

/**
 * The ways that calls can take: to each API and operation, with a subscription of each product and without, and those of each policy's own
 * scope, whether the service was read or not.
 */
export function allPaths(judged: Judged): readonly CallPath[] {
  const texts = textsOf(judged);
  const scopes = [...new Set([...texts.before.policies.keys(), ...texts.after.policies.keys()])]
    .map(policyScopeOf)
    .filter((scope) => scope !== null);
  const { apis = [], products = [] } = judged.service?.inventory ?? {};
  return [
    ...apis.flatMap(({ id: apiId }) => {
      const operations = scopes.flatMap((scope) =>
        scope.kind === "operation" && scope.workspaceId === undefined && sameName(scope.apiId, apiId) ? [scope.operationId] : [],
      );
      const having = products.filter(({ apiIds }) => apiIds.some((id) => sameName(id, apiId))).map(({ id }) => id);
      return [null, ...having].flatMap((productId) => [null, ...operations].map((operationId) => ({ apiId, operationId, productId })));
    }),
    ...scopes.map(ownPath),
  ];
}

/** The ways on which calls can meet a policy, fragment or named value that the change alters, each once. */
export function concernedPaths(judged: Judged): readonly CallPath[] {
  const paths = allPaths(judged).filter((path) => isConcerned(path, judged.documents));
  return [...new Map(paths.map((path) => [policyChain(path).join("\n").toLowerCase(), path])).values()];
}

/** Calls that a policy of the scope is met by, whichever else they meet. */
const ownPath = (scope: PolicyScope): CallPath => ({
  ...(scope.kind === "global" ? {} : { workspaceId: scope.workspaceId }),
  apiId: scope.kind === "api" || scope.kind === "operation" ? scope.apiId : null,
  operationId: scope.kind === "operation" ? scope.operationId : null,
  productId: scope.kind === "product" ? scope.productId : null,
});

/** A fragment or named value may stand in any policy. */
export function isConcerned(path: CallPath, documents: readonly Pick<ProposedDocument, "id">[]): boolean {
  const chain = policyChain(path);
  return documents.some(({ id }) => {
    const kind = documentKind(id);
    return kind === "fragment" || kind === "named_value" || (kind === "policy" && chain.some((one) => sameName(one, id)));
  });
}

/** `API 'chat'`, `API 'chat' with product 'gold'`, `product 'gold'`, `workspace 'growth'`, `every API`. */
export function titleOfCalls({ workspaceId, apiId, operationId, productId }: CallPath): string {
  const title = (scope: PolicyScope) => documentTitle(policyDocumentId(scope)).replace(/ policy$/, "");
  const product = productId === null ? null : title({ kind: "product", workspaceId, productId });
  if (apiId === null) return product ?? (workspaceId === undefined ? "every API" : title({ kind: "workspace", workspaceId }));
  const api = title(operationId === null ? { kind: "api", workspaceId, apiId } : { kind: "operation", workspaceId, apiId, operationId });
  return product === null ? api : `${api} with ${product}`;
}
