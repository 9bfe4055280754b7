import { GatewayError } from "../errors.ts";
import { documentTitle, policyDocumentId, policyScopeOf, policyText, withPolicyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { ProposedDocument } from "../gateway/proposal.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { applyEdits, attributeText, type Edit, insertAfter, prependChild, replaceElement, setAttribute } from "../policy/edit.ts";
import { relativeSource } from "../policy/indentation.ts";
import { allSteps, policyChain, type Step, stepReader } from "../policy/steps.ts";
import { defaultRetryCount, defaultStatusCodes, type RetryInput, statusCodeRanges } from "./request.ts";

export interface RetryEdit {
  /** The API's policy before and after; null where it is as asked already. */
  readonly document: ProposedDocument | null;
  readonly warnings: readonly string[];
}

/**
 * The API's policy with a retry around its call to the backend, or without one for null. A retry that is there is edited in
 * place; a call that the API inherits is brought into its own `<backend>`. Throws `unsupported` where the call stands in a
 * fragment or in several places, or among inherited policies that would be lost.
 */
export function editRetry(inventory: Inventory, apiId: string, retry: RetryInput | null): RetryEdit {
  const id = policyDocumentId({ kind: "api", apiId });
  const before = inventory.policies.get(id) ?? null;
  const text = before === null ? emptyPolicy : policyText(before);
  const after = applyEdits(text, retryEdits(inventory, apiId, parse(text), retry));
  if (after === text) return { document: null, warnings: [] };
  return {
    document: { id, before, after: withPolicyText(before?.properties ?? null, after) },
    warnings: operationsWithOwnCall(inventory, apiId),
  };
}

/** What an API without a policy document has in effect. */
export const emptyPolicy = `<policies>
    <inbound>
        <base />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;

function retryEdits(inventory: Inventory, apiId: string, own: PolicyDocument, retry: RetryInput | null): readonly Edit[] {
  if (own.root === null || own.root.name !== "policies") throw byHand("the API's policy has no <policies> root", retry);
  const [backend] = childElements(own.root, "backend");
  const [base] = backend === undefined ? [] : childElements(backend, "base");
  const calls = backend === undefined ? [] : [...descendants(backend)].filter(({ name }) => name === "forward-request");
  if (backend === undefined || (base !== undefined && calls.length === 0)) {
    const call = inheritedCall(inventory, apiId, retry);
    if (call === null) return [];
    if (base !== undefined) return [replaceElement(own, base, call)];
    const section = `<backend>\n    ${nested(call)}\n</backend>`;
    const [inbound] = childElements(own.root, "inbound");
    return [inbound === undefined ? prependChild(own, own.root, section) : insertAfter(own, inbound, section)];
  }
  const { backend: steps } = stepReader(inventory).steps(policyChain({ apiId, operationId: null, productId: null }));
  const all = [...allSteps(steps)].filter(({ element }) => element.name === "forward-request");
  const [call] = calls;
  if (call === undefined || calls.length > 1 || all.length > 1) {
    throw byHand(
      `the API's <backend> calls the backend ${call === undefined ? "in a fragment or not at all" : "in several places"}`,
      retry,
    );
  }
  const around = enclosingRetry(call);
  if (retry !== null)
    return around === null ? [replaceElement(own, call, wrapped(relativeSource(own, call), retry))] : editsOf(own, around, retry);
  if (around === null) return [];
  if (childElements(around).length > 1 || call.parent !== around) throw byHand("the retry holds more than the call to the backend", retry);
  return [replaceElement(own, around, relativeSource(own, call))];
}

/** The retried call for an API that inherits its own; null where the inherited one is as asked. */
function inheritedCall(inventory: Inventory, apiId: string, retry: RetryInput | null): string | null {
  const reader = stepReader({
    ...inventory,
    policies: new Map([...inventory.policies].filter(([id]) => id !== policyDocumentId({ kind: "api", apiId }))),
  });
  const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
  const [steps = [], ...others] = [null, ...products].map(
    (productId) => reader.steps(policyChain({ apiId, operationId: null, productId })).backend,
  );
  const different = others.flat().find((step) => !steps.some(({ element }) => element === step.element));
  if (different !== undefined) throw byHand(`${documentTitle(different.place.document)} has a <backend> of its own`, retry);
  const [step, ...more] = steps;
  if (step === undefined) return retry === null ? null : wrapped("<forward-request />", retry);
  const { name } = step.element;
  const simple = more.length === 0 && (name === "forward-request" || (name === "retry" && isCallAlone(step.children())));
  if (!simple) throw byHand(`${documentTitle(step.place.document)} does more in <backend> than call the backend`, retry);
  if (retry === null) {
    if (name === "forward-request") return null;
    throw byHand(`the retry stands in ${documentTitle(step.place.document)}, for other APIs too`, retry);
  }
  const xml = relativeSource(step.policy, step.element);
  if (name === "forward-request") return wrapped(xml, retry);
  const copy = parse(xml);
  const edits = copy.root === null ? [] : editsOf(copy, copy.root, retry);
  return edits.length === 0 ? null : applyEdits(xml, edits);
}

