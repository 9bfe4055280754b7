import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { changeCall, declaredAs } from "./assignments.ts";
import { eitherOf, following, inputsOf, notUnderstood, Thrown } from "./data.ts";
import { type Code, type Escape, type Frame, GivenUp, spend } from "./frame.ts";
import { itemsOf } from "./json-text.ts";
import { equality, truthOf } from "./operators.ts";
import type { Flow, Scope } from "./scope.ts";
import { typeOf } from "./type-names.ts";
import type { Known, Unknown } from "./values.ts";
import { attempted, escapesOf, forked, joinedLocals, rejoined, type Statement, turn } from "./ways.ts";

type Compile = (node: SyntaxNode, scope: Scope) => Statement;

/** The code of a block that returns a value. */
export function blockCode(body: SyntaxNode, scope: Scope): Code {
  const run = scope.statement(body);
  return (frame) => {
    const flow = attempted(run, frame);
    if (flow !== null && flow.kind !== "return" && flow.kind !== "throws") throw new GivenUp();
    const last: Known | null = flow === null ? null : flow.kind === "return" ? flow.value : flow.thrown;
    const joined = frame.returns.reduce<Known | null>(
      (value, returned) => (value === null ? returned.value : eitherOf(value, returned.value, returned.inputs, body.text)),
      last,
    );
    if (joined === null) throw new GivenUp();
    if (joined.kind === "throws") throw new Thrown(joined.why);
    return joined;
  };
}

/** The code of a statement. Throws `GivenUp` where it is not understood. */
export function statementCode(node: SyntaxNode, scope: Scope): Statement {
  const compile = Object.hasOwn(kinds, node.type) ? kinds[node.type] : undefined;
  if (compile === undefined) throw new GivenUp();
  const run = compile(node, scope);
  return (frame) => {
    spend(frame);
    return run(frame);
  };
}

const kinds: Readonly<Record<string, Compile>> = {
  block: (node, scope) => sequence(namedChildren(node), scope),
  empty_statement: () => () => null,
  local_declaration_statement: declaration,
  expression_statement: expressionStatement,
  if_statement: conditional,
  switch_statement: switched,
  foreach_statement: eachItem,
  for_statement: counted,
  while_statement: counted,
  return_statement: returned,
  throw_statement: (node) => () => {
    throw new Thrown(node.text);
  },
  break_statement: () => () => ({ kind: "break" }),
  continue_statement: () => () => ({ kind: "continue" }),
  try_statement: tried,
  using_statement: using,
};

function sequence(nodes: readonly SyntaxNode[], scope: Scope): Statement {
  const steps = nodes.map((node) => scope.statement(node));
  return (frame) => {
    for (const step of steps) {
      const flow = step(frame);
      if (flow !== null) return flow;
    }
    return null;
  };
}

function field(node: SyntaxNode, name: string): SyntaxNode {
  const child = childIn(node, name);
  if (child === null) throw new GivenUp();
  return child;
}

function declaration(node: SyntaxNode, scope: Scope): Statement {
  const [declared] = node.type === "variable_declaration" ? [node] : namedChildren(node);
  if (declared?.type !== "variable_declaration") throw new GivenUp();
  const type = field(declared, "type");
  const name = type.type === "implicit_type" ? "var" : typeOf(type);
  const variables = namedChildren(declared).filter((child) => child.type === "variable_declarator");
  const steps = variables.map((variable) => {
    const [local, ...rest] = namedChildren(variable);
    const initial = rest.at(-1);
    if (local === undefined) throw new GivenUp();
    if (initial === undefined) return (frame: Frame): boolean => frame.locals.delete(local.text);
    const code = scope.code(initial);
    return (frame: Frame): unknown => frame.locals.set(local.text, declaredAs(code(frame), name));
  });
  return (frame) => {
    for (const step of steps) step(frame);
    return null;
  };
}

function expressionStatement(node: SyntaxNode, scope: Scope): Statement {
  const [expression] = namedChildren(node);
  if (expression === undefined) throw new GivenUp();
  const change = changeCall(expression, scope);
  if (change !== null) {
    return (frame) => {
      change(frame);
      return null;
    };
  }
  const harmless = expression.type === "assignment_expression" || /_unary_expression$/.test(expression.type) || isHarmless(expression);
  if (!harmless) return changeOfTarget(expression, scope);
  const code = scope.code(expression);
  return (frame) => {
    code(frame);
    return null;
  };
}

