import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { implicitly, isUnknown } from "./code.ts";
import { FunctionValue } from "./collections.ts";
import { commonType } from "./conversions.ts";
import {
  type Code,
  type Frame,
  type Lambda,
  newFrame,
  type Scope,
  type Step,
  signals,
  type Unit,
  type Variable,
  writeVariable,
} from "./scope.ts";
import { makeType, type Type, types } from "./types.ts";

/** A lambda for parameters of these types; the same one for the same types. */
export function lambda(node: SyntaxNode, parameters: readonly Type[], scope: Scope): Lambda {
  const signature = parameters.map(({ text }) => text).join();
  const known = scope.unit.lambdas.get(node) ?? new Map<string, Lambda>();
  scope.unit.lambdas.set(node, known);
  const made = known.get(signature) ?? compiled(node, parameters, scope);
  known.set(signature, made);
  return made;
}

function compiled(node: SyntaxNode, parameters: readonly Type[], scope: Scope): Lambda {
  const inner = scope.function();
  const variables = parameterNames(node).map((name, index) => inner.declare(name, parameters[index] ?? types.unknown));
  const body = childIn(node, "body");
  if (node.type !== "lambda_expression" || body === null || node.children.some(({ text }) => text === "async")) {
    const broken = scope.unit.unsupported(node, "a function like this");
    return {
      returns: types.unknown,
      make: () => new FunctionValue(types.unknown, (_, run) => broken.run(newFrame({ slots: 0 }, null, run))),
    };
  }
  return body.type === "block"
    ? blockFunction(body, variables, inner)
    : expressionFunction(scope.unit.expression(body, inner), variables, inner);
}

function parameterNames(node: SyntaxNode): readonly string[] {
  const parameters = childIn(node, "parameters");
  if (parameters === null) return [];
  if (parameters.type === "implicit_parameter" || parameters.type === "identifier") return [parameters.text];
  return namedChildren(parameters).map((parameter) => childIn(parameter, "name")?.text ?? parameter.text);
}

function expressionFunction({ type, run: body }: Code, variables: readonly Variable[], inner: Scope): Lambda {
  return { returns: type, make: (frame, signature) => called(frame, signature, variables, inner, body) };
}

function called(frame: Frame, signature: Type, variables: readonly Variable[], inner: Scope, body: Code["run"]): FunctionValue {
  return new FunctionValue(signature, (args, run) => {
    const own = newFrame(inner.size, frame, run);
    for (let index = 0; index < variables.length; index++) own.slots[index] = args[index] ?? null;
    return body(own);
  });
}

function blockFunction(body: SyntaxNode, variables: readonly Variable[], inner: Scope): Lambda {
  const step = inner.unit.statement(body, inner);
  const returns = returnType(inner, body);
  return { returns, make: (frame, signature) => called(frame, signature, variables, inner, returning(step)) };
}

function returning(step: Step): Code["run"] {
  return (frame) => {
    frame.run.returned = null;
    step(frame);
    const { returned } = frame.run;
    frame.run.returned = null;
    return returned;
  };
}

function returnType(inner: Scope, body: SyntaxNode): Type {
  const known = inner.returns.filter(({ name }) => name !== "?");
  const [first] = known;
  if (first === undefined) return inner.returns.length > 0 ? types.unknown : types.void;
  const common = known.reduce<Type | null>((type, each) => (type === null ? null : commonType(inner.unit.library, type, each)), first);
  if (common !== null && (common.text === first.text || known.every(({ name }) => !/^(?:int|long|double|decimal|char)$/.test(name))))
    return common;
  return inner.unit.unsupported(body, "a function that returns several types").type;
}

/** A local function whose name is known in its block, and whose body is not yet compiled: it may call what is declared behind it. */
interface DeclaredFunction {
  readonly compile: () => Step;
}

/** `int Twice(int x) { return 2 * x; }`: a variable that holds the function. */
export function declareFunction(node: SyntaxNode, scope: Scope): DeclaredFunction {
  const [returnsNode, nameNode, list, body] = ["type", "name", "parameters", "body"].map((field) => childIn(node, field) ?? null);
  const nodes = list ? namedChildren(list) : [];
  const parameters = nodes.map((parameter) => {
    const type = childIn(parameter, "type");
    return type === null ? null : scope.unit.type(type);
  });
  const isVoid = returnsNode?.text === "void";
  const returns = isVoid || !returnsNode ? types.void : scope.unit.type(returnsNode);
  const known = parameters.filter((type) => type !== null);
  const isPlain = nodes.every(({ type, children }) => type === "parameter" && children.length === 2);
  if (!isPlain || returns === null || known.length !== parameters.length || !nameNode || !body || childIn(node, "type_parameters") !== null)
    return { compile: () => throwing(scope.unit, node, "a local function like this") };
  const signature = isVoid ? makeType("Action", known) : makeType("Func", [...known, returns]);
  const write = writeVariable(scope.declare(nameNode.text, signature), scope);
  return {
    compile() {
      const inner = scope.function();
      const variables = nodes.map((parameter, index) =>
        inner.declare(childIn(parameter, "name")?.text ?? "", known[index] ?? types.unknown),
      );
      const run = functionBody(body, returns, inner);
      return (frame) => {
        write(frame, called(frame, signature, variables, inner, run));
        return signals.next;
      };
    },
  };
}

function functionBody(body: SyntaxNode, returns: Type, inner: Scope): Code["run"] {
  if (body.type === "arrow_expression_clause") {
    const value = namedChildren(body)[0] ?? body;
    const code = inner.unit.expression(value, inner);
    return (returns.name === "void" ? code : implicitly(code, returns, inner, value)).run;
  }
  const step = inner.unit.statement(body, inner);
  // Where a value has another type than the function's, only conversions that change nothing are executed.
  const changing = inner.returns.find(
    (type) =>
      type.text !== returns.text && (/^(?:int|long|double|decimal|char|byte|short)$/.test(returns.name) || returns.name === "JToken"),
  );
  if (changing === undefined || isUnknown({ type: changing, run: () => null })) return returning(step);
  return inner.unit.unsupported(body, `the return of ${changing.text} as ${returns.text}`).run;
}

export function throwing(unit: Unit, node: SyntaxNode, what: string): Step {
  const { run } = unit.unsupported(node, what);
  return (frame) => {
    run(frame);
    return signals.next;
  };
}
