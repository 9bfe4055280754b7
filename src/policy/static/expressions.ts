import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { chained } from "./access.ts";
import { assignment, stepped } from "./assignments.ts";
import { casted, typeTested } from "./casts.ts";
import { created, listCode } from "./creation.ts";
import { eitherOf, following, inputsOf, no, nothing, notUnderstood, Thrown, yes } from "./data.ts";
import { type Code, type Frame, GivenUp, spend } from "./frame.ts";
import { lambdaOf } from "./lambdas.ts";
import { attempt } from "./lifted.ts";
import { characterValue, numberValue, stringValue } from "./literals.ts";
import { castNumber, commonType, isNull, numericOf } from "./numbers.ts";
import { binary, equality, joinedText, logical, minus, negated, truthOf } from "./operators.ts";
import { isBareObject, type Scope } from "./scope.ts";
import { defaultOf, typeOf } from "./type-names.ts";
import type { Known } from "./values.ts";

type Compile = (node: SyntaxNode, scope: Scope) => Code;

/** The code of an expression's node. Throws `GivenUp` where it is not understood and changes locals. */
export function expressionCode(node: SyntaxNode, scope: Scope): Code {
  if (literals.has(node.type)) return understood(node, scope);
  const value = notUnderstood(node.text);
  const changes = changesLocals(node);
  let code: Code;
  try {
    code = understood(node, scope);
  } catch (error) {
    if (!(error instanceof GivenUp) || changes) throw error;
    return unsurely(() => value);
  }
  return unsurely((frame) => {
    try {
      return code(frame);
    } catch (error) {
      // Nothing else depends on it.
      if (error instanceof GivenUp && !changes) return value;
      throw error;
    }
  });
}

/** Writes down what is not known. */
const unsurely =
  (code: Code): Code =>
  (frame) => {
    spend(frame);
    const value = code(frame);
    if (value.kind === "unknown") frame.unsure.push(value);
    return value;
  };

const literals: ReadonlySet<string> = new Set(["null_literal", "boolean_literal", "string_literal", "verbatim_string_literal"]);

function understood(node: SyntaxNode, scope: Scope): Code {
  const compile = Object.hasOwn(kinds, node.type) ? kinds[node.type] : undefined;
  if (compile === undefined) throw new GivenUp();
  return compile(node, scope);
}

const changing: ReadonlySet<string> = new Set(["assignment_expression", "++", "--", "out", "ref", "await", "declaration_pattern"]);

const changesLocals = (node: SyntaxNode): boolean => nodesIn(node).some(({ type }) => changing.has(type));

const always =
  (value: Known): Code =>
  () =>
    value;

const kinds: Readonly<Record<string, Compile>> = {
  parenthesized_expression: (node, scope) => scope.code(onlyOf(node)),
  null_literal: () => always(nothing),
  boolean_literal: (node) => always(node.text === "true" ? yes : no),
  integer_literal: (node, { source }) => always(numberValue(node, source)),
  real_literal: (node, { source }) => always(numberValue(node, source)),
  character_literal: (node, { source }) => always(characterValue(source, node.start + 1, node.end - 1)),
  string_literal: (node, { source }) => always(stringValue(source, node.start + 1, node.end - 1, false)),
  verbatim_string_literal: (node, { source }) => always(stringValue(source, node.start + 2, node.end - 1, true)),
  interpolated_string_expression: interpolated,
  identifier: local,
  member_access_expression: chained,
  element_access_expression: chained,
  invocation_expression: chained,
  binary_expression: binaryCode,
  prefix_unary_expression: prefixed,
  postfix_unary_expression: postfixed,
  conditional_expression: conditional,
  cast_expression: casted,
  as_expression: casted,
  is_pattern_expression: typeTested,
  is_expression: typeTested,
  object_creation_expression: created,
  implicit_array_creation_expression: created,
  array_creation_expression: created,
  initializer_expression: listCode,
  lambda_expression: lambdaOf,
  assignment_expression: assignment,
  switch_expression: switched,
  default_expression: defaulted,
  throw_expression: throwing,
};

