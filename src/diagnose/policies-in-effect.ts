import { type DocumentId, documentTitle, policyScopeOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type EffectiveElement, type ElementContent, effective } from "../policy/effective.ts";
import type { Place } from "../policy/steps.ts";
import { credentialsOf, findBackend } from "../pool/backend.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { valuesOf } from "./reads.ts";

/** The service's documents as calls meet them; null where a part of them could not be read: then nothing is known of what policies do. */
export function servingOf(evidence: Evidence): Inventory | null {
  const read = valuesOf(servingReads(evidence));
  return "values" in read ? servingInventory(read.values) : null;
}

/** The policies that calls of the APIs that were asked about meet, by way of any product and operation; each once. */
function policiesMet(inventory: Inventory, evidence: Evidence): readonly EffectiveElement[] {
  const found = met.get(evidence) ?? merged(inventory, evidence);
  met.set(evidence, found);
  return found;
}

/** Merged once for all checks on the same evidence. */
const met = new WeakMap<Evidence, readonly EffectiveElement[]>();

function merged(inventory: Inventory, evidence: Evidence): readonly EffectiveElement[] {
  const operations = [...inventory.policies.keys()].flatMap(operationOf);
  const all = apisAsked(inventory, evidence).flatMap((apiId) => {
    const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
    const own = operations.filter((operation) => operation.apiId === apiId).map(({ operationId }) => operationId);
    return [null, ...products].flatMap((productId) =>
      [null, ...own].flatMap((operationId) => effective(inventory, { apiId, operationId, productId }).elements),
    );
  });
  return [...new Map(all.map((element) => [`${placeText(element.place)} ${element.name}`, element])).values()];
}

function operationOf(id: DocumentId): readonly { readonly apiId: string; readonly operationId: string }[] {
  const scope = policyScopeOf(id);
  return scope?.kind === "operation" && scope.workspaceId === undefined ? [scope] : [];
}

/** `API 'azure-openai' policy, line 7`. */
export const placeText = ({ document, line }: Place): string => `${documentTitle(document)}, line ${line}`;

/** A policy that ends the call with an answer of its own: https://learn.microsoft.com/azure/api-management/return-response-policy */
const answering = ["return-response", "mock-response"];

/** Where a policy answers calls with this status itself; null where none is known to. A status that an expression decides may be any. */
export function answeredBy(evidence: Evidence, status: number): string | null {
  const inventory = servingOf(evidence);
  if (inventory === null) return null;
  const found = policiesMet(inventory, evidence).find((element) => answers(element, status));
  return found === undefined ? null : `${placeText(found.place)} (${found.name})`;
}

/** Whether a policy answers calls itself, with whatever status: then those need no backend. */
export function answersItself(evidence: Evidence): boolean {
  const inventory = servingOf(evidence);
  return inventory !== null && policiesMet(inventory, evidence).some(({ name }) => answering.includes(name));
}

/** Assumed: without a code a policy answers 200. */
function statusOf(element: ElementContent): number {
  const code =
    element.name === "mock-response"
      ? element.attributes["status-code"]
      : element.content.find(({ name }) => name === "set-status")?.attributes.code;
  return Number(code ?? 200);
}

/** Where a policy gives an answer of the backend this status; null where none is known to. */
export function rewritesAnswer(evidence: Evidence, status: number): string | null {
  const inventory = servingOf(evidence);
  if (inventory === null) return null;
  const found = policiesMet(inventory, evidence).find((element) => {
    if (element.section !== "outbound" && element.section !== "on-error") return false;
    return element.name === "set-status" ? Number(element.attributes.code) === status : answers(element, status);
  });
  return found === undefined ? null : `${placeText(found.place)} (${found.name})`;
}

const answers = (element: ElementContent, status: number): boolean => answering.includes(element.name) && statusOf(element) === status;

/** Where policies of this name stand that calls of an API meet, of all APIs without one: all, or those alone that evaluate an expression. */
export function placesOf(evidence: Evidence, name: string, apiId: string | null, evaluating: boolean): readonly string[] {
  const inventory = servingOf(evidence);
  if (inventory === null) return [];
  const met = policiesMet(inventory, apiId === null ? evidence : { ...evidence, apiId });
  return [
    ...new Set(met.filter((element) => element.name === name && (!evaluating || evaluates(element))).map(({ place }) => placeText(place))),
  ];
}

const evaluates = ({ attributes, text, content }: ElementContent): boolean =>
  [...Object.values(attributes), text].some((one) => /^@[({]/.test(one.trim())) || content.some(evaluates);

/** Policies that make another request of what the caller has sent. */
const rewriting = ["set-body", "rewrite-uri", "set-query-parameter", "find-and-replace", "json-to-xml", "xml-to-json"];

/** Where the request is rewritten before it goes to a backend; null where it surely is not, and where nothing is known. */
export function rewrittenBy(evidence: Evidence): string | null {
  const inventory = servingOf(evidence);
  if (inventory === null) return null;
  const found = policiesMet(inventory, evidence).find(
    ({ name, section, within }) =>
      rewriting.includes(name) && (section === "inbound" || section === "backend") && !within.includes("send-request"),
  );
  return found === undefined ? null : `${placeText(found.place)} (${found.name})`;
}

const credentialHeaders = /^(?:authorization|api-key|ocp-apim-subscription-key|x-api-key|x-functions-key)$/i;

/** Whether a credential goes to a backend: of a policy, or of the backend itself; null where that cannot be told. */
export function isSignedIn(evidence: Evidence, backends: readonly string[]): boolean | null {
  const inventory = servingOf(evidence);
  if (inventory === null) return null;
  const byPolicy = policiesMet(inventory, evidence).some(
    ({ name, attributes }) =>
      name.startsWith("authentication-") ||
      name === "get-authorization-context" ||
      (name === "set-header" && credentialHeaders.test(attributes.name ?? "") && attributes["exists-action"] !== "delete"),
  );
  const known = backends.flatMap((name) => findBackend(inventory.backends, name) ?? []);
  return byPolicy || known.some(({ properties }) => credentialsOf(properties).length > 0);
}
