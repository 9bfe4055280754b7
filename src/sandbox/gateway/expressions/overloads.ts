import type { SyntaxNode } from "../../../policy/expression-syntax.ts";
import { childIn, namedChildren } from "../../../policy/expression-syntax.ts";
import { converted, isUnknown } from "./code.ts";
import { FunctionValue, NetArray } from "./collections.ts";
import { implicitConversion } from "./conversions.ts";
import type { Found, Parameter } from "./definitions.ts";
import { type Code, type Frame, type Lambda, type Scope, type Unit, type Variable, writeVariable } from "./scope.ts";
import { type Bindings, substitute, type Type, types } from "./types.ts";
import type { Value } from "./values.ts";

/** An argument of a call, before it is known what it is bound to. */
export interface Argument {
  readonly node: SyntaxNode;
  /** Of `name: value`. */
  readonly name: string | null;
  /** Null of lambdas, methods without a call and `out`: their types come from the parameter. */
  readonly code: Code | null;
  /** `out var x`, `out int x`, `out x`, `out _`. */
  readonly out: OutTarget | null;
  /** Makes a function for a parameter that wants one; null where the argument is none. */
  readonly lambda: ((parameters: readonly Type[]) => Lambda | null) | null;
  /** How many parameters a lambda has; null where that is open. */
  readonly arity: number | null;
}

interface OutTarget {
  /** The variable's; null of `out var` and `out _`. */
  readonly type: Type | null;
  readonly bind: (type: Type) => ((frame: Frame, value: Value) => void) | null;
}

/** A member with the arguments that it takes. */
export interface Call {
  readonly found: Found;
  readonly arguments: readonly ((frame: Frame) => Value)[];
  readonly outs: readonly { readonly target: OutTarget; readonly type: Type }[];
  readonly bindings: Bindings;
  readonly returns: Type;
}

/**
 * The best of the members of one name for the arguments; null where none takes them. A type's own members go before those of its bases
 * (https://learn.microsoft.com/dotnet/csharp/language-reference/language-specification/expressions#1264-overload-resolution, in short).
 */
export function resolve(
  groups: readonly (readonly Found[])[],
  args: readonly Argument[],
  typeArguments: readonly Type[],
  unit: Unit,
): Call | null {
  for (const group of groups) {
    const calls = group.flatMap((found) => bind(found, args, typeArguments, unit) ?? []);
    const [first, ...others] = calls;
    if (first !== undefined) return others.reduce((best, call) => (call.cost < best.cost ? call : best), first);
  }
  return null;
}

interface Candidate extends Call {
  readonly cost: number;
}

interface Bound {
  readonly argument: Argument;
  readonly parameter: Parameter;
}

function bind(found: Found, args: readonly Argument[], typeArguments: readonly Type[], unit: Unit): Candidate | null {
  const { member } = found;
  if (typeArguments.length > 0 && typeArguments.length !== member.generics.length) return null;
  return (
    bindForm(found, args, typeArguments, unit, false) ??
    (member.parameters.at(-1)?.rest === true ? bindForm(found, args, typeArguments, unit, true) : null)
  );
}

function bindForm(
  found: Found,
  args: readonly Argument[],
  typeArguments: readonly Type[],
  unit: Unit,
  expanded: boolean,
): Candidate | null {
  const { member } = found;
  const parameters = expanded ? member.parameters.map(asElement) : member.parameters;
  const pairs = paired(parameters, args, expanded);
  if (pairs === null) return null;
  const bindings = new Map(found.bindings);
  member.generics.forEach((generic, index) => {
    const given = typeArguments[index];
    if (given !== undefined) bindings.set(generic, given);
  });
  const open = new Set(member.generics.filter((generic) => !bindings.has(generic)));
  for (const { argument, parameter } of pairs) if (argument.code !== null) infer(parameter.type, argument.code.type, open, bindings, unit);
  const costs: number[] = [expanded ? 30 : 0];
  const values: { parameter: Parameter; run: (frame: Frame) => Value }[] = [];
  const outs: { target: OutTarget; type: Type }[] = [];
  for (const { argument, parameter } of pairs) {
    if (parameter.out !== (argument.out !== null)) return null;
    if (argument.out !== null) {
      const type = substitute(parameter.type, bindings);
      if (argument.out.type !== null && argument.out.type.text !== type.text) return null;
      outs.push({ target: argument.out, type });
      continue;
    }
    const value =
      argument.code === null
        ? functionFor(argument, parameter.type, open, bindings, unit)
        : valueFor(argument.code, parameter.type, bindings, unit);
    if (value === null) return null;
    costs.push(value.cost);
    values.push({ parameter, run: value.run });
  }
  if ([...open].some((generic) => !bindings.has(generic))) return null;
  return {
    found,
    arguments: expanded ? packed(values, parameters, bindings) : inOrder(values, parameters),
    outs,
    bindings,
    returns: substitute(member.returns, bindings),
    cost: costs.reduce((sum, cost) => sum + cost, 0),
  };
}

