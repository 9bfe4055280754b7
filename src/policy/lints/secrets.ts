import { hexadecimalKey, prefixedKey } from "../../gateway/keys.ts";
import { takesCredential } from "../credentials.ts";
import { attribute, childElements, descendants, type Element, type Value } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import { placeholderIn } from "../rules/meaning.ts";
import type { Subject } from "./subject.ts";

/** Texts that are keys wherever they stand. */
const keys: readonly RegExp[] = [
  hexadecimalKey,
  prefixedKey,
  // Assumed: newer keys of Azure's AI services have this mark in them.
  /[A-Za-z0-9]{40,60}JQQJ9[A-Za-z0-9]{20,}/,
];

/** Attributes and elements whose hexadecimal digits only name something. */
const naming = /(?:^|-)id$|thumbprint/;

/** Words that stand for a key which is yet to be put in. */
const unfilled = /\{\{|<[^<>]*>|\b(?:your|my|some|insert|replace|changeme|example|placeholder|redacted)\b|x{3}|\*{3}|\.{3}/i;

/** A key that is written out. The message does not repeat it. */
export function keyInClear({ document: { root } }: Subject): readonly Finding[] {
  if (root === null) return none;
  return [...descendants(root)].flatMap((element) => {
    const where = credentialIn(element) ?? (holdsKey(element) ? `<${element.name}>` : null);
    if (where === null) return none;
    const message = `A key or password stands in clear in ${where}: whoever may read the policy has it.`;
    const fix = "Use a managed identity, or put it into a secret named value and write {{its-name}}; renew the key.";
    return [warning(element, message, fix, childElements(element).length === 0 ? element.span : element.openTag)];
  });
}

/** The name of the place, made for a credential, that holds a literal one; null where the element is no such place. */
function credentialIn(element: Element): string | null {
  if (element.name === "authentication-basic") {
    const password = element.attributes.find(({ name }) => name === "password");
    return password !== undefined && isCredential(password.value) ? "the attribute 'password'" : null;
  }
  const { parent } = element;
  if (element.name !== "value" || parent === null || !textsOf(element).some(isCredential)) return null;
  return takesCredential(parent) ? `the value of '${attribute(parent, "name")}'` : null;
}

function isCredential({ kind, text }: Value): boolean {
  if (kind === "expression" || placeholderIn(text) !== null || unfilled.test(text)) return false;
  return (
    text
      .trim()
      .replace(/^(?:Bearer|Basic|ApiKey|SharedAccessSignature)\b/i, "")
      .trim().length >= 4
  );
}

function holdsKey(element: Element): boolean {
  if (naming.test(element.name)) return false;
  const values = [...element.attributes.filter(({ name }) => !naming.test(name)).map(({ value }) => value), ...textsOf(element)];
  return values.some(({ text }) => keys.some((key) => key.test(text)));
}

function textsOf({ children }: Element): readonly Value[] {
  return children.flatMap((child) => (child.type === "text" ? [child.value] : []));
}
