import { type DocumentId, documentKind, isObject, type Json, type JsonObject, policyText } from "../gateway/documents.ts";
import { disjoint, hexadecimalKeysIn, type KeySpan, keysIn, labelledKeysIn, redactedText, withoutKeys } from "../gateway/keys.ts";
import { isSecretMarker } from "../gateway/secrets.ts";
import { credentialParts, isSecretAttribute, isSecretVariable, takesCredential } from "./credentials.ts";
import { descendants, type Element, parse, type Value } from "./document.ts";
import { placeholderIn } from "./rules/meaning.ts";

/**
 * Documents as they are shown: each key in clear is a mark, `[redacted:1]`, and another key another one, so that a diff still
 * shows that something has changed. Brackets and not angles: the text stays the policy that it was, and can be read as one.
 */
export interface Redaction {
  /** A policy or fragment; no line changes its number, and a text without keys not at all. */
  policy(xml: string): string;
  /** A document's properties: the text of a policy, every string of any other. */
  properties(id: DocumentId, properties: JsonObject): JsonObject;
}

/** Numbers keys from 1 on, the same key always alike: for one answer. */
export function openRedaction(): Redaction {
  const numbers = new Map<string, number>();
  const markOf = (key: string): string => {
    const number = numbers.get(key) ?? numbers.size + 1;
    numbers.set(key, number);
    return `[redacted:${number}]`;
  };
  const policy = (xml: string): string => withoutKeys(xml, keysInPolicy, markOf);
  return {
    policy,
    properties(id, properties) {
      const kind = documentKind(id);
      const own = kind === "policy" || kind === "fragment" ? { value: policy(policyText({ id, properties })) } : {};
      return { ...stringsOf(properties, markOf), ...own };
    },
  };
}

const numberedMark = /\[redacted:\d+\]/;
const marks = /\[redacted(?::\d+)?\]/;

/** The first numbered mark in a text that somebody wants to write; null where there is none. */
export const redactionMarkIn = (text: string): string | null => numberedMark.exec(text)?.[0] ?? null;

/** The value of an attribute, on its own, as messages quote it. */
export function shownAttribute(element: Element, name: string, text: string): string {
  if (!isCredentialAttribute(element, name) || /^\s*@[({]/.test(text)) return redactedText(text);
  return withoutKeys(
    text,
    (shown) => credentialParts(shown).filter(({ start, end }) => isCredential(shown.slice(start, end))),
    () => "[redacted]",
  );
}

const isCredentialAttribute = (element: Element, name: string): boolean =>
  isSecretAttribute(element, name) || (name === "value" && isSecretVariable(element));

/** Members of JSON documents that hold a secret, wherever they stand. */
const secretMember = /^(?:password|(?:.*-?)connection-?string|(?:account|access|api|primary|secondary|shared|client)-?(?:key|secret))$/i;

const isNamingMember = /^(?:id|.*Id|displayName|title)$/;

function stringsOf(object: JsonObject, markOf: (key: string) => string): JsonObject {
  const shown = (value: Json, name: string): Json => {
    if (Array.isArray(value)) return value.map((item) => shown(item, name));
    if (isObject(value)) return stringsOf(value, markOf);
    if (typeof value !== "string" || isSecretMarker(value)) return value;
    const isSecret = secretMember.test(name) && value !== "" && !marks.test(value) && !value.includes("{{");
    if (isSecret) return markOf(value);
    return withoutKeys(value, isNamingMember.test(name) ? labelledKeysIn : keysIn, markOf);
  };
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, shown(value, name)]));
}

function keysInPolicy(source: string): readonly KeySpan[] {
  const { nodes } = parse(source);
  const elements = nodes.flatMap((node) => (node.type === "element" ? [...descendants(node)] : []));
  const names = elements.flatMap(namingSpans);
  const isName = (span: KeySpan): boolean => names.some(({ start, end }) => start <= span.start && span.end <= end);
  return disjoint([
    ...labelledKeysIn(source),
    ...hexadecimalKeysIn(source).filter((span) => !isName(span)),
    ...elements.flatMap((element) => credentialSpans(element, source)),
  ]);
}

/** Attributes and elements whose hexadecimal digits only name something. */
const naming = /(?:^|-)id$|thumbprint/;

const namingSpans = ({ name, attributes, children }: Element): readonly KeySpan[] => [
  ...attributes.filter((own) => naming.test(own.name)).map(({ value }) => value.span),
  ...(naming.test(name) ? children.flatMap((child) => (child.type === "text" ? [child.value.span] : [])) : []),
];

/** Literals at the places of an element that are made for a credential. */
function credentialSpans(element: Element, source: string): readonly KeySpan[] {
  const attributes = element.attributes.filter(({ name }) => isCredentialAttribute(element, name));
  return [...attributes.map(({ value }) => value), ...credentialTexts(element, source)].flatMap(literalSpans);
}

type Text = Pick<Value, "kind" | "raw" | "span">;

function credentialTexts(element: Element, source: string): readonly Text[] {
  const { parent } = element;
  const isKey = element.name === "key" && parent !== null && /^(?:issuer-signing|decryption)-keys$/.test(parent.name);
  if (!isKey && (element.name !== "value" || parent === null || !takesCredential(parent))) return [];
  return element.children.flatMap((child): readonly Text[] => {
    if (child.type === "text") return [child.value];
    if (child.type !== "cdata") return [];
    const span = { start: child.span.start + "<![CDATA[".length, end: child.span.end - "]]>".length };
    return span.end <= span.start ? [] : [{ kind: "literal", raw: source.slice(span.start, span.end), span }];
  });
}

/** Of a literal all but the scheme before it; of an expression the texts in it that are no name of anything. */
function literalSpans({ kind, raw, span }: Text): readonly KeySpan[] {
  return (kind === "expression" ? textsOfExpression(raw) : credentialParts(raw))
    .filter(({ start, end }) => isCredential(raw.slice(start, end)))
    .map(({ start, end }) => ({ start: span.start + start, end: span.start + end }));
}

const isCredential = (text: string): boolean => text.trim() !== "" && !marks.test(text) && placeholderIn(text) !== text.trim();

/** Texts that are the value, or a part that is added to it: not arguments and not indices, which name something, and no scheme with its space. */
const expressionText = /(?:@\(|[+?:=]|\breturn\b)\s*(?:"|&quot;)(?<text>[^"\\&]{7,}?[^"\\&\s])(?:"|&quot;)/dg;

const textsOfExpression = (raw: string): readonly KeySpan[] =>
  [...raw.matchAll(expressionText)].flatMap(({ indices }) => {
    const [start, end] = indices?.groups?.text ?? [0, 0];
    return credentialParts(raw.slice(start, end)).map((part) => ({ start: start + part.start, end: start + part.end }));
  });
