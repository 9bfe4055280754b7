import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { condition, implicitly, isUnknown } from "./code.ts";
import { explicitConversion } from "./conversions.ts";
import { arrayOfValues } from "./creation.ts";
import { throwStatement, tryStatement } from "./exceptions.ts";
import { declareFunction, throwing } from "./lambdas.ts";
import { elementOf, iterateAs } from "./library/iterate.ts";
import { pattern } from "./patterns.ts";
import { type Code, type Frame, newFrame, type Scope, type Signal, type Step, signals, writeVariable } from "./scope.ts";
import { typeText } from "./type-names.ts";
import { type Type, types } from "./types.ts";
import { nullReference, type Value } from "./values.ts";

type Handler = (node: SyntaxNode, scope: Scope) => Step;

const nothing: Step = () => signals.next;

/** https://learn.microsoft.com/dotnet/csharp/language-reference/statements */
export const statements: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["block", (node, scope) => sequence(namedChildren(node), scope.block())],
  ["break_statement", () => () => signals.break],
  ["checked_statement", uncheckedBlock],
  ["continue_statement", () => () => signals.continue],
  ["do_statement", doLoop],
  ["empty_statement", () => nothing],
  ["expression_statement", expressionStatement],
  ["for_statement", forLoop],
  ["foreach_statement", foreachLoop],
  ["if_statement", ifStatement],
  [
    "local_declaration_statement",
    (node, scope) => declaration(namedChildren(node).find(({ type }) => type === "variable_declaration") ?? node, scope),
  ],
  ["return_statement", returnStatement],
  ["switch_statement", switchStatement],
  ["throw_statement", throwStatement],
  ["try_statement", tryStatement],
  ["using_statement", usingStatement],
  ["while_statement", whileLoop],
]);

export function sequence(nodes: readonly SyntaxNode[], scope: Scope): Step {
  // Local functions can be called before they are declared.
  const isFunction = ({ type }: SyntaxNode) => type === "local_function_statement";
  const functions = nodes.filter(isFunction).map((node) => declareFunction(node, scope));
  const others = nodes.filter((node) => !isFunction(node)).map((node) => scope.unit.statement(node, scope));
  const steps = [...functions.map(({ compile }) => compile()), ...others];
  const [first] = steps;
  if (first !== undefined && steps.length === 1) return first;
  return (frame) => {
    for (const step of steps) {
      const signal = step(frame);
      if (signal !== signals.next) return signal;
    }
    return signals.next;
  };
}

/** Arithmetic never checks for overflows here, so that `unchecked` changes nothing. */
function uncheckedBlock(node: SyntaxNode, scope: Scope): Step {
  const body = namedChildren(node).find(({ type }) => type === "block");
  return body === undefined || !node.text.startsWith("unchecked")
    ? throwing(scope.unit, node, "checked arithmetic")
    : scope.unit.statement(body, scope);
}

/** Nothing that an expression can make needs to be disposed of. */
function usingStatement(node: SyntaxNode, outer: Scope): Step {
  const scope = outer.block();
  const body = childIn(node, "body") ?? namedChildren(node).at(-1) ?? node;
  const resource = namedChildren(node).find((child) => child !== body);
  if (resource === undefined) return throwing(scope.unit, node, "a using statement like this");
  const start = resource.type === "variable_declaration" ? declaration(resource, scope) : expressionStep(resource, scope);
  const step = scope.unit.statement(body, scope);
  return (frame) => {
    start(frame);
    return step(frame);
  };
}

function expressionStatement(node: SyntaxNode, scope: Scope): Step {
  const expression = namedChildren(node)[0];
  if (expression === undefined) return nothing;
  const { run } = scope.unit.expression(expression, scope);
  return (frame) => {
    frame.run.step();
    run(frame);
    return signals.next;
  };
}

/** `var x = 1`, `int x, y = 2` */
function declaration(node: SyntaxNode, scope: Scope): Step {
  const typeNode = childIn(node, "type");
  const isVar = typeNode === null || typeNode.type === "implicit_type";
  const declared = isVar ? null : scope.unit.type(typeNode);
  const steps = namedChildren(node)
    .filter(({ type }) => type === "variable_declarator")
    .map((declarator) => declarationOf(declarator, isVar ? null : (declared ?? types.unknown), scope));
  if (!isVar && declared === null) return throwing(scope.unit, typeNode, typeText(typeNode));
  return (frame) => {
    for (const step of steps) step(frame);
    return signals.next;
  };
}

