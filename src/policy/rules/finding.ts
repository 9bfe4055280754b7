import type { Element, Span } from "../document.ts";

export type Severity = "error" | "warning";

/** What a rule found, before its place is counted in lines; the rule's name is its code. */
export interface Finding {
  readonly severity: Severity;
  /** The element that the service would name; null where it names none. */
  readonly element: Element | null;
  readonly span: Span;
  /** Without the place, in the service's words where they are known. */
  readonly message: string;
  /** What to write instead. */
  readonly fix: string | null;
}

/** What the service rejects. */
export function error(element: Element, message: string, fix: string | null, span: Span = element.openTag): Finding {
  return { severity: "error", element, span, message, fix };
}

/** What the service may accept, though it is against the documentation or looks like a mistake. */
export function warning(element: Element, message: string, fix: string | null, span: Span = element.openTag): Finding {
  return { severity: "warning", element, span, message, fix };
}

/** An error, or a warning where it is not known that the service enforces the rule. */
export function judged(disputed: boolean, element: Element, message: string, fix: string | null): Finding {
  return disputed ? warning(element, message, fix) : error(element, message, fix);
}

export const none: readonly Finding[] = [];
