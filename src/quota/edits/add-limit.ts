import { GatewayError } from "../../errors.ts";
import { type DocumentId, documentTitle, policyDocumentId, policyScopeOf, policyText } from "../../gateway/documents.ts";
import type { Inventory } from "../../gateway/inventory.ts";
import { type SubscriptionScope, subscriptionName } from "../../gateway/model.ts";
import { childElements, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import { appendChild, applyEdits, type Edit, insertAfter, insertBefore, prependChild } from "../../policy/edit.ts";
import { allSteps, policyChain, type Step, stepReader } from "../../policy/steps.ts";
import type { Path } from "../callers.ts";
import type { TeamLimits } from "../limit.ts";
import { named } from "../limits.ts";
import { lastBranchOfOthers, ownBranch, type Team, teamWhen, textLiteral } from "./branch.ts";
import { textOf, withText } from "./documents.ts";
import { newElement, type OwnValues, styleOf } from "./elements.ts";
import { ownKey } from "./own-key.ts";

/** A limit for a team that has none of its kind. */
interface Addition {
  readonly inventory: Inventory;
  readonly team: TeamLimits;
  readonly as: Team;
  readonly kind: "tpm" | "rpm" | "token_quota";
  readonly number: number;
  readonly period: string | null;
  readonly apiId: string | null;
  /** The ways that the team's calls may take. */
  readonly paths: readonly Path[];
}

interface Added {
  readonly inventory: Inventory;
  readonly document: DocumentId;
  readonly warnings: readonly string[];
}

/**
 * Adds a limit in a branch for the subscription, on a counter of its own: in the narrowest document that all of its calls meet, behind authentication
 * and cache lookups, before routing, as the merged policies of its calls run; behind `<base />` where that changes nothing of it. Throws
 * `unsupported` on the Consumption tier, which has neither policy, and where no one document is met by all calls.
 */
export function addLimit(addition: Addition): Added {
  const { inventory, team, kind, number, period } = addition;
  if (inventory.service.tier === "consumption") throw notOnConsumption(kind);
  const values: OwnValues = {
    number,
    ...(period === null ? {} : { window: { attribute: "token-quota-period", value: period } }),
    counterKey: ownKey(inventory, team, kind === "rpm" ? "calls" : "tokens", kind),
  };
  const own = (document: DocumentId) => newElement(kind, values, styleOf(sources(inventory, document)));
  const places = documentsFor(addition).flatMap((document) => placesIn(addition, document, own(document)));
  const [best] = places.toSorted((a, b) => a.cost - b.cost || Number(b.joins) - Number(a.joins));
  if (best === undefined || best.cost >= unmet) throw notMet(addition);
  return { inventory: best.inventory, document: best.document, warnings: best.cost === 0 ? [] : warningsOf(best) };
}

/** The document's own limits first, then the others of the service. */
function* sources({ policies, fragments }: Inventory, first: DocumentId): Generator<string> {
  const own = policies.get(first);
  if (own !== undefined) yield policyText(own);
  for (const document of [...policies.values(), ...fragments]) yield policyText(document);
}

/** The documents that may hold it, the one to prefer first. */
function documentsFor({ team, apiId, paths }: Addition): readonly DocumentId[] {
  const apis = [...new Set(paths.map((path) => path.apiId))];
  const [only] = apis;
  const ofApi = apis.length === 1 && only != null ? [policyDocumentId({ kind: "api", apiId: only })] : [];
  const every = everyCallOf(team.subscription.scope);
  // The scope's own document reaches more than the one API that is meant, unless that is all that there is.
  return apiId !== null && !isOnlyApi(team, apis) ? ofApi : [...every, ...ofApi].filter((id, index, all) => all.indexOf(id) === index);
}

const isOnlyApi = ({ subscription: { scope } }: TeamLimits, apis: readonly (string | null)[]): boolean =>
  scope.kind === "api" && apis.length === 1;

function everyCallOf(scope: SubscriptionScope): readonly DocumentId[] {
  if (scope.kind === "service" || scope.kind === "apis") return [policyDocumentId({ kind: "global" })];
  return [policyDocumentId(scope)];
}

interface Placement {
  readonly inventory: Inventory;
  readonly document: DocumentId;
  readonly cost: number;
  /** Whether it goes into the `choose` that other teams' limits stand in. */
  readonly joins: boolean;
  readonly broken: readonly Broken[];
}

/** Every place between the policies of the document's inbound section, those behind `<base />` first. */
function placesIn(addition: Addition, id: DocumentId, own: string): readonly Placement[] {
  const { inventory, as } = addition;
  const source = textOf(inventory, id) ?? emptyPolicy(id);
  const parsed = parse(source);
  const inbound = parsed.root === null ? undefined : childElements(parsed.root, "inbound")[0];
  if (parsed.problems.length > 0 || parsed.root === null) return [];
  if (inbound === undefined)
    return [placed(addition, id, source, prependChild(parsed, parsed.root, inboundWith(ownBranch(own, as))), own, false)];
  const children = childElements(inbound);
  const behindBase = children.findIndex(({ name }) => name === "base") + 1;
  const indexes = children.map((_, index) => index + 1);
  const order = [...indexes.filter((index) => index >= behindBase), ...[0, ...indexes].filter((index) => index < behindBase)];
  const unique = [...new Set(order)];
  return unique.map((index) => {
    const others = lastBranchBefore(children, index, own, as);
    const edit =
      others === null ? editAt(parsed, inbound, children, index, own, as) : insertAfter(parsed, others, teamWhen(as.subscriptionId, own));
    return placed(addition, id, source, edit, own, others !== null);
  });
}

function placed(addition: Addition, document: DocumentId, source: string, edit: Edit, own: string, joins: boolean): Placement {
  const inventory = withText(addition.inventory, document, applyEdits(source, [edit]));
  const broken = brokenBy(addition, inventory, own, addition.as);
  return { inventory, document, broken, joins, cost: broken.reduce((sum, { cost }) => sum + cost, 0) };
}

/** A scope without the section inherits it. */
const inboundWith = (xml: string): string => `<inbound>\n    <base />\n    ${xml.replaceAll("\n", "\n    ")}\n</inbound>`;

function lastBranchBefore(children: readonly Element[], index: number, own: string, as: Team): Element | null {
  const before = children[index - 1];
  return before?.name === "choose" ? lastBranchOfOthers(before, own, as) : null;
}

function editAt(parsed: PolicyDocument, inbound: Element, children: readonly Element[], index: number, own: string, as: Team): Edit {
  const [before, after] = [children[index - 1], children[index]];
  if (before !== undefined) return insertAfter(parsed, before, ownBranch(own, as));
  if (after !== undefined) return insertBefore(parsed, after, ownBranch(own, as));
  return appendChild(parsed, inbound, ownBranch(own, as));
}

/** A policy that changes nothing. The global one inherits from none: it is what forwards the calls. */
const emptyPolicy = (id: DocumentId): string => {
  const [inherited, forwarded] = policyScopeOf(id)?.kind === "global" ? ["", "<forward-request />"] : ["<base />", "<base />"];
  const sections = [
    ["inbound", inherited],
    ["backend", forwarded],
    ["outbound", inherited],
    ["on-error", inherited],
  ] as const;
  const lines = sections.map(([name, inner]) => (inner === "" ? `    <${name} />` : `    <${name}>\n        ${inner}\n    </${name}>`));
  return `<policies>\n${lines.join("\n")}\n</policies>\n`;
};

/** What is not as it should be on one of the team's ways. */
interface Broken {
  readonly what: "unmet" | "operations" | "caller authentication" | "cache lookup" | "routing" | "backend authentication";
  readonly cost: number;
  /** Of `operations`: those whose calls do not meet it. */
  readonly names: readonly string[];
}

const unmet = 1_000_000;
const costs = {
  unmet,
  operations: 10_000,
  "caller authentication": 1000,
  "cache lookup": 100,
  routing: 10,
  "backend authentication": 1,
} as const;

/** Reads the merged policies of each way: where the team's own element has come to stand among them. */
function brokenBy({ paths }: Addition, edited: Inventory, own: string, { subscriptionId }: Team): readonly Broken[] {
  const reader = stepReader(edited);
  const broken = new Set<Broken["what"]>();
  const passing: Path[] = [];
  for (const path of paths) {
    const steps = [...allSteps(reader.steps(policyChain(path)).inbound)];
    const index = steps.findIndex((step) => isOwn(step, own, subscriptionId));
    if (index < 0) passing.push(path);
    for (const { element } of steps.slice(0, index)) if (element.name === "set-backend-service") broken.add("routing");
    for (const { element } of steps.slice(index + 1)) {
      const what = shouldBeBefore(element.name);
      if (what !== null) broken.add(what);
    }
  }
  // Single operations may do without it, where other calls of their API do not.
  const few = passing.every(
    ({ apiId, operationId }) => operationId !== null && paths.some((path) => path.apiId === apiId && !passing.includes(path)),
  );
  if (passing.length > 0) broken.add(few ? "operations" : "unmet");
  const names = passing.map(({ apiId, operationId }) => `${apiId ?? ""}/${operationId ?? ""}`);
  return [...broken].map((what) => ({ what, cost: costs[what], names: what === "operations" ? names : [] }));
}

function isOwn({ element, policy }: Step, own: string, subscriptionId: string): boolean {
  const parent = element.parent;
  if (parent?.name !== "when" || element.name !== /^<([\w-]+)/.exec(own)?.[1]) return false;
  const condition = policy.source.slice(parent.openTag.start, parent.openTag.end);
  return condition.includes(textLiteral(subscriptionId)) && flat(policy.source.slice(element.span.start, element.span.end)) === flat(own);
}

const flat = (xml: string): string => xml.replace(/\s+/g, " ");

function shouldBeBefore(name: string): Broken["what"] | null {
  if (/^(?:validate-(?:jwt|azure-ad-token|client-certificate)|check-header|ip-filter|get-authorization-context)$/.test(name)) {
    return "caller authentication";
  }
  if (/^(?:cache-lookup|(?:llm|azure-openai)-semantic-cache-lookup)$/.test(name)) return "cache lookup";
  return name.startsWith("authentication-") ? "backend authentication" : null;
}

function warningsOf({ broken, document }: Placement): readonly string[] {
  const said = broken.filter(({ what }) => what !== "backend authentication");
  const words = {
    "caller authentication": "before caller authentication",
    "cache lookup": "before a cache lookup",
    routing: "behind routing",
  };
  return said.flatMap(({ what, names }) => {
    if (what === "unmet" || what === "backend authentication") return [];
    if (what === "operations") return [`The calls of ${named(names)} do not meet it: their operations' policies do without <base />.`];
    return [`In ${documentTitle(document)} the limit stands ${words[what]} of some of the team's calls.`];
  });
}

const notOnConsumption = (kind: Addition["kind"]): GatewayError =>
  new GatewayError("unsupported", `The Consumption tier has no ${kind === "rpm" ? "rate-limit-by-key" : "llm-token-limit"} policy.`, {
    hint:
      kind === "rpm"
        ? "Put the team into a product of its own, with a <rate-limit> in the product's policy."
        : "Token limits need another tier: https://learn.microsoft.com/azure/api-management/llm-token-limit-policy",
  });

function notMet({ team, apiId, paths }: Addition): GatewayError {
  const name = subscriptionName(team.subscription);
  const apis = [...new Set(paths.flatMap((path) => (path.apiId === null ? [] : [path.apiId])))];
  return new GatewayError(
    "unsupported",
    `No one document is met by all calls of '${name}': some policies do without <base />, or cannot be read.`,
    {
      hint:
        apiId === null && apis.length > 1
          ? `Name one API with api_id: ${apis.slice(0, 8).join(", ")}.`
          : "Edit the policy with apply_policy.",
    },
  );
}
