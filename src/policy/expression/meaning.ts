import { namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { type Report, warning } from "./finding.ts";
import { readScope, readVariable, readVariables } from "./read-declarations.ts";
import { readCall, readElement, readIdentifier, readMember } from "./read-names.ts";
import { readType } from "./read-types.ts";
import {
  integerType,
  readAnonymousObject,
  readAssignment,
  readBinary,
  readConditional,
  readInner,
  readTest,
  readTyped,
  readUnary,
  realType,
} from "./read-values.ts";
import { type Reader, type Reading, readAll } from "./reading.ts";
import { scopeIn, scopeNodes } from "./scope.ts";

/**
 * Reads an expression's body as the compiler would, as far as that goes without the framework: declares variables, looks up names, members
 * and types, applies operators. Reports what the compiler or the service refuses. Answers the types of nodes, `?` where one is not known.
 */
export function readMeaning(body: SyntaxNode, isWild: (name: string) => boolean, report: Report): (node: SyntaxNode) => string {
  const types = new Map<SyntaxNode, string>();
  const reading: Reading = {
    report,
    isWild,
    read(node, scope) {
      const isType = node.field === "type" || node.field === "returns";
      const reader = isType ? readType : (readers[node.type] ?? (scopeNodes.has(node.type) ? readScope : readRest));
      const type = reader(reading, node, scope);
      types.set(node, type);
      return type;
    },
  };
  const scope = scopeIn(null);
  scope.types.set("context", "context");
  reading.read(body, scope);
  return (node) => types.get(node) ?? "?";
}

const readRest: Reader = (reading, node, scope) => {
  readAll(reading, node.children, scope);
  return "?";
};

const readTypeOf: Reader = (reading, node) => {
  reading.report(warning("expression-type", node.start, "Usage of type 'System.Type' is not supported within expressions"));
  return "?";
};

const readLabelled: Reader = (reading, node, scope) => {
  readAll(reading, namedChildren(node).slice(1), scope);
  return "?";
};

const readInterpolated: Reader = (reading, node, scope) => {
  readAll(reading, node.children, scope);
  return "string";
};

const is =
  (type: string): Reader =>
  () =>
    type;

const readers: Readonly<Record<string, Reader>> = {
  anonymous_object_creation_expression: readAnonymousObject,
  argument: readInner,
  array_creation_expression: readTyped,
  as_expression: readTyped,
  assignment_expression: readAssignment,
  binary_expression: readBinary,
  boolean_literal: is("bool"),
  cast_expression: readTyped,
  character_literal: is("char"),
  checked_expression: readInner,
  conditional_expression: readConditional,
  declaration_expression: readVariable,
  declaration_pattern: readVariable,
  default_expression: readTyped,
  element_access_expression: readElement,
  generic_name: readType,
  goto_statement: is("?"),
  identifier: readIdentifier,
  if_statement: readConditional,
  integer_literal: (_, { text }) => integerType(text),
  interpolated_string_expression: readInterpolated,
  interpolation_format_clause: is("?"),
  invocation_expression: readCall,
  is_expression: readTest,
  is_pattern_expression: readTest,
  labeled_statement: readLabelled,
  member_access_expression: readMember,
  object_creation_expression: readTyped,
  parameter: readVariable,
  parenthesized_expression: readInner,
  postfix_unary_expression: readInner,
  prefix_unary_expression: readUnary,
  real_literal: (_, { text }) => realType(text),
  string_literal: is("string"),
  tuple_pattern: readVariable,
  typeof_expression: readTypeOf,
  var_pattern: readVariable,
  parenthesized_variable_designation: readVariable,
  variable_declaration: readVariables,
  verbatim_string_literal: is("string"),
  while_statement: readConditional,
};