function onlyOf(node: SyntaxNode): SyntaxNode {
  const [only] = namedChildren(node);
  if (only === undefined) throw new GivenUp();
  return only;
}

function field(node: SyntaxNode, name: string): SyntaxNode {
  const child = childIn(node, name);
  if (child === null) throw new GivenUp();
  return child;
}

function local(node: SyntaxNode, scope: Scope): Code {
  if (!scope.locals.has(node.text)) throw new GivenUp();
  return ({ locals }) => {
    const value = locals.get(node.text);
    if (value === undefined) throw new GivenUp();
    return value;
  };
}

function throwing(node: SyntaxNode): Code {
  return () => {
    throw new Thrown(node.text);
  };
}

/** `$"..."`: its texts, and what its holes come to. */
function interpolated(node: SyntaxNode, scope: Scope): Code {
  const verbatim = node.text.slice(0, 2).includes("@");
  const codes = namedChildren(node).flatMap((child): readonly Code[] => {
    if (child.type === "interpolation_start") return [];
    if (child.type === "interpolation") return [hole(child, scope)];
    return [...child.text.matchAll(/\{\{|\}\}|[^{}]+/g)].map(({ 0: part, index }) => {
      // A doubled brace stands for one.
      const start = child.start + index + (part === "{{" || part === "}}" ? 1 : 0);
      return always(stringValue(scope.source, start, child.start + index + part.length, verbatim));
    });
  });
  return (frame) =>
    joinedText(
      codes.map((code) => code(frame)),
      node.text,
    );
}

function hole(node: SyntaxNode, scope: Scope): Code {
  const [content, ...others] = namedChildren(node).filter(({ type }) => type !== "interpolation_brace");
  if (content === undefined) throw new GivenUp();
  const code = scope.code(content);
  // A format or a width makes another text of it.
  return others.length === 0 ? code : (frame) => following([code(frame)], node.text);
}

function binaryCode(node: SyntaxNode, scope: Scope): Code {
  const [first, second] = [field(node, "left"), field(node, "right")];
  const operator = field(node, "operator").type;
  const [left, right] = [scope.code(first), scope.code(second)];
  const { text } = node;
  if (operator === "&&" || operator === "||") {
    return (frame) => {
      const one = left(frame);
      // Only where the left side is not known may a throw of the right side be out of reach.
      return logical(operator === "||", one, truthOf(one) === null ? () => apart(right, frame) : () => right(frame), text);
    };
  }
  if (operator === "??") return (frame) => coalesced(left(frame), right, frame, text);
  if ((operator === "==" || operator === "!=") && comparesReferences(first, second, scope)) {
    return (frame) => byReference(left(frame), right(frame), operator === "==", text, frame);
  }
  return (frame) => binary(operator, left(frame), right(frame), text, frame);
}

/** `a == b` of which one side is a bare `object`: C# asks whether both are the very same object. */
const comparesReferences = (one: SyntaxNode, other: SyntaxNode, { objects }: Scope): boolean =>
  isBareObject(one, objects) || isBareObject(other, objects);

function byReference(one: Known, other: Known, equal: boolean, text: string, frame: Frame): Known {
  if (!isNull(one) && !isNull(other)) return following([one, other], text);
  return equal ? equality(one, other, false, text, frame) : negated(equality(one, other, false, text, frame), text);
}

/** On a copy of the locals: an assignment in it is not known to happen. */
function apart(code: Code, frame: Frame): Known {
  const before = frame.locals;
  frame.locals = new Map(before);
  const value = attempt(() => code(frame));
  for (const [name, after] of frame.locals) {
    const was = before.get(name);
    if (was !== after) before.set(name, was === undefined ? after : eitherOf(was, after, inputsOf([was, after]), name));
  }
  frame.locals = before;
  return value;
}

