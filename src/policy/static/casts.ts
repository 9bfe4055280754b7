import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { nothing, Thrown, text, truth } from "./data.ts";
import { type Code, GivenUp } from "./frame.ts";
import { itemsOf, membersOf } from "./json-text.ts";
import { lifted } from "./lifted.ts";
import { castNumber, convertBoolean, convertNumber, isChar, isNull, isText, numberType, numericOf, pieced, textOf } from "./numbers.ts";
import { equality, logical, negated } from "./operators.ts";
import { isBareObject, type Scope } from "./scope.ts";
import { isNumberType, isValueType, type TypeName, typeOf } from "./type-names.ts";
import type { Constant, Known } from "./values.ts";

/** `(T)x` and `x as T`. */
export function casted(node: SyntaxNode, scope: Scope): Code {
  const asOperator = node.type === "as_expression";
  const [type, operand] = asOperator ? [childIn(node, "right"), childIn(node, "left")] : [childIn(node, "type"), childIn(node, "value")];
  if (type === null || operand === null) throw new GivenUp();
  const misread = asOperator ? null : misreadAnd(type, operand, scope);
  if (misread !== null) return misread;
  const name = typeOf(type);
  const code = scope.code(operand);
  const unboxes = isBareObject(operand, scope.objects);
  // What is known of a text stays known of it: it is the text of a variable as it is the one that stands there itself.
  const keeps = name === "string" || name === "object";
  return (frame) => {
    const given = code(frame);
    if (keeps && given.kind === "unknown") return given;
    return lifted([given], node.text, ([value = nothing]) =>
      asOperator ? (isOfType(value, name) ? value : nothing) : unboxes ? unboxed(value, name) : converted(value, name),
    );
  };
}

/** The grammar takes `(a) && b` for a cast of `&&b` to `a`. */
function misreadAnd(type: SyntaxNode, operand: SyntaxNode, scope: Scope): Code | null {
  const [first, inner] = operand.children;
  if (operand.type !== "prefix_unary_expression" || first?.type !== "&") return null;
  const [second, right] = inner?.children ?? [];
  const parent = operand.parent?.parent;
  if (inner?.type !== "prefix_unary_expression" || second?.type !== "&" || right === undefined) throw new GivenUp();
  // Beside another operator the tree has bound it too tightly.
  if (type.type !== "identifier" || parent?.type === "binary_expression") throw new GivenUp();
  const [one, other] = [scope.code(type), scope.code(right)];
  return (frame) => logical(false, one(frame), () => other(frame), operand.text);
}

/** A bare `object` as what it is: nothing is converted. */
function unboxed(value: Known, type: TypeName): Known {
  if (type === "object" || type === "dynamic") return value;
  if (isNull(value)) {
    if (isValueType(type)) throw new Thrown("null is no value");
    return value;
  }
  const wanted = type.replace(/\?$/, "");
  if (isOfType(value, wanted)) return value;
  // What a variable keeps of a token is not documented.
  if (value.kind !== "constant" || value.type === "token") throw new GivenUp();
  throw new Thrown(`${typeNameOf(value)} is no ${wanted}`);
}

/**
 * What `GetValueOrDefault<T>` makes of a variable. Assumed: a text that a policy has set as a number or truth is read as one, as the policies
 * that do so are in use; nobody documents it.
 */
export function unboxedDefault(value: Known, type: TypeName): Known {
  const wanted = type.replace(/\?$/, "");
  if (isText(value) && value.type === undefined) {
    if (isNumberType(wanted)) return convertNumber(value, wanted);
    if (wanted === "bool") return convertBoolean(value);
  }
  if (value.kind === "constant" && isNumberType(wanted) && numericOf(value) !== null) return castNumber(value, wanted);
  return unboxed(value, type);
}

/** As a conversion that C# or Newtonsoft.Json has. */
export function converted(value: Known, type: TypeName): Known {
  const wanted = type.replace(/\?$/, "");
  if (type === "object" || type === "dynamic") return value;
  if (isNull(value)) {
    if (isValueType(type)) throw new Thrown("null is no value");
    return value;
  }
  if (value.kind === "constant" && value.type === "token") return fromToken(value, type, wanted);
  if (isOfType(value, wanted)) return value;
  if (value.kind === "constant" && isNumberType(wanted) && numericOf(value) !== null) return castNumber(value, wanted);
  if (value.kind === "constant" && wanted === "JToken") return value;
  throw new GivenUp();
}

