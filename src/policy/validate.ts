import type { Tier } from "../gateway/model.ts";
import type { ScopeName } from "./catalogue.ts";
import { type Diagnostic, diagnostic, placesIn } from "./diagnostic.ts";
import { type PolicyDocument, parse } from "./document.ts";
import type { Finding } from "./rules/finding.ts";
import { documentRules, elementRules, type RuleCode } from "./rules/index.ts";
import type { References } from "./rules/meaning.ts";
import { type Context, formOf, placesOf } from "./rules/place.ts";
import { type XmlFault, xmlFaults } from "./well-formed.ts";

export type { References } from "./rules/meaning.ts";

/** The rule that found something. */
export type DiagnosticCode = RuleCode | XmlFault["code"];

export interface ValidateOptions {
  /** Where the document stands; without it, only what no scope allows is a mistake of scope. */
  readonly scope?: ScopeName | "fragment";
  /** What the service has; what is left out is not checked. */
  readonly inventory?: References;
  readonly tier?: Tier;
}

/** What the service would reject on saving, and what it may accept against its documentation, in the order of the text. */
export function validate(
  policy: string | PolicyDocument,
  { scope, inventory = {}, tier }: ValidateOptions = {},
): readonly Diagnostic<DiagnosticCode>[] {
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
  const placeIn = placesIn(document.source);
  return found
    .sort((a, b) => a.finding.span.start - b.finding.span.start)
    .map(({ code, finding }) => diagnostic(code, finding, placeIn(finding.span, "tag")));
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

function entriesOf<Code extends string, Rule>(rules: Readonly<Record<Code, Rule>>): readonly (readonly [Code, Rule])[] {
  return (Object.keys(rules) as Code[]).map((code) => [code, rules[code]]);
}