const isCallAlone = (steps: readonly Step[]): boolean => steps.length === 1 && steps[0]?.element.name === "forward-request";

function enclosingRetry(element: Element): Element | null {
  for (let outer = element.parent; outer !== null; outer = outer.parent) {
    if (outer.name === "retry") return outer;
  }
  return null;
}

/** What makes an existing retry the one asked for. */
function editsOf(document: PolicyDocument, around: Element, { count, status_codes: codes }: RetryInput): readonly Edit[] {
  const condition = codes === undefined ? undefined : retryCondition(codes);
  const call = [...descendants(around)].find(({ name }) => name === "forward-request");
  return [
    ...attributeEdit(document, around, "condition", condition),
    ...attributeEdit(document, around, "count", count === undefined ? undefined : `${count}`),
    ...(call === undefined ? [] : attributeEdit(document, call, "buffer-request-body", "true")),
  ];
}

function attributeEdit(document: PolicyDocument, element: Element, name: string, value: string | undefined): readonly Edit[] {
  const oneLine = (text: string | undefined) => text?.trim().replace(/\s+/g, " ");
  return value === undefined || oneLine(attribute(element, name)) === value ? [] : [setAttribute(document, element, name, value)];
}

/**
 * A retry around a `forward-request`, which has to keep the request's body for the next try. The first retry comes at once:
 * a pool then picks another member (https://github.com/Azure-Samples/AI-Gateway, lab backend-pool-load-balancing).
 */
function wrapped(call: string, { count = defaultRetryCount, status_codes: codes = defaultStatusCodes }: RetryInput): string {
  const copy = parse(call);
  const buffered = copy.root === null ? call : applyEdits(call, attributeEdit(copy, copy.root, "buffer-request-body", "true"));
  const condition = attributeText(retryCondition(codes), '"');
  return `<retry condition="${condition}" count="${count}" interval="0" first-fast-retry="true">\n    ${nested(buffered)}\n</retry>`;
}

const nested = (xml: string): string => xml.replaceAll("\n", "\n    ");

/**
 * Holds for an answer with one of these codes; where there are server errors among them, for no answer too. A connection that fails and a
 * timeout are tries without a response, which a retry sees and may repeat: "null" in the response matrix and the policies of
 * https://github.com/Azure-Samples/Apim-Samples/tree/main/samples/inference-failover; Microsoft's page of `retry` does not say.
 */
export function retryCondition(codes: readonly string[]): string {
  const status = "context.Response.StatusCode";
  const ranges = statusCodeRanges(codes);
  const tests = ranges.map(({ min, max }) => {
    if (min === max) return `${status} == ${min}`;
    return max === 599 ? `${status} >= ${min}` : `(${status} >= ${min} && ${status} <= ${max})`;
  });
  const any = tests.join(" || ");
  return ranges.some(({ max }) => max >= 500) ? `@(context.Response == null || ${any})` : `@(context.Response != null && (${any}))`;
}

/** Operations that call the backend by themselves are not reached by a retry of the API. */
function operationsWithOwnCall(inventory: Inventory, apiId: string): readonly string[] {
  return [...inventory.policies.values()].flatMap((document) => {
    const scope = policyScopeOf(document.id);
    if (scope?.kind !== "operation" || scope.workspaceId !== undefined || scope.apiId !== apiId) return [];
    const { root } = parse(policyText(document));
    const [backend] = root === null ? [] : childElements(root, "backend");
    if (backend === undefined || [...descendants(backend)].some(({ name }) => name === "base")) return [];
    return [`Operation '${scope.operationId}' has a <backend> of its own: the retry of the API does not reach it.`];
  });
}

function byHand(reason: string, retry: RetryInput | null): GatewayError {
  const { count = defaultRetryCount, status_codes: codes = defaultStatusCodes } = retry ?? {};
  const element = `<retry condition="${retryCondition(codes)}" count="${count}" interval="0" first-fast-retry="true">`;
  return new GatewayError("unsupported", `The retry cannot be changed here: ${reason}.`, {
    hint:
      retry === null
        ? "Remove the retry there with apply_policy."
        : `Put ${element} around <forward-request buffer-request-body="true" /> there with apply_policy.`,
  });
}