function coalesced(left: Known, right: Code, frame: Frame, text: string): Known {
  if (left.kind === "unknown") return eitherOf(left, apart(right, frame), left.inputs, text);
  if (left.kind !== "several") return isNull(left) ? right(frame) : left;
  const filled = left.values.filter((value) => !isNull(value));
  if (filled.length === left.values.length) return left;
  return filled.reduce((joined: Known, value) => eitherOf(joined, value, left.inputs, text), apart(right, frame));
}

function prefixed(node: SyntaxNode, scope: Scope): Code {
  const [operator, operand] = node.children;
  if (operator === undefined || operand === undefined) throw new GivenUp();
  if (operator.type === "++" || operator.type === "--") return stepped(operand, scope, operator.type, true);
  const code = scope.code(operand);
  if (operator.type === "!") return (frame) => negated(code(frame), node.text);
  if (operator.type === "-") return (frame) => minus(code(frame), node.text);
  throw new GivenUp();
}

function postfixed(node: SyntaxNode, scope: Scope): Code {
  const [operand, operator] = node.children;
  if (operator === undefined || operand === undefined) throw new GivenUp();
  if (operator.type === "!") return scope.code(operand);
  if (operator.type === "++" || operator.type === "--") return stepped(operand, scope, operator.type, false);
  throw new GivenUp();
}

function conditional(node: SyntaxNode, scope: Scope): Code {
  const [condition, one, other] = ["condition", "consequence", "alternative"].map((name) => scope.code(field(node, name)));
  if (condition === undefined || one === undefined || other === undefined) throw new GivenUp();
  return (frame) => {
    const asked = condition(frame);
    const holds = truthOf(asked);
    if (holds !== null) return holds ? likeOther(one(frame), other, frame) : likeOther(other(frame), one, frame);
    const [first, second] = [apart(one, frame), apart(other, frame)];
    if (first.kind === "throws" && second.kind === "throws") throw new Thrown(first.why);
    return eitherOf(first, second, inputsOf([asked]), node.text);
  };
}

/** A number that is chosen, in the type that C# gives to both sides: a double where the other one is. */
function likeOther(chosen: Known, other: Code, frame: Frame): Known {
  if (chosen.kind !== "constant" || typeof chosen.value !== "number" || chosen.type === "double" || chosen.type === "decimal")
    return chosen;
  const passed = apart(other, frame);
  const [own, wide] = [numericOf(chosen), numericOf(passed)];
  return own === null || wide === null ? chosen : castNumber(chosen, commonType(own.type, wide.type));
}

interface Arm {
  /** Null: any value. */
  readonly pattern: Code | null;
  readonly value: Code;
}

/** `x switch { "a" => 1, _ => 2 }`. */
function switched(node: SyntaxNode, scope: Scope): Code {
  const [subject, ...arms] = namedChildren(node);
  if (subject === undefined) throw new GivenUp();
  const value = scope.code(subject);
  const compiled = arms.map((arm): Arm => {
    const [pattern, result, ...others] = namedChildren(arm);
    if (pattern === undefined || result === undefined || others.length > 0) throw new GivenUp();
    if (pattern.type === "discard") return { pattern: null, value: scope.code(result) };
    if (pattern.type !== "constant_pattern") throw new GivenUp();
    return { pattern: scope.code(onlyOf(pattern)), value: scope.code(result) };
  });
  return (frame) => chosen(value(frame), compiled, node.text, frame);
}

function chosen(subject: Known, arms: readonly Arm[], text: string, frame: Frame): Known {
  let open: Known | null = null;
  const join = (value: Known): Known => (open === null ? value : eitherOf(open, value, inputsOf([subject]), text));
  for (const { pattern, value } of arms) {
    const matches = pattern === null ? true : truthOf(equality(subject, pattern(frame), false, text, frame));
    if (matches === false) continue;
    if (matches === true) return open === null ? value(frame) : join(apart(value, frame));
    open = join(apart(value, frame));
  }
  if (open === null) throw new Thrown("no case of the switch matches");
  return open;
}

function defaulted(node: SyntaxNode): Code {
  const type = childIn(node, "type");
  if (type === null) throw new GivenUp();
  return always(defaultOf(typeOf(type)));
}
