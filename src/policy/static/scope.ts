import { nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import type { Code, Frame } from "./frame.ts";
import type { SourceCode } from "./literals.ts";
import type { Known } from "./values.ts";

/** How a statement ends; null: the next one follows. */
export type Flow = null | { readonly kind: "break" | "continue" } | { readonly kind: "return"; readonly value: Known };

/** The code of nodes; both throw `GivenUp` where a node is not understood. */
interface Compiler {
  expression(node: SyntaxNode, scope: Scope): Code;
  statement(node: SyntaxNode, scope: Scope): (frame: Frame) => Flow;
}

/** What one expression declares. */
export class Scope {
  readonly source: SourceCode;
  readonly compiler: Compiler;
  /** Names of locals, of parameters too. */
  readonly locals: ReadonlySet<string>;
  /** Those whose value is held as a bare `object`. */
  readonly objects: ReadonlySet<string>;
  /** Those that are handed on whole, so that a change of what they hold would be seen elsewhere. */
  readonly shared: ReadonlySet<string>;

  constructor(source: SourceCode, body: SyntaxNode, compiler: Compiler) {
    this.source = source;
    this.compiler = compiler;
    const nodes = nodesIn(body);
    this.locals = new Set(nodes.flatMap(declaredNames));
    this.objects = new Set(nodes.flatMap((node) => declaredObjects(node)));
    this.shared = new Set(nodes.flatMap((node) => (node.type === "identifier" && isHandedOn(node) ? [node.text] : [])));
  }

  code(node: SyntaxNode): Code {
    return this.compiler.expression(node, this);
  }

  statement(node: SyntaxNode): (frame: Frame) => Flow {
    return this.compiler.statement(node, this);
  }
}

const declaring: ReadonlySet<string> = new Set([
  "variable_declarator",
  "declaration_expression",
  "declaration_pattern",
  "parameter",
  "catch_declaration",
]);

function declaredNames(node: SyntaxNode): readonly string[] {
  if (node.type === "implicit_parameter") return [node.text];
  if (node.type === "foreach_statement") return node.children.filter(({ field }) => field === "left").map(({ text }) => text);
  if (!declaring.has(node.type)) return [];
  return node.children.filter(({ field }) => field === "name").map(({ text }) => text);
}

/** `object x = ...` and `var x = context.Variables["x"]`. */
function declaredObjects(node: SyntaxNode): readonly string[] {
  if (node.type !== "variable_declaration") return [];
  const type = node.children.find(({ field }) => field === "type");
  return node.children
    .filter((child) => child.type === "variable_declarator")
    .filter((declarator) => {
      if (type?.text === "object" || type?.text === "Object") return true;
      const initial = declarator.children.at(-1);
      return type?.type === "implicit_type" && initial !== undefined && isBareObject(initial);
    })
    .map((declarator) => declarator.children[0]?.text ?? "");
}

/** Whether C# holds what the expression comes to as `object`, with neither operators nor conversions. */
export function isBareObject(node: SyntaxNode, locals?: ReadonlySet<string>): boolean {
  if (node.type === "identifier") return locals?.has(node.text) ?? false;
  if (node.type === "parenthesized_expression") return node.children.some((child) => child.named && isBareObject(child, locals));
  if (node.type === "element_access_expression") return /^context\s*\.\s*Variables$/.test(node.children[0]?.text ?? "");
  if (node.type === "invocation_expression") {
    const [method, list] = node.children;
    const count = list?.children.filter(({ type }) => type === "argument").length;
    return count === 1 && /^context\s*\.\s*Variables\s*\.\s*GetValueOrDefault$/.test(method?.text ?? "");
  }
  return node.type === "cast_expression" && /^\(\s*object\s*\)/i.test(node.text);
}

function isHandedOn({ field, parent }: SyntaxNode): boolean {
  if (parent === null) return false;
  if (parent.type === "variable_declarator") return field !== "name";
  if (parent.type === "assignment_expression") return field === "right";
  return parent.type === "initializer_expression" || parent.type === "lambda_expression" || parent.type === "cast_expression";
}
