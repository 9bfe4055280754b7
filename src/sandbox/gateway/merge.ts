import {
  childElements,
  type Element,
  namedValueReference,
  type PolicyDocument,
  parse,
  positionsIn,
  textOf,
} from "../../policy/document.ts";
import { decodeEntities } from "../../policy/lexer.ts";
import { namedValue } from "../arm/references.ts";
import { textAt } from "../json.ts";
import type { Resource, World } from "../world.ts";
import type { PolicyNode, PolicyValue, Section } from "./policy.ts";

/** What runs for a call, section by section. */
export type EffectivePolicy = Readonly<Record<Section, readonly PolicyNode[]>>;

/** A scope that may have a policy document, by the path of its resource; the service itself has an empty one. */
export interface ScopeOfCall {
  readonly name: "global" | "product" | "api" | "operation";
  readonly path: string;
}

/** The gateway forwards where no policy says otherwise. */
const forwards: PolicyNode = {
  name: "forward-request",
  attributes: new Map(),
  children: [],
  text: null,
  place: { document: "policies/policy", line: 1, scope: "global", path: "forward-request" },
};

const nothing: EffectivePolicy = { inbound: [], backend: [forwards], outbound: [], "on-error": [] };

/**
 * The policies of scopes, from the broadest to the narrowest: each `<base />` is what the broader scopes have, fragments and named values
 * are put in (https://learn.microsoft.com/azure/api-management/set-edit-policies#use-base-element-to-set-policy-evaluation-order).
 *
 * Assumed: a section that a document leaves out inherits; without a global policy the gateway forwards.
 */
export function effectivePolicy(world: World, scopes: readonly ScopeOfCall[]): EffectivePolicy {
  const merged = scopes.reduce((broader, scope) => mergeScope(world, broader, scope), nothing);
  return {
    inbound: withPaths(merged.inbound),
    backend: withPaths(merged.backend),
    outbound: withPaths(merged.outbound),
    "on-error": withPaths(merged["on-error"]),
  };
}

function mergeScope(world: World, broader: EffectivePolicy, { name, path }: ScopeOfCall): EffectivePolicy {
  const resource = world.get(path === "" ? "policies/policy" : `${path}/policies/policy`);
  const document = resource === undefined ? undefined : parsed(resource);
  if (resource === undefined || document?.root == null) return broader;
  const reading: Reading = { world, document, path: resource.path, scope: name, lineAt: lineReader(document) };
  const { root } = document;
  const section = (of: Section): readonly PolicyNode[] => {
    const element = childElements(root, of)[0];
    return element === undefined ? broader[of] : readPolicies(reading, element, broader[of]);
  };
  return { inbound: section("inbound"), backend: section("backend"), outbound: section("outbound"), "on-error": section("on-error") };
}

const parsedDocuments = new WeakMap<Resource, PolicyDocument>();

/** A resource is replaced as a whole when it changes, and so is its document. */
function parsed(resource: Resource): PolicyDocument {
  const known = parsedDocuments.get(resource);
  if (known !== undefined) return known;
  const document = parse(textAt(resource.properties, "value") ?? "");
  parsedDocuments.set(resource, document);
  return document;
}

interface Reading {
  readonly world: World;
  readonly document: PolicyDocument;
  readonly path: string;
  readonly scope: string;
  readonly lineAt: (offset: number) => number;
}

function lineReader({ source }: PolicyDocument): (offset: number) => number {
  const positionAt = positionsIn(source);
  return (offset) => positionAt(offset).line;
}

/** The policies in an element. `base` is what `<base />` stands for. */
function readPolicies(reading: Reading, parent: Element, base: readonly PolicyNode[]): readonly PolicyNode[] {
  return childElements(parent).flatMap((element): readonly PolicyNode[] => {
    if (element.name === "base") return base;
    const fragment = element.name === "include-fragment" ? fragmentPolicies(reading, element) : null;
    return fragment ?? [readNode(reading, element)];
  });
}

/** Null where there is no such fragment. A fragment holds no other (https://learn.microsoft.com/azure/api-management/policy-fragments). */
function fragmentPolicies({ world, scope, path }: Reading, element: Element): readonly PolicyNode[] | null {
  const id = withNamedValues(world, element.attributes.find(({ name }) => name === "fragment-id")?.value.text ?? "");
  const resource = path.startsWith("policyFragments/") ? undefined : world.get(`policyFragments/${id}`);
  if (resource === undefined) return null;
  const document = parsed(resource);
  if (document.root === null) return null;
  return readPolicies({ world, document, path: resource.path, scope, lineAt: lineReader(document) }, document.root, []);
}

function readNode(reading: Reading, element: Element): PolicyNode {
  const { world, path, scope, lineAt } = reading;
  return {
    name: element.name,
    attributes: new Map(element.attributes.map(({ name, value }) => [name, policyValue(world, value.text)])),
    children: readPolicies(reading, element, []),
    text: readText(reading, element),
    place: { document: path, line: lineAt(element.span.start), scope, path: element.name },
  };
}

/** The new body of `set-body` may be markup; it is taken as it stands. */
function readText({ world, document }: Reading, element: Element): PolicyValue | null {
  const markup = element.name === "set-body" && childElements(element).length > 0 && element.closeTag !== null;
  const text = markup ? inner(document, element) : textOf(document, element);
  if (text === "") return null;
  return isLiquid(element) ? { kind: "literal", text } : policyValue(world, text);
}

const isLiquid = ({ name, attributes }: Element): boolean =>
  name === "set-body" && attributes.some((attribute) => attribute.name === "template" && attribute.value.text === "liquid");

const inner = ({ source }: PolicyDocument, { openTag, closeTag, span }: Element): string =>
  decodeEntities(source.slice(openTag.end, closeTag?.start ?? span.end)).trim();

/** A named value may hold a whole expression: what a value is, is judged after it has been put in. */
function policyValue(world: World, text: string): PolicyValue {
  const whole = withNamedValues(world, text);
  const isExpression = /^@(?:\([\s\S]*\)|\{[\s\S]*\})$/.test(whole.trim());
  return isExpression ? { kind: "expression", text: whole.trim() } : { kind: "literal", text: whole };
}

/** A name that no named value has stays as it stands. */
const withNamedValues = (world: World, text: string): string =>
  text.replace(namedValueReference, (whole, name: string) => textAt(namedValue(world, name)?.properties ?? {}, "value") ?? whole);

function withPaths(nodes: readonly PolicyNode[], parent = ""): readonly PolicyNode[] {
  const total = new Map<string, number>();
  for (const { name } of nodes) total.set(name, (total.get(name) ?? 0) + 1);
  const seen = new Map<string, number>();
  return nodes.map((node) => {
    const index = (seen.get(node.name) ?? 0) + 1;
    seen.set(node.name, index);
    const path = `${parent}${node.name}${(total.get(node.name) ?? 0) > 1 ? `[${index}]` : ""}`;
    return { ...node, place: { ...node.place, path }, children: withPaths(node.children, `${path}\\`) };
  });
}
