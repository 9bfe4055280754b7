import { type CSharp, nodesIn, parseExpression, type SyntaxNode } from "../expression-syntax.ts";
import type { NamedValueSources } from "../named-values.ts";
import { notUnderstood } from "./data.ts";
import { expressionCode } from "./expressions.ts";
import { type Code, GivenUp } from "./frame.ts";
import type { SourceCode } from "./literals.ts";
import { Scope } from "./scope.ts";
import { blockCode, statementCode } from "./statements.ts";
import { type PiecedText, type SubstitutedText, sliceOf, withMissing, withNamedValues } from "./text-pieces.ts";
import type { Unknown } from "./values.ts";

/**
 * An expression as code that answers for any call. Named values are put in as text, before C# is read. Assumed: where that leaves no C#, as
 * JSON with its quotes between quotes does, the gateway that runs the policy has put them into the strings that C# reads.
 */
export function compileExpression(csharp: CSharp, written: PiecedText, values: NamedValueSources): Code {
  const whole = withNamedValues(written, values);
  const textual = codeOf(csharp, { code: trimmedCode(whole), missing: whole.missing, late: null });
  if (textual !== null) return textual;
  const late = whole.text === written.text ? null : codeOf(csharp, { code: trimmedCode(written), missing: [], late: values });
  if (late !== null) return late;
  const value = whole.missing.length > 0 ? wholeMissing(whole) : notUnderstood(whole.text);
  return () => value;
}

/** Of which nothing is known, as code stands in a named value that cannot be read. */
function wholeMissing(whole: Pick<SubstitutedText, "text" | "missing">): Unknown {
  const value = withMissing(whole);
  return { ...value, parts: value.inputs };
}

function trimmedCode(whole: PiecedText): PiecedText {
  const start = whole.text.length - whole.text.trimStart().length;
  return sliceOf(whole, start, whole.text.trimEnd().length);
}

/** Null where the text is no C#. */
function codeOf(csharp: CSharp, source: SourceCode): Code | null {
  const { kind, root, body } = parseExpression(csharp, source.code.text);
  if (body === null || nodesIn(root).some(({ type, missing }) => type === "ERROR" || missing)) return null;
  if (source.missing.length > 0 && hasReferenceInCode(root, source)) {
    const value = wholeMissing({ text: source.code.text, missing: source.missing });
    return () => value;
  }
  const scope = new Scope(source, body, { expression: expressionCode, statement: statementCode });
  try {
    return kind === "value" ? scope.code(body) : blockCode(body, scope);
  } catch (error) {
    if (!(error instanceof GivenUp) && !(error instanceof RangeError)) throw error;
    const value = notUnderstood(source.code.text);
    return () => value;
  }
}

/** Whether a named value that cannot be read stands outside of all strings. */
function hasReferenceInCode(root: SyntaxNode, { code, missing }: SourceCode): boolean {
  const strings = nodesIn(root).filter(({ type }) => type === "string_literal" || type === "verbatim_string_literal");
  return missing.some(({ name }) => {
    const reference = `{{${name}}}`;
    for (let at = code.text.indexOf(reference); at >= 0; at = code.text.indexOf(reference, at + 1)) {
      if (!strings.some(({ start, end }) => start < at && at < end)) return true;
    }
    return false;
  });
}
