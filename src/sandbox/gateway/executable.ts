import { attribute, childElements, type Element, namedValuesIn, parse, positionsIn, type Value } from "../../policy/document.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import { compile } from "./expressions/compile.ts";
import { notModelledBackends, policies, requestPolicies, responsePolicies } from "./policies/index.ts";

/** Something in a policy document that the sandbox answers 500 for where a call reaches it. */
export interface NotExecutable {
  /** The element's name, or what in an expression. */
  readonly what: string;
  readonly document: string;
  /** From 1. */
  readonly line: number;
  /** Where it begins in the text. */
  readonly offset: number;
  readonly why: string;
}

/** A policy document or a fragment. */
interface NamedDocument {
  readonly name: string;
  readonly text: string;
}

/** What of some documents the sandbox cannot execute, in the order of their texts; empty where it can execute all of them. */
export function notExecutable(documents: readonly NamedDocument[], csharp: CSharp): readonly NotExecutable[] {
  return documents.flatMap((named) => inDocument(named, csharp));
}

function inDocument({ name, text }: NamedDocument, csharp: CSharp): readonly NotExecutable[] {
  const document = parse(text);
  if (document.root === null) return [];
  const positionAt = positionsIn(document.source);
  const roots = document.root.name === "fragment" ? [document.root] : childElements(document.root);
  const found = roots.flatMap((root) => [...inPolicies(root), ...expressionsOf(root, csharp)]);
  return found.toSorted((a, b) => a.offset - b.offset).map((found) => ({ ...found, document: name, line: positionAt(found.offset).line }));
}

interface Found {
  readonly what: string;
  readonly why: string;
  readonly offset: number;
}

/** Elements whose children are policies again. */
const holdsPolicies = ["choose", "when", "otherwise", "retry", "wait", "limit-concurrency"];
/** What is no policy itself, but stands among them. */
const structure = ["base", "when", "otherwise"];

function inPolicies(parent: Element): readonly Found[] {
  return childElements(parent).flatMap((element) => {
    const refused = refusal(element);
    if (refused !== null) return [{ ...refused, offset: element.span.start }];
    return holdsPolicies.includes(element.name) ? inPolicies(element) : inParameters(element);
  });
}

function refusal(element: Element): Omit<Found, "offset"> | null {
  const { name } = element;
  if (!Object.hasOwn(policies, name) && !structure.includes(name)) return { what: name, why: "the sandbox has no such policy" };
  if (name === "set-backend-service") {
    const unknown = notModelledBackends.find((candidate) => attribute(element, candidate) !== undefined);
    if (unknown !== undefined) return { what: `${name} ${unknown}`, why: "Service Fabric and Dapr are not modelled" };
  }
  return isLiquid(element) ? liquid : null;
}

const isLiquid = (element: Element): boolean => element.name === "set-body" && attribute(element, "template") !== undefined;
const liquid = { what: 'set-body template="liquid"', why: "Liquid templates are not executed" };

/** Elements below a policy that is executed, which the policy itself refuses. */
function inParameters(policy: Element): readonly Found[] {
  const allowed = (
    { "return-response": responsePolicies, "send-request": requestPolicies, "send-one-way-request": requestPolicies } as const
  )[policy.name];
  return childElements(policy).flatMap((child): readonly Found[] => {
    const offset = child.span.start;
    if (allowed !== undefined && !allowed.includes(child.name))
      return [{ what: `${child.name} in ${policy.name}`, why: "it is not modelled", offset }];
    if (isLiquid(child)) return [{ ...liquid, offset }];
    if (!/^validate-(?:jwt|azure-ad-token)$/.test(policy.name)) return [];
    const certificates =
      child.name === "decryption-keys" ? [child] : childElements(child).filter((key) => attribute(key, "certificate-id") !== undefined);
    return certificates.map(({ name, span }) => ({
      what: `${name} in ${policy.name}`,
      why: "certificates and encrypted tokens are not modelled",
      offset: span.start,
    }));
  });
}

function expressionsOf(element: Element, csharp: CSharp): readonly Found[] {
  const own = element.attributes.map(({ value }) => value);
  const texts = element.children.flatMap((child) => (child.type === "text" ? [child.value] : []));
  return [
    ...[...own, ...texts].flatMap((value) => inExpression(value, csharp)),
    ...childElements(element).flatMap((child) => expressionsOf(child, csharp)),
  ];
}

/** Named values are not known here: an expression that one is part of is judged where it runs. */
function inExpression({ kind, text, span }: Value, csharp: CSharp): readonly Found[] {
  if (kind !== "expression" || namedValuesIn(text).length > 0) return [];
  const { unsupported } = compile(csharp, text);
  return unsupported.map(({ what, offset }) => ({ what, why: "the sandbox cannot evaluate it", offset: span.start + offset }));
}
