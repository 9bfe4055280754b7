import { type DocumentId, documentKind, documentTitle, type JsonObject, policyScopeOf } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { sameName, subscriptionName } from "../../gateway/model.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { type CallPath, policyChain } from "../../policy/steps.ts";
import { backendIdOf, findBackend } from "../../pool/backend.ts";
import { named } from "../../quota/limits.ts";
import { allPaths, isConcerned } from "./calls.ts";
import type { Guard, Subject } from "./guard.ts";
import { changedLimits } from "./limits.ts";
import type { Protected } from "./names.ts";
import { propertiesOn, type States, subscriptionsOf } from "./states.ts";
import { obscurity, openViews, type View, type Views, withMembers } from "./views.ts";

/**
 * What the operator protects is left alone: its own documents, and what any other document makes of its calls.
 *
 * - an API: its policy and its operations', and all that its calls meet, with whichever product;
 * - a product: its policy, and all that this policy merges to. Policies of the product's APIs are those APIs' own;
 * - a subscription: its limits and counters, and all that its calls meet outside of branches that are only for others;
 * - a backend: its document, and members, priorities, weights and settings of every pool that holds it; a drill that evacuates it.
 *
 * What cannot be told counts as touched.
 */
export const protection: Guard = {
  name: "protected",
  passed: "Nothing that is protected is touched.",
  objections(subject) {
    if (subject.documents.length === 0 || subject.protect.length === 0) return null;
    const reach = subject.states === null ? null : reachOf(subject, subject.states);
    return subject.protect.flatMap((thing) => {
      const reason = touches(thing, subject, reach);
      return reason === null ? [] : [`${titleOf(thing)} is protected (AIGW_PROTECT), and ${reason}.`];
    });
  },
  remarks: ({ protect, states }) =>
    protect
      .filter((thing) => states !== null && !exists(thing, states.before))
      .map((thing) => `AIGW_PROTECT names ${titleOf(thing)}, which the service does not have: it protects nothing.`),
};

const nouns = { api: "API", product: "product", subscription: "subscription", backend: "backend" } as const;

const titleOf = ({ kind, name }: Protected): string => `${nouns[kind]} '${name}'`;

function exists({ kind, name }: Protected, inventory: Inventory): boolean {
  if (kind === "backend") return findBackend(inventory.backends, name) !== undefined;
  const levels = [inventory, ...inventory.workspaces];
  if (kind === "api") return levels.some(({ apis }) => apis.some(({ id }) => sameApi(id, name)));
  return levels.some(({ products, subscriptions }) => (kind === "product" ? products : subscriptions).some(({ id }) => sameName(id, name)));
}

/** What is looked at for each protected thing, read once. */
interface Reach {
  readonly subject: Subject;
  readonly states: States;
  readonly before: Views;
  readonly after: Views;
  readonly limitedAnew: () => readonly string[];
  readonly obscurity: (id: DocumentId, properties: JsonObject) => string | null;
}

function reachOf(subject: Subject, states: States): Reach {
  const known = new Map<JsonObject, string | null>();
  let limited: readonly string[] | undefined;
  return {
    subject,
    states,
    before: openViews(states.before, states.csharp),
    after: openViews(states.after, states.csharp),
    limitedAnew() {
      limited ??= changedLimits(states);
      return limited;
    },
    obscurity(id, properties) {
      const reason = known.has(properties) ? (known.get(properties) ?? null) : obscurity(id, properties);
      known.set(properties, reason);
      return reason;
    },
  };
}

/** Why a protected thing is touched; null where it surely is not. */
function touches(thing: Protected, { documents, drill }: Subject, reach: Reach | null): string | null {
  const own = documents.filter(({ id }) => isOwn(thing, id));
  if (own.length > 0) return `the change is to ${titles(own)}`;
  // A drill's pools are its own; no pool that serves production changes.
  if (thing.kind === "backend" && drill !== undefined) {
    return drill.mode === "evacuate" && sameName(drill.backendId, thing.name) ? "the drill would send its calls away from it" : null;
  }
  if (reach === null) return "what the change reaches was not read";
  if (thing.kind === "backend") return touchesBackend(thing.name, documents, reach.states);
  const named = thing.kind === "subscription" ? namesOf(thing.name, reach.states) : [];
  if (reach.limitedAnew().some((name) => named.includes(name))) {
    return "one of its limits or counters would change";
  }
  return touchesCalls(thing, reach);
}

/** Whichever workspace it is in: an operator who protects a name means all that has it. */
function isOwn({ kind, name }: Protected, id: DocumentId): boolean {
  if (kind === "backend") return documentKind(id) === "backend" && sameName(nameOf(id), name);
  const scope = policyScopeOf(id);
  if (kind === "product") return scope?.kind === "product" && sameName(scope.productId, name);
  return kind === "api" && (scope?.kind === "api" || scope?.kind === "operation") && sameApi(scope.apiId, name);
}

const nameOf = (id: DocumentId): string => id.split("/").at(-1) ?? id;

