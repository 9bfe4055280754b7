import { childIn, isNullConditional, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { absent, constant, implicitly, isUnknown, unknown } from "./code.ts";
import { Composite, FunctionValue } from "./collections.ts";
import { type Found, Outs } from "./definitions.ts";
import { ExpressionError } from "./errors.ts";
import { type Argument, argumentsOf, type Call, resolve, signatureOf } from "./overloads.ts";
import { type Code, type Frame, newFrame, readVariable, type Scope } from "./scope.ts";
import { typeNamed } from "./type-names.ts";
import { substitute, type Type, types, underlying } from "./types.ts";
import { nullReference, type Value } from "./values.ts";

/** What a member is asked of: an object, or a type. */
type Target = { readonly kind: "object"; readonly code: Code } | { readonly kind: "type"; readonly type: Type };

/** The type where the text names one and no variable hides it; or the value. */
function targetOf(node: SyntaxNode, scope: Scope): Target {
  const root = /^[@\w]+/.exec(node.text)?.[0] ?? "";
  const isVariable = scope.find(root) !== null || root === "context";
  const named = isVariable ? null : typeNamed(node, scope.unit.library);
  return named === null ? { kind: "object", code: scope.unit.link(node, scope) } : { kind: "type", type: named };
}

export function memberAccess(node: SyntaxNode, scope: Scope): Code {
  const [targetNode, nameNode] = [childIn(node, "expression"), childIn(node, "name")];
  if (targetNode === null || nameNode === null) return scope.unit.unsupported(node, "this access");
  const target = targetOf(targetNode, scope);
  if (target.kind === "type") return staticValue(target.type, nameNode, scope, node);
  if (isUnknown(target.code)) return target.code;
  const isConditional = isNullConditional(node);
  const receiver = isConditional ? unwrapped(target.code) : target.code;
  const found = valueMember(receiver.type, nameNode.text, scope);
  if (found === null) return scope.unit.unsupported(nameNode, `the member ${receiver.type.text}.${nameNode.text}`);
  return access(target.code, isConditional, substitute(found.member.returns, found.bindings), (value, frame) =>
    found.member.invoke([value], frame.run, found.bindings),
  );
}

function staticValue(type: Type, nameNode: SyntaxNode, scope: Scope, node: SyntaxNode): Code {
  const definition = scope.unit.library.get(type.name);
  const member = definition?.values.find(({ name }) => name === nameNode.text);
  if (member !== undefined) return constant(type, member);
  const found = scope.unit.library.find(type, nameNode.text, true)[0]?.find(({ member: { kind } }) => kind === "value");
  if (found === undefined) return scope.unit.unsupported(node, `the member ${type.text}.${nameNode.text}`);
  return {
    type: substitute(found.member.returns, found.bindings),
    run: (frame) => found.member.invoke([], frame.run, found.bindings),
  };
}

function valueMember(type: Type, name: string, scope: Scope): Found | null {
  if (/^[({]/.test(type.name)) return compositeMember(type, name);
  for (const group of scope.unit.library.find(type, name, false)) {
    const found = group.find(({ member: { kind } }) => kind === "value");
    if (found !== undefined) return found;
  }
  return null;
}

/** A member of a tuple or of an anonymous object: its names stand in the type's. */
function compositeMember(type: Type, name: string): Found | null {
  const names = type.name.slice(1, -1).split(",");
  const item = /^Item(\d+)$/.exec(name);
  const index = names.includes(name) ? names.indexOf(name) : type.name.startsWith("(") && item !== null ? Number(item[1]) - 1 : -1;
  const returns = type.args[index];
  if (returns === undefined) return null;
  const invoke = ([target]: readonly Value[]): Value => (target instanceof Composite ? (target.values[index] ?? null) : null);
  return {
    member: { kind: "value", name, isStatic: false, isExtension: false, generics: [], parameters: [], returns, invoke },
    bindings: new Map(),
  };
}

function unwrapped(code: Code): Code {
  return code.type.name === "Nullable" ? { ...code, type: underlying(code.type) } : code;
}

/** Asks an object for something: null is an error, or with `?.` the end of the chain. */
function access(target: Code, isConditional: boolean, type: Type, ask: (value: Value, frame: Frame) => Value, seesNull = false): Code {
  const { run } = target;
  const isNullable = seesNull || target.type.name === "Nullable";
  if (!isConditional && target.conditional === undefined)
    return {
      type,
      run(frame) {
        const value = run(frame);
        // Members of `T?` itself take null; every other object must be there.
        if (value === null && !isNullable) throw nullReference();
        return ask(value, frame);
      },
    };
  return {
    type,
    conditional: true,
    run(frame) {
      const value = run(frame);
      if (value === absent || (value === null && isConditional)) return absent;
      if (value === null && !isNullable) throw nullReference();
      return ask(value, frame);
    },
  };
}

export function elementAccess(node: SyntaxNode, scope: Scope): Code {
  const place = elementPlace(node, scope, "this");
  if (place === null) return scope.unit.unsupported(node, "this access");
  if ("code" in place) return place.code;
  const { target, isConditional, call } = place;
  const invoke = invoker(call);
  return access(target, isConditional, call.returns, (value, frame) => invoke(value, frame));
}

interface ElementPlace {
  readonly target: Code;
  readonly isConditional: boolean;
  readonly call: Call;
  readonly args: readonly Argument[];
}

/** `target[arguments]` with the indexer that takes them; code where that is unknown. */
export function elementPlace(node: SyntaxNode, scope: Scope, indexer: string): ElementPlace | { readonly code: Code } | null {
  const targetNode = childIn(node, "expression");
  const list = childIn(node, "subscript") ?? namedChildren(node).find(({ type }) => type === "bracketed_argument_list") ?? null;
  if (targetNode === null || list === null) return null;
  const target = scope.unit.link(targetNode, scope);
  const isConditional = isNullConditional(node);
  const args = argumentsOf(list, scope, methodGroup);
  if (isUnknown(target)) return { code: target };
  const receiver = isConditional ? unwrapped(target) : target;
  const call = resolve(scope.unit.library.find(receiver.type, indexer, false), args, [], scope.unit);
  if (call !== null) return { target, isConditional, call, args };
  const open = args.flatMap(({ code }) => (code !== null && isUnknown(code) ? [code] : []));
  return { code: open.length > 0 ? unknown(target, ...open) : scope.unit.unsupported(node, `${receiver.type.text}[${typesOf(args)}]`) };
}

function typesOf(args: readonly Argument[]): string {
  return args.map(({ code }) => code?.type.text ?? "function").join(", ");
}

export function invocation(node: SyntaxNode, scope: Scope): Code {
  const callee = childIn(node, "function");
  const list = childIn(node, "arguments");
  if (callee === null) return scope.unit.unsupported(node, "this call");
  if (callee.type !== "member_access_expression") return functionCall(callee, list, scope, node);
  const [targetNode, nameNode] = [childIn(callee, "expression"), childIn(callee, "name")];
  if (targetNode === null || nameNode === null) return scope.unit.unsupported(node, "this call");
  const target = targetOf(targetNode, scope);
  const { name, typeArguments } = readName(nameNode, scope);
  const args = argumentsOf(list, scope, methodGroup);
  if (typeArguments === null) return { type: types.unknown, run: scope.unit.unsupported(nameNode, "this type").run };
  if (target.kind === "type") return staticCall(target.type, name, typeArguments, args, scope, node);
  if (isUnknown(target.code)) return target.code;
  const isConditional = isNullConditional(callee);
  const receiver = isConditional ? unwrapped(target.code) : target.code;
  const delegate = signatureOf(receiver.type);
  if (delegate !== null && name === "Invoke") return delegateCall(receiver, args, scope, node);
  const call = resolve(methods(receiver.type, name, scope, false), args, typeArguments, scope.unit);
  if (call === null) return noMethod(`${receiver.type.text}.${name}`, [target.code], args, scope, nameNode);
  const invoke = invoker(call);
  const ask = (value: Value, frame: Frame) => {
    frame.run.step();
    return invoke(value, frame);
  };
  return access(target.code, isConditional, call.returns, ask, call.found.member.isExtension);
}

function readName(node: SyntaxNode, scope: Scope): { readonly name: string; readonly typeArguments: readonly Type[] | null } {
  if (node.type !== "generic_name") return { name: node.text, typeArguments: [] };
  const list = node.children.find(({ type }) => type === "type_argument_list");
  const read = list === undefined ? [] : namedChildren(list).map((child) => scope.unit.type(child));
  const known = read.filter((type) => type !== null);
  return { name: namedChildren(node)[0]?.text ?? "", typeArguments: known.length === read.length ? known : null };
}

function methods(type: Type, name: string, scope: Scope, isStatic: boolean): readonly (readonly Found[])[] {
  return scope.unit.library.find(type, name, isStatic).map((group) => group.filter(({ member: { kind } }) => kind === "method"));
}

function staticCall(
  type: Type,
  name: string,
  typeArguments: readonly Type[],
  args: readonly Argument[],
  scope: Scope,
  node: SyntaxNode,
): Code {
  const call = resolve(methods(type, name, scope, true), args, typeArguments, scope.unit);
  if (call === null) return noMethod(`${type.text}.${name}`, [], args, scope, node);
  const invoke = invoker(call);
  return {
    type: call.returns,
    run(frame) {
      frame.run.step();
      return invoke(undefined, frame);
    },
  };
}

function noMethod(what: string, targets: readonly Code[], args: readonly Argument[], scope: Scope, node: SyntaxNode): Code {
  const open = args.flatMap(({ code }) => (code !== null && isUnknown(code) ? [code] : []));
  if (open.length > 0) return unknown(...targets, ...open);
  return scope.unit.unsupported(node, `${what}(${typesOf(args)})`);
}

/** Calls the member, and assigns what comes out. */
function invoker({ found, arguments: args, outs, bindings }: Call): (target: Value | undefined, frame: Frame) => Value {
  const { invoke } = found.member;
  const writes = outs.map(({ target, type }) => target.bind(type));
  const weighed = (target: Value | undefined, frame: Frame): Value[] => {
    const values = target === undefined ? [] : [target];
    for (const argument of args) values.push(argument(frame));
    for (const value of values) frame.run.weigh(value);
    return values;
  };
  if (writes.length === 0) return (target, frame) => invoke(weighed(target, frame), frame.run, bindings);
  return (target, frame) => {
    const result = invoke(weighed(target, frame), frame.run, bindings);
    if (!(result instanceof Outs)) return result;
    writes.forEach((write, index) => {
      write?.(frame, result.outs[index] ?? null);
    });
    return result.result;
  };
}

/** `name(...)`: a variable that holds a function. */
function functionCall(callee: SyntaxNode, list: SyntaxNode | null, scope: Scope, node: SyntaxNode): Code {
  const target = scope.unit.expression(callee, scope);
  if (isUnknown(target)) return target;
  return delegateCall(target, argumentsOf(list, scope, methodGroup), scope, node);
}

function delegateCall(target: Code, args: readonly Argument[], scope: Scope, node: SyntaxNode): Code {
  const signature = signatureOf(target.type);
  if (signature === null || signature.parameters.length !== args.length)
    return scope.unit.unsupported(node, `a call of ${target.type.text}`);
  const values = args.map(({ code, node: at }, index) =>
    code === null
      ? scope.unit.unsupported(at, "a function as this argument")
      : implicitly(code, signature.parameters[index] ?? types.object, scope, at),
  );
  return {
    type: signature.returns,
    run(frame) {
      const called = target.run(frame);
      if (!(called instanceof FunctionValue)) throw nullReference();
      return called.invoke(frame.run, ...values.map(({ run }) => run(frame)));
    },
  };
}

/** A method without its call, as an argument: `ids.Select(int.Parse)`. */
export function methodGroup(node: SyntaxNode, scope: Scope): Argument["lambda"] {
  if (node.type !== "member_access_expression") return null;
  const [targetNode, nameNode] = [childIn(node, "expression"), childIn(node, "name")];
  if (targetNode === null || nameNode?.type !== "identifier") return null;
  const root = /^[@\w]+/.exec(targetNode.text)?.[0] ?? "";
  const isVariable = scope.find(root) !== null || root === "context";
  const type = isVariable ? null : typeNamed(targetNode, scope.unit.library);
  const target = type === null ? scope.unit.link(targetNode, scope) : null;
  const owner = type ?? target?.type ?? types.unknown;
  const groups = methods(owner, nameNode.text, scope, type !== null).filter((group) => group.length > 0);
  const hasValue = type === null && valueMember(owner, nameNode.text, scope) !== null;
  if (groups.length === 0 || hasValue) return null;
  return (parameters) => {
    const inner = scope.function();
    const variables = parameters.map((parameter, index) => inner.declare(`$${index}`, parameter));
    const args = variables.map((variable) => ({
      node,
      name: null,
      code: readVariable(variable, inner),
      out: null,
      lambda: null,
      arity: null,
    }));
    const call = resolve(groups, args, [], scope.unit);
    if (call === null) return null;
    const invoke = invoker(call);
    return {
      returns: call.returns,
      make(frame, signature) {
        const object = target === null ? undefined : target.run(frame);
        if (object === null) throw new ExpressionError("ArgumentException", "Delegate to an instance method cannot have null 'this'.");
        return new FunctionValue(signature, (values, run) => {
          const own = newFrame(inner.size, frame, run);
          for (const [index, value] of values.entries()) own.slots[index] = value;
          return invoke(object, own);
        });
      },
    };
  };
}
