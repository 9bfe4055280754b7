import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { condition } from "./code.ts";
import { ExceptionValue } from "./collections.ts";
import { ExpressionError, isException, SandboxError } from "./errors.ts";
import { throwing } from "./lambdas.ts";
import { type Frame, type Scope, type Signal, type Step, signals, writeVariable } from "./scope.ts";
import { makeType, types } from "./types.ts";
import { nullReference, type Value } from "./values.ts";

/** `throw x;`, and in a `catch` `throw;`. */
export function throwStatement(node: SyntaxNode, scope: Scope): Step {
  const valueNode = namedChildren(node)[0];
  if (valueNode === undefined) {
    const caught = scope.find("$caught");
    if (caught === null) return throwing(scope.unit, node, "throw without an exception");
    return (frame) => {
      throw frame.run.caught ?? nullReference();
    };
  }
  const { run } = scope.unit.expression(valueNode, scope);
  return (frame) => {
    throw thrown(run(frame));
  };
}

/** The exception that a value is. */
export function thrown(value: Value): ExpressionError {
  return value instanceof ExceptionValue ? new ExpressionError(value.type.name, value.message) : nullReference();
}

interface Catch {
  /** Null of a `catch` without a type. */
  readonly exception: string | null;
  readonly bind: ((frame: Frame, error: ExpressionError) => void) | null;
  readonly when: (frame: Frame) => boolean;
  readonly step: Step;
}

/** https://learn.microsoft.com/dotnet/csharp/language-reference/statements/exception-handling-statements */
export function tryStatement(node: SyntaxNode, scope: Scope): Step {
  const body = childIn(node, "body") ?? namedChildren(node).find(({ type }) => type === "block") ?? node;
  const step = scope.unit.statement(body, scope);
  const clauses = namedChildren(node)
    .filter(({ type }) => type === "catch_clause")
    .map((clause) => catchClause(clause, scope.block()));
  const finallyNode = namedChildren(node).find(({ type }) => type === "finally_clause");
  const finallyBlock = finallyNode === undefined ? null : namedChildren(finallyNode)[0];
  const last = finallyBlock === undefined || finallyBlock === null ? null : scope.unit.statement(finallyBlock, scope);
  const guarded: Step = (frame) => {
    try {
      return step(frame);
    } catch (error) {
      const found = caughtBy(clauses, error, frame);
      if (found === null || !(error instanceof ExpressionError)) throw error;
      const outer = frame.run.caught;
      frame.run.caught = error;
      const signal = found.step(frame);
      frame.run.caught = outer;
      return signal;
    }
  };
  return last === null ? guarded : withFinally(guarded, last);
}

/** What cannot be executed passes all of them. */
function caughtBy(clauses: readonly Catch[], error: unknown, frame: Frame): Catch | null {
  if (!(error instanceof ExpressionError) || error instanceof SandboxError) return null;
  return (
    clauses.find(({ exception, bind, when }) => {
      if (exception !== null && !isException(error.exception, exception)) return false;
      bind?.(frame, error);
      return when(frame);
    }) ?? null
  );
}

function withFinally(guarded: Step, last: Step): Step {
  return (frame) => {
    let signal: Signal = signals.next;
    try {
      signal = guarded(frame);
    } catch (error) {
      if (!(error instanceof SandboxError)) last(frame);
      throw error;
    }
    const { returned } = frame.run;
    const after = last(frame);
    frame.run.returned = returned;
    return after === signals.next ? signal : after;
  };
}

function catchClause(clause: SyntaxNode, scope: Scope): Catch {
  const declared = namedChildren(clause).find(({ type }) => type === "catch_declaration");
  const filter = namedChildren(clause).find(({ type }) => type === "catch_filter_clause");
  const body = childIn(clause, "body") ?? namedChildren(clause).find(({ type }) => type === "block") ?? clause;
  const typeNode = declared === undefined ? null : childIn(declared, "type");
  const nameNode = declared === undefined ? null : childIn(declared, "name");
  const type = typeNode === null ? null : scope.unit.type(typeNode);
  scope.declare("$caught", types.object);
  const write = nameNode === null ? null : writeVariable(scope.declare(nameNode.text, type ?? makeType("Exception")), scope);
  return {
    exception: type?.name ?? null,
    bind: write === null ? null : (frame, error) => write(frame, new ExceptionValue(error.exception, error.message)),
    when: condition(filter === undefined ? null : (namedChildren(filter)[0] ?? null), scope),
    step: scope.unit.statement(body, scope),
  };
}
