import { GatewayError } from "../../errors.ts";
import type { ListedDocument } from "../../gateway/documents.ts";
import type { DrillBreaker, DrillPlan, FaultOrigin, ProbeRequest } from "../../gateway/drill.ts";
import { findApi, findById, findSubscription, type Inventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { Proposal, ProposedDocument } from "../../gateway/proposal.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import type { Behind } from "../account-tokens.ts";
import { backendIdOf, breakerOf, findBackend, itemBackendId, membersOf, poolItems } from "../backend.ts";
import { type CapacityText, capacityText, type Endpoint } from "../capacity.ts";
import { resolveRoutes } from "../routes.ts";
import { sharesOf } from "../shares.ts";
import { callerWarnings, isEveryone } from "./callers.ts";
import { evacuation } from "./evacuation.ts";
import { drillMembers, failingId, isOfPool } from "./pools.ts";
import { rehearsal } from "./rehearsal.ts";
import { type DrillRequest, drillDurationMs, durationMs, durationText } from "./request.ts";

/** What a drill needs besides the service's documents. */
export interface DrillMeans {
  /** Null where no test key is configured, or the API has no operation that could be asked. */
  readonly probe: ProbeRequest | null;
  /** Why there is no probe. */
  readonly withoutProbe: string;
  /** Where a rehearsal's copy of the member points; null where none is configured. */
  readonly fault: { readonly url: string; readonly own: boolean } | null;
  /** Of the API, for a rehearsal: the first number that no revision has. */
  readonly revision: number;
}

/** What a drill is to be made of, before its documents. */
export interface DrillSubject {
  readonly inventory: Inventory;
  readonly csharp: CSharp;
  readonly apiId: string;
  readonly pool: ListedDocument;
  readonly member: ListedDocument;
  readonly means: DrillMeans;
  readonly subscriptions: readonly string[] | null;
}

/** A mode's own part of the proposal. */
export interface DrillDocuments {
  readonly documents: readonly ProposedDocument[];
  readonly warnings: readonly string[];
  readonly faultOrigin: FaultOrigin | null;
}

/** The members between which a drill moves real calls, of which `planDrill` has to know what is behind them; throws as it does. */
export function endpointsMoved(inventory: Inventory, csharp: CSharp, request: DrillRequest): readonly Endpoint[] {
  if (request.mode !== "evacuate") return [];
  return membersOf(inventory.backends, memberOf(inventory, csharp, findApi(inventory.apis, request.api_id).id, request).pool);
}

/**
 * The proposal of a drill: everything that is written when it starts. What is created goes, and what is changed is put back as it was, when it
 * is over; no other write follows. Throws `invalid_input` and `not_found` for names that do not fit, `unsupported` where no drill is possible.
 * `behind`: what was read of `endpointsMoved`; null where nothing was.
 */
export function planDrill(
  inventory: Inventory,
  csharp: CSharp,
  request: DrillRequest,
  means: DrillMeans,
  behind: Behind | null = null,
): Omit<Proposal, "tool" | "override"> {
  const duration = drillDurationMs(request.duration);
  const apiId = findApi(inventory.apis, request.api_id).id;
  const subscriptions = teamsOf(inventory, request);
  const { pool, member } = memberOf(inventory, csharp, apiId, request);
  const [poolId, backendId] = [backendIdOf(pool.id), backendIdOf(member.id)];
  const others = inventory.backends.filter(
    ({ id }) => isOfPool(backendIdOf(id), poolId) || sameName(backendIdOf(id), failingId(backendId)),
  );
  if (others.length > 0) throw stillThere(others.map(({ id }) => id));
  const subject: DrillSubject = { inventory, csharp, apiId, pool, member, means, subscriptions };
  const { documents, warnings, faultOrigin } = request.mode === "evacuate" ? evacuation(subject) : rehearsal(subject);
  const time = durationText(duration);
  const callers = subscriptions === null ? "all subscriptions" : subscriptions.join(", ");
  // Another's calls would say nothing of a team's, and would cost.
  const probe = subscriptions === null ? means.probe : null;
  const withoutProbe = subscriptions === null ? means.withoutProbe : ownCallsOnly;
  const share = membersOf(inventory.backends, pool).find(({ backendId: id }) => sameName(id, backendId))?.share ?? 0;
  const everyone = subscriptions === null || isEveryone(inventory, apiId, subscriptions);
  const capacity = request.mode === "evacuate" ? evacuatedCapacity(subject, everyone, behind) : nothingMoves;
  const drill: DrillPlan = {
    mode: request.mode,
    apiId,
    backendId,
    poolId,
    durationMs: duration,
    subscriptions,
    members: drillMembers(inventory.backends, pool),
    probe,
    everyone,
    breaker: drillBreaker(inventory, member),
    share,
    faultOrigin,
  };
  return {
    ...(request.mode === "evacuate"
      ? {
          action: `drill for ${time}: evacuate ${backendId} in API ${apiId}, ${callers}`,
          summary: `For ${time} from its start on, calls of ${callers} to API '${apiId}' go to pool '${poolId}' without '${backendId}'; the gateway ends it by itself.${capacity.text === "" ? "" : ` ${capacity.text}`}`,
        }
      : {
          action: `drill for ${time}: rehearse ${backendId} failing in API ${apiId}, test calls only`,
          summary: `For ${time} a copy of '${backendId}' fails in a copy of pool '${poolId}', which only a revision of API '${apiId}' without traffic uses; test calls show what the breaker makes of it.`,
        }),
    documents,
    affected: request.mode === "evacuate" ? (subscriptions ?? [`API '${apiId}'`]) : [],
    warnings: [
      ...warnings,
      ...capacity.warnings,
      ...(request.mode === "evacuate" && share > 0 && capacity.text === ""
        ? [`Whether their quotas are enough for it is not checked.`]
        : []),
      ...callerWarnings(inventory, apiId, subscriptions ?? []),
      ...(share === 0 ? [standbyText(request.mode, backendId)] : []),
      ...(probe === null ? [withoutProbe] : []),
      lookedAfterText(request.mode),
      cleanUpText(documents),
    ],
    ...(request.mode === "evacuate" && subscriptions !== null ? { teams: subscriptions } : {}),
    drill,
  };
}

const nothingMoves: CapacityText = { text: "", warnings: [] };

/** Who carries the member's calls meanwhile. What some callers have of the peak is not known: then it is no warning. */
function evacuatedCapacity({ inventory, pool, member }: DrillSubject, everyone: boolean, behind: Behind | null): CapacityText {
  const members = membersOf(inventory.backends, pool);
  const backendId = backendIdOf(member.id);
  const sources = members.filter(({ share }) => share > 0);
  if (behind === null || !sources.some((source) => sameName(source.backendId, backendId))) return nothingMoves;
  const left = members.filter((one) => !sameName(one.backendId, backendId));
  const shares = sharesOf(left, ({ isMissing }) => isMissing !== true);
  const carriers = left.filter((_, index) => (shares[index] ?? 0) > 0);
  const when = everyone ? `Without ${backendId}` : `Without ${backendId} for all callers`;
  const { text, warnings } = capacityText({ when, sources, carriers }, behind);
  return { text, warnings: everyone ? warnings : [] };
}

/** No breaker works in the Consumption tier: https://learn.microsoft.com/azure/api-management/backends#circuit-breaker */
function drillBreaker({ service }: Inventory, { properties }: ListedDocument): DrillBreaker | null {
  const breaker = service.tier === "consumption" ? null : breakerOf(properties);
  if (breaker === null) return null;
  const { failureCount: failures, failurePercent: percent, interval, tripDuration } = breaker;
  return { failures, percent, intervalMs: durationMs(interval), tripMs: durationMs(tripDuration) };
}

const ownCallsOnly =
  "No test call is made: it would come with another key than the subscriptions' own. Only the logs will tell what happened to their calls.";

const standbyText = (mode: DrillRequest["mode"], backendId: string): string =>
  mode === "evacuate"
    ? `'${backendId}' gets no calls while members of a higher priority are in use: nothing has to shift.`
    : `'${backendId}' gets no calls while members of a higher priority are in use: a rehearsal of it will hardly show anything.`;

/** Nobody else makes test calls and cleans up. */
const lookedAfterText = (mode: DrillRequest["mode"]): string =>
  [
    "The server that applies it looks after it to its end, and has to keep running until then.",
    "So does a single command (azure-ai-gateway-mcp call apply_change), which stays until it is cleaned up. Where that process ends before,",
    mode === "rehearse" ? "no more test calls are made, nothing further is shown, and" : "the gateway still ends the drill by itself, but",
    "its documents stay until stop_drill, the first tool call of the next server, or 'azure-ai-gateway-mcp recover'.",
  ].join(" ");

function teamsOf(inventory: Inventory, { mode, subscriptions = [] }: DrillRequest): readonly string[] | null {
  if (subscriptions.length === 0) return null;
  if (mode === "rehearse") {
    throw new GatewayError("invalid_input", "A rehearsal concerns no subscription: its calls are test calls.", {
      hint: "Leave subscriptions out; or evacuate.",
    });
  }
  return [...new Set(subscriptions.map((name) => findSubscription(inventory, name).id))];
}

/** The pool that the API goes to and that has the backend, and the backend's own document. */
function memberOf(
  inventory: Inventory,
  csharp: CSharp,
  apiId: string,
  { backend_id: name, pool_id: poolName }: Pick<DrillRequest, "backend_id" | "pool_id">,
): { readonly pool: ListedDocument; readonly member: ListedDocument } {
  const { backends } = inventory;
  const known = backends.map((document) => ({ id: backendIdOf(document.id), document }));
  const { id: backendId, document: member } = findById("backend", known, name);
  const reached = new Set(
    resolveRoutes(inventory, csharp, apiId).routes.flatMap(({ kind, backendId: id }) => (kind === "pool" && id !== null ? [id] : [])),
  );
  const pools = [...reached].flatMap((id) => findBackend(backends, id) ?? []);
  const having = pools.filter(({ properties }) => poolItems(properties).some((item) => sameName(itemBackendId(item), backendId)));
  const meant = poolName === undefined ? having : having.filter(({ id }) => sameName(backendIdOf(id), poolName));
  const [pool, ...more] = meant;
  if (pool === undefined && poolName !== undefined) {
    throw new GatewayError("invalid_input", `API '${apiId}' goes to no pool '${poolName}' that has '${backendId}' as a member.`, {
      hint: having.length === 0 ? "get_backend_pool shows its pools and members." : `Those are: ${idsOf(having)}.`,
    });
  }
  if (pool === undefined) {
    throw new GatewayError("invalid_input", `API '${apiId}' goes to no pool that has '${backendId}' as a member.`, {
      hint: "get_backend_pool shows its pools and members; update_backend_pool makes a pool of a single backend.",
    });
  }
  if (more.length > 0) {
    throw new GatewayError("invalid_input", `API '${apiId}' goes to several pools that have '${backendId}': ${idsOf(having)}.`, {
      hint: "Say which one with pool_id; a drill concerns the calls to one of them.",
    });
  }
  if (poolItems(pool.properties).length < 2) {
    throw new GatewayError(
      "invalid_input",
      `'${backendId}' is the only member of pool '${backendIdOf(pool.id)}': nobody could take over.`,
      {
        hint: "Add a second member with update_backend_pool first.",
      },
    );
  }
  return { pool, member };
}

const idsOf = (backends: readonly ListedDocument[]): string => backends.map(({ id }) => backendIdOf(id)).join(", ");

const stillThere = (ids: readonly string[]): GatewayError =>
  new GatewayError("conflict", `Another drill of this pool runs, or has left something behind: ${ids.join(", ")}.`, {
    hint: "get_drill shows it, and stop_drill ends it; the command 'azure-ai-gateway-mcp recover' removes what drills have left behind.",
  });

/** What the clean-up does: confirmed with the plan, because nobody is asked again. */
function cleanUpText(documents: readonly ProposedDocument[]): string {
  const ids = (created: boolean) => documents.filter(({ before }) => (before === null) === created).map(({ id }) => id);
  const [gone, back] = [ids(true), ids(false)];
  const parts = [
    ...(gone.length > 0 ? [`${gone.join(", ")} deleted`] : []),
    ...(back.length > 0 ? [`${back.join(", ")} put back as it was`] : []),
  ];
  return [
    `When it is over, this is cleaned up without another question: ${parts.join("; ")}.`,
    "What someone else has edited meanwhile is left as it is.",
  ].join(" ");
}
