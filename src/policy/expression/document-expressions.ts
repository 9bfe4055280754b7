import type { Attribute, Element, PolicyDocument, Value } from "../document.ts";
import { descendants } from "../document.ts";
import type { CSharp } from "../expression-syntax.ts";
import type { NamedValues } from "../named-values.ts";
import { checkExpression, type WantedType } from "./check.ts";
import type { ExpressionFinding } from "./finding.ts";
import { decodedEntities } from "./rewritten.ts";

interface ExpressionOptions {
  readonly namedValues?: NamedValues;
  /** What the value in a place must be; the attribute is null for an element's text. */
  wanted(element: Element, attribute: Attribute | null): WantedType;
}

/** A finding with the expression that it is about; `offset` counts in the document's source. */
interface DocumentFinding extends ExpressionFinding {
  readonly element: Element;
  readonly attribute: Attribute | null;
  readonly value: Value;
}

/**
 * Checks all expressions of a document, in the order of the text. An expression whose end the document's parser did not find is left out:
 * it is among the document's problems.
 */
export function expressionFindings(document: PolicyDocument, csharp: CSharp, options: ExpressionOptions): readonly DocumentFinding[] {
  const { namedValues } = options;
  const broken = document.problems.filter(({ code }) => expressionProblems.has(code)).map(({ offset }) => offset);
  return expressionsOf(document)
    .filter(({ value: { span } }) => !broken.some((offset) => offset >= span.start - 1 && offset <= span.end))
    .flatMap(({ element, attribute, value }) => {
      const start = value.span.start + value.raw.length - value.raw.trimStart().length;
      const code = decodedEntities(value.raw.trim());
      const wanted = options.wanted(element, attribute);
      const found = checkExpression(csharp, code.text, namedValues === undefined ? { wanted } : { wanted, namedValues });
      return found.map((finding) => ({ ...finding, offset: start + code.original(finding.offset), element, attribute, value }));
    });
}

/** An expression and the place that it stands in. */
interface PlacedExpression {
  readonly element: Element;
  readonly attribute: Attribute | null;
  readonly value: Value;
}

/** All expressions of a document: values of attributes and texts of elements. */
export function expressionsOf({ root }: PolicyDocument): readonly PlacedExpression[] {
  return (root === null ? [] : [...descendants(root)])
    .flatMap((element) => [
      ...element.attributes.map((attribute) => ({ element, attribute, value: attribute.value })),
      ...element.children.flatMap((child) => (child.type === "text" ? [{ element, attribute: null, value: child.value }] : [])),
    ])
    .filter(({ value }) => value.kind === "expression");
}

const expressionProblems: ReadonlySet<string> = new Set(["text-after-expression", "unterminated-expression", "unterminated-value"]);
