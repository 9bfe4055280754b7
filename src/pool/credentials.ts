import { type Json, type JsonObject, policyScopeOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { containsPolicies } from "../policy/catalogue.ts";
import { attribute, childElements, textOf } from "../policy/document.ts";
import { policyChain, type Step, type StepReader, stepReader } from "../policy/steps.ts";
import { isEmpty, type Member, objectOf } from "./backend.ts";

/** Whether a backend reads a key or token from a header of this name. */
export const isCredentialHeader = (name: string): boolean =>
  /^(?:authorization|api-key|x-api-key|x-functions-key|ocp-apim-subscription-key)$/i.test(name);

/** Policies that make requests or responses of their own: what they set does not go to the backend. */
const ownMessages: ReadonlySet<string> = new Set(["send-request", "send-one-way-request", "return-response"]);

/** What a backend's own document signs requests in with, in words and without values. */
export function backendCredentials({ credentials }: JsonObject): readonly string[] {
  return Object.entries(objectOf(credentials)).flatMap(([kind, value]) => {
    if (isEmpty(value)) return [];
    if (kind === "managedIdentity") return [tokenFor(objectOf(value).resource)];
    if (kind !== "header" && kind !== "query") return [`the backend's ${kind} credentials`];
    const named = Object.entries(objectOf(value)).filter(([, values]) => !isEmpty(values));
    return named.map(([name]) => `the backend's ${kind} '${name}'`);
  });
}

/** What the policies of these APIs, in every operation and product, send to a backend to sign requests in; in words and without values. */
export function policyCredentials(inventory: Inventory, apiIds: readonly string[]): readonly string[] {
  const reader = stepReader(inventory);
  const found = apiIds.flatMap((apiId) =>
    chainsOf(inventory, apiId).flatMap((chain) => {
      const { inbound, backend } = reader.steps(chain);
      const steps = [...ofTheRequest([...inbound, ...backend])];
      return steps.flatMap((step) => sentBy(step, steps, reader));
    }),
  );
  return [...new Set(found)];
}

/**
 * Whether policies sign in every call of an API that is sent, whichever backend gets it: on every way through operations and products, in every
 * branch.
 */
export function signedInByPolicy(inventory: Inventory, apiId: string): boolean {
  const reader = stepReader(inventory);
  return chainsOf(inventory, apiId).every((chain) => {
    const { inbound, backend } = reader.steps(chain);
    const steps = [...inbound, ...backend];
    return alwaysSigns(steps, [...ofTheRequest(steps)], reader);
  });
}

/** A call that is answered there is not sent. `all`: what may use a token that a step gets. */
function alwaysSigns(steps: readonly Step[], all: readonly Step[], reader: StepReader): boolean {
  return steps.some((step) => {
    const { name } = step.element;
    if (ownMessages.has(name)) return name === "return-response";
    if (name !== "choose") return containsPolicies(name) ? alwaysSigns(step.children(), all, reader) : sentBy(step, all, reader).length > 0;
    const branches = step.children();
    return (
      branches.some(({ element }) => element.name === "otherwise") && branches.every(({ children }) => alwaysSigns(children(), all, reader))
    );
  });
}

/** The members of a pool that send no credential while others of it do. `signedIn`: policies sign in its calls, and nobody has to. */
export function bareMembers(members: readonly Member[], signedIn: boolean): readonly Member[] {
  if (signedIn || members.every(({ credentials }) => credentials.length === 0)) return [];
  return members.filter(
    ({ credentials, isMissing, members: inner }) => credentials.length === 0 && isMissing !== true && inner === undefined,
  );
}

function chainsOf({ policies, products }: Inventory, apiId: string): readonly (readonly string[])[] {
  const operations = [...policies.keys()].flatMap((id) => {
    const scope = policyScopeOf(id);
    return scope?.kind === "operation" && scope.workspaceId === undefined && scope.apiId === apiId ? [scope.operationId] : [];
  });
  const own = products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
  return [null, ...operations].flatMap((operationId) => [null, ...own].map((productId) => policyChain({ apiId, operationId, productId })));
}

function* ofTheRequest(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    if (ownMessages.has(step.element.name)) continue;
    yield step;
    yield* ofTheRequest(step.children());
  }
}

function sentBy(step: Step, steps: readonly Step[], reader: StepReader): readonly string[] {
  const { element, place } = step;
  const read = (name: string): string => reader.resolve(attribute(element, name) ?? "", place.document).text.trim();
  if (element.name === "authentication-managed-identity") {
    // With a variable the token goes only where a header takes it from there.
    const variable = read("output-token-variable-name");
    return variable === "" || steps.some((other) => headerText(other).includes(`"${variable}"`)) ? [tokenFor(read("resource"))] : [];
  }
  if (element.name === "authentication-basic") return ["the user name and password that the policy sets"];
  if (element.name === "authentication-certificate") return ["the client certificate that the policy sets"];
  if (element.name !== "set-header" || read("exists-action") === "delete") return [];
  const header = read("name");
  return isCredentialHeader(header) ? [`the ${header} header that the policy sets`] : [];
}

const headerText = ({ element, policy }: Step): string =>
  element.name === "set-header"
    ? childElements(element, "value")
        .map((value) => textOf(policy, value))
        .join()
    : "";

const tokenFor = (resource: Json | undefined): string =>
  `the gateway's token for ${typeof resource === "string" ? resource : "its resource"}`;
