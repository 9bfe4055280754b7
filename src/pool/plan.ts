import { GatewayError } from "../errors.ts";
import { backendDocumentId, type Document, type DocumentId, documentKind, documentTitle, type JsonObject } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import type { Proposal, ProposedDocument } from "../gateway/proposal.ts";
import { shortened } from "../policy/excerpt.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { type Behind, nothingRead } from "./account-tokens.ts";
import { backendIdOf, findBackend, poolMembers } from "./backend.ts";
import type { Endpoint } from "./capacity.ts";
import { type Conversion, conversionOf, wantsPool } from "./conversion.ts";
import { policyCredentials } from "./credentials.ts";
import { type BackendEdit, retryText } from "./describe.ts";
import { type BackendEdits, backendEdits } from "./edits.ts";
import { movedEndpoints, outlook } from "./outlook.ts";
import { pointedAt, withTexts } from "./pointing.ts";
import { checkRequest, type PoolRequest } from "./request.ts";
import { editRetry, type RetryEdit } from "./retry-edit.ts";
import { type ApiRoutes, backendsReached, type Route, resolveRoutes } from "./routes.ts";
import { checkFits, type Subject, subjectOf } from "./subject.ts";
import { conversionWarnings, recipientWarnings, retryAfterWarnings, sharedWarnings, successWarnings } from "./warnings.ts";

/** A change of a pool as `change/` plans it, without what only the tool knows. No documents: everything is as asked. */
export type PoolEdit = Omit<Proposal, "tool" | "override">;

/** The backends and fragments that `planPool` has to see live, with their ETags. Throws as `planPool` does where nothing is to be changed. */
export function poolDocuments(inventory: Inventory, csharp: CSharp, request: PoolRequest): readonly DocumentId[] {
  const resolved = resolveRoutes(inventory, csharp, request.api_id);
  const { kind, backendId } = subjectOf(inventory, resolved, request);
  const subject = backendId === null ? undefined : findBackend(inventory.backends, backendId);
  const named = (request.backends ?? []).map(({ backend_id }) => backend_id);
  // What is at an API's URL becomes the first member of its pool.
  const atUrl = resolved.routes.flatMap(({ sameUrlAs }) => sameUrlAs ?? []);
  // What a fragment decides may have to be decided otherwise there.
  const fragments = resolved.routes.flatMap(({ source }) =>
    typeof source !== "string" && documentKind(source.document) === "fragment" ? [source.document] : [],
  );
  const members = [...poolMembers(subject?.properties ?? {}), ...named, ...atUrl].flatMap(
    (id) => findBackend(inventory.backends, id)?.id ?? [],
  );
  return [
    ...new Set([...(subject === undefined ? [] : [subject.id]), ...members, ...(wantsPool({ kind, backendId }, request) ? fragments : [])]),
  ];
}

/** What a request makes of the service's backends. */
interface Reshaping {
  /** The service with the live documents in it. */
  readonly current: Inventory;
  readonly routes: ApiRoutes;
  readonly subject: Subject;
  readonly conversion: Conversion | null;
  readonly backends: BackendEdits;
  readonly poolId: string | null;
}

function reshaping(inventory: Inventory, csharp: CSharp, documents: ReadonlyMap<DocumentId, Document>, request: PoolRequest): Reshaping {
  checkRequest(request, inventory.service.tier);
  const current = { ...inventory, backends: inventory.backends.map((backend) => documents.get(backend.id) ?? backend) };
  const routes = resolveRoutes(current, csharp, request.api_id);
  const subject = subjectOf(current, routes, request);
  const conversion = wantsPool(subject, request) ? conversionOf(current, subject, routes, request) : null;
  if (conversion === null) checkFits(subject, routes, request);
  const poolId = conversion !== null ? backendIdOf(conversion.pool.id) : subject.kind === "pool" ? subject.backendId : null;
  return { current, routes, subject, conversion, backends: backendEdits(current, subject, request, conversion), poolId };
}

