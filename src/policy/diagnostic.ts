import { positionsIn, type Span } from "./document.ts";
import type { Finding, Severity } from "./rules/finding.ts";

/** Something found in a document, with its place in the text. */
export interface Diagnostic<Code extends string> {
  /** The service rejects an error; a warning it may accept. */
  readonly severity: Severity;
  /** What found it; stable, so that tools may act on it. */
  readonly code: Code;
  /** In the service's own form where it is one of the service's, so that it can be searched for. */
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

/** The place of a diagnostic, and where its column counts from: the name behind a tag's `<`, or the first character of anything else. */
type PlaceIn = (span: Span, start: "tag" | "text") => Pick<Diagnostic<string>, "line" | "column" | "endLine" | "endColumn">;

export function placesIn(source: string): PlaceIn {
  const positionAt = positionsIn(source);
  return (span, start) => {
    const { line, column } = positionAt(start === "tag" && source[span.start] === "<" ? span.start + 1 : span.start);
    const end = positionAt(Math.max(span.end, span.start + 1));
    return { line, column, endLine: end.line, endColumn: end.column };
  };
}

/** A finding as a diagnostic, with its message in the service's form: an element and its place before it, or the place alone behind it. */
export function diagnostic<Code extends string>(code: Code, finding: Finding, place: ReturnType<PlaceIn>): Diagnostic<Code> {
  const { severity, element, message, fix } = finding;
  const { line, column } = place;
  const label = severity === "error" ? "Error" : "Warning";
  const text =
    element === null
      ? `${message} Line ${line}, position ${column}.`
      : `${label} in element '${element.name}' on line ${line}, column ${column}: ${message}`;
  return { severity, code, message: text, ...place, ...(fix === null ? {} : { fix }) };
}
