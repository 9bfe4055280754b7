import { type Diagnostic, diagnostic, placesIn } from "./diagnostic.ts";
import type { Element, PolicyDocument } from "./document.ts";
import type { WantedType } from "./expression/check.ts";
import { expressionFindings } from "./expression/document-expressions.ts";
import type { ExpressionCode } from "./expression/finding.ts";
import type { CSharp } from "./expression-syntax.ts";
import { type LintCode, type LintContext, newLints } from "./lints/lint.ts";
import { placesOf } from "./rules/place.ts";
import { type DiagnosticCode, type ValidateOptions, validate } from "./validate.ts";

/** Anything that is found in a policy. */
export type ReviewDiagnostic = Diagnostic<DiagnosticCode | ExpressionCode | LintCode>;

interface ReviewOptions extends ValidateOptions {
  /** Without the grammar, expressions are not looked into. */
  readonly csharp?: CSharp;
  /** The text that this one replaces: practices that it has already are not brought up again. */
  readonly before?: PolicyDocument;
  readonly poolSizes?: LintContext["poolSizes"];
  readonly others?: LintContext["others"];
}

/** All that is known against a policy: what the service would reject, expressions that cannot run, and poor practice. In the order of the text. */
export function review(
  document: PolicyDocument,
  { csharp, before, poolSizes, others, ...rules }: ReviewOptions,
): readonly ReviewDiagnostic[] {
  const namedValues = rules.inventory?.namedValues;
  const lints = newLints(before ?? null, document, {
    ...(rules.scope === undefined ? {} : { scope: rules.scope }),
    ...(namedValues === undefined ? {} : { namedValues }),
    ...(poolSizes === undefined ? {} : { poolSizes }),
    ...(others === undefined ? {} : { others }),
  });
  const expressions = csharp === undefined ? [] : expressionDiagnostics(document, csharp, rules);
  return [...validate(document, rules), ...expressions, ...lints].sort((a, b) => a.line - b.line || a.column - b.column);
}

function expressionDiagnostics(document: PolicyDocument, csharp: CSharp, { inventory = {} }: ValidateOptions): readonly ReviewDiagnostic[] {
  const types = wantedTypes(document);
  const namedValues = new Map([...(inventory.namedValues ?? [])].filter((entry): entry is [string, string] => entry[1] !== null));
  const wanted = (element: Element, name: string | null): WantedType => (name === null ? "any" : (types.get(element)?.get(name) ?? "any"));
  const findings = expressionFindings(document, csharp, {
    namedValues,
    wanted: (element, attribute) => wanted(element, attribute?.name ?? null),
  });
  const placeIn = placesIn(document.source);
  return findings.map(({ code, offset, value, ...found }) => {
    const span = { start: offset, end: value.span.end };
    return diagnostic(code, { ...found, span }, placeIn(span, "text"));
  });
}

/** What the attributes of each element are to be, as the catalogue has it. */
function wantedTypes(document: PolicyDocument): ReadonlyMap<Element, ReadonlyMap<string, WantedType>> {
  return new Map(
    placesOf(document, {}).map(({ element, values }) => [
      element,
      new Map(
        values.map(({ attribute, definition: { type } }) => [attribute.name, typeof type === "string" ? wantedType(type) : "string"]),
      ),
    ]),
  );
}

function wantedType(type: string): WantedType {
  if (type === "boolean") return "bool";
  if (type === "long") return "long";
  return /int/i.test(type) ? "int" : type === "string" ? "string" : "any";
}
