import { attributeNode, type Element } from "../../policy/document.ts";
import type { Edit } from "../../policy/edit.ts";
import type { Origin } from "../../policy/static/values.ts";

/** Characters that are plain data: of an attribute, or of a named value. */
export type DataOrigin = Exclude<Origin, { readonly text: "expression" }>;

/** An expression that is nothing but a number, of the type that its reader asks for. */
const numberAlone = /^(\s*@\(\s*(?:\(\s*(?:int|long)\s*\)\s*)?)(\d+)[lL]?\s*\)\s*$/;

/**
 * Where the characters of a number stand that may be replaced by others: plain data, or an expression that is nothing but the number and so decides
 * nothing (`@(5000)`). Null where an expression decides it.
 */
export function dataOrigin(origin: Origin | null): DataOrigin | null {
  if (origin === null || origin.text !== "expression") return origin;
  const { document, element, attribute } = origin;
  const [, before, digits] = numberAlone.exec(attributeNode(element, attribute)?.value.raw ?? "") ?? [];
  if (before === undefined || digits === undefined) return null;
  return { text: "attribute", document, element, attribute, start: before.length, end: before.length + digits.length };
}

/** The characters of a number replaced by another; every other byte of the text stays. `element`: as it stands in the text, where it is an attribute's. */
export function numberEdit(origin: DataOrigin, number: number, element: Element | null): Edit {
  const { start, end } = origin;
  if (origin.text === "named-value") return { span: { start, end }, text: String(number) };
  const value = element === null ? undefined : attributeNode(element, origin.attribute)?.value;
  if (value === undefined) throw new Error(`no attribute '${origin.attribute}' to write a number to`);
  return { span: { start: value.span.start + start, end: value.span.start + end }, text: String(number) };
}
