import type { ScopeName } from "../catalogue.ts";
import { type Diagnostic, diagnostic, placesIn } from "../diagnostic.ts";
import type { PolicyDocument } from "../document.ts";
import type { Finding } from "../rules/finding.ts";
import { formOf, placesOf } from "../rules/place.ts";
import { type LintCode, lints } from "./index.ts";
import type { AppliedDocument, Subject } from "./subject.ts";

export type { LintCode } from "./index.ts";
export type { AppliedDocument } from "./subject.ts";

/** What the service accepts, but an AI gateway is better off without; shaped like what `validate` finds. */
interface LintDiagnostic extends Diagnostic<LintCode> {
  readonly severity: "warning";
  /** Where the practice is documented. */
  readonly source: string;
}

/** What is known of the gateway around a document; lints that need what is left out say nothing. */
export interface LintContext {
  readonly scope?: ScopeName | "fragment";
  /** Values by display name; null where the value is secret. */
  readonly namedValues?: ReadonlyMap<string, string | null>;
  /** Members of each backend pool, by the pool's name. */
  readonly poolSizes?: ReadonlyMap<string, number>;
  /** The other policy documents that calls of this one meet, e.g. for an API's that of its product and the global one. */
  readonly others?: readonly AppliedDocument[];
}

/**
 * Looks for practices that harm AI gateways, in the order of the text. Never throws, whatever the document is like. No message repeats a
 * credential.
 */
export function lint(document: PolicyDocument, context: LintContext = {}): readonly LintDiagnostic[] {
  return diagnosed(document, found(document, context));
}

/**
 * The lints of a document that its former text does not have: those for whose code the former text has no place (an element's tag, white
 * space aside) that reads the same. All of them where there is no former text.
 */
export function newLints(before: PolicyDocument | null, after: PolicyDocument, context: LintContext = {}): readonly LintDiagnostic[] {
  const known = before === null ? [] : found(before, context).map((each) => keyOf(before, each));
  const fresh = found(after, context).filter((each) => {
    const at = known.indexOf(keyOf(after, each));
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
  return diagnosed(after, fresh);
}

interface Found {
  readonly code: LintCode;
  readonly finding: Finding;
}

const codes = Object.keys(lints) as readonly LintCode[];

function found(document: PolicyDocument, context: LintContext): readonly Found[] {
  const subject = subjectOf(document, context);
  return codes
    .flatMap((code) => lints[code].check(subject).map((finding) => ({ code, finding })))
    .sort((a, b) => a.finding.span.start - b.finding.span.start);
}

function subjectOf(document: PolicyDocument, { scope, namedValues, poolSizes, others = [] }: LintContext): Subject {
  const references = namedValues === undefined ? {} : { namedValues };
  return {
    document,
    form: formOf(document),
    places: placesOf(document, references),
    scope: scope ?? null,
    poolSizes: new Map([...(poolSizes ?? [])].map(([name, size]) => [name.toLowerCase(), size])),
    others: others.map((other) => ({ ...other, places: placesOf(other.document, references) })),
  };
}

function keyOf({ source }: PolicyDocument, { code, finding: { span } }: Found): string {
  const tag = source.slice(span.start, span.end).replace(/\s*\/?>$/, ">");
  return `${code} ${tag.replace(/\s+/g, " ")}`;
}

/** The message is ours alone, and so stands without the service's form. */
function diagnosed({ source }: PolicyDocument, findings: readonly Found[]): readonly LintDiagnostic[] {
  const placeIn = placesIn(source);
  return findings.map(({ code, finding }) => ({
    ...diagnostic(code, finding, placeIn(finding.span, "tag")),
    severity: "warning",
    message: finding.message,
    source: lints[code].source,
  }));
}