function declarationOf(declarator: SyntaxNode, declared: Type | null, scope: Scope): Step {
  const nameNode = childIn(declarator, "name") ?? namedChildren(declarator)[0];
  const valueNode = namedChildren(declarator).findLast((child) => child !== nameNode);
  const name = nameNode?.text ?? "";
  if (nameNode?.type !== "identifier") return throwing(scope.unit, declarator, "a declaration like this");
  if (valueNode === undefined) {
    scope.declare(name, declared ?? types.unknown);
    return nothing;
  }
  const value = initialValue(valueNode, declared, scope);
  const known = declared ?? value.type;
  if (declared === null && (known.name === "null" || known.name === "void"))
    return throwing(scope.unit, declarator, `a variable of type ${known.text}`);
  const write = writeVariable(scope.declare(name, known), scope);
  const { run } = value;
  return (frame) => {
    frame.run.step();
    write(frame, run(frame));
    return signals.next;
  };
}

function initialValue(node: SyntaxNode, declared: Type | null, scope: Scope): Code {
  const element = declared?.name === "[]" ? declared.args[0] : undefined;
  if (node.type === "initializer_expression")
    return element === undefined ? scope.unit.unsupported(node, "an initializer without a type") : arrayOfValues(node, element, scope);
  const code = scope.unit.expression(node, scope, declared ?? undefined);
  return declared === null ? code : implicitly(code, declared, scope, node);
}

function ifStatement(node: SyntaxNode, scope: Scope): Step {
  const test = condition(childIn(node, "condition"), scope);
  const [consequence, alternative] = [childIn(node, "consequence"), childIn(node, "alternative")];
  const then = consequence === null ? nothing : scope.unit.statement(consequence, scope.block());
  const otherwise = alternative === null ? nothing : scope.unit.statement(alternative, scope.block());
  return (frame) => {
    frame.run.step();
    return test(frame) ? then(frame) : otherwise(frame);
  };
}

/** A loop's body; where it makes functions, every turn has variables of its own. */
interface Turn {
  readonly scope: Scope;
  readonly frame: (frame: Frame) => Frame;
}

function turnOf(body: SyntaxNode, scope: Scope): Turn {
  const makesFunctions = nodesIn(body).some(({ type }) => /lambda|local_function|anonymous_method/.test(type));
  if (!makesFunctions) return { scope: scope.block(), frame: (frame) => frame };
  const inner = scope.turn();
  return { scope: inner, frame: (frame) => newFrame(inner.size, frame, frame.run) };
}

/** Null where the loop goes on. */
function leaves(signal: Signal): Signal | null {
  if (signal === signals.break) return signals.next;
  return signal === signals.return ? signal : null;
}

function whileLoop(node: SyntaxNode, scope: Scope): Step {
  const body = childIn(node, "body") ?? node;
  const test = condition(childIn(node, "condition") ?? namedChildren(node)[0] ?? null, scope);
  const turn = turnOf(body, scope);
  const step = scope.unit.statement(body, turn.scope);
  return (frame) => {
    while (test(frame)) {
      frame.run.step();
      const left = leaves(step(turn.frame(frame)));
      if (left !== null) return left;
    }
    return signals.next;
  };
}

function doLoop(node: SyntaxNode, scope: Scope): Step {
  const body = childIn(node, "body") ?? node;
  const test = condition(childIn(node, "condition"), scope);
  const turn = turnOf(body, scope);
  const step = scope.unit.statement(body, turn.scope);
  return (frame) => {
    do {
      frame.run.step();
      const left = leaves(step(turn.frame(frame)));
      if (left !== null) return left;
    } while (test(frame));
    return signals.next;
  };
}

function forLoop(node: SyntaxNode, outer: Scope): Step {
  const scope = outer.block();
  const fields = (field: string) => node.children.filter((child) => child.field === field && child.named);
  const start = fields("initializer").map((each) =>
    each.type === "variable_declaration" ? declaration(each, scope) : expressionStep(each, scope),
  );
  const test = condition(childIn(node, "condition"), scope);
  const updates = fields("update").map((each) => expressionStep(each, scope));
  const body = childIn(node, "body") ?? node;
  const turn = turnOf(body, scope);
  const step = scope.unit.statement(body, turn.scope);
  return (frame) => {
    for (const each of start) each(frame);
    while (test(frame)) {
      frame.run.step();
      const left = leaves(step(turn.frame(frame)));
      if (left !== null) return left;
      for (const each of updates) each(frame);
    }
    return signals.next;
  };
}

