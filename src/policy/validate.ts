import type { Tier } from "../gateway/model.ts";
import type { ScopeName } from "./catalogue.ts";
import { type PolicyDocument, type Position, parse, positionsIn } from "./document.ts";
import type { Finding, Severity } from "./rules/finding.ts";
import { documentRules, elementRules, type RuleCode } from "./rules/index.ts";
import type { References } from "./rules/meaning.ts";
import { type Context, formOf, placesOf } from "./rules/place.ts";
import { type XmlFault, xmlFaults } from "./well-formed.ts";

export type { References } from "./rules/meaning.ts";

/** The rule that found something; stable, so that tools may act on it. */
export type DiagnosticCode = RuleCode | XmlFault["code"];

export interface Diagnostic {
  /** The service rejects an error; a warning it may accept. */
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  /** In the service's own form, so that it can be searched for. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1; for an element the column of its name, as the service counts it. */
  readonly column: number;
  /** Where what is meant ends, the column exclusive. */
  readonly endLine: number;
  readonly endColumn: number;
  /** What to write instead. */
  readonly fix?: string;
}

export interface ValidateOptions {
  /** Where the document stands; without it, only what no scope allows is a mistake of scope. */
  readonly scope?: ScopeName | "fragment";
  /** What the service has; what is left out is not checked. */
  readonly inventory?: References;
  readonly tier?: Tier;
}

/** What the service would reject on saving, and what it may accept against its documentation, in the order of the text. */
export function validate(policy: string | PolicyDocument, { scope, inventory = {}, tier }: ValidateOptions = {}): readonly Diagnostic[] {
  const document = typeof policy === "string" ? parse(policy) : policy;
  const context: Context = {
    document,
    form: formOf(document),
    places: placesOf(document, inventory),
    scope: scope ?? null,
    tier: tier ?? null,
    references: inventory,
  };
  const found = [...wellFormedness(document), ...ruleFindings(context)];
  const positionAt = positionsIn(document.source);
  return found.sort((a, b) => a.finding.span.start - b.finding.span.start).map((each) => diagnostic(document.source, each, positionAt));
}

interface Found {
  readonly code: DiagnosticCode;
  readonly finding: Finding;
}

const elementRuleEntries = entriesOf(elementRules);
const documentRuleEntries = entriesOf(documentRules);

function ruleFindings(context: Context): readonly Found[] {
  const found: Found[] = [];
  for (const [code, rule] of documentRuleEntries) for (const finding of rule(context)) found.push({ code, finding });
  for (const place of context.places) {
    for (const [code, rule] of elementRuleEntries) for (const finding of rule(place, context)) found.push({ code, finding });
  }
  return found;
}

function wellFormedness(document: PolicyDocument): readonly Found[] {
  return xmlFaults(document).map(({ code, message, offset, fix }) => ({
    code,
    finding: { severity: "error", element: null, span: { start: offset, end: offset }, message, fix },
  }));
}

function diagnostic(source: string, { code, finding }: Found, positionAt: (offset: number) => Position): Diagnostic {
  const { severity, element, span, message, fix } = finding;
  // The service counts the column of a tag's name, not of its '<'.
  const { line, column } = positionAt(source[span.start] === "<" ? span.start + 1 : span.start);
  const end = positionAt(Math.max(span.end, span.start + 1));
  const label = severity === "error" ? "Error" : "Warning";
  const text =
    element === null
      ? `${message} Line ${line}, position ${column}.`
      : `${label} in element '${element.name}' on line ${line}, column ${column}: ${message}`;
  return { severity, code, message: text, line, column, endLine: end.line, endColumn: end.column, ...(fix === null ? {} : { fix }) };
}

function entriesOf<Code extends string, Rule>(rules: Readonly<Record<Code, Rule>>): readonly (readonly [Code, Rule])[] {
  return (Object.keys(rules) as Code[]).map((code) => [code, rules[code]]);
}