/** A `params T[]` as each of its arguments sees it. */
function asElement(parameter: Parameter): Parameter {
  return parameter.rest ? { ...parameter, type: parameter.type.args[0] ?? types.object } : parameter;
}

/** Which argument goes to which parameter; null where their numbers do not fit. */
function paired(parameters: readonly Parameter[], args: readonly Argument[], expanded: boolean): readonly Bound[] | null {
  const rest = expanded ? parameters.at(-1) : undefined;
  const bound: Bound[] = [];
  for (const [index, argument] of args.entries()) {
    const named = argument.name === null ? undefined : parameters.find(({ name }) => name === argument.name);
    const positional =
      argument.name === null ? (rest !== undefined && index >= parameters.length - 1 ? rest : parameters[index]) : undefined;
    const parameter = named ?? positional;
    if (parameter === undefined || (!parameter.rest && bound.some((other) => other.parameter === parameter))) return null;
    bound.push({ argument, parameter });
  }
  const missing = parameters.filter((parameter) => !bound.some((other) => other.parameter === parameter));
  return missing.every((parameter) => parameter.optional || parameter === rest) ? bound : null;
}

/** What an unset optional parameter gets; implementations see `undefined`-like null only at the end of their arguments. */
function inOrder(
  values: readonly { parameter: Parameter; run: (frame: Frame) => Value }[],
  parameters: readonly Parameter[],
): Call["arguments"] {
  const given = parameters.filter(({ out }) => !out).map((parameter) => values.find((value) => value.parameter === parameter)?.run ?? null);
  const last = given.findLastIndex((run) => run !== null);
  return given.slice(0, last + 1).map((run) => run ?? (() => null));
}

function packed(
  values: readonly { parameter: Parameter; run: (frame: Frame) => Value }[],
  parameters: readonly Parameter[],
  bindings: Bindings,
): Call["arguments"] {
  const rest = parameters.at(-1);
  const single = values.filter(({ parameter }) => parameter !== rest);
  const many = values.filter(({ parameter }) => parameter === rest).map(({ run }) => run);
  const element = rest === undefined ? types.object : substitute(rest.type, bindings);
  return [
    ...inOrder(single, parameters.slice(0, -1)),
    (frame) =>
      new NetArray(
        element,
        many.map((run) => run(frame)),
      ),
  ];
}

interface Prepared {
  readonly run: (frame: Frame) => Value;
  readonly cost: number;
}

function valueFor(code: Code, parameter: Type, bindings: Bindings, unit: Unit): Prepared | null {
  const wanted = substitute(parameter, bindings);
  if (isUnknown(code)) return { run: code.run, cost: 0 };
  const conversion = implicitConversion(unit.library, code.type, wanted, code.constant);
  return conversion === null ? null : { run: converted(code, conversion, wanted).run, cost: conversion.cost };
}

/** Types of a lambda's parameters, and what it returns. */
export function signatureOf(delegate: Type): { readonly parameters: readonly Type[]; readonly returns: Type } | null {
  if (delegate.name === "Action") return { parameters: delegate.args, returns: types.void };
  return delegate.name === "Func" ? { parameters: delegate.args.slice(0, -1), returns: delegate.args.at(-1) ?? types.void } : null;
}

function functionFor(
  argument: Argument,
  parameter: Type,
  open: ReadonlySet<string>,
  bindings: Map<string, Type>,
  unit: Unit,
): Prepared | null {
  const signature = signatureOf(substitute(parameter, bindings));
  if (signature === null || argument.lambda === null) return null;
  if (argument.arity !== null && argument.arity !== signature.parameters.length) return null;
  const { parameters } = signature;
  if (parameters.some((each) => mentions(each, open, bindings))) return null;
  const lambda = argument.lambda(parameters);
  if (lambda === null) return null;
  infer(signature.returns, lambda.returns, open, bindings, unit);
  const wanted = substitute(signature.returns, bindings);
  const delegate = substitute(parameter, bindings);
  if (wanted.name === "void") return { run: (frame) => lambda.make(frame, delegate), cost: 0 };
  const conversion = implicitConversion(unit.library, lambda.returns, wanted);
  if (conversion === null) return null;
  const { convert } = conversion;
  if (convert === null) return { run: (frame) => lambda.make(frame, delegate), cost: conversion.cost };
  return {
    run: (frame) => {
      const made = lambda.make(frame, delegate);
      return new FunctionValue(delegate, (args, run) => convert(made.invoke(run, ...args)));
    },
    cost: conversion.cost,
  };
}

