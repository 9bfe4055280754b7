import { GatewayError } from "../../errors.ts";
import {
  apiRevisionId,
  backendDocumentId,
  documentTitle,
  type JsonObject,
  policyDocumentId,
  policyText,
  withPolicyText,
} from "../../gateway/documents.ts";
import { triesHeader } from "../../gateway/drill.ts";
import { findApi, type Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { ProposedDocument, ProposedTestPath } from "../../gateway/proposal.ts";
import { type TestedMember, testedMemberHeader, testIdMark } from "../../gateway/test-path.ts";
import { childElements, parse } from "../../policy/document.ts";
import { appendChild, applyEdits, prependChild } from "../../policy/edit.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import { allSteps, policyChain, stepReader } from "../../policy/steps.ts";
import { backendIdOf, credentialsOf, findBackend, sameUrl } from "../backend.ts";
import { durationText } from "../drill/request.ts";
import { testEndMark } from "../drill/window.ts";
import { emptyPolicy } from "../retry-edit.ts";
import { reachedBy, resolveRoutes } from "../routes.ts";
import { mostTestCalls } from "./answers.ts";
import type { TestPathMeans } from "./means.ts";

/** How long a test path stands at most. */
const testPathMs = 2 * 60 * 1000;

export interface TestPathRequest {
  readonly api_id: string;
  readonly backends?: readonly { readonly backend_id: string }[] | undefined;
}

/**
 * The test path to the members that are new to the API, before `documents`, which add them, are written: a copy of each backend that
 * `documents` create or move elsewhere, and a revision of the API whose policies send a test call to the member that its header names. What
 * has a document already is asked as it is. No document that serves production is in it.
 *
 * Throws `invalid_input` where no member is new; `unsupported` where the test call would not reach a member, and where one moves whose
 * credentials cannot be copied; `conflict` where an earlier path still stands.
 */
export function testPath(
  inventory: Inventory,
  csharp: CSharp,
  request: TestPathRequest,
  documents: readonly ProposedDocument[],
  means: TestPathMeans,
): ProposedTestPath {
  const api = findApi(inventory.apis, request.api_id);
  const reached = reachedNow(inventory, csharp, api.id);
  const named = [...new Set((request.backends ?? []).map(({ backend_id: id }) => id))];
  const members = named.filter((id) => !reached.some((known) => sameName(known, id))).map((id) => testedMember(inventory, documents, id));
  if (members.length === 0) {
    throw new GatewayError("invalid_input", "probe: true asks new members, and this change adds none.", {
      hint: "Leave out probe. run_failover_drill rehearses what members do in an outage.",
    });
  }
  requireReach(inventory, api.id, means);
  const revisionId = apiRevisionId(api.id, means.revision);
  return {
    apiId: api.id,
    durationMs: testPathMs,
    request: means.request,
    members: members.map(({ backendId, url }) => ({ backendId, url })),
    documents: [
      ...members.flatMap(({ copy }) => (copy === null ? [] : [copy])),
      {
        id: revisionId,
        before: null,
        after: {
          path: api.path,
          sourceApiId: `${inventory.service.resourceId}/apis/${api.id}`,
          apiRevisionDescription: `A test of new backends (${testIdMark}); without traffic, and gone once they have been asked.`,
        },
      },
      {
        id: `${revisionId}/operations/${means.operationId}/policies/policy`,
        before: null,
        after: withPolicyText(null, policyTo(members, ownPolicy(inventory, api.id, means.operationId))),
      },
    ],
  };
}

/** What the plan says of it in words. */
export function testPathText({ members, documents, durationMs }: ProposedTestPath): string {
  const names = members.map(({ backendId }) => `'${backendId}'`).join(", ");
  const titles = documents.map(({ id }) => documentTitle(id)).join(", ");
  return [
    `Before anything else, ${names} ${members.length === 1 ? "is" : "are"} asked by at most ${mostTestCalls} test calls of one token each, with the key of AIGW_PROBE_KEY.`,
    `For that ${titles} are created; they are deleted right after, and the gateway lets no call through them after ${durationText(durationMs)}.`,
    `Nothing else is written unless ${members.length === 1 ? "it answers" : "all of them answer"} with 2xx.`,
  ].join(" ");
}

function reachedNow(inventory: Inventory, csharp: CSharp, apiId: string): readonly string[] {
  const { routes } = resolveRoutes(inventory, csharp, apiId);
  return [...reachedBy(routes), ...routes.flatMap(({ sameUrlAs }) => sameUrlAs ?? [])];
}

interface Tested extends TestedMember {
  /** The backend that stands for it on the path. */
  readonly target: string;
  /** Null where the member's own backend is there. */
  readonly copy: ProposedDocument | null;
}

function testedMember({ backends }: Inventory, documents: readonly ProposedDocument[], id: string): Tested {
  const live = findBackend(backends, id);
  const proposed = documents.find((document) => sameName(document.id, backendDocumentId(id)));
  const properties = proposed?.after ?? live?.properties ?? {};
  const backendId = live === undefined ? id : backendIdOf(live.id);
  const url = typeof properties.url === "string" ? properties.url : null;
  const member = { backendId, url };
  if (live !== undefined && (url === null || sameUrl(`${live.properties.url ?? ""}`, url)))
    return { ...member, target: backendId, copy: null };
  const kept = credentialsOf(properties).filter((kind) => kind !== "managedIdentity");
  if (kept.length > 0) {
    throw new GatewayError(
      "unsupported",
      `'${backendId}' moves to ${url}, and its credentials (${kept.join(", ")}) are not copied: it cannot be asked before.`,
      {
        hint: "Leave out probe; or add the new place as a backend of its own.",
      },
    );
  }
  const target = copyId(backendId);
  if (findBackend(backends, target) !== undefined) {
    throw new GatewayError("conflict", `backend '${target}' of another test is still there.`, {
      hint: "Plan again once that test is over. Where nobody makes it any more, 'azure-ai-gateway-mcp recover' takes it away, and so does the first tool call of the next server.",
    });
  }
  return { ...member, target, copy: { id: backendDocumentId(target), before: null, after: copyOf(properties) } };
}

/** https://learn.microsoft.com/rest/api/apimanagement/backend/create-or-update#uri-parameters */
const longestId = 80;

const copyId = (backendId: string): string => `test-${backendId}`.slice(0, longestId).replace(/[^a-z\d]+$/i, "");

/** A breaker would take the copy out of use while it is being asked. */
const copyOf = ({ circuitBreaker: _, ...properties }: JsonObject): JsonObject => ({
  ...properties,
  description: `A copy to be asked before the backend joins a pool (${testIdMark}).`,
});

/** The member is selected at the end of `<inbound>`; what selects a backend behind that would lead the test call elsewhere. */
function requireReach(inventory: Inventory, apiId: string, { operationId }: TestPathMeans): void {
  const reader = stepReader(inventory);
  const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
  for (const productId of [null, ...products]) {
    const { backend } = reader.steps(policyChain({ apiId, operationId, productId }));
    const later = [...allSteps(backend)].find(({ element }) => element.name === "set-backend-service");
    if (later === undefined) continue;
    throw new GatewayError(
      "unsupported",
      `${documentTitle(later.place.document)} selects a backend in <backend>: a test call would not reach the new one.`,
      {
        hint: "Leave out probe.",
      },
    );
  }
}

function ownPolicy({ policies }: Inventory, apiId: string, operationId: string): string {
  const own = policies.get(policyDocumentId({ kind: "operation", apiId, operationId }));
  return own === undefined ? emptyPolicy : policyText(own);
}

const variable = "tested-member";

/**
 * The operation's policy with the member's selection as the last of its `<inbound>`, and a mark in its answers: of the member's own status
 * where the call was sent to it. What a cache or another policy has answered has no mark, and proves nothing.
 */
function policyTo(members: readonly Tested[], text: string): string {
  const whens = members.map(({ backendId, target }) =>
    [
      `    <when condition="@(DateTime.UtcNow < DateTime.Parse("${testEndMark}") && context.Request.Headers.GetValueOrDefault("${testedMemberHeader}", "") == ${JSON.stringify(backendId)})">`,
      `        <set-backend-service backend-id="${target}" />`,
      `        <set-variable name="${variable}" value="," />`,
      "    </when>",
    ].join("\n"),
  );
  const choose = [
    "<choose>",
    ...whens,
    "    <otherwise>",
    "        <return-response>",
    '            <set-status code="410" reason="Gone" />',
    "        </return-response>",
    "    </otherwise>",
    "</choose>",
  ].join("\n");
  // The test key is the gateway's business alone, and goes before a policy may set such a header for the backend.
  const withoutKeys = ["Ocp-Apim-Subscription-Key", "api-key"]
    .map((name) => `<set-header name="${name}" exists-action="delete" />`)
    .join("\n");
  const answer = `context.Response.StatusCode.ToString() + " " + context.Response.Headers.GetValueOrDefault("x-ms-region", "")`;
  // In <on-error> a response is the gateway's own where none came of the member.
  const none = `context.Response == null || context.LastError?.Reason == "BackendConnectionFailure" || context.LastError?.Reason == "Timeout"`;
  const told = `@(context.Variables.GetValueOrDefault<string>("${variable}", "") == "" ? "" : "," + (${none} ? "" : ${answer}))`;
  const mark = `<set-header name="${triesHeader}" exists-action="override">\n    <value>${told}</value>\n</set-header>`;
  const edits: readonly SectionEdit[] = [
    { section: "inbound", at: "begin", xml: withoutKeys },
    { section: "inbound", at: "end", xml: choose },
    // Before the policies of the other scopes: they may change the status.
    { section: "outbound", at: "begin", xml: mark },
    { section: "on-error", at: "begin", xml: mark },
  ];
  return edits.reduce(withXml, text);
}

interface SectionEdit {
  readonly section: string;
  readonly at: "begin" | "end";
  readonly xml: string;
}

/** A section that is left out inherits: one that is put there has to say so. */
function withXml(text: string, { section: name, at, xml }: SectionEdit): string {
  const document = parse(text);
  const { root } = document;
  if (root === null || document.problems.length > 0) throw new GatewayError("unsupported", "The operation's policy is not well-formed.");
  const [section] = childElements(root, name);
  const whole = at === "begin" ? `${xml}\n<base />` : `<base />\n${xml}`;
  if (section === undefined)
    return applyEdits(text, [appendChild(document, root, `<${name}>\n${whole.replace(/^/gm, "    ")}\n</${name}>`)]);
  return applyEdits(text, [at === "begin" ? prependChild(document, section, xml) : appendChild(document, section, xml)]);
}