/** A token as another type (https://www.newtonsoft.com/json/help/html/Operators_T_Newtonsoft_Json_Linq_JToken.htm). */
export function fromToken(value: Constant, type: TypeName, wanted = type.replace(/\?$/, "")): Known {
  if (wanted === "JToken" || wanted === "JValue") return value;
  if (value.value === null) {
    if (isValueType(type)) throw new Thrown("null is no value");
    return nothing;
  }
  if (wanted === "string") return isText(value) ? text(pieced(value)) : textOf(value);
  if (isNumberType(wanted)) return convertNumber(value, wanted);
  if (wanted === "bool" && typeof value.value === "boolean") return truth(value.value);
  throw new GivenUp();
}

function typeNameOf(value: Constant): string {
  if (typeof value.value === "number") return numberType(value) ?? "number";
  return typeof value.value === "string" ? "text" : "bool";
}

/** Whether a value that is not null is of this type. */
export function isOfType(value: Known, type: TypeName): boolean {
  if (isNull(value)) return false;
  if (type === "object") return true;
  if (value.kind === "constant") {
    if (value.type === "token") return type === "JValue" || type === "JToken";
    if (typeof value.value === "number") return numberType(value) === type;
    if (typeof value.value === "boolean") return type === "bool";
    return isChar(value) ? type === "char" : type === "string";
  }
  if (membersOf(value) !== null) return ["JObject", "JToken", "JContainer"].includes(type);
  if (itemsOf(value) !== null) return ["JArray", "JToken", "JContainer"].includes(type);
  if (value.kind === "list") return known(/^(?:I?List|IEnumerable|IReadOnlyList|ICollection|HashSet)<|\[\]$/, type);
  return known(/^(?:I?(?:ReadOnly)?Dictionary|Subscription|Product|I[A-Z])/, type);
}

/** Of other types nothing is kept. */
function known(pattern: RegExp, type: TypeName): true {
  if (!pattern.test(type)) throw new GivenUp();
  return true;
}

/** `x is null`, `x is string`, `x is string s`. */
export function typeTested(node: SyntaxNode, scope: Scope): Code {
  const operand = childIn(node, "expression") ?? childIn(node, "left");
  const pattern = childIn(node, "pattern") ?? childIn(node, "right");
  if (operand === null || pattern === null) throw new GivenUp();
  const code = scope.code(operand);
  const test = patternTest(pattern, scope, node.text);
  return (frame) => test(code(frame), frame);
}

type Test = (value: Known, frame: Parameters<Code>[0]) => Known;

function patternTest(pattern: SyntaxNode, scope: Scope, source: string): Test {
  const [only, ...others] = namedChildren(pattern);
  if (pattern.type === "negated_pattern" && only !== undefined) {
    const inner = patternTest(only, scope, source);
    return (value, frame) => negated(inner(value, frame), source);
  }
  if (pattern.type === "constant_pattern" && only !== undefined && others.length === 0) return constantTest(only, scope, source);
  if (pattern.type === "declaration_pattern") {
    const [type, name] = [childIn(pattern, "type"), childIn(pattern, "name")];
    if (type === null || name === null) throw new GivenUp();
    return (value, frame) => {
      frame.locals.set(name.text, value);
      return typeTest(value, typeOf(type), source);
    };
  }
  if (/^(?:predefined_type|identifier|generic_name|array_type|qualified_name|type_pattern)$/.test(pattern.type)) {
    return (value) => typeTest(value, typeOf(pattern), source);
  }
  throw new GivenUp();
}

const typeTest = (value: Known, type: TypeName, source: string): Known =>
  lifted([value], source, ([given = nothing]) => truth(isOfType(given, type)));

/** The grammar takes `x is null && y` for one pattern, `null && y`. */
function constantTest(pattern: SyntaxNode, scope: Scope, source: string): Test {
  if (pattern.type === "identifier" && !scope.locals.has(pattern.text)) return (value) => typeTest(value, typeOf(pattern), source);
  const operator = childIn(pattern, "operator")?.type;
  if (pattern.type === "binary_expression" && (operator === "&&" || operator === "||")) {
    const [left, right] = [childIn(pattern, "left"), childIn(pattern, "right")];
    if (left === null || right === null) throw new GivenUp();
    const [first, second] = [constantTest(left, scope, source), scope.code(right)];
    return (value, frame) => logical(operator === "||", first(value, frame), () => second(frame), source);
  }
  if (!/_literal$/.test(pattern.type) && pattern.type !== "prefix_unary_expression") throw new GivenUp();
  const code = scope.code(pattern);
  return (value, frame) => equality(value, code(frame), false, source, frame);
}