function mentions({ name, args }: Type, open: ReadonlySet<string>, bindings: Bindings): boolean {
  return (args.length === 0 && open.has(name) && !bindings.has(name)) || args.some((arg) => mentions(arg, open, bindings));
}

/** Finds what open type parameters stand for, from a parameter's type and its argument's. */
function infer(parameter: Type, argument: Type, open: ReadonlySet<string>, bindings: Map<string, Type>, unit: Unit): void {
  if (parameter.args.length === 0) {
    if (!open.has(parameter.name) || argument.name === "null" || argument.name === "void") return;
    const bound = bindings.get(parameter.name);
    if (bound === undefined || (implicitConversion(unit.library, bound, argument) !== null && bound.text !== argument.text))
      bindings.set(parameter.name, argument);
    return;
  }
  const related = argument.name === parameter.name ? argument : unit.library.lineage(argument).find(({ name }) => name === parameter.name);
  const source = related ?? (parameter.name === "Nullable" ? { args: [argument] } : null);
  parameter.args.forEach((arg, index) => {
    const given = source?.args[index];
    if (given !== undefined) infer(arg, given, open, bindings, unit);
  });
}

/** The arguments of a call, in the order of the text. */
export function argumentsOf(
  list: SyntaxNode | null,
  scope: Scope,
  methodGroup: (node: SyntaxNode, scope: Scope) => Argument["lambda"],
): readonly Argument[] {
  if (list === null) return [];
  return namedChildren(list)
    .filter(({ type }) => type === "argument")
    .map((argument) => readArgument(argument, scope, methodGroup));
}

function readArgument(argument: SyntaxNode, scope: Scope, methodGroup: (node: SyntaxNode, scope: Scope) => Argument["lambda"]): Argument {
  const nameNode = childIn(argument, "name");
  const name = nameNode?.text.replace(/\s*:?$/, "") ?? null;
  const modifier = argument.children.find(({ named, type }) => !named && (type === "out" || type === "ref" || type === "in"))?.type;
  const node = namedChildren(argument).findLast((child) => child !== nameNode) ?? argument;
  const blank = { node, name, code: null, out: null, lambda: null, arity: null };
  if (modifier === "out") return { ...blank, out: outTarget(node, scope) };
  if (modifier !== undefined) return { ...blank, code: scope.unit.unsupported(argument, `an argument by ${modifier}`) };
  if (node.type === "lambda_expression" || node.type === "anonymous_method_expression")
    return { ...blank, lambda: (parameters) => scope.unit.lambda(node, parameters, scope), arity: lambdaArity(node) };
  const group = methodGroup(node, scope);
  return group === null ? { ...blank, code: scope.unit.expression(node, scope) } : { ...blank, lambda: group };
}

export function lambdaArity(lambda: SyntaxNode): number {
  const parameters = childIn(lambda, "parameters");
  return parameters === null || parameters.type === "implicit_parameter" ? 1 : namedChildren(parameters).length;
}

function outTarget(node: SyntaxNode, scope: Scope): OutTarget {
  if (node.type === "declaration_expression") {
    const typeNode = childIn(node, "type");
    const name = childIn(node, "name")?.text ?? "";
    const declared = typeNode === null || typeNode.type === "implicit_type" ? null : scope.unit.type(typeNode);
    return declaredOut(name, declared, scope);
  }
  const variable = scope.find(node.text);
  if (variable === null) return { type: null, bind: () => (node.text === "_" ? () => undefined : null) };
  return { type: variable.type, bind: () => writeVariable(variable, scope) };
}

function declaredOut(name: string, declared: Type | null, scope: Scope): OutTarget {
  let variable: Variable | null = declared === null ? null : scope.declare(name, declared);
  return {
    type: declared,
    bind: (type) => {
      variable ??= scope.declare(name, type);
      return writeVariable(variable, scope);
    },
  };
}
