import type { KeySpan } from "../gateway/keys.ts";
import { attribute, type Element } from "./document.ts";

/** Where a policy takes a credential, and so where a literal is a key in clear, whatever it looks like. */

const credentialHeaders = /^(?:x-)?(?:api-key|functions-key)$|^(?:proxy-)?authorization$|^ocp-apim-subscription-key$/i;
const credentialParameters = /^(?:api-?key|subscription-key|sig)$/i;

const credentialNames: Readonly<Record<string, RegExp>> = {
  "set-header": credentialHeaders,
  "check-header": credentialHeaders,
  "set-query-parameter": credentialParameters,
};

/** Whether the element sets or checks a header, or sets a parameter, that is made for a credential. */
export const takesCredential = (element: Element): boolean =>
  credentialNames[element.name]?.test(attribute(element, "name") ?? "") ?? false;

/** Attributes that are secrets, by element: https://learn.microsoft.com/azure/api-management/api-management-policies */
const secretAttributes: Readonly<Record<string, readonly string[]>> = {
  "authentication-basic": ["password"],
  "authentication-certificate": ["password", "body"],
  proxy: ["password"],
};

export const isSecretAttribute = (element: Pick<Element, "name">, name: string): boolean =>
  secretAttributes[element.name]?.includes(name) ?? false;

/** Whether the element sets a variable whose name says that it is a key. */
export const isSecretVariable = (element: Element): boolean =>
  element.name === "set-variable" && /(?:api-?key|secret|password|passwd|access-?key)$/i.test(attribute(element, "name") ?? "");

/** A scheme before a credential is none itself. */
const scheme = /^\s*(?:(?:Bearer|Basic|ApiKey|SharedAccessSignature)(?=\s|$))?\s*/i;

/** Whole named values, and what stands between them. */
const parts = /\{\{[^{}]*\}\}|(?:(?!\{\{[^{}]*\}\})[\s\S])+/g;

/** What stands between named values is mostly punctuation. */
const shortestPart = 8;

/** The parts of a literal that are neither a scheme nor a named value, without the white space around them. */
export function credentialParts(literal: string): readonly KeySpan[] {
  const isMixed = literal.includes("{{");
  return [...literal.matchAll(parts)].flatMap(({ 0: part, index }) => {
    if (/^\{\{[^{}]*\}\}$/.test(part)) return [];
    const start = index + (index === 0 ? (scheme.exec(part)?.[0].length ?? 0) : 0);
    const end = index + part.trimEnd().length;
    return end - start < (isMixed ? shortestPart : 1) ? [] : [{ start, end }];
  });
}
