import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { type Code, type Frame, GivenUp } from "./frame.ts";
import type { Scope } from "./scope.ts";
import type { Known, Present } from "./values.ts";

/** `x => ...` with one expression behind the arrow. */
export interface Lambda extends Present {
  readonly parameters: readonly string[];
  readonly body: Code;
}

export const isLambda = (value: Known): value is Lambda => value.kind === "present" && value.what === "lambda";

export function lambdaOf(node: SyntaxNode, scope: Scope): Code {
  const [list, body] = [childIn(node, "parameters"), childIn(node, "body")];
  if (list === null || body === null || body.type === "block") throw new GivenUp();
  const parameters =
    list.type === "implicit_parameter"
      ? [list.text]
      : namedChildren(list).map((parameter) => childIn(parameter, "name")?.text ?? parameter.text);
  const lambda: Lambda = { kind: "present", what: "lambda", parameters, body: scope.code(body) };
  return () => lambda;
}

/** What the lambda comes to; C# gives its parameters names that no local has. */
export function applied({ parameters, body }: Lambda, given: readonly Known[], frame: Frame): Known {
  for (const [index, name] of parameters.entries()) {
    const value = given[index];
    if (value === undefined) throw new GivenUp();
    frame.locals.set(name, value);
  }
  return body(frame);
}
