import type { DocumentId } from "../gateway/documents.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument, positionAt } from "../policy/document.ts";
import { type NamedValues, resolved } from "../policy/named-values.ts";

export type LimitKind = "tpm" | "token_quota" | "rpm" | "call_quota";

/** One limit as it is written in a document, whoever meets it. */
export interface WrittenLimit {
  /** Stable as long as the document keeps its limits of that kind in order, e.g. `products/aoai#tpm/1`. */
  readonly limitId: string;
  readonly kind: LimitKind;
  readonly document: DocumentId;
  readonly parsed: PolicyDocument;
  readonly element: Element;
  /** The attribute that holds the number. */
  readonly attribute: "tokens-per-minute" | "token-quota" | "calls";
  /** In the unit of the kind: tokens or calls per minute, else per period. */
  readonly value: number | "unknown";
  /** The number as written, e.g. calls per renewal period. */
  readonly amount: number | "unknown";
  readonly period?: string;
  readonly renewalSeconds: number | null;
  readonly line: number;
  readonly counter: CounterKind;
  readonly counterKey: string | null;
  /** Which calls count at all, where not every one does. */
  readonly countCondition: string | null;
  /** Why the number cannot be edited where it stands, whoever shares it. */
  readonly obstacle: string | null;
}

/** Counters of one kind with one key are one counter, in whatever document the key stands; `subscription`: one for each. */
export type CounterKind = "tokens" | "calls" | "call_quota" | "subscription";

const readers: Readonly<Record<string, { readonly counter: CounterKind; readonly kinds: readonly LimitKind[] }>> = {
  "llm-token-limit": { counter: "tokens", kinds: ["tpm", "token_quota"] },
  "azure-openai-token-limit": { counter: "tokens", kinds: ["tpm", "token_quota"] },
  "rate-limit": { counter: "subscription", kinds: ["rpm"] },
  "rate-limit-by-key": { counter: "calls", kinds: ["rpm"] },
  quota: { counter: "subscription", kinds: ["call_quota"] },
  "quota-by-key": { counter: "call_quota", kinds: ["call_quota"] },
};

const attributes = { tpm: "tokens-per-minute", token_quota: "token-quota", rpm: "calls", call_quota: "calls" } as const;

/**
 * Every limit of a policy or fragment, by its element
 * (https://learn.microsoft.com/azure/api-management/api-management-policies#rate-limiting-and-quotas).
 */
export function writtenLimits(
  document: DocumentId,
  parsed: PolicyDocument,
  values: NamedValues,
): ReadonlyMap<Element, readonly WrittenLimit[]> {
  const found = new Map<Element, readonly WrittenLimit[]>();
  const counts = new Map<LimitKind, number>();
  for (const element of parsed.root === null ? [] : descendants(parsed.root)) {
    const reader = Object.hasOwn(readers, element.name) ? readers[element.name] : undefined;
    const kinds = reader?.kinds.filter((kind) => attribute(element, attributes[kind]) !== undefined) ?? [];
    if (reader === undefined || kinds.length === 0) continue;
    const limits = kinds.map((kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      const limitId = `${document.replace(/(?:^|\/)policies\/policy$/, "") || "global"}#${kind}/${count}`;
      return { limitId, kind, document, parsed, element, counter: reader.counter, ...readLimit(parsed, element, kind, values) };
    });
    found.set(element, limits);
  }
  return found;
}

function readLimit(parsed: PolicyDocument, element: Element, kind: LimitKind, values: NamedValues) {
  const written = attribute(element, attributes[kind]) ?? "";
  const amount = wholeNumber(written, values);
  const renewal = wholeNumber(attribute(element, "renewal-period") ?? "", values);
  const counting = attribute(element, "increment-count");
  const countsCalls = counting === undefined || counting === "1";
  const value =
    kind !== "rpm"
      ? amount
      : amount === "unknown" || renewal === "unknown" || renewal === 0
        ? "unknown"
        : Math.floor((amount * 60) / renewal);
  const period = kind === "token_quota" ? attribute(element, "token-quota-period") : periodOf(kind, renewal);
  return {
    attribute: attributes[kind],
    value: countsCalls ? value : ("unknown" as const),
    amount,
    ...(period === undefined ? {} : { period }),
    renewalSeconds: renewal === "unknown" ? null : renewal,
    line: positionAt(parsed.source, element.span.start).line,
    counterKey: attribute(element, "counter-key") ?? null,
    countCondition: attribute(element, "increment-condition") ?? null,
    obstacle: obstacleTo(parsed, element, written, amount, countsCalls),
  };
}

function wholeNumber(text: string, values: NamedValues): number | "unknown" {
  const number = resolved(text, values)?.trim() ?? "";
  return /^\d{1,15}$/.test(number) ? Number(number) : "unknown";
}

function periodOf(kind: LimitKind, renewal: number | "unknown"): string | undefined {
  if (kind !== "rpm" && kind !== "call_quota") return undefined;
  return renewal === "unknown" || (kind === "rpm" && renewal === 60) ? undefined : `${renewal} s`;
}

function obstacleTo(
  parsed: PolicyDocument,
  element: Element,
  written: string,
  amount: number | "unknown",
  countsCalls: boolean,
): string | null {
  if (parsed.root?.name === "fragment") return "it stands in a policy fragment, which may be included elsewhere too";
  if (parsed.problems.length > 0) return "its document is not well-formed";
  if (written.includes("{{")) return `its value is the named value ${written}`;
  if (amount === "unknown") return `its value is not a number but ${written}`;
  if (!countsCalls) return `it counts ${attribute(element, "increment-count")}, not calls`;
  if (childElements(element).length > 0 && (element.name === "rate-limit" || element.name === "quota")) {
    return `its <${element.name}> has limits of its own for single APIs or operations`;
  }
  return null;
}
