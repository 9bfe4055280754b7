import { arithmetic, negative } from "./arithmetic.ts";
import { between, comparison, conjunction, disjunction, type Members, membership, negation } from "./comparisons.ts";
import { isBag, isList, type Value } from "./conversions.ts";
import { readerOf } from "./frame.ts";
import { functions } from "./functions/index.ts";
import { literalOf } from "./literals.ts";
import { composed, converted, literal, nothing, type Scalar, type Scope } from "./scalar.ts";
import { argumentsOf, childOf, listOf, nameIn, partOf, type SyntaxNode, typeOf } from "./syntax.ts";
import { hasTerms, textOperator } from "./text-operators.ts";
import { type Column, type KqlType, NotExecutable } from "./types.ts";

/** Compiles a scalar expression. Throws `NotExecutable` for what the engine does not know. */
export function compileScalar(node: SyntaxNode, scope: Scope): Scalar {
  const known = literalOf(node);
  if (known !== undefined) return known;
  const compile = compilers[node.kind];
  if (Object.hasOwn(compilers, node.kind) && compile !== undefined) return compile(node, scope);
  if (childOf(node, "Left") !== undefined && childOf(node, "Operator") !== undefined) return binary(node, scope);
  throw new NotExecutable(`'${node.text}' (${node.kind})`, node);
}

const compilers: Readonly<Record<string, (node: SyntaxNode, scope: Scope) => Scalar>> = {
  BracketedExpression: (node, scope) => compileScalar(partOf(node, "Expression"), scope),
  ElementExpression: elementOf,
  FunctionCallExpression: call,
  NameReference: named,
  ParenthesizedExpression: (node, scope) => compileScalar(partOf(node, "Expression"), scope),
  PathExpression: memberOf,
  ToScalarExpression: (node, scope) => firstCell(partOf(node, "Expression"), scope),
  TypeOfLiteralExpression: () => literal("string", ""),
  UnaryMinusExpression: (node, scope) => negative(typeOf(node), compileScalar(partOf(node, "Expression"), scope)),
  UnaryPlusExpression: (node, scope) => compileScalar(partOf(node, "Expression"), scope),
};

function named(node: SyntaxNode, { columns, environment }: Scope): Scalar {
  const name = nameIn(node);
  if (node.symbol === "Column") return columnOf(name, columns, node);
  const binding = environment.names.get(name);
  if (binding?.kind === "scalar") return binding.scalar;
  throw new NotExecutable(`'${name}' as a value`, node);
}

function columnOf(name: string, columns: readonly Column[], node: SyntaxNode): Scalar {
  const index = columns.findIndex((column) => column.name === name);
  const column = columns[index];
  if (column === undefined) throw new NotExecutable(`the column '${name}' here`, node);
  return fieldOf(column.type, index);
}

const fieldOf = (type: KqlType, index: number): Scalar => ({
  type,
  constant: false,
  bind({ columns }) {
    const column = columns[index];
    return column === undefined ? nothing : readerOf(column);
  },
});

function binary(node: SyntaxNode, scope: Scope): Scalar {
  const operator = partOf(node, "Operator").text.toLowerCase().replace(/\s+/g, " ");
  const left = compileScalar(partOf(node, "Left"), scope);
  const right = partOf(node, "Right");
  switch (operator) {
    case "in":
    case "in~":
      return membership(left, membersOf(right, scope), operator === "in~");
    case "!in":
    case "!in~":
      return negation(membership(left, membersOf(right, scope), operator === "!in~"));
    case "has_any":
    case "has_all":
      return hasTerms(left, membersOf(right, scope).scalars, operator === "has_all");
    case "between":
      return range(left, right, scope);
    case "!between":
      return negation(range(left, right, scope));
    default:
      return combined(operator, left, compileScalar(right, scope), node);
  }
}

