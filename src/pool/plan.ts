import { GatewayError } from "../errors.ts";
import { backendDocumentId, type Document, type DocumentId, documentTitle } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Proposal, ProposedDocument } from "../gateway/proposal.ts";
import { findBackend, poolMembers } from "./backend.ts";
import { policyCredentials } from "./credentials.ts";
import { type BackendEdit, retryText } from "./describe.ts";
import { type BackendEdits, backendEdits } from "./edits.ts";
import { checkRequest, type PoolRequest } from "./request.ts";
import { editRetry, type RetryEdit } from "./retry-edit.ts";
import { type ApiRoutes, backendsReached, resolveRoutes } from "./routes.ts";
import { checkFits, type Subject, subjectOf } from "./subject.ts";
import { recipientWarnings, retryAfterWarnings, sharedWarnings, successWarnings } from "./warnings.ts";

/** A change of a pool as `change/` plans it, without what only the tool knows. No documents: everything is as asked. */
export type PoolEdit = Omit<Proposal, "tool" | "override">;

/** The backends that `planPool` has to see live, with their ETags. Throws as `planPool` does where nothing is to be changed. */
export function poolDocuments(inventory: Inventory, request: PoolRequest): readonly DocumentId[] {
  const { backendId } = subjectOf(inventory, resolveRoutes(inventory, request.api_id), request);
  const subject = backendId === null ? undefined : findBackend(inventory.backends, backendId);
  const named = (request.backends ?? []).map(({ backend_id }) => backend_id);
  const members = [...poolMembers(subject?.properties ?? {}), ...named].flatMap((id) => findBackend(inventory.backends, id)?.id ?? []);
  return [...new Set([...(subject === undefined ? [] : [subject.id]), ...members])];
}

/**
 * The documents that make a pool, its members and the retry around the call as the request says; what it does not name
 * stays. `documents` holds the live backends of `poolDocuments`; policies are taken from the inventory. Throws
 * `invalid_input`, `not_found` for a member that neither exists nor has a URL, and `unsupported` where there is no pool to
 * change or the retry cannot be placed.
 */
export function planPool(inventory: Inventory, documents: ReadonlyMap<DocumentId, Document>, request: PoolRequest): PoolEdit {
  checkRequest(request, inventory.service.tier);
  const current = { ...inventory, backends: inventory.backends.map((backend) => documents.get(backend.id) ?? backend) };
  const routes = resolveRoutes(current, request.api_id);
  const subject = subjectOf(current, routes, request);
  checkFits(subject, routes, request);
  const backends = backendEdits(current, subject, request);
  const asked = request.policies?.retry;
  const retry: RetryEdit = asked === undefined ? { document: null, warnings: [] } : editRetry(current, routes.apiId, asked);
  const proposed = [
    ...backends.edits.map((edit) => proposedBackend(edit, documents)),
    ...(retry.document === null ? [] : [retry.document]),
  ];
  if (proposed.length === 0) return unchanged(subject, routes);
  const parts = [
    ...backends.parts,
    ...(retry.document === null || asked === undefined ? [] : [`${retryText(routes.retry, asked)} in API ${routes.apiId}`]),
  ];
  return {
    // A confirmation is one line of ASCII; ids may hold more than that.
    action: `${subject.backendId ?? routes.apiId}: ${parts.join("; ")}`.replace(/[^\x20-\x7e]+/g, "?"),
    summary: `${titleOf(subject, routes)}: ${parts.join("; ")}.`,
    documents: proposed,
    ...concerned(current, routes, subject, backends, retry),
    manualSteps: backends.manualSteps,
    after: `get_backend_pool ${JSON.stringify({ api_id: routes.apiId })}`,
  };
}

function unchanged(subject: Subject, routes: ApiRoutes): PoolEdit {
  const title = titleOf(subject, routes);
  return { action: `${title}: no change`, summary: `${title} is as asked already.`, documents: [], affected: [], warnings: [] };
}

const titleOf = ({ backendId }: Subject, { apiId }: ApiRoutes): string =>
  backendId === null ? `API '${apiId}'` : documentTitle(backendDocumentId(backendId));

/** Whom the change concerns, and what to know before it is confirmed. */
function concerned(
  inventory: Inventory,
  { apiId }: ApiRoutes,
  subject: Subject,
  { edits, warnings }: BackendEdits,
  retry: RetryEdit,
): Pick<PoolEdit, "affected" | "warnings"> {
  const reached = backendsReached(inventory);
  const othersUsing = (backendId: string) => [...reached].filter(([id, ids]) => id !== apiId && ids.includes(backendId)).map(([id]) => id);
  const apis = new Set([apiId, ...edits.flatMap((edit) => othersUsing(edit.backendId))]);
  const singles = edits.filter(({ backendId }) => subject.kind !== "pool" || backendId !== subject.backendId);
  return {
    affected: [...apis].map((id) => `API '${id}'`),
    warnings: [
      ...recipientWarnings(edits, () => policyCredentials(inventory, [...apis])),
      ...warnings,
      ...sharedWarnings(inventory.backends, singles, subject.backendId, othersUsing),
      ...successWarnings(edits),
      ...retryAfterWarnings(edits),
      ...retry.warnings,
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
