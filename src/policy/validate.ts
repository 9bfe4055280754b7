import type { PolicyScope } from "../gateway/documents.ts";
import { containsPolicies, policyElement, type Section, sections } from "./catalogue.ts";
import { childElements, descendants, type Element, type PolicyDocument, parse, positionAt } from "./document.ts";
import { xmlFaults } from "./well-formed.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable name of the rule. */
  readonly code: string;
  /** In the service's own form where it has one. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1; for an element the column of its name, as the service counts it. */
  readonly column: number;
  /** What to write instead. */
  readonly fix?: string;
}

export interface ValidateOptions {
  /** Where the document stands, or `fragment` for a policy fragment. */
  readonly scope: PolicyScope["kind"] | "fragment";
}

/** A diagnostic before its place is counted in lines. */
interface Finding {
  readonly code: string;
  readonly offset: number;
  /** The element that the service would name; null where it names none. */
  readonly element: string | null;
  readonly message: string;
  readonly fix: string | null;
}

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#api-management-limits */
const maximumBytes = 256 * 1024;

/** What the service would reject on saving, in the order of the text: malformed XML, wrong sections, misplaced `<base />`, size. */
export function validate(source: string, options: ValidateOptions): readonly Diagnostic[] {
  const document = parse(source);
  const structure = options.scope === "fragment" ? fragmentFindings(document) : policyFindings(document);
  const findings = [...wellFormedness(document), ...structure, ...sizeFindings(source, options)];
  return findings.toSorted((a, b) => a.offset - b.offset).map((finding) => diagnostic(source, finding));
}

function diagnostic(source: string, { code, offset, element, message, fix }: Finding): Diagnostic {
  // The service counts the column of a tag's name, not of its '<'.
  const { line, column } = positionAt(source, source[offset] === "<" ? offset + 1 : offset);
  const text =
    element === null
      ? `${message} Line ${line}, position ${column}.`
      : `Error in element '${element}' on line ${line}, column ${column}: ${message}`;
  return { severity: "error", code, message: text, line, column, ...(fix === null ? {} : { fix }) };
}

function wellFormedness(document: PolicyDocument): readonly Finding[] {
  return xmlFaults(document).map((fault) => ({ ...fault, element: null }));
}

function sizeFindings(source: string, { scope }: ValidateOptions): readonly Finding[] {
  const bytes = new TextEncoder().encode(source).length;
  // The documented limits of a fragment contradict one another, so none is enforced.
  if (scope === "fragment" || bytes <= maximumBytes) return [];
  return [
    {
      code: "document-size",
      offset: 0,
      element: null,
      message: `Policy size exceeds allowed limit of 256 KB: it has ${bytes} bytes.`,
      fix: "Move parts of the policy into policy fragments.",
    },
  ];
}

function policyFindings(document: PolicyDocument): readonly Finding[] {
  const { root } = document;
  if (root === null) return [];
  if (root.name !== "policies") return [wrongRoot(root, "policies", "Wrap the sections in <policies>.")];
  const seen = new Set<string>();
  const findings: Finding[] = [...textFindings(root)];
  for (const child of childElements(root)) {
    const section = sections.find((name) => name === child.name);
    if (section === undefined) findings.push(unknownSection(child));
    else if (seen.has(section)) {
      findings.push(finding(child, "duplicate-section", `Section '${section}' stands twice.`, `Merge the two <${section}> sections.`));
    } else findings.push(...sectionFindings(child, section));
    seen.add(child.name);
  }
  return findings;
}

function unknownSection(element: Element): Finding {
  const allowed = policyElement(element.name)?.sections[0];
  const message = `The element 'policies' has invalid child element '${element.name}'. List of possible elements expected: 'inbound, backend, outbound, on-error'.`;
  return finding(element, "unknown-section", message, `Put it into a section${allowed === undefined ? "" : `, e.g. <${allowed}>`}.`);
}

function sectionFindings(section: Element, name: Section): readonly Finding[] {
  const findings: Finding[] = [];
  for (const element of policiesIn(section)) {
    const allowed = policyElement(element.name)?.sections;
    if (allowed === undefined || allowed.includes(name)) continue;
    const places = allowed.map((place) => `<${place}>`).join(" or ");
    findings.push(finding(element, "wrong-section", `'${element.name}' is not allowed in section '${name}'.`, `Move it to ${places}.`));
  }
  return findings;
}

/** The policies that run in a section: its children and what stands in containers such as `choose`. */
function* policiesIn(section: Element): Generator<Element> {
  const pending = [...childElements(section)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    if (containsPolicies(next.name)) for (const child of childElements(next)) pending.push(child);
  }
}

function fragmentFindings(document: PolicyDocument): readonly Finding[] {
  const { root } = document;
  if (root === null) return [];
  if (root.name !== "fragment") return [wrongRoot(root, "fragment", "Wrap the policies in <fragment>, without sections.")];
  return [...descendants(root)].flatMap((element) => {
    if (element.name === "base" && isPolicyPlace(element)) {
      return [
        finding(
          element,
          "base-in-fragment",
          "'base' is not allowed in a policy fragment.",
          "Put <base /> into the policy that includes the fragment.",
        ),
      ];
    }
    if (element.name === "include-fragment" && isPolicyPlace(element)) {
      return [
        finding(element, "nested-fragment", "A policy fragment cannot include another one.", "Include both fragments in the policy."),
      ];
    }
    if (element.parent === root && sections.some((name) => name === element.name)) {
      return [
        finding(
          element,
          "section-in-fragment",
          `Section '${element.name}' is not allowed in a policy fragment.`,
          "Keep only what stands in the section.",
        ),
      ];
    }
    return [];
  });
}

/** Whether the element stands where policies stand, not in the content of another policy. */
function isPolicyPlace(element: Element): boolean {
  const { parent } = element;
  return parent !== null && (parent.parent === null || containsPolicies(parent.name));
}

function textFindings(root: Element): readonly Finding[] {
  return root.children
    .filter((child) => child.type === "cdata" || (child.type === "text" && child.value.raw.trim() !== ""))
    .map(({ span }) => ({
      code: "text-in-policies",
      offset: span.start,
      element: root.name,
      message: "The element 'policies' cannot contain text. List of possible elements expected: 'inbound, backend, outbound, on-error'.",
      fix: "Remove the text, or put it into a comment.",
    }));
}

function wrongRoot(root: Element, expected: string, fix: string): Finding {
  return finding(root, "wrong-root", `The root element must be '${expected}', not '${root.name}'.`, fix);
}

function finding(element: Element, code: string, message: string, fix: string): Finding {
  return { code, offset: element.span.start, element: element.name, message, fix };
}
