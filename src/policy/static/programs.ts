import { type DocumentId, type ListedDocument, workspaceOf } from "../../gateway/documents.ts";
import { attributeNode, type Element } from "../document.ts";
import type { CSharp } from "../expression-syntax.ts";
import { type NamedValueSources, namedValueSources } from "../named-values.ts";
import { compileExpression } from "./compile.ts";
import { notUnderstood, Thrown, text, thrown, withoutOrigin } from "./data.ts";
import { type Code, Exhausted, type Facts, GivenUp, newFrame } from "./frame.ts";
import { attributeText, loose, type PiecedText, withMissing, withNamedValues } from "./text-pieces.ts";
import type { Known } from "./values.ts";

/** What one text comes to for a call; never throws. */
export type Program = (facts: Facts) => Known;

/** The texts of one inventory, each read once. */
export interface Programs {
  /** Of an element's attribute; null where it has none of that name. */
  attribute(document: DocumentId, element: Element, name: string): Program | null;
  /** Of a text by itself, as it would stand in this document. */
  text(text: string, document: DocumentId | undefined): Program;
}

export function programs(namedValues: readonly ListedDocument[], csharp: CSharp): Programs {
  const valuesIn = valuesByLevel(namedValues);
  const ofElements = new WeakMap<Element, Map<string, Program | null>>();
  const ofTexts = new Map<string, Program>();
  return {
    attribute(document, element, name) {
      const known = ofElements.get(element) ?? new Map<string, Program | null>();
      ofElements.set(element, known);
      const before = known.get(name);
      if (before !== undefined) return before;
      const node = attributeNode(element, name);
      const written = node === undefined ? null : attributeText(node, { document, element, attribute: name });
      const program = written === null ? null : programOf(written, valuesIn(document), csharp);
      known.set(name, program);
      return program;
    },
    text(written, document) {
      const key = `${levelOf(document)}\n${written}`;
      const program = ofTexts.get(key) ?? programOf(loose(written), valuesIn(document), csharp);
      ofTexts.set(key, program);
      return program;
    },
  };
}

const levelOf = (document: DocumentId | undefined): string =>
  (document === undefined ? undefined : workspaceOf(document))?.toLowerCase() ?? "";

/** A workspace's policies see its own named values, and no others (`stepReader` has the source). */
function valuesByLevel(documents: readonly ListedDocument[]): (document: DocumentId | undefined) => NamedValueSources {
  const known = new Map<string, NamedValueSources>();
  return (document) => {
    const level = levelOf(document);
    const values = known.get(level) ?? namedValueSources(documents.filter(({ id }) => levelOf(id) === level));
    known.set(level, values);
    return values;
  };
}

/** Longer texts are not read as C#: no real expression comes near. */
const longestExpression = 200_000;

function programOf(written: PiecedText, values: NamedValueSources, csharp: CSharp): Program {
  const whole = withNamedValues(written, values);
  const code = whole.text.trim();
  if (!code.startsWith("@(") && !code.startsWith("@{")) {
    const value = whole.missing.length === 0 ? text(whole) : withMissing(whole);
    return () => value;
  }
  if (code.length > longestExpression) return () => notUnderstood(code);
  return running(compileExpression(csharp, written, values), code);
}

function running(code: Code, source: string): Program {
  return (facts) => {
    try {
      const frame = newFrame(facts);
      const value = code(frame);
      return frame.judged ? withoutOrigin(value) : value;
    } catch (error) {
      if (error instanceof Thrown) return thrown(error.why);
      if (error instanceof GivenUp || error instanceof Exhausted) return notUnderstood(source);
      // The stack of the machine: hostile nesting.
      if (error instanceof RangeError) return notUnderstood(source);
      throw error;
    }
  };
}
