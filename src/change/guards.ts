import { GatewayError } from "../errors.ts";
import { type DocumentId, documentKind, documentTitle, type JsonObject, policyScopeOf, policyText } from "../gateway/documents.ts";
import type { LimitChange, Proposal, ProposedDocument } from "../gateway/proposal.ts";
import { sections } from "../policy/catalogue.ts";
import { childElements, descendants, type Element, parse } from "../policy/document.ts";
import { poolItems } from "../pool/backend.ts";
import type { GuardResult } from "./types.ts";

/** What a guard judges. */
export type Judged = Pick<Proposal, "documents" | "limits" | "policyErrors">;

interface Guard {
  readonly name: string;
  /** Whether an operator can allow to override it at all. */
  readonly overridable: boolean;
  readonly passed: string;
  /** What speaks against the change; null where the change has nothing that this guard judges. */
  readonly objections: (change: Judged) => readonly string[] | null;
}

/** https://learn.microsoft.com/azure/api-management/service-limits; Assumed: counted in bytes of UTF-8. */
const largestPolicy = 256 * 1024;

/** Policies that let a caller in or out, or prove the gateway to a backend (https://learn.microsoft.com/azure/api-management/api-management-policies). */
const authenticationPolicies: ReadonlySet<string> = new Set([
  "authentication-basic",
  "authentication-certificate",
  "authentication-managed-identity",
  "check-header",
  "get-authorization-context",
  "ip-filter",
  "validate-azure-ad-token",
  "validate-client-certificate",
  "validate-jwt",
]);

const guards: readonly Guard[] = [
  {
    name: "policy_invalid",
    overridable: true,
    passed: "The policy is well-formed and its sections are right.",
    objections: ({ policyErrors }) => judgeEach(policyErrors && [policyErrors], countErrors),
  },
  {
    name: "limit_cut",
    overridable: true,
    passed: "No limit is cut by more than half.",
    objections: ({ limits }) =>
      judgeEach(
        limits?.filter(({ intended }) => intended),
        ({ subscriptionId, kind, before, after }) =>
          before !== null && after !== null && after < before / 2
            ? [`${subscriptionId}: ${kind} ${before} -> ${after} cuts the limit by more than half.`]
            : [],
      ),
  },
  {
    name: "shared_document",
    overridable: true,
    passed: "No other team's limit changes.",
    objections: ({ limits }) => judgeEach(limits, (limit) => (limit.intended || limit.before === limit.after ? [] : [sharedLimit(limit)])),
  },
  {
    name: "no_backend_left",
    overridable: true,
    passed: "Every pool keeps a member.",
    objections: ({ documents }) =>
      judgeEach(
        documents.filter(({ before }) => memberCount(before?.properties) > 0),
        ({ id, after }) => (memberCount(after) === 0 ? [`${documentTitle(id)} would have no member left.`] : []),
      ),
  },
  {
    name: "base_removed",
    overridable: true,
    passed: "No <base /> is removed.",
    objections: ({ documents }) => judgeEach(documents.filter(inherits), removedBases),
  },
  {
    name: "auth_removed",
    overridable: true,
    passed: "No authentication or access check is removed.",
    objections: ({ documents }) =>
      judgeEach(
        documents.filter(({ id, before }) => authentications(id, before?.properties).size > 0),
        removedAuthentications,
      ),
  },
  {
    name: "too_large",
    overridable: false,
    passed: `No policy is larger than ${largestPolicy / 1024} KiB.`,
    objections: ({ documents }) =>
      judgeEach(
        documents.filter(({ id, after }) => documentKind(id) === "policy" && after !== null),
        tooLarge,
      ),
  },
];

/**
 * The guards that have something to judge, each with its verdict. An override counts where the guard can be overridden
 * and the operator lists it in `allowOverride`. `invalid_input` where `override` names no guard.
 */
export function judge(change: Judged, override: readonly string[], allowOverride: readonly string[]): readonly GuardResult[] {
  const unknown = override.filter((name) => guards.every((guard) => guard.name !== name));
  if (unknown.length > 0) {
    throw new GatewayError("invalid_input", `Unknown guard in override: ${unknown.join(", ")}.`, {
      hint: `Guards: ${guards.map(({ name }) => name).join(", ")}.`,
    });
  }
  return guards.flatMap((guard) => {
    const objections = guard.objections(change);
    if (objections === null) return [];
    if (objections.length === 0) return [{ name: guard.name, verdict: "passed", message: guard.passed }];
    return [objection(guard, objections.join(" "), override.includes(guard.name), allowOverride.includes(guard.name))];
  });
}

