import { type CSharp, childIn, namedChildren, nodesIn, parseExpression, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import type { ExpressionContext } from "../context.ts";
import { chainEnd } from "./code.ts";
import { ExpressionError, SandboxError, unsupported } from "./errors.ts";
import { expressions } from "./expressions.ts";
import { lambda, throwing } from "./lambdas.ts";
import { library } from "./library/index.ts";
import { Run } from "./run.ts";
import { type Code, newFrame, Scope, type Unit } from "./scope.ts";
import { sequence, statements } from "./statements.ts";
import { readType, typeText } from "./type-names.ts";
import { types } from "./types.ts";
import type { Value } from "./values.ts";

/** Something in an expression that the sandbox cannot execute; `offset` counts in the code. */
export interface Unsupported {
  readonly what: string;
  readonly offset: number;
}

/** An expression, ready to run any number of times. */
export interface Compiled {
  /** Throws `ExpressionError`, and nothing else. */
  evaluate(context: ExpressionContext): Value;
  /** Whether it may read `context.Request.Body`, or that of `context.Response`: those bodies must be buffered before. */
  readonly readsRequestBody: boolean;
  readonly readsResponseBody: boolean;
  /** What throws `ExpressionError` when it is reached, in the order of the text; empty where all of it can be executed. */
  readonly unsupported: readonly Unsupported[];
}

/** Compiles an expression, `@(...)` or `@{...}` whole. Never throws: what is wrong is in `unsupported`. Slow beside `evaluate`: keep the result. */
export function compile(csharp: CSharp, code: string): Compiled {
  const { kind, root, body } = parseExpression(csharp, code);
  const found = new Map<string, Unsupported>();
  const unit = unitWith(found);
  const scope = Scope.root(unit);
  const broken = nodesIn(root).find(({ type, missing }) => type === "ERROR" || missing);
  const run =
    broken !== undefined || body === null
      ? unit.unsupported(broken ?? root, "this text, which is no C#,").run
      : compiledBody(kind, body, scope, unit);
  return {
    evaluate: (context) => evaluated(run, scope, context),
    readsRequestBody: reads(root, "Request"),
    readsResponseBody: reads(root, "Response"),
    unsupported: [...found.values()].sort((one, other) => one.offset - other.offset),
  };
}

function compiledBody(kind: "value" | "block", body: SyntaxNode, scope: Scope, unit: Unit): Code["run"] {
  try {
    return bodyCode(kind, body, scope);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return unit.unsupported(body, "an expression that nests so deep").run;
  }
}

function bodyCode(kind: "value" | "block", body: SyntaxNode, scope: Scope): Code["run"] {
  if (kind === "value") return scope.unit.expression(body, scope).run;
  const step = sequence(namedChildren(body), scope);
  return (frame) => {
    step(frame);
    return frame.run.returned;
  };
}

function evaluated(run: Code["run"], scope: Scope, context: ExpressionContext): Value {
  try {
    return run(newFrame(scope.size, null, new Run(context, library)));
  } catch (error) {
    if (error instanceof ExpressionError) throw error;
    // What the machine itself refuses: its stack, and the longest string or number that it has.
    if (error instanceof RangeError) throw new SandboxError("The expression nests deeper, or makes more, than the sandbox allows.");
    throw new SandboxError(`The sandbox failed: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function unitWith(found: Map<string, Unsupported>): Unit {
  const unit: Unit = {
    library,
    lambdas: new Map(),
    unsupported(node, what) {
      found.set(`${node.start} ${what}`, { what, offset: Math.max(0, node.start) });
      return {
        type: types.unknown,
        run() {
          throw unsupported(what);
        },
      };
    },
    expression: (node, scope, wanted) => chainEnd(handled(node, scope, wanted), scope),
    link: (node, scope) => handled(node, scope),
    statement(node, scope) {
      const handler = statements.get(node.type);
      return handler === undefined ? throwing(unit, node, nameOf(node)) : handler(node, scope);
    },
    lambda,
    type(node) {
      const known = readType(node, library);
      if (known === null) unit.unsupported(node, typeText(node));
      return known;
    },
    typeOrNull: (node) => readType(node, library),
  };
  const handled = (node: SyntaxNode, scope: Scope, wanted?: Parameters<Unit["expression"]>[2]): Code => {
    const handler = expressions.get(node.type);
    return handler === undefined ? unit.unsupported(node, nameOf(node)) : handler(node, scope, wanted);
  };
  return unit;
}

function nameOf({ type }: SyntaxNode): string {
  return `C#'s ${type.replaceAll("_", " ")}`;
}

/** Whether `.Body` of that message is mentioned, be it through a variable; not where it is of an answer that `send-request` has stored. */
function reads(root: SyntaxNode, message: string): boolean {
  return nodesIn(root).some((node) => {
    if (node.type !== "member_access_expression" || childIn(node, "name")?.text !== "Body") return false;
    const target = childIn(node, "expression")?.text.replaceAll(/\s/g, "") ?? "";
    return (
      target === `context.${message}` ||
      (/^\w+$/.test(target) && nodesIn(root).some(({ text }) => text.replaceAll(/\s/g, "") === `context.${message}`))
    );
  });
}