/** The endpoints between which the request moves traffic, of which `planPool` has to know what is behind them; throws as it does. */
export function endpointsMoved(
  inventory: Inventory,
  csharp: CSharp,
  documents: ReadonlyMap<DocumentId, Document>,
  request: PoolRequest,
): readonly Endpoint[] {
  const { routes, conversion, backends, poolId } = reshaping(inventory, csharp, documents, request);
  return movedEndpoints(routes, poolId, conversion?.from, backends.members);
}

/**
 * The documents that make a pool, its members and the retry around the call as the request says; what it does not name
 * stays. An API that goes to one backend or URL gets a pool of it and the members that are named, and its policy points at it.
 * `documents` holds the live documents of `poolDocuments`, `behind` what was read of `endpointsMoved`; policies are taken from the inventory. Throws
 * `invalid_input`, `not_found` for a member that neither exists nor has a URL, and `unsupported` where there is no pool to
 * change or the retry cannot be placed.
 */
export function planPool(
  inventory: Inventory,
  csharp: CSharp,
  documents: ReadonlyMap<DocumentId, Document>,
  request: PoolRequest,
  behind: Behind = nothingRead,
): PoolEdit {
  const { current, routes, subject, conversion, backends, poolId } = reshaping(inventory, csharp, documents, request);
  const policy = policyEdit(current, csharp, routes, conversion, documents, request);
  const proposed = [...backends.edits.map((edit) => proposedBackend(edit, documents)), ...policy.documents];
  if (proposed.length === 0) return unchanged(subject, routes);
  const after = resolveRoutes(applied(current, proposed), csharp, routes.apiId);
  const title = poolId ?? subject.backendId;
  const parts = [...backends.parts, ...policy.parts];
  const { tier } = current.service;
  const ahead = outlook({ before: routes, after, poolId, from: conversion?.from, members: backends.members, tier, behind });
  return {
    // A confirmation is one line of ASCII; ids may hold more than that.
    action: `${title ?? routes.apiId}: ${parts.join("; ")}`.replace(/[^\x20-\x7e]+/g, "?"),
    summary: [`${titleOf(title, routes)}: ${parts.join("; ")}.`, ...chosenText(routes, conversion), ...ahead.sentences].join(" "),
    documents: proposed,
    ...concerned({ inventory: current, csharp, after, poolId, conversion }, backends, [...policy.warnings, ...ahead.warnings]),
    manualSteps: backends.manualSteps,
    after: `get_backend_pool ${JSON.stringify({ api_id: routes.apiId })}`,
  };
}

/** What becomes of policies. */
interface PolicyEdit {
  readonly documents: readonly ProposedDocument[];
  readonly parts: readonly string[];
  readonly warnings: readonly string[];
}

/** The policies pointed at a new pool, and the API's with the retry that is asked for. */
function policyEdit(
  inventory: Inventory,
  csharp: CSharp,
  { apiId, retry: known }: ApiRoutes,
  conversion: Conversion | null,
  documents: ReadonlyMap<DocumentId, Document>,
  { policies }: PoolRequest,
): PolicyEdit {
  const asked = policies?.retry;
  const pointed = conversion === null ? [] : pointedAt(inventory, csharp, apiId, conversion, documents);
  const retried: RetryEdit =
    asked === undefined ? { document: null, warnings: [] } : editRetry(withTexts(inventory, pointed), apiId, asked);
  const after = new Map(pointed.map(({ id, properties }): [DocumentId, JsonObject | null] => [id, properties]));
  if (retried.document !== null) after.set(retried.document.id, retried.document.after);
  return {
    documents: [...after].map(([id, properties]) => ({
      id,
      before: inventory.policies.get(id) ?? documents.get(id) ?? null,
      after: properties,
    })),
    parts: [
      ...(conversion === null ? [] : [pointedText(apiId, conversion)]),
      ...(retried.document === null || asked === undefined ? [] : [`${retryText(known, asked)} in API ${apiId}`]),
    ],
    warnings: retried.warnings,
  };
}

