import { attributeNode, type Element } from "../../policy/document.ts";
import type { Edit } from "../../policy/edit.ts";
import type { Origin } from "../../policy/static/values.ts";

/** Characters that are plain data: of an attribute, or of a named value. */
export type DataOrigin = Exclude<Origin, { readonly text: "expression" }>;

/** The characters of a number replaced by another; every other byte of the text stays. `element`: as it stands in the text, where it is an attribute's. */
export function numberEdit(origin: DataOrigin, number: number, element: Element | null): Edit {
  const { start, end } = origin;
  if (origin.text === "named-value") return { span: { start, end }, text: String(number) };
  const value = element === null ? undefined : attributeNode(element, origin.attribute)?.value;
  if (value === undefined) throw new Error(`no attribute '${origin.attribute}' to write a number to`);
  return { span: { start: value.span.start + start, end: value.span.start + end }, text: String(number) };
}
