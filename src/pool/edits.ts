import { GatewayError, unknownName } from "../errors.ts";
import { backendDocumentId, type JsonObject, type ListedDocument } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { backendIdOf, findBackend, isPool, type Member, membersOf, poolMembers, sameUrl } from "./backend.ts";
import { withBreaker } from "./breaker.ts";
import type { Conversion } from "./conversion.ts";
import { type BackendEdit, backendParts, poolParts } from "./describe.ts";
import { identityOf, roleAssignments, withIdentity } from "./managed-identity.ts";
import { editPool } from "./members.ts";
import { newBackend } from "./new-backend.ts";
import { regionId } from "./regions.ts";
import type { BackendInput, BreakerInput, PoolRequest } from "./request.ts";
import type { Subject } from "./subject.ts";
import { longTripWarnings, standbyWarnings } from "./warnings.ts";

/** What a request makes of backends, in the order in which it has to be written: the pool last. */
export interface BackendEdits {
  readonly edits: readonly BackendEdit[];
  /** The backends that the pool did not have as members; those of them that stay as they are too. */
  readonly joined: readonly BackendEdit[];
  /** Each change in a few words. */
  readonly parts: readonly string[];
  readonly warnings: readonly string[];
  /** What has to be done besides, each with its command. */
  readonly manualSteps: readonly string[];
  /** The members of the pool then; null where there is none. */
  readonly members: readonly Member[] | null;
}

/** Only what changes; nothing where the request asks for what is there. `conversion`: what makes a pool of the subject. */
export function backendEdits(
  { service, backends }: Inventory,
  { kind, backendId }: Subject,
  request: PoolRequest,
  conversion: Conversion | null,
): BackendEdits {
  if (conversion !== null) return poolEdits(withConversion(backends, conversion), conversion, request, service.resourceId);
  const subject = backendId === null ? undefined : findBackend(backends, backendId);
  if (subject === undefined) return { edits: [], joined: [], parts: [], warnings: [], manualSteps: [], members: null };
  if (kind === "pool") return poolEdits(backends, { pool: subject, created: [] }, request, service.resourceId);
  const [input] = request.backends ?? [];
  const edit = editExisting(subject, input, breakerFor(input, request), []);
  const edits = [edit].filter(changes);
  const members = membersOf(applied(backends, edits), subject);
  return {
    edits,
    joined: [],
    parts: backendParts(edit),
    warnings: [...urlWarnings(edit), ...identityWarnings(edit), ...(edits.length === 0 ? [] : longTripWarnings(members))],
    manualSteps: identitySteps(edit, service.resourceId),
    members: null,
  };
}

/** The service as if what a conversion creates were there. */
function withConversion(backends: readonly ListedDocument[], { pool, created }: Conversion): readonly ListedDocument[] {
  return [...backends, ...created.filter(({ id }) => id !== pool.id), pool];
}

function poolEdits(
  backends: readonly ListedDocument[],
  { pool, created: notYet }: Pick<Conversion, "pool" | "created">,
  given: PoolRequest,
  serviceId: string,
): BackendEdits {
  const request = withKnownIds(backends, given);
  checkNames(backends, pool, request);
  const beforeOf = (edit: BackendEdit): BackendEdit =>
    notYet.some(({ id }) => sameName(backendIdOf(id), edit.backendId)) ? { ...edit, before: null } : edit;
  const edited = editPool(pool.properties, request);
  const poolEdit = beforeOf({ backendId: backendIdOf(pool.id), before: pool.properties, after: edited.properties });
  const members = poolMembers(edited.properties);
  const known = poolMembers(pool.properties);
  const siblings = known.map((id) => findBackend(backends, id)?.properties).filter((properties) => properties !== undefined);
  const inputs = request.backends ?? [];
  const created = inputs.flatMap((input) => {
    const { backend_id, url } = input;
    if (url === undefined || findBackend(backends, backend_id) !== undefined) return [];
    const { properties, ...more } = newBackend({ ...input, url }, siblings, serviceId);
    return [{ edit: { backendId: backend_id, before: null, after: breakerSet(properties, breakerFor(input, request)) }, ...more }];
  });
  const existing = [...new Set(members)].flatMap((id) => {
    const backend = findBackend(backends, id);
    const input = inputs.find(({ backend_id }) => sameName(backend_id, id));
    if (backend === undefined) return [];
    const others = siblings.filter((properties) => properties !== backend.properties);
    return [beforeOf(editExisting(backend, input, breakerFor(input, request), others))];
  });
  const memberEdits = [...created.map(({ edit }) => edit), ...existing];
  const edits = [...memberEdits, poolEdit].filter(changes);
  const balanced = membersOf(applied(backends, edits), { ...pool, properties: edited.properties });
  return {
    edits,
    joined: memberEdits.filter(({ backendId }) => !known.some((id) => sameName(id, backendId))),
    parts: poolParts(poolEdit, memberEdits.filter(changes)),
    warnings: [
      ...created.flatMap(({ warnings }) => warnings),
      ...edited.warnings,
      ...memberEdits.flatMap(urlWarnings),
      ...memberEdits.flatMap(identityWarnings),
      ...standbyWarnings(balanced, request),
      ...(known.length > 1 && balanced.length === 1
        ? balanced.map(({ backendId }) => `'${backendId}' is the only member left: nothing takes over when it fails.`)
        : []),
      ...(edits.length === 0 ? [] : longTripWarnings(balanced)),
    ],
    manualSteps: [...created.flatMap(({ manualSteps }) => manualSteps), ...memberEdits.flatMap((edit) => identitySteps(edit, serviceId))],
    members: balanced,
  };
}