/** A call that is made for its own sake changes what it is made on. */
function changeOfTarget(expression: SyntaxNode, scope: Scope): Statement {
  const name = /^\w+/.exec(expression.text)?.[0] ?? "";
  if (!scope.locals.has(name) || scope.shared.has(name)) throw new GivenUp();
  return (frame) => {
    frame.locals.set(name, notUnderstood(expression.text));
    return null;
  };
}

const isHarmless = ({ type, text }: SyntaxNode): boolean =>
  type === "invocation_expression" &&
  /^(?:context\s*\.\s*Trace\s*\(|(?:int|long|bool|double|decimal|Int32|Int64)\s*\.\s*TryParse\s*\(|\w+\s*\.\s*TryGetValue\s*\(|context\s*\.\s*Variables\s*\.\s*TryGetValue)/.test(
    text,
  );

function returned(node: SyntaxNode, scope: Scope): Statement {
  const [expression] = namedChildren(node);
  if (expression === undefined) throw new GivenUp();
  const code = scope.code(expression);
  return (frame) => ({ kind: "return", value: code(frame) });
}

function conditional(node: SyntaxNode, scope: Scope): Statement {
  const condition = scope.code(field(node, "condition"));
  const one = scope.statement(field(node, "consequence"));
  const alternative = childIn(node, "alternative");
  const other: Statement = alternative === null ? () => null : scope.statement(alternative);
  return (frame) => {
    const asked = condition(frame);
    const holds = truthOf(asked);
    if (holds !== null) return holds ? one(frame) : other(frame);
    return forked([one, other], inputsOf([asked]), frame);
  };
}

interface Case {
  /** Null: `default`. */
  readonly labels: readonly (Code | null)[];
  readonly body: Statement;
}

function switched(node: SyntaxNode, scope: Scope): Statement {
  const subject = scope.code(field(node, "value"));
  const cases: Case[] = [];
  let labels: (Code | null)[] = [];
  for (const section of namedChildren(field(node, "body"))) {
    const children = section.children;
    const colon = children.findLastIndex(({ type }) => type === ":");
    const patterns = children.slice(0, colon).filter(({ named }) => named);
    if (patterns.some(({ type }) => type !== "constant_pattern")) throw new GivenUp();
    labels.push(...patterns.map((pattern) => scope.code(namedChildren(pattern)[0] ?? pattern)));
    if (children.some(({ type }) => type === "default")) labels.push(null);
    const body = children.slice(colon + 1).filter(({ named }) => named);
    if (body.length === 0) continue;
    cases.push({ labels, body: sequence(body, scope) });
    labels = [];
  }
  return (frame) => {
    const taken = escapesOf(frame, () => withoutBreak(chosenCase(subject(frame), cases, node.text, frame)));
    frame.escapes.push(...taken.escapes.filter(({ kind }) => kind === "continue"));
    return rejoined(
      taken.flow,
      taken.escapes.filter(({ kind }) => kind === "break"),
      frame,
    );
  };
}

const withoutBreak = (flow: Flow): Flow => (flow?.kind === "break" ? null : flow);

function chosenCase(subject: Known, cases: readonly Case[], source: string, frame: Frame): Flow {
  const ways: Statement[] = [];
  const otherwise = cases.find(({ labels }) => labels.includes(null))?.body ?? (() => null);
  for (const { labels, body } of cases) {
    for (const label of labels) {
      const matches = label === null ? false : truthOf(equality(subject, label(frame), false, source, frame));
      if (matches === false) continue;
      if (matches === true && ways.length === 0) return body(frame);
      ways.push((next) => withoutBreak(body(next)));
      if (matches === true) return forked(ways, inputsOf([subject]), frame);
    }
  }
  if (ways.length === 0) return otherwise(frame);
  return forked([...ways, (next) => withoutBreak(otherwise(next))], inputsOf([subject]), frame);
}

function eachItem(node: SyntaxNode, scope: Scope): Statement {
  const [name, source] = [field(node, "left").text, scope.code(field(node, "right"))];
  const body = scope.statement(field(node, "body"));
  return (frame) => {
    const collection = source(frame);
    const items = collection.kind === "list" ? collection.items : itemsOf(collection);
    if (items === null) return manyTimes(body, [name, ...assignedIn(node)], [collection], node.text, frame);
    const broken: Escape[] = [];
    for (const item of items) {
      frame.locals.set(name, item);
      const { flow, last } = turn(body, broken, frame);
      if (last) return rejoined(flow, broken, frame);
    }
    return rejoined(null, broken, frame);
  };
}

/** Locals that a loop writes. */
function assignedIn(node: SyntaxNode): readonly string[] {
  return nodesIn(node).flatMap(({ type, parent, field: role, text }) => {
    if (type !== "identifier" || parent === null) return [];
    const written =
      (parent.type === "assignment_expression" && role === "left") ||
      parent.type === "postfix_unary_expression" ||
      parent.type === "prefix_unary_expression" ||
      (parent.type === "argument" && parent.children.some((child) => child.type === "out")) ||
      // What a method or an index is called on may be changed by it.
      (parent.type === "member_access_expression" && role === "expression") ||
      (parent.type === "element_access_expression" && role === "expression" && parent.field === "left");
    return written ? [text] : [];
  });
}

/** A body that runs any number of times: what it writes is not known any more, and it may return or not. */
function manyTimes(body: Statement, written: readonly string[], by: readonly Known[], source: string, frame: Frame): Flow {
  const forget = (): void => {
    for (const name of written) {
      const before = frame.locals.get(name);
      frame.locals.set(name, following(before === undefined ? by : [...by, before], source));
    }
  };
  forget();
  const once: Statement = (next) => {
    const taken = escapesOf(next, () => body(next));
    return rejoined(taken.flow?.kind === "return" ? taken.flow : null, taken.escapes, next);
  };
  const flow = forked([() => null, once], inputsOf(by), frame);
  forget();
  return flow;
}

/** `for` and `while`. */
function counted(node: SyntaxNode, scope: Scope): Statement {
  const initializer = childIn(node, "initializer");
  const start = initializer === null ? null : initializer.type === "variable_declaration" ? declaration(initializer, scope) : null;
  if (initializer !== null && start === null) throw new GivenUp();
  const condition = scope.code(field(node, "condition"));
  const update = node.children.filter((child) => child.field === "update").map((child) => scope.code(child));
  const body = scope.statement(field(node, "body"));
  return (frame) => {
    start?.(frame);
    const broken: Escape[] = [];
    for (;;) {
      const asked = condition(frame);
      const holds = truthOf(asked);
      if (holds === null) return rejoined(manyTimes(body, assignedIn(node), [asked], node.text, frame), broken, frame);
      if (!holds) return rejoined(null, broken, frame);
      const { flow, last } = turn(body, broken, frame);
      if (last) return rejoined(flow, broken, frame);
      for (const step of update) step(frame);
    }
  };
}

/** `using (var x = ...) { ... }`. */
function using(node: SyntaxNode, scope: Scope): Statement {
  const declared = namedChildren(node).find(({ type }) => type === "variable_declaration");
  if (declared === undefined) throw new GivenUp();
  const [start, body] = [declaration(declared, scope), scope.statement(field(node, "body"))];
  return (frame) => start(frame) ?? body(frame);
}

/** Where something in a `try` is not known, it may throw as well as not. */
function tried(node: SyntaxNode, scope: Scope): Statement {
  const body = scope.statement(field(node, "body"));
  const clauses = namedChildren(node).filter(({ type }) => type === "catch_clause");
  const last = namedChildren(node).find(({ type }) => type === "finally_clause");
  if (last !== undefined && namedChildren(last).some((block) => namedChildren(block).length > 0)) throw new GivenUp();
  const [clause, ...others] = clauses;
  if (clause === undefined || others.length > 0 || namedChildren(clause).some(({ type }) => type === "catch_filter_clause"))
    throw new GivenUp();
  const caught = scope.statement(field(clause, "body"));
  const error = namedChildren(clause).find(({ type }) => type === "catch_declaration");
  const name = error === undefined ? null : childIn(error, "name");
  const handle: Statement = (frame) => {
    if (name !== null) frame.locals.set(name.text, following([], node.text));
    return caught(frame);
  };
  return (frame) => {
    const before = new Map(frame.locals);
    const unsure = frame.unsure.length;
    const returns = frame.returns.length;
    const flow = attempted(body, frame);
    if (flow?.kind === "throws") {
      if (frame.returns.length > returns) throw new GivenUp();
      return handle(frame);
    }
    const met: readonly Unknown[] = frame.unsure.slice(unsure);
    if (met.length === 0) return flow;
    const inputs = inputsOf(met);
    const [after, middle] = [frame.locals, joinedLocals([before, frame.locals], inputs)];
    const well: Statement = (next) => {
      next.locals = after;
      return flow;
    };
    const badly: Statement = (next) => {
      next.locals = new Map(middle);
      return handle(next);
    };
    return forked([well, badly], inputs, frame);
  };
}