/** In whichever revision: https://learn.microsoft.com/azure/api-management/api-management-revisions */
const sameApi = (a: string, b: string): boolean => sameName(withoutRevision(a), withoutRevision(b));

const withoutRevision = (apiId: string): string => apiId.replace(/;rev=\d+$/i, "");

function touchesCalls(thing: Protected, reach: Reach): string | null {
  for (const path of pathsOf(thing, reach)) {
    const reason = touchesPath(path, teamOf(thing, reach.states), reach);
    if (reason !== null) return reason;
  }
  return null;
}

/** As it is spelled in the service: policies compare it with regard to case. */
function teamOf({ kind, name }: Protected, { before }: States): string | null {
  if (kind !== "subscription") return null;
  return subscriptionsOf(before).find(({ id }) => sameName(id, name))?.id ?? name;
}

/** Of the subscriptions with this id, in whichever workspace. */
const namesOf = (id: string, { before, after }: States): readonly string[] => [
  ...new Set([...subscriptionsOf(before), ...subscriptionsOf(after)].filter((one) => sameName(one.id, id)).map(subscriptionName)),
];

/** The ways that the calls of a protected thing may take, before or after. */
function pathsOf({ kind, name }: Protected, { subject, states, before, after }: Reach): readonly CallPath[] {
  if (kind === "product") return [{ apiId: null, operationId: null, productId: name }];
  if (kind === "subscription") return namesOf(name, states).flatMap((one) => [...before.pathsOf(one), ...after.pathsOf(one)]);
  return allPaths(subject).filter(({ apiId }) => apiId !== null && sameApi(apiId, name));
}

function touchesPath(path: CallPath, team: string | null, reach: Reach): string | null {
  const { documents } = reach.subject;
  const reaching = documents.filter((document) => documentKind(document.id) === "backend" || isConcerned(path, [document]));
  if (reaching.length === 0) return null;
  const obscure = obscureDocument(path, reaching, reach);
  if (obscure !== null) return `${obscure}: whether the change reaches it cannot be told`;
  const [was, is] = [reach.before.view(path, team), reach.after.view(path, team)];
  if (was.text !== is.text) return `${titles(reaching)} ${reaching.length === 1 ? "reaches" : "may reach"} it`;
  const hidden = reaching.filter((document) => isHidden(document, [was, is]));
  return hidden.length === 0 ? null : `${titles(hidden)} may reach it: its value, or where it is used, is secret`;
}

/** A policy on the path or a changed fragment that views may not show all of. */
function obscureDocument(path: CallPath, changed: readonly ProposedDocument[], reach: Reach): string | null {
  const chain = policyChain(path);
  const policies = [reach.states.before, reach.states.after].flatMap((state) => [...state.policies.values()]);
  const fragments = changed
    .filter(({ id }) => documentKind(id) === "fragment")
    .flatMap((document) =>
      [propertiesOn(document, "before"), propertiesOn(document, "after")].map((properties) => ({ id: document.id, properties })),
    );
  for (const { id, properties } of [...policies.filter(({ id }) => chain.some((one) => sameName(one, id))), ...fragments]) {
    const reason = properties === null ? null : reach.obscurity(id, properties);
    if (reason !== null) return `${documentTitle(id)} ${reason}`;
  }
  return null;
}

/** Whether a named value changes that stands where its value is not seen. */
function isHidden({ id, before, after }: ProposedDocument, views: readonly View[]): boolean {
  if (documentKind(id) !== "named_value") return false;
  const names = [before?.properties.displayName, after?.displayName, nameOf(id)];
  return views.some(
    ({ unknownValues, hidesValues }) => hidesValues || names.some((name) => typeof name === "string" && unknownValues.has(name)),
  );
}

function touchesBackend(name: string, documents: readonly ProposedDocument[], states: States): string | null {
  const pools = documents.filter(
    ({ id, before, after }) =>
      documentKind(id) === "backend" &&
      JSON.stringify(before?.properties.pool) !== JSON.stringify(after?.pool) &&
      [states.before, states.after].some((state) => holds(state, backendIdOf(id), name)),
  );
  if (pools.length > 0) return `${titles(pools)} holds it, and its members or settings would change`;
  const values = documents.filter((document) => documentKind(document.id) === "named_value" && mayStandIn(document, states.before, name));
  return values.length === 0 ? null : `${titles(values)} may stand in it`;
}

/** Whether a pool has the backend as a member, itself or through a pool in it. */
const holds = ({ backends }: Inventory, poolId: string, name: string): boolean =>
  !sameName(poolId, name) && withMembers(backends, [poolId]).has(name.toLowerCase());

/** Credentials are not shown, and may hold any named value. */
function mayStandIn({ id, before, after }: ProposedDocument, { backends }: Inventory, name: string): boolean {
  const text = JSON.stringify(findBackend(backends, name)?.properties ?? {});
  const names = [before?.properties.displayName, after?.displayName, nameOf(id)];
  return text.includes("<secret:") || names.some((value) => typeof value === "string" && text.includes(`{{${value}}}`));
}

const titles = (documents: readonly ProposedDocument[]): string => named(documents.map(({ id }) => documentTitle(id)));