/** Ids in the spelling of the backends that they name. */
function withKnownIds(backends: readonly ListedDocument[], request: PoolRequest): PoolRequest {
  const known = (id: string) => backendIdOf(findBackend(backends, id)?.id ?? id);
  return { ...request, backends: request.backends?.map((input) => ({ ...input, backend_id: known(input.backend_id) })) };
}

function checkNames(backends: readonly ListedDocument[], pool: ListedDocument, { backends: inputs = [], remove = [] }: PoolRequest): void {
  const singles = backends.filter(({ properties }) => !isPool(properties)).map(({ id }) => backendIdOf(id));
  for (const { backend_id, url } of inputs) {
    const backend = findBackend(backends, backend_id);
    if (backend === undefined && url === undefined)
      throw unknownName("backend", backend_id, singles, "To create it as a member, give its 'url'.");
    // Assumed: Microsoft's documents have said both that a pool in a pool is refused and nothing.
    if (backend !== undefined && isPool(backend.properties)) {
      throw new GatewayError("unsupported", `'${backend_id}' is a pool, and a pool cannot be a member of a pool.`, {
        hint: `Name its members instead: ${poolMembers(backend.properties).join(", ")}.`,
      });
    }
  }
  const members = poolMembers(pool.properties);
  for (const name of remove) {
    // A backend that is not in the pool is as removed as can be; one that does not exist is a mistake.
    if (![...singles, ...members].some((id) => sameName(id, name))) throw unknownName("pool member", name, members);
  }
}

function editExisting(
  { id, properties }: ListedDocument,
  input: BackendInput | undefined,
  breaker: BreakerInput | null | undefined,
  others: readonly JsonObject[],
): BackendEdit {
  const { url, region } = input ?? {};
  const stays = url === undefined || (typeof properties.url === "string" && sameUrl(properties.url, url));
  const moved = stays ? properties : { ...properties, url };
  const placed =
    region === undefined || regionId(`${properties.azureRegion ?? ""}`) === regionId(region)
      ? moved
      : { ...moved, azureRegion: regionId(region) };
  return {
    backendId: backendIdOf(id),
    before: properties,
    after: breakerSet(withIdentity(placed, input?.managed_identity, others), breaker),
  };
}

const breakerSet = (properties: JsonObject, breaker: BreakerInput | null | undefined): JsonObject =>
  breaker === undefined ? properties : withBreaker(properties, breaker);

/** What a member's breaker becomes: its own input comes before that for all; undefined leaves it alone. */
const breakerFor = (input: BackendInput | undefined, { policies }: PoolRequest): BreakerInput | null | undefined =>
  input?.circuit_breaker === undefined ? policies?.circuit_breaker : input.circuit_breaker;

/** Edits keep the order of members, so that equal documents are equal texts. */
const changes = ({ before, after }: BackendEdit): boolean => JSON.stringify(before) !== JSON.stringify(after);

function applied(backends: readonly ListedDocument[], edits: readonly BackendEdit[]): readonly ListedDocument[] {
  const edited = edits.map(({ backendId, after }) => ({ id: backendDocumentId(backendId), properties: after }));
  return [...backends.filter(({ id }) => !edited.some((edit) => edit.id === id)), ...edited];
}

/** Whether an existing backend comes to sign in with a managed identity; a new one's words are `newBackend`'s. */
const gainsIdentity = ({ before, after }: BackendEdit): boolean =>
  before !== null && identityOf(before) === null && identityOf(after) !== null;

const identityWarnings = (edit: BackendEdit): readonly string[] =>
  gainsIdentity(edit)
    ? [
        `Backend '${edit.backendId}' comes to authenticate with a managed identity, for all that use it: give it access to ${edit.after.url}.`,
      ]
    : [];

const identitySteps = (edit: BackendEdit, serviceId: string): readonly string[] =>
  gainsIdentity(edit) ? roleAssignments(identityOf(edit.after) ?? {}, `${edit.after.url}`, serviceId) : [];

function urlWarnings({ backendId, before, after }: BackendEdit): readonly string[] {
  return before === null || before.url === after.url
    ? []
    : [`Backend '${backendId}' moves from ${before.url} to ${after.url}, for all that use it.`];
}
