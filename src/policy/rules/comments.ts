import type { PolicyDocument, Span } from "../document.ts";
import { scanExpression } from "../lexer.ts";
import type { Finding } from "./finding.ts";
import type { Context } from "./place.ts";

/** The service looks for expressions in comments, too (https://github.com/microsoft/vscode-apimanagement/issues/197). */
export function expressionInComment({ document }: Context): readonly Finding[] {
  const { source } = document;
  return commentSpans(document).flatMap(({ start, end }) => {
    const comment = source.slice(start, end);
    const opening = [...comment.matchAll(/@[({]/g)].find(({ index }) => scanExpression(comment, index, "decoded").end === null);
    if (opening === undefined) return [];
    const at = start + opening.index;
    const [open, close] = opening[0] === "@{" ? "{}" : "()";
    const message = `An opening "${open}" is missing the corresponding closing "${close}".`;
    const fix = "Close the expression in the comment, or remove its '@': expressions are looked for in comments, too.";
    return [{ severity: "warning", element: null, span: { start: at, end: at + 2 }, message, fix }];
  });
}

function commentSpans({ nodes }: PolicyDocument): readonly Span[] {
  const spans: Span[] = [];
  const pending = [...nodes];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.type === "comment") spans.push(node.span);
    else if (node.type === "element")
      for (const child of node.children) if (child.type === "element" || child.type === "comment") pending.push(child);
  }
  return spans;
}
