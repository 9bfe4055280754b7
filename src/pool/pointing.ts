import { GatewayError } from "../errors.ts";
import { type Document, policyDocumentId, policyText, withPolicyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { appendChild, applyEdits, type Edit, prependChild, removeAttribute, setAttribute } from "../policy/edit.ts";
import { type StepReader, stepReader } from "../policy/steps.ts";
import { sameUrl } from "./backend.ts";
import { emptyPolicy } from "./retry-edit.ts";
import type { Route } from "./routes.ts";

/**
 * The API's own policy with its traffic to `from` sent to a pool: the `set-backend-service` that say so there are pointed at it, and where none
 * does, for the choice is inherited, included or the service URL's, one is added at the end of `<inbound>`. Documents that other APIs use stay.
 */
export function pointedAt(inventory: Inventory, apiId: string, from: Route, poolId: string): Document {
  const id = policyDocumentId({ kind: "api", apiId });
  const known = inventory.policies.get(id) ?? null;
  const text = known === null ? emptyPolicy : policyText(known);
  const own = parse(text);
  if (own.root === null || own.root.name !== "policies") {
    throw new GatewayError("unsupported", `The policy of API '${apiId}' has no <policies> root: it cannot be pointed at a pool.`, {
      hint: `Write <set-backend-service backend-id="${poolId}" /> into it with apply_policy.`,
    });
  }
  const reader = stepReader(inventory);
  const selections = [...descendants(own.root)].filter(
    (element) => element.name === "set-backend-service" && selects(element, from, reader),
  );
  const edits = selections.length > 0 ? selections.flatMap((element) => pointed(own, element, poolId)) : [added(own, own.root, poolId)];
  const properties = withPolicyText(known?.properties ?? null, applyEdits(text, edits));
  return { id, properties, etag: known?.etag ?? "" };
}

function selects(element: Element, { backendId, url }: Route, reader: StepReader): boolean {
  const read = (name: string): string | null => {
    const written = attribute(element, name);
    return written === undefined ? null : reader.resolve(written.trim()).text;
  };
  const [target, base] = [read("backend-id"), read("base-url")];
  return backendId === null
    ? target === null && base !== null && url !== null && sameUrl(base, url)
    : target !== null && sameName(target, backendId);
}

function pointed(own: PolicyDocument, element: Element, poolId: string): readonly Edit[] {
  const edits = attribute(element, "base-url") === undefined ? [] : [removeAttribute(own, element, "base-url")];
  return [...edits, setAttribute(own, element, "backend-id", poolId)];
}

function added(own: PolicyDocument, root: Element, poolId: string): Edit {
  const selection = `<set-backend-service backend-id="${poolId}" />`;
  const [inbound] = childElements(root, "inbound");
  return inbound === undefined
    ? prependChild(own, root, `<inbound>\n    <base />\n    ${selection}\n</inbound>`)
    : appendChild(own, inbound, selection);
}
