import { GatewayError } from "../errors.ts";
import { type Document, type DocumentId, documentKind, policyDocumentId, policyText, withPolicyText } from "../gateway/documents.ts";
import { type Inventory, withPolicies } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { appendChild, applyEdits, attributeText, type Edit, prependChild, removeAttribute, setAttribute } from "../policy/edit.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { staticPolicies } from "../policy/static/walk.ts";
import { type StepReader, stepReader } from "../policy/steps.ts";
import { backendIdOf, sameUrl } from "./backend.ts";
import { type Conversion, placeText } from "./conversion.ts";
import { leadsTo, movedOtherwise } from "./moved.ts";
import { emptyPolicy } from "./retry-edit.ts";
import type { Route } from "./routes.ts";
import { allWays, type Way, wayText } from "./ways.ts";

/** Documents as they are then; the ETag is that of the live one. */
type Pointed = readonly Document[];

/**
 * The documents that send an API's calls to a new pool in the place of what it stands for, and move nobody else: that is shown by following
 * every call of every API before and after, as far as it can be told before it is made. What says so in the API's own policy is pointed at
 * the pool; else it is said at the end of its `<inbound>`, or before what it inherits; else where the choice is made, in a product's policy or a
 * fragment that no other API meets; else in its own policy for the products that are meant. `documents`: those that are known besides the
 * policies of the inventory, live. Throws `unsupported` where each of these would move others too, or would not be heard.
 */
export function pointedAt(
  inventory: Inventory,
  csharp: CSharp,
  apiId: string,
  conversion: Conversion,
  documents: ReadonlyMap<DocumentId, Document>,
): Pointed {
  const pools = inventory.backends.filter(({ id }) => !conversion.created.some((created) => sameName(created.id, id)));
  const then = { ...inventory, backends: [...pools, ...conversion.created] };
  const before = allWays(inventory, staticPolicies(inventory, csharp), inventory);
  let others: readonly Way[] = [];
  for (const pointing of pointings(inventory, before, apiId, conversion, documents)) {
    const changed = withTexts(then, pointing);
    const after = allWays(changed, staticPolicies(changed, csharp), inventory);
    const moved = movedOtherwise(before, after, apiId, conversion);
    if (moved.length === 0 && isHeard(after, apiId, conversion)) return pointing;
    others = moved;
  }
  const who = others.length === 0 ? "" : ` It would move others too: ${others.slice(0, 3).map(wayText).join("; ")}.`;
  const place = placeText(conversion.from);
  throw new GatewayError("unsupported", `API '${apiId}' alone cannot be pointed at a pool: ${place} decides.${who}`, {
    hint: `Create the pool with az rest or Bicep, and point <set-backend-service backend-id="..." /> in ${place} at it, or in a copy that only these calls meet.`,
  });
}

/** Whether the calls that are meant go to the pool, and none of them to what it stands for. */
function isHeard(after: readonly Way[], apiId: string, { from, operations, pool }: Conversion): boolean {
  const choices = after.filter((way) => way.apiId === apiId && operations.includes(way.operationId)).flatMap((way) => way.choices);
  const reached = choices.some(({ target }) => target.backendId === backendIdOf(pool.id));
  return reached && !choices.some(({ target }) => leadsTo(target, { ...from, expression: target.expression }));
}

/** Ways to say it, the one that changes least first. */
function* pointings(
  inventory: Inventory,
  ways: readonly Way[],
  apiId: string,
  conversion: Conversion,
  documents: ReadonlyMap<DocumentId, Document>,
): Generator<Pointed> {
  const { from, operations, pool } = conversion;
  const poolId = backendIdOf(pool.id);
  const reader = stepReader(inventory);
  const scopes = operations.map((operationId) =>
    operationId === null ? policyDocumentId({ kind: "api", apiId }) : policyDocumentId({ kind: "operation", apiId, operationId }),
  );
  const own = scopes.map((id) => ({ id, known: inventory.policies.get(id) ?? null }));
  const said = own.map(({ id, known }) => (known === null ? null : repointed(id, known, from, poolId, reader)));
  if (said.every((document) => document !== null)) yield said;
  const selection = `<set-backend-service backend-id="${poolId}" />`;
  for (const where of ["end", "start"] as const) yield own.map(({ id, known }) => selecting(id, known, selection, where));
  yield whereDecided(inventory, ways, apiId, conversion, documents);
  const condition = productCondition(ways, apiId, conversion);
  if (condition === null) return;
  const forProducts = `<choose>\n    <when condition="${attributeText(condition, '"')}">\n        ${selection}\n    </when>\n</choose>`;
  yield own.map(({ id, known }) => selecting(id, known, forProducts, "end"));
}

