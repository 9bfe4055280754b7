import type { ValueType } from "../catalogue/types.ts";
import { shortened } from "../excerpt.ts";
import { error, type Finding, judged, none, warning } from "./finding.ts";
import { meaningOf, placeholderIn, type References } from "./meaning.ts";
import type { Context, KnownValue, Place } from "./place.ts";
import { isOutside, rangeInWords, schemaType, typeFault, typeInWords } from "./value-types.ts";

/** A policy expression stands only where the attribute takes one. */
export function expressionNotAllowed({ element, values }: Place): readonly Finding[] {
  return values
    .filter(({ definition, meaning }) => meaning.kind === "expression" && definition.expression !== "yes")
    .map(({ attribute, definition: { type, expression } }) => {
      const { name, value } = attribute;
      const fix = `Write a literal: ${literalOf(type)}.`;
      // Where the schema takes any text, an expression may be taken for text; where the page is silent, the schema may be behind.
      const isText = type === "string" || type === "uri";
      if (expression === "no" && !isText) return error(element, invalid(name, value.text, type), fix);
      if (expression === "unknown" && (isText || type === "name")) return null;
      return warning(element, `Policy expressions may not be allowed in the attribute '${name}'.`, fix);
    })
    .filter((finding) => finding !== null);
}

export function invalidValue({ element, values }: Place): readonly Finding[] {
  return literals(values).flatMap(({ attribute, definition, text }) => {
    if (typeFault(definition.type, text) === null || unfilledIn(text, definition.type) !== null) return none;
    const alternative = definition.expression === "yes" ? " or an expression" : "";
    return [error(element, invalid(attribute.name, text, definition.type), `Write ${typeInWords(definition.type)}${alternative}.`)];
  });
}

export function outOfRange({ element, values }: Place): readonly Finding[] {
  return literals(values).flatMap(({ attribute, definition: { range, type }, text }) => {
    if (range === undefined || typeFault(type, text) !== null || !isOutside(text, range)) return none;
    const words = rangeInWords(range);
    const message = `The '${attribute.name}' attribute is invalid - The value '${text.trim()}' must be ${words}.`;
    return [judged(range.disputed === true, element, message, `Write a value ${words}.`)];
  });
}

/** Where a name, an address or a typed value is expected, `{backend-id}` and the like wait for a template to be filled in. */
export function templatePlaceholder(place: Place, { references }: Context): readonly Finding[] {
  const { element } = place;
  const inAttributes = literals(place.values)
    .filter(({ definition: { type }, text }) => type === "name" || type === "uri" || typeFault(type, text) !== null)
    .map(({ attribute, definition: { type }, text }) => ({
      placeholder: unfilledIn(text, type),
      where: `the attribute '${attribute.name}'`,
    }));
  const inTexts = literalTexts(place, references).map((text) => ({ placeholder: placeholderIn(text), where: `<${element.name}>` }));
  return [...inAttributes, ...inTexts]
    .filter(({ placeholder }) => placeholder !== null)
    .map(({ placeholder, where }) =>
      warning(element, `'${placeholder}' in ${where} looks like a placeholder.`, "Replace it before the policy is saved."),
    );
}

/** The placeholder in a value; where no word can stand, `RETRY_COUNT` is one, too. */
function unfilledIn(text: string, type: ValueType): string | null {
  return (
    placeholderIn(text) ?? (type === "name" || type === "uri" ? null : (/^\s*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\s*$/.exec(text)?.[1] ?? null))
  );
}

function literalTexts({ element, definition }: Place, { namedValues }: References): readonly string[] {
  const content = definition?.content;
  const isLooked = content === "name" || content === "uri" || content === "policies" || typeof content === "object";
  if (!isLooked) return [];
  return element.children.flatMap((child) => {
    if (child.type !== "text" || child.value.raw.trim() === "") return [];
    const meaning = meaningOf(child.value, namedValues);
    return meaning.kind === "literal" ? [meaning.text] : [];
  });
}

function literals(values: readonly KnownValue[]): readonly (KnownValue & { readonly text: string })[] {
  return values.flatMap((value) => (value.meaning.kind === "literal" ? [{ ...value, text: value.meaning.text }] : []));
}

/** As System.Xml.Schema puts it. */
function invalid(name: string, text: string, type: ValueType): string {
  const shown = shortened(text, 100);
  const fault = typeFault(type, shown);
  const detail = fault === null ? "" : ` - ${fault.detail}`;
  return `The '${name}' attribute is invalid - The value '${shown}' is invalid according to its datatype '${fault?.datatype ?? schemaType(type)}'${detail}`;
}

function literalOf(type: ValueType): string {
  if (type === "name") return "the name of the resource";
  if (type === "uri") return "the address";
  return type === "string" ? "the text itself" : typeInWords(type);
}
