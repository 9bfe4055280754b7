import { documentKind, type JsonObject, policyText } from "../../gateway/documents.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { childElements, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import { credentialsOf, itemBackendId, itemPriority, itemWeight, poolItems } from "../../pool/backend.ts";
import { authenticationOf } from "./authentication-elements.ts";
import { propertiesOn } from "./states.ts";

/**
 * Whether judging a change needs to know more of the service than its documents: it touches authentication, routes or what is
 * inherited and included. A limit, a breaker or a header do not.
 */
export const reachesFurther = (documents: readonly ProposedDocument[]): boolean => documents.some(documentReachesFurther);

function documentReachesFurther(document: ProposedDocument): boolean {
  const before = propertiesOn(document, "before");
  switch (documentKind(document.id)) {
    case "policy":
    case "fragment":
      return outlineOf(document.id, before, decides) !== outlineOf(document.id, document.after, decides);
    case "backend":
      return standing(before) !== standing(document.after);
    case "named_value":
      return true;
    // No call meets it that does not ask for it by its number.
    case "api_revision":
      return false;
  }
}

const standing = (backend: JsonObject | null): string =>
  JSON.stringify(backend === null ? null : [poolItems(backend).map(placed), credentialsOf(backend)]);

/** What decides which member gets how many calls. */
const placed = (item: JsonObject) => [itemBackendId(item), itemPriority(item), itemWeight(item)];

const decides = (element: Element): boolean => routes(element) || authenticationOf(element) !== null;

/** Whether the change may alter what calls go to. */
export const changesRoutes = (documents: readonly ProposedDocument[]): boolean =>
  documents.some(({ id, before, after }) => {
    const kind = documentKind(id);
    if (kind === "backend" || kind === "named_value") return true;
    return outlineOf(id, before?.properties ?? null, routes) !== outlineOf(id, after, routes);
  });

const routing = new Set(["base", "include-fragment", "set-backend-service"]);
const routes = ({ name }: Element): boolean => routing.has(name);

/** Policies nested more deeply than any real document are compared as text. */
const deepest = 200;

/** The sections, and of what stands in them the elements that matter, in their branches: equal for two texts that differ in other things. */
function outlineOf(id: string, properties: JsonObject | null, matters: (element: Element) => boolean): string {
  if (properties === null) return "";
  const document = parse(policyText({ id, properties }));
  if (document.root === null || document.problems.length > 0) return document.source;
  if (document.root.name === "fragment") return `fragment\n${outlineIn(document, document.root, matters, 0)}`;
  return `${document.root.name}\n${childElements(document.root)
    .map((section) => `${section.name}\n${outlineIn(document, section, matters, 0)}`)
    .join("\n")}`;
}

/** A branch counts where any branch of its `choose` does: it takes calls from those behind it. */
function outlineIn(document: PolicyDocument, parent: Element, matters: (element: Element) => boolean, depth: number): string {
  if (depth > deepest) return document.source.slice(parent.span.start, parent.span.end);
  const children = childElements(parent).map((element) => ({ element, inner: outlineIn(document, element, matters, depth + 1) }));
  const keepsBranches = parent.name === "choose" && children.some(({ inner }) => inner !== "");
  return children
    .map(({ element, inner }) => {
      const tag = document.source.slice(element.openTag.start, element.openTag.end);
      return inner !== "" ? `${tag}\n${inner}\n</>` : keepsBranches || matters(element) ? tag : "";
    })
    .filter((line) => line !== "")
    .join("\n");
}
