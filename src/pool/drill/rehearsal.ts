import { GatewayError } from "../../errors.ts";
import { apiRevisionId, backendDocumentId, type JsonObject, withPolicyText } from "../../gateway/documents.ts";
import { everyMemberFails, type FaultOrigin } from "../../gateway/drill.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { attribute } from "../../policy/document.ts";
import { allSteps, policyChain, stepReader } from "../../policy/steps.ts";
import { backendIdOf, breakerOf } from "../backend.ts";
import type { DrillDocuments, DrillSubject } from "./plan.ts";
import { drillPoolId, failingId, isMember, poolWith, renamed } from "./pools.ts";
import { redirected } from "./redirect.ts";
import { withTries } from "./tries.ts";

/**
 * A copy of the member at an origin that fails, with the same breaker and without credentials; copies of the pool with it, one of them with
 * nothing else; and a revision of the API that is not current, whose policies select them. No document that serves production is written.
 */
export function rehearsal(subject: DrillSubject): DrillDocuments {
  const { inventory, csharp, apiId, pool, member, means } = subject;
  const { fault, revision, probe } = means;
  if (fault === null) {
    throw new GatewayError("not_configured", "A rehearsal needs an origin that fails: AIGW_FAULT_URL is not set.", {
      hint: 'Set AIGW_FAULT_URL to an https URL that answers every request with a 5xx; or plan the drill with mode: "evacuate".',
    });
  }
  if (probe === null) throw new GatewayError("not_configured", `A rehearsal is made of test calls. ${means.withoutProbe}`);
  const [poolId, backendId] = [backendIdOf(pool.id), backendIdOf(member.id)];
  const failing = failingId(backendId);
  const oneFails = drillPoolId("one-failing", backendId, poolId);
  const allFail = drillPoolId("all-failing", backendId, poolId);
  const revisionId = apiRevisionId(apiId, revision);
  const xml = [
    "<choose>",
    `    <when condition="@(context.Request.Headers.GetValueOrDefault("${everyMemberFails}", "") == "all")">`,
    `        <set-backend-service backend-id="${allFail}" />`,
    "    </when>",
    "    <otherwise>",
    `        <set-backend-service backend-id="${oneFails}" />`,
    "    </otherwise>",
    "</choose>",
    // The test key is the gateway's business alone.
    '<set-header name="Ocp-Apim-Subscription-Key" exists-action="delete" />',
  ].join("\n");
  const policies = redirected(inventory, csharp, apiId, poolId, xml).map(({ id, text }) => ({
    id: id.replace(/^apis\/[^/]+/, revisionId),
    before: null,
    after: withPolicyText(null, withTries(text)),
  }));
  const replace = (item: JsonObject) => (isMember(item, backendId) ? renamed(item, failing) : item);
  return {
    documents: [
      { id: backendDocumentId(failing), before: null, after: failingCopy(member.properties, fault.url) },
      { id: backendDocumentId(oneFails), before: null, after: poolWith(pool.properties, replace) },
      {
        id: backendDocumentId(allFail),
        before: null,
        after: poolWith(pool.properties, (item) => (isMember(item, backendId) ? renamed(item, failing) : null)),
      },
      { id: revisionId, before: null, after: revisionOf(subject) },
      ...policies,
    ],
    warnings:
      breakerOf(member.properties) === null
        ? [`'${backendId}' has no circuit breaker: the gateway will go on sending calls to it, and nothing will fail over.`]
        : [],
    faultOrigin: faultOriginOf(subject, fault),
  };
}

/** Without credentials, and without what only its own host needs. */
function failingCopy({ circuitBreaker, protocol }: JsonObject, url: string): JsonObject {
  return {
    description: "A drill's copy: it fails on purpose.",
    url,
    protocol: protocol ?? "http",
    ...(circuitBreaker === undefined ? {} : { circuitBreaker }),
  };
}

/** https://learn.microsoft.com/rest/api/apimanagement/apis/create-or-update: a revision made of an API has its operations and policies. */
function revisionOf({ inventory, apiId }: DrillSubject): JsonObject {
  const { resourceId } = inventory.service;
  const path = inventory.apis.find(({ id }) => id === apiId)?.path ?? "";
  return {
    path,
    sourceApiId: `${resourceId}/apis/${apiId}`,
    apiRevisionDescription: "A failover drill's; without traffic, and gone when it is over.",
  };
}

const attaching = new Set(["authentication-managed-identity", "authentication-basic", "authentication-certificate"]);
const credentialHeaders = /^(?:authorization|api-key|x-api-key|ocp-apim-subscription-key)$/i;

const faultOriginOf = ({ inventory, apiId }: DrillSubject, { url, own }: { readonly url: string; readonly own: boolean }): FaultOrigin => ({
  origin: new URL(url).origin,
  own,
  credentials: attachedCredentials(inventory, apiId),
});

/** The policies on the API's ways that attach a credential to what goes to the backend, in words. */
export function attachedCredentials(inventory: Inventory, apiId: string): readonly string[] {
  const reader = stepReader(inventory);
  const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
  const found = new Set<string>();
  for (const productId of [null, ...products]) {
    const { inbound, backend } = reader.steps(policyChain({ apiId, operationId: null, productId }));
    for (const { element, place } of allSteps([...inbound, ...backend])) {
      const name = attribute(element, "name") ?? "";
      const sets = element.name === "set-header" && credentialHeaders.test(name) && attribute(element, "exists-action") !== "delete";
      if (attaching.has(element.name) || sets) found.add(`${element.name} (${place.document}, line ${place.line})`);
    }
  }
  return [...found];
}
