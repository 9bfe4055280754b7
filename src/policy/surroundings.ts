import {
  type DocumentId,
  documentTitle,
  type ListedDocument,
  type PolicyScope,
  policyDocumentId,
  policyScopeOf,
  policyText,
  workspaceOf,
} from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Operation } from "../gateway/model.ts";
import { parse } from "./document.ts";
import type { AppliedDocument } from "./lints/lint.ts";
import type { References } from "./rules/meaning.ts";

/** What a service has that the policy of a scope outside of its workspaces may refer to. `operation`: the one that the policy stands at. */
export function referencesOf({ backends, fragments, namedValues }: Inventory, operation?: Operation): References {
  return {
    backends: backends.map(({ id }) => nameOf(id)),
    fragments: fragments.filter(isOwn).map(({ id }) => nameOf(id)),
    namedValues: new Map(
      namedValues
        .filter(isOwn)
        .map(({ id, properties: { displayName, value, secret } }) => [
          typeof displayName === "string" ? displayName : nameOf(id),
          typeof value === "string" && secret !== true ? value : null,
        ]),
    ),
    ...(operation === undefined ? {} : { templateParameters: parametersOf(operation.urlTemplate) }),
  };
}

const isOwn = ({ id }: ListedDocument): boolean => workspaceOf(id) === undefined;

/** The other documents that calls of this scope's policy may meet: of broader and of narrower scopes. */
export function appliedBeside({ policies, products }: Inventory, scope: PolicyScope): readonly AppliedDocument[] {
  const own = policyDocumentId(scope);
  return [...policies.values()].flatMap((document) => {
    const other = policyScopeOf(document.id);
    if (other === null || document.id === own || !meet(scope, other, products)) return [];
    return [{ title: documentTitle(document.id), scope: other.kind, document: parse(policyText(document)) }];
  });
}

function meet(a: PolicyScope, b: PolicyScope, products: Inventory["products"]): boolean {
  if (a.kind === "global" || b.kind === "global") return true;
  if (a.workspaceId !== b.workspaceId) return false;
  if (a.kind === "workspace" || b.kind === "workspace") return true;
  if (a.kind === "product") return b.kind !== "product" && inProduct(a.productId, b.apiId, products);
  if (b.kind === "product") return inProduct(b.productId, a.apiId, products);
  return a.apiId === b.apiId && a.kind !== b.kind;
}

const inProduct = (productId: string, apiId: string, products: Inventory["products"]): boolean =>
  products.some(({ id, apiIds }) => id === productId && apiIds.includes(apiId));

const nameOf = (id: DocumentId): string => id.split("/").at(-1) ?? id;

/** Names in `{...}`; a `*` before the name takes the rest of the path (https://learn.microsoft.com/azure/api-management/add-api-manually). */
const parametersOf = (urlTemplate: string): readonly string[] =>
  [...urlTemplate.matchAll(/\{\*?([^}]+)\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
