import { type Column, isKqlType, type KqlType, NotExecutable } from "./types.ts";

/** A node of the bound syntax tree. `kind` and `role` are names of Microsoft's parser: what it is, and what it is to its parent. */
export interface SyntaxNode {
  readonly kind: string;
  readonly role: string;
  readonly text: string;
  /** How many characters stand before it. */
  readonly start: number;
  /** Name of the scalar type; null for what has none. */
  readonly type: string | null;
  /** Of what is a table, or several values at once. */
  readonly columns: readonly RawColumn[] | null;
  /** What a name means: `Column`, `Variable`, `Function`, `Table`, ... */
  readonly symbol: string | null;
  /** The value of a string literal; the name that a declaration or reference says, without quotes. */
  readonly value: string | null;
  readonly children: readonly SyntaxNode[];
}

/** A column as the binder knows it, of a type that the sandbox may not have. */
export interface RawColumn {
  readonly name: string;
  readonly type: string;
}

export const childOf = (node: SyntaxNode, role: string): SyntaxNode | undefined => node.children.find((child) => child.role === role);

/** A child that the grammar demands. */
export function partOf(node: SyntaxNode, role: string): SyntaxNode {
  const found = childOf(node, role);
  if (found === undefined) throw new NotExecutable(`'${node.text}' without its ${role}`, node);
  return found;
}

/** The elements of a list that is a child. */
export const listOf = (node: SyntaxNode, role: string): readonly SyntaxNode[] => childOf(node, role)?.children ?? [];

/** The arguments of a call, or the values between brackets. */
export const argumentsOf = (call: SyntaxNode): readonly SyntaxNode[] => listOf(partOf(call, "ArgumentList"), "Expressions");

export function nameIn(node: SyntaxNode): string {
  if (node.value === null) throw new NotExecutable(`'${node.text}' as a name`, node);
  return node.value;
}

/** The value of an operator's parameter such as `kind=leftouter`. */
export function parameterOf(node: SyntaxNode, name: string): string | undefined {
  const parameter = listOf(node, "Parameters").find((candidate) => partOf(candidate, "Name").text.toLowerCase() === name);
  if (parameter === undefined) return undefined;
  const value = partOf(parameter, "Expression");
  return value.value ?? value.text;
}

/** Refuses every parameter that is not in `known`; hints only ask for another way to the same result. */
export function checkParameters(node: SyntaxNode, known: readonly string[]): void {
  for (const parameter of listOf(node, "Parameters")) {
    const name = partOf(parameter, "Name").text.toLowerCase();
    if (!name.startsWith("hint.") && !known.includes(name)) throw new NotExecutable(`the parameter '${name}'`, parameter);
  }
}

export function typeOf(node: SyntaxNode): KqlType {
  if (isKqlType(node.type)) return node.type;
  throw new NotExecutable(`'${node.text}' of type ${node.type ?? "unknown"}`, node);
}

/** The columns that the binder gives to an operator's result. */
export function columnsOf(node: SyntaxNode): readonly Column[] {
  if (node.columns === null) throw new NotExecutable(`'${node.text}'`, node);
  return node.columns.map(({ name, type }) => {
    if (isKqlType(type)) return { name, type };
    throw new NotExecutable(`the column '${name}' of type ${type}`, node);
  });
}