function pointedText(apiId: string, { operations }: Conversion): string {
  const named = operations.filter((operationId) => operationId !== null);
  if (named.length === 0) return `API ${apiId} goes to it`;
  return `operation${named.length === 1 ? "" : "s"} ${named.join(", ")} of API ${apiId} go${named.length === 1 ? "es" : ""} to it`;
}

/** The service with the proposed documents in it. */
function applied(inventory: Inventory, proposed: readonly ProposedDocument[]): Inventory {
  const next = proposed.flatMap(({ id, after }) => (after === null ? [] : [{ id, properties: after, etag: "" }]));
  const backends = next.filter(({ id }) => documentKind(id) === "backend");
  return {
    ...withTexts(inventory, next),
    backends: [...inventory.backends.filter(({ id }) => !backends.some((backend) => sameName(backend.id, id))), ...backends],
  };
}

/** Which of several routes a new pool takes the place of. */
function chosenText({ routes }: ApiRoutes, conversion: Conversion | null): readonly string[] {
  if (conversion === null) return [];
  const { from } = conversion;
  const others = routes.filter((route) => nameOf(route) !== nameOf(from)).map(nameOf);
  if (others.length === 0) return [];
  const calls = from.condition ?? (from.operationId === null ? "the usual route" : `operation ${from.operationId}`);
  return [
    `Only the route to ${nameOf(from)} changes (${shortened(calls, longestCondition)}); to ${[...new Set(others)].join(", ")} all goes as before.`,
  ];
}

const longestCondition = 200;

const nameOf = ({ backendId, url, expression }: Route): string =>
  backendId ?? url ?? `what ${shortened(expression ?? "an expression", 60)} says`;

function unchanged({ backendId }: Subject, routes: ApiRoutes): PoolEdit {
  const title = titleOf(backendId, routes);
  return { action: `${title}: no change`, summary: `${title} is as asked already.`, documents: [], affected: [], warnings: [] };
}

const titleOf = (backendId: string | null, { apiId }: ApiRoutes): string =>
  backendId === null ? `API '${apiId}'` : documentTitle(backendDocumentId(backendId));

interface Concern {
  readonly inventory: Inventory;
  readonly csharp: CSharp;
  /** The API's routes as they are then. */
  readonly after: ApiRoutes;
  readonly poolId: string | null;
  readonly conversion: Conversion | null;
}

/** Whom the change concerns, and what to know before it is confirmed. */
function concerned(
  { inventory, csharp, after: { apiId, routes }, poolId, conversion }: Concern,
  { edits, joined, warnings }: BackendEdits,
  others: readonly string[],
): Pick<PoolEdit, "affected" | "warnings"> {
  const reached = backendsReached(inventory, csharp);
  const othersUsing = (backendId: string) => [...reached].filter(([id, ids]) => id !== apiId && ids.includes(backendId)).map(([id]) => id);
  const apis = new Set([apiId, ...edits.flatMap((edit) => othersUsing(edit.backendId))]);
  const singles = edits.filter(({ backendId }) => backendId !== poolId);
  const unwritten = joined.filter(({ backendId }) => !edits.some((edit) => edit.backendId === backendId));
  return {
    affected: [...apis].map((id) => `API '${id}'`),
    warnings: [
      ...recipientWarnings(
        [...edits, ...unwritten],
        joined.map(({ backendId }) => backendId),
        () => policyCredentials(inventory, [...apis]),
      ),
      ...warnings,
      ...(conversion === null ? [] : conversionWarnings(inventory, conversion, routes)),
      ...sharedWarnings(inventory.backends, singles, poolId, othersUsing),
      ...successWarnings(edits),
      ...retryAfterWarnings(edits),
      ...others,
    ],
  };
}

function proposedBackend({ backendId, before, after }: BackendEdit, documents: ReadonlyMap<DocumentId, Document>): ProposedDocument {
  const id = backendDocumentId(backendId);
  const live = documents.get(id) ?? null;
  if (before !== null && live === null) {
    throw new GatewayError("conflict", `${documentTitle(id)} is gone since the service was read.`, {
      hint: "Call the tool again: it plans on what is there now.",
      retryable: true,
    });
  }
  return { id, before: live, after };
}
