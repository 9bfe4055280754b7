import { GatewayError } from "../../errors.ts";
import { type Document, type DocumentId, policyDocumentId, policyText } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import { attribute, childElements, parse } from "../../policy/document.ts";
import { appendChild, applyEdits, insertAfter } from "../../policy/edit.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import { allSteps, policyChain, type Step, stepReader } from "../../policy/steps.ts";
import { emptyPolicy } from "../retry-edit.ts";
import { type Route, resolveRoutes } from "../routes.ts";

/** A policy document with what sends calls to another pool. */
interface Redirected {
  readonly id: DocumentId;
  readonly before: Document | null;
  readonly text: string;
}

/**
 * The API's policies with `xml` behind whatever selects this pool, in the API's own documents: no other API meets it. Where a product, a
 * fragment or the global policy selects the pool for all of the API's calls, it stands at the end of the API's `<inbound>`.
 *
 * Throws `unsupported` where an expression selects the pool, or where another scope does for some of the calls only: then no text of the API
 * alone would send exactly these calls elsewhere.
 */
export function redirected(inventory: Inventory, csharp: CSharp, apiId: string, poolId: string, xml: string): readonly Redirected[] {
  const { routes } = resolveRoutes(inventory, csharp, apiId);
  const here = routes.filter(({ backendId }) => backendId !== null && sameName(backendId, poolId));
  if (here.some(({ certainty }) => certainty === "dynamic")) throw cannot(apiId, "an expression selects its pool");
  const selections = selectionsOf(inventory, apiId, poolId, here);
  const isOwn = ({ place }: Step) => ownDocument(apiId, place.document);
  // Whatever an expression comes to today: what it selects is not seen in the text.
  if (selections.length === 0 || selections.some(({ computed }) => computed)) throw cannot(apiId, "an expression selects its pool");
  if (selections.every(isOwn)) return besideSelections(inventory, selections, xml);
  const [only, ...more] = routes;
  if (only?.certainty !== "certain" || more.length > 0) throw cannot(apiId, "another scope selects its pool for some of its calls");
  if (selections.some(({ section }) => section === "backend")) throw cannot(apiId, "another scope selects its pool in <backend>");
  return [atEndOfInbound(inventory, policyDocumentId({ kind: "api", apiId }), xml)];
}

interface Selection extends Step {
  readonly section: "inbound" | "backend";
  /** Whether an expression says which backend it selects. */
  readonly computed: boolean;
}

/** Every `set-backend-service` on the API's ways that selects the pool, or may, each once. */
function selectionsOf(inventory: Inventory, apiId: string, poolId: string, routes: readonly Route[]): readonly Selection[] {
  const reader = stepReader(inventory);
  const products = inventory.products.filter(({ apiIds }) => apiIds.some((id) => sameName(id, apiId))).map(({ id }) => id);
  const operations = [null, ...routes.flatMap(({ operationId }) => operationId ?? [])];
  const found = new Map<string, Selection>();
  for (const productId of [null, ...products]) {
    for (const operationId of operations) {
      const steps = reader.steps(policyChain({ apiId, operationId, productId }));
      for (const section of ["inbound", "backend"] as const) {
        for (const step of allSteps(steps[section])) {
          const named = backendNamed(step, (text) => reader.resolve(text, step.place.document).text);
          const computed = named !== null && /^@[({]/.test(named);
          if (named === null || !(computed || sameName(named, poolId))) continue;
          found.set(`${step.place.document}\n${step.element.span.start}`, { ...step, section, computed });
        }
      }
    }
  }
  return [...found.values()];
}

/** What a `set-backend-service` has as `backend-id`, named values put in; null for every other policy. */
function backendNamed({ element }: Step, resolve: (text: string) => string): string | null {
  if (element.name !== "set-backend-service") return null;
  const named = attribute(element, "backend-id");
  return named === undefined ? null : resolve(named.trim());
}

const ownDocument = (apiId: string, id: DocumentId): boolean => {
  const prefix = `apis/${apiId}/`.toLowerCase();
  return id.toLowerCase().startsWith(prefix);
};

function besideSelections({ policies }: Inventory, selections: readonly Selection[], xml: string): readonly Redirected[] {
  const ids = [...new Set(selections.map(({ place }) => place.document))];
  return ids.map((id) => {
    const own = selections.filter(({ place }) => place.document === id);
    const edits = own.map(({ policy, element }) => insertAfter(policy, element, xml));
    return { id, before: policies.get(id) ?? null, text: applyEdits(own[0]?.policy.source ?? "", edits) };
  });
}

/** A section that is left out inherits: one that is put there has to say so. */
function atEndOfInbound({ policies }: Inventory, id: DocumentId, xml: string): Redirected {
  const before = policies.get(id) ?? null;
  const document = parse(before === null ? emptyPolicy : policyText(before));
  const { root } = document;
  if (root === null || document.problems.length > 0) throw new GatewayError("unsupported", `The policy ${id} is not well-formed.`);
  const [inbound] = childElements(root, "inbound");
  const edit = inbound === undefined ? appendChild(document, root, section(xml)) : appendChild(document, inbound, xml);
  return { id, before, text: applyEdits(document.source, [edit]) };
}

const section = (xml: string): string => `<inbound>\n    <base />\n${xml.replace(/^/gm, "    ")}\n</inbound>`;

const cannot = (apiId: string, why: string): GatewayError =>
  new GatewayError("unsupported", `No drill can be planned for API '${apiId}': ${why}.`, {
    hint: `get_backend_pool shows where its calls go; a set-backend-service with the pool's name in the API's own policy makes drills possible.`,
  });