/** A policy or fragment with what selects `from` in it pointed at the pool; null where nothing does. */
function repointed(id: DocumentId, known: Document, from: Route, poolId: string, reader: StepReader): Document | null {
  const text = policyText(known);
  const own = parse(text);
  const elements = own.root === null ? [] : [...descendants(own.root)].filter(({ name }) => name === "set-backend-service");
  const edits = elements.filter((element) => selects(element, id, from, reader)).flatMap((element) => pointed(own, element, poolId));
  return edits.length === 0 ? null : { ...known, properties: withPolicyText(known.properties, applyEdits(text, edits)) };
}

function selects(element: Element, document: DocumentId, { backendId, url }: Route, reader: StepReader): boolean {
  const read = (name: string): string | null => {
    const written = attribute(element, name);
    return written === undefined ? null : reader.resolve(written.trim(), document).text;
  };
  const [target, base] = [read("backend-id"), read("base-url")];
  return backendId === null
    ? target === null && base !== null && url !== null && sameUrl(base, url)
    : target !== null && sameName(target, backendId);
}

function pointed(own: PolicyDocument, element: Element, poolId: string): readonly Edit[] {
  const edits = attribute(element, "base-url") === undefined ? [] : [removeAttribute(own, element, "base-url")];
  return [...edits, setAttribute(own, element, "backend-id", poolId)];
}

/** A policy with this at the end of its `<inbound>`, or at its start. */
function selecting(id: DocumentId, known: Document | null, xml: string, where: "start" | "end"): Document {
  const text = known === null ? emptyPolicy : policyText(known);
  const own = parse(text);
  const { root } = own;
  if (root === null || root.name !== "policies") {
    throw new GatewayError("unsupported", `The policy ${id} has no <policies> root: it cannot be pointed at a pool.`, {
      hint: `Write ${xml} into it with apply_policy.`,
    });
  }
  const [inbound] = childElements(root, "inbound");
  const lines = where === "start" ? [xml, "<base />"] : ["<base />", xml];
  const edit =
    inbound === undefined
      ? prependChild(own, root, `<inbound>\n    ${lines.join("\n").replaceAll("\n", "\n    ")}\n</inbound>`)
      : where === "start"
        ? prependChild(own, inbound, xml)
        : appendChild(own, inbound, xml);
  return { id, properties: withPolicyText(known?.properties ?? null, applyEdits(text, [edit])), etag: known?.etag ?? "" };
}

/** The policies and fragments that send the API's calls there, pointed at the pool. */
function whereDecided(
  inventory: Inventory,
  ways: readonly Way[],
  apiId: string,
  { from, operations, pool }: Conversion,
  documents: ReadonlyMap<DocumentId, Document>,
): Pointed {
  const reader = stepReader(inventory);
  const sources = ways
    .filter((way) => way.apiId === apiId && operations.includes(way.operationId))
    .flatMap(({ choices }) => choices.filter(({ target }) => leadsTo(target, from)))
    .flatMap(({ source }) => (typeof source === "string" ? [] : [source.document]));
  // What the APIs of workspaces meet is not followed.
  const followed = (id: DocumentId) => inventory.workspaces.length === 0 || /^(?:apis|products)\//.test(id);
  return [...new Set(sources)].filter(followed).flatMap((id) => {
    const known = inventory.policies.get(id) ?? documents.get(id);
    return (known === undefined ? null : repointed(id, known, from, backendIdOf(pool.id), reader)) ?? [];
  });
}

/** Calls of the products that are meant; null where that is no question of products. */
function productCondition(ways: readonly Way[], apiId: string, { from, operations }: Conversion): string | null {
  const own = ways.filter((way) => way.apiId === apiId && operations.includes(way.operationId));
  const meant = own.filter(({ choices }) => choices.some(({ target }) => leadsTo(target, from)));
  const others = own.filter((way) => !meant.includes(way));
  if (operations.length > 1 || meant.some(({ choices }) => choices.length > 1) || others.length === 0) return null;
  const ids = (some: readonly Way[]) => some.flatMap(({ productId }) => productId ?? []);
  if ([...ids(meant), ...ids(others)].some((id) => !/^[\w.-]+$/.test(id))) return null;
  const tests = (some: readonly Way[], operator: string) => ids(some).map((id) => `context.Product.Id ${operator} "${id}"`);
  return meant.some(({ productId }) => productId === null)
    ? `@(context.Product == null || (${tests(others, "!=").join(" && ")}))`
    : `@(context.Product != null && (${tests(meant, "==").join(" || ")}))`;
}

/** The service with these policies and fragments in it. */
export function withTexts(inventory: Inventory, changed: readonly Document[]): Inventory {
  const fragments = changed.filter(({ id }) => documentKind(id) === "fragment");
  return {
    ...withPolicies(
      inventory,
      changed.filter(({ id }) => documentKind(id) === "policy"),
    ),
    fragments: [...inventory.fragments.filter(({ id }) => !fragments.some((one) => one.id === id)), ...fragments],
  };
}