function objection({ name, overridable }: Guard, message: string, asked: boolean, allowed: boolean): GuardResult {
  if (!asked) return { name, verdict: "blocked", message };
  if (!overridable) return { name, verdict: "blocked", message: `${message} This guard cannot be overridden.` };
  if (allowed) return { name, verdict: "overridden", message };
  return { name, verdict: "blocked", message: `${message} It can be overridden only where the operator lists it in AIGW_ALLOW_OVERRIDE.` };
}

/** What a caller can do about the guards that block: which override the operator allows, and which he would have to. */
export function waysOut(blocked: readonly GuardResult[], allowOverride: readonly string[]): string {
  const names = guards
    .filter(({ name, overridable }) => overridable && blocked.some((result) => result.name === name))
    .map(({ name }) => name);
  if (names.length < blocked.length) return "Change the call so that the guards pass.";
  const missing = names.filter((name) => !allowOverride.includes(name));
  const again = `plan again with override: ${JSON.stringify(names)}`;
  return missing.length === 0
    ? `Change the call so that the guards pass; or, if the user wants exactly this, ${again}.`
    : `Change the call so that the guards pass; or the operator lists ${missing.join(", ")} in AIGW_ALLOW_OVERRIDE, then ${again}.`;
}

function judgeEach<T>(subjects: readonly T[] | undefined, judgeOne: (subject: T) => readonly string[]): readonly string[] | null {
  return subjects === undefined || subjects.length === 0 ? null : subjects.flatMap(judgeOne);
}

/** The tool's answer has all of them; a guard names the first. */
const countErrors = ([first, ...others]: readonly string[]): readonly string[] =>
  first === undefined ? [] : [others.length === 0 ? first : `${others.length + 1} errors, the first: ${first}`];

const sharedLimit = ({ subscriptionId, kind, before, after }: LimitChange): string =>
  `${subscriptionId}, which the call does not name, would go from ${kind} ${before ?? "none"} to ${after ?? "none"}.`;

const memberCount = (properties: JsonObject | null | undefined): number => poolItems(properties ?? {}).length;

/** Whether a document inherits policies now and goes on existing: at global scope there is nothing above, and a deleted one inherits everything. */
function inherits({ id, before, after }: ProposedDocument): boolean {
  const scope = policyScopeOf(id);
  if (scope === null || scope.kind === "global" || after === null) return false;
  return before === null || [...sectionElements(before.properties).values()].some(hasBase);
}

/** Where there was no document, everything was inherited; of its sections those are judged that the new document has. */
function removedBases({ id, before, after }: ProposedDocument): readonly string[] {
  const had = before === null ? null : sectionElements(before.properties);
  const next = sectionElements(after);
  return sections
    .filter((name) => (had === null ? next.has(name) : hasBase(had.get(name))) && !keepsParent(next.get(name)))
    .map((name) => `${documentTitle(id)}: without <base /> in <${name}> the policies of the scopes above no longer apply there.`);
}

function sectionElements(properties: JsonObject | null): ReadonlyMap<string, Element> {
  const root = rootOf(properties);
  return new Map(root === null ? [] : childElements(root).map((section) => [section.name, section]));
}

const holds = (section: Element | undefined, name: string): boolean =>
  section !== undefined && [...descendants(section)].some((element) => element.name === name);

/** At any depth: a `<base />` inside of `choose` counts. */
const hasBase = (section: Element | undefined): boolean => holds(section, "base");

/**
 * A `<backend>` that forwards by itself stands in for what is above: a retry can only be put around the call there
 * (https://learn.microsoft.com/azure/api-management/retry-policy).
 */
const keepsParent = (section: Element | undefined): boolean =>
  hasBase(section) || (section?.name === "backend" && holds(section, "forward-request"));

function removedAuthentications({ id, before, after }: ProposedDocument): readonly string[] {
  const next = authentications(id, after);
  return [...authentications(id, before?.properties)]
    .filter(([name, count]) => (next.get(name) ?? 0) < count)
    .map(([name]) => `${documentTitle(id)}: <${name}> would be removed.`);
}

/** How often each authentication policy stands in a policy or fragment. */
function authentications(id: DocumentId, properties: JsonObject | null | undefined): ReadonlyMap<string, number> {
  const kind = documentKind(id);
  const root = kind === "policy" || kind === "fragment" ? rootOf(properties) : null;
  const counts = new Map<string, number>();
  if (root === null) return counts;
  for (const { name } of descendants(root)) {
    if (authenticationPolicies.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function tooLarge({ id, after }: ProposedDocument): readonly string[] {
  const size = new TextEncoder().encode(after === null ? "" : policyText({ id, properties: after })).length;
  return size > largestPolicy ? [`${documentTitle(id)} has ${size} bytes; API Management takes ${largestPolicy}.`] : [];
}

function rootOf(properties: JsonObject | null | undefined): Element | null {
  return typeof properties?.value === "string" ? parse(properties.value).root : null;
}
