import { childIn, isNullConditional, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { constant, following, nothing, notUnderstood, present, Thrown } from "./data.ts";
import { type Code, type Frame, GivenUp } from "./frame.ts";
import { indexed, memberOf, methodOf } from "./members.ts";
import { isNull } from "./numbers.ts";
import type { Scope } from "./scope.ts";
import { isTypeName, staticMember, staticMethod } from "./statics.ts";
import { type TypeName, typeNamed, typeOf } from "./type-names.ts";
import type { Known } from "./values.ts";

/** An argument of a call; `out` is the local that it is written to. */
export interface Argument {
  readonly value: Known;
  readonly out: string | null;
}

/** One call of a method. */
export interface Call {
  readonly name: string;
  readonly arguments: readonly Known[];
  /** Names of locals for `out` arguments, in order. */
  readonly outs: readonly string[];
  readonly types: readonly TypeName[];
  /** The whole call's text. */
  readonly source: string;
  readonly frame: Frame;
}

/** What `a?.b.c` is where `a` is null; apart from any null that `b` or `c` may be. */
const cutShort = constant(null);

/** `a.b`, `a["b"]`, `a.b()`, and the same with `?`. */
export function chained(node: SyntaxNode, scope: Scope): Code {
  const code = link(node, scope);
  return (frame) => {
    const value = code(frame);
    return value === cutShort ? nothing : value;
  };
}

const theContext = present("context");

const links: ReadonlySet<string> = new Set(["member_access_expression", "element_access_expression", "invocation_expression"]);

const linkOrStart = (node: SyntaxNode, scope: Scope): Code => (links.has(node.type) ? link(node, scope) : start(node, scope));

function start(node: SyntaxNode, scope: Scope): Code {
  if (node.type === "identifier" && node.text === "context" && !scope.locals.has("context")) return () => theContext;
  return scope.code(node);
}

function link(node: SyntaxNode, scope: Scope): Code {
  if (node.type === "invocation_expression") return called(node, scope);
  const target = childIn(node, "expression");
  if (target === null) throw new GivenUp();
  if (node.type === "element_access_expression") return element(node, target, scope);
  const name = memberName(node);
  const type = typeOfTarget(target, scope);
  if (type !== null) {
    const value = staticMember(type, name, node.text);
    return () => value;
  }
  return through(node, target, scope, (value, frame) => memberOf(value, name, node.text, frame));
}

/** What is done with the target of an access, unless a `?` stops at null. */
function through(access: SyntaxNode, target: SyntaxNode, scope: Scope, apply: (value: Known, frame: Frame) => Known): Code {
  const code = linkOrStart(target, scope);
  const conditional = isNullConditional(access);
  return (frame) => {
    const value = code(frame);
    if (value === cutShort) return cutShort;
    if (conditional && isNull(value)) return cutShort;
    if (conditional && value.kind === "several" && value.values.some(isNull)) return following([value], access.text);
    if (!conditional && isNull(value)) throw new Thrown(`${target.text.slice(0, 80)} is null`);
    return apply(value, frame);
  };
}

function memberName(node: SyntaxNode): string {
  const name = childIn(node, "name");
  if (name === null) throw new GivenUp();
  return name.type === "generic_name" ? (name.children[0]?.text ?? "") : name.text;
}

function element(node: SyntaxNode, target: SyntaxNode, scope: Scope): Code {
  const list = childIn(node, "subscript");
  const [index, ...others] = list === null ? [] : namedChildren(list);
  if (index === undefined || others.length > 0) throw new GivenUp();
  const code = argument(index, scope).code;
  return through(node, target, scope, (value, frame) => indexed(value, code(frame), node.text, frame));
}

interface CompiledArgument {
  readonly code: Code;
  readonly out: string | null;
}

function argument(node: SyntaxNode, scope: Scope): CompiledArgument {
  const named = namedChildren(node);
  const value = named.at(-1);
  if (value === undefined) throw new GivenUp();
  if (node.children.some(({ type }) => type === "ref")) throw new GivenUp();
  if (!node.children.some(({ type }) => type === "out")) return { code: scope.code(value), out: null };
  const out = value.type === "declaration_expression" ? childIn(value, "name")?.text : value.text;
  if (out === undefined) throw new GivenUp();
  return { code: () => nothing, out };
}

function called(node: SyntaxNode, scope: Scope): Code {
  const [method, list] = [childIn(node, "function"), childIn(node, "arguments")];
  if (method === null || list === null) throw new GivenUp();
  const compiled = namedChildren(list).map((child) => argument(child, scope));
  if (method.type !== "member_access_expression") return unknownCall(node);
  const outs = compiled.flatMap(({ out }) => (out === null ? [] : [out]));
  const codes = compiled.filter(({ out }) => out === null).map(({ code }) => code);
  const written = childIn(method, "name");
  const types = written?.type === "generic_name" ? typeArguments(written) : [];
  const name = memberName(method);
  const call = (frame: Frame): Call => ({
    name,
    arguments: codes.map((code) => code(frame)),
    outs,
    types,
    source: node.text,
    frame,
  });
  const target = childIn(method, "expression");
  if (target === null) throw new GivenUp();
  const type = typeOfTarget(target, scope);
  if (type !== null) return (frame) => withOuts(staticMethod(type, call(frame)), outs, frame);
  return through(method, target, scope, (value, frame) => withOuts(methodOf(value, call(frame)), outs, frame));
}

/** A call of a local function or the like; of `nameof` too. */
function unknownCall(node: SyntaxNode): Code {
  return () => notUnderstood(node.text);
}

/** What a call that is not followed would have written is not known either. */
function withOuts(value: Known, outs: readonly string[], frame: Frame): Known {
  if (value.kind === "unknown") for (const out of outs) frame.locals.set(out, value);
  return value;
}

function typeArguments(generic: SyntaxNode): readonly TypeName[] {
  const list = generic.children.find(({ type }) => type === "type_argument_list");
  return list === undefined ? [] : namedChildren(list).map(typeOf);
}

/** The type that a static member is one of; null where the target is a value. */
function typeOfTarget(target: SyntaxNode, scope: Scope): TypeName | null {
  if (target.type === "predefined_type") return typeOf(target);
  if (!/^[\w.\s]+$/.test(target.text) || !["identifier", "member_access_expression", "qualified_name"].includes(target.type)) return null;
  const name = typeNamed(target.text);
  return isTypeName(name) && !scope.locals.has(target.text) ? name : null;
}
