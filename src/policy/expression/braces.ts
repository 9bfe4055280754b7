import { childIn, type SyntaxNode } from "../expression-syntax.ts";
import { type ExpressionFinding, error } from "./finding.ts";

const example =
  'For example, the following is not allowed:\r\n\r\n@if(isLoggedIn)\r\n    <p>Hello, @user</p>\r\n\r\nInstead, wrap the contents of the block in "{}":\r\n\r\n@if(isLoggedIn) {\r\n    <p>Hello, @user</p>\r\n}';

/** Fields with the statement that a control-flow statement governs. */
const bodies: Readonly<Record<string, readonly string[]>> = {
  if_statement: ["consequence", "alternative"],
  for_statement: ["body"],
  foreach_statement: ["body"],
  while_statement: ["body"],
  do_statement: ["body"],
  using_statement: ["body"],
  lock_statement: ["body"],
};

/**
 * Control flow without braces in `@{...}`. The service finds the end of a block with Razor's parser, which wants them
 * (https://github.com/microsoft/mosaic-apim met it on a live service). It reads the statements of a block, of its inner blocks and of
 * `switch`, but not what stands in the brackets of one statement: lambdas are free.
 */
export function braceFindings(statement: SyntaxNode): readonly ExpressionFinding[] {
  const own = (bodies[statement.type] ?? []).flatMap((field) => {
    const body = childIn(statement, field);
    if (body === null || body.type === "block" || (field === "alternative" && body.type === "if_statement")) return [];
    return missingBraces(body);
  });
  const inner = statement.children.filter(({ type }) => governed.has(type) || type.endsWith("_statement"));
  return [...own, ...inner.filter(({ type }) => type !== "local_function_statement").flatMap(braceFindings)];
}

const governed: ReadonlySet<string> = new Set(["block", "switch_body", "switch_section", "catch_clause", "finally_clause"]);

function missingBraces(body: SyntaxNode): readonly ExpressionFinding[] {
  const [word = ""] = /^\w+|^./.exec(body.text) ?? [];
  const rule = 'Block statements must be enclosed in "{" and "}". You cannot use single-statement control-flow statements in CSHTML pages.';
  return [error("expression-braces", body.start, `Expected a "{" but found a "${word}". ${rule} ${example}`, `{ ${body.text} }`)];
}