function combined(operator: string, left: Scalar, right: Scalar, node: SyntaxNode): Scalar {
  if (operator === "and") return conjunction(left, right);
  if (operator === "or") return disjunction(left, right);
  const found =
    comparison(operator, left, right, node) ?? textOperator(operator, left, right) ?? arithmetic(operator, typeOf(node), left, right, node);
  if (found === undefined) throw new NotExecutable(`the operator '${operator}'`, node);
  return found;
}

const range = (left: Scalar, couple: SyntaxNode, scope: Scope): Scalar =>
  between(left, compileScalar(partOf(couple, "First"), scope), compileScalar(partOf(couple, "Second"), scope), couple);

function membersOf(list: SyntaxNode, scope: Scope): Members {
  const members = listOf(list, "Expressions");
  const isTable = ({ columns }: SyntaxNode): boolean => columns !== null;
  return {
    scalars: members.filter((member) => !isTable(member)).map((member) => compileScalar(member, scope)),
    tables: members.filter(isTable).map((member) => scope.environment.table(member)),
  };
}

function call(node: SyntaxNode, scope: Scope): Scalar {
  const name = partOf(node, "Name").text.toLowerCase();
  if (name === "toscalar") return firstCell(onlyArgument(node), scope);
  const binding = scope.environment.names.get(nameIn(partOf(node, "Name")));
  if (binding?.kind === "scalar" && argumentsOf(node).length === 0) return binding.scalar;
  const aggregate = scope.aggregate?.(node);
  if (aggregate !== undefined) return aggregate;
  const bind = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (bind === undefined) throw new NotExecutable(`the function '${name}'`, node);
  const type = typeOf(node);
  const parts = argumentsOf(node).map((argument) => compileScalar(argument, scope));
  const types = parts.map((part) => part.type);
  if (name === "ingestion_time") return { type, constant: false, bind: (frame, run) => bind({ args: [], types, type, run, frame }) };
  return composed(type, parts, (args, run, frame) => bind({ args, types, type, run, frame }));
}

function onlyArgument(node: SyntaxNode): SyntaxNode {
  const [argument] = argumentsOf(node);
  if (argument === undefined) throw new NotExecutable(`'${node.text}'`, node);
  return argument;
}

/** The first column's value in the first row of a table, once a run. */
function firstCell(node: SyntaxNode, scope: Scope): Scalar {
  const table = scope.environment.table(node);
  const [column] = table.columns;
  if (column === undefined) throw new NotExecutable(`'${node.text}' as a value`, node);
  return composed(column.type, [], (_, run) => {
    const [cells] = table.rows(run).columns;
    return cells === undefined ? nothing : readerOf(cells);
  });
}

/** `bag.member` */
function memberOf(node: SyntaxNode, scope: Scope): Scalar {
  const selector = partOf(node, "Selector");
  const bag = compileScalar(partOf(node, "Expression"), scope);
  if (bag.type !== "dynamic") throw new NotExecutable(`'${node.text}'`, node);
  const name = selector.kind === "NameReference" ? nameIn(selector) : null;
  return elementsOf(bag, name === null ? compileScalar(selector, scope) : literal("string", name));
}

/** `bag["member"]` and `list[0]`; numbers below zero count from the end. */
function elementOf(node: SyntaxNode, scope: Scope): Scalar {
  const bag = compileScalar(partOf(node, "Expression"), scope);
  if (bag.type !== "dynamic") throw new NotExecutable(`'${node.text}'`, node);
  return elementsOf(bag, compileScalar(partOf(node, "Selector"), scope));
}

const elementsOf = (bag: Scalar, key: Scalar): Scalar =>
  composed("dynamic", [bag, key.type === "dynamic" ? converted(key, "string") : key], ([read = nothing, readKey = nothing]) => (row) => {
    return elementAt(read(row), readKey(row));
  });

function elementAt(value: Value, key: Value): Value {
  if (isList(value)) return typeof key === "number" ? (value.at(key) ?? null) : null;
  if (isBag(value) && typeof key === "string") return Object.hasOwn(value, key) ? (value[key] ?? null) : null;
  return null;
}