function expressionStep(node: SyntaxNode, scope: Scope): Step {
  const { run } = scope.unit.expression(node, scope);
  return (frame) => {
    run(frame);
    return signals.next;
  };
}

function foreachLoop(node: SyntaxNode, scope: Scope): Step {
  const [typeNode, nameNode, sourceNode, bodyNode] = ["type", "left", "right", "body"].map((field) => childIn(node, field) ?? null);
  if (!typeNode || nameNode?.type !== "identifier" || !sourceNode || !bodyNode) return throwing(scope.unit, node, "a foreach like this");
  const source = scope.unit.expression(sourceNode, scope);
  const held = isUnknown(source) ? types.unknown : elementOf(scope.unit.library, source.type);
  if (held === null) return throwing(scope.unit, sourceNode, `foreach over ${source.type.text}`);
  const wanted = typeNode.type === "implicit_type" ? held : scope.unit.type(typeNode);
  const conversion = wanted === null ? null : explicitConversion(scope.unit.library, held, wanted);
  if (wanted === null || conversion === null) return throwing(scope.unit, typeNode, `foreach over ${held.text} as ${typeNode.text}`);
  const { convert } = conversion;
  const turn = turnOf(bodyNode, scope);
  const write = writeVariable(turn.scope.declare(nameNode.text, wanted), turn.scope);
  const step = scope.unit.statement(bodyNode, turn.scope);
  return (frame) => {
    const values = source.run(frame);
    if (values === null) throw nullReference();
    for (const value of iterateAs(source.type, values, frame.run)) {
      const own = turn.frame(frame);
      write(own, convert === null ? value : convert(value));
      const left = leaves(step(own));
      if (left !== null) return left;
    }
    return signals.next;
  };
}

function returnStatement(node: SyntaxNode, scope: Scope): Step {
  const valueNode = namedChildren(node)[0];
  if (valueNode === undefined) return () => signals.return;
  const { type, run } = scope.unit.expression(valueNode, scope);
  scope.returns.push(type);
  return (frame) => {
    frame.run.step();
    const value = run(frame);
    frame.run.returned = value;
    return signals.return;
  };
}

interface Section {
  readonly tests: readonly ((value: Value, frame: Frame) => boolean)[];
  readonly isDefault: boolean;
  /** Null where only another label follows: the statements are those of the next section. */
  readonly step: Step | null;
}

function switchStatement(node: SyntaxNode, scope: Scope): Step {
  const [valueNode, body] = [childIn(node, "value"), childIn(node, "body")];
  if (valueNode === null || body === null) return throwing(scope.unit, node, "a switch like this");
  const value = scope.unit.expression(valueNode, scope);
  const inner = scope.block();
  const sections = namedChildren(body).map((section) => switchSection(section, value.type, inner.block()));
  return (frame) => {
    frame.run.step();
    const switched = value.run(frame);
    const tested = sections.findIndex(({ tests }) => tests.some((test) => test(switched, frame)));
    const found = tested === -1 ? sections.findIndex(({ isDefault }) => isDefault) : tested;
    const step = found === -1 ? null : sections.slice(found).find((section) => section.step !== null)?.step;
    const signal = step?.(frame) ?? signals.next;
    return signal === signals.break ? signals.next : signal;
  };
}

/** `case pattern when condition:` once or several times, then statements. */
function switchSection(section: SyntaxNode, type: Type, scope: Scope): Section {
  const tests: ((value: Value, frame: Frame) => boolean)[] = [];
  const body: SyntaxNode[] = [];
  let isDefault = false;
  for (const child of section.children) {
    if (child.type === "default") isDefault = true;
    else if (/_pattern$/.test(child.type) || child.type === "discard") tests.push(pattern(child, type, scope));
    else if (child.type === "when_clause") {
      const test = tests.pop();
      const when = condition(namedChildren(child)[0] ?? null, scope);
      tests.push((value, frame) => (test?.(value, frame) ?? false) && when(frame));
    } else if (child.named && /_statement$|^block$/.test(child.type)) body.push(child);
    else if (child.named) tests.push(pattern(child, type, scope));
  }
  return { tests, isDefault, step: body.length === 0 ? null : sequence(body, scope) };
}
