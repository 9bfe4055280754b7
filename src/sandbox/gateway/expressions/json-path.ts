import { ExpressionError, unsupported } from "./errors.ts";
import { JArray, JContainer, JObject, JProperty, type JToken, JValue } from "./json.ts";
import type { Run } from "./run.ts";
import { toText } from "./values.ts";

type PathStep = (tokens: readonly JToken[], run: Run) => readonly JToken[];

/**
 * What a path of Newtonsoft's `SelectTokens` leads to: names, `['name']`, indices, `*`, `..name` and filters of one comparison with a
 * literal (https://www.newtonsoft.com/json/help/html/QueryJsonSelectTokenJsonPath.htm); throws where the path has anything else.
 */
export function selectTokens(token: JToken, path: string, run: Run): readonly JToken[] {
  return readPath(path).reduce<readonly JToken[]>((tokens, step) => step(tokens, run), [token]);
}

const grammar =
  /\$|\.\.\s*(?<deep>[\w-]+|\*)|\.?(?<name>[\w-]+)|\.?(?<star>\*)|\[\s*(?:(?<index>-?\d+(?:\s*,\s*-?\d+)*)|(?<all>\*)|(?<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\?\s*\(\s*@\.?(?<left>[\w.]+)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<right>'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false|null))?\s*\))\s*\]/y;

function readPath(path: string): readonly PathStep[] {
  const steps: PathStep[] = [];
  grammar.lastIndex = 0;
  for (let at = 0; at < path.length; at = grammar.lastIndex) {
    grammar.lastIndex = at;
    const groups = grammar.exec(path)?.groups;
    if (groups === undefined) throw unsupported(`the JSON path '${path}'`);
    const step = stepOf(groups);
    if (step !== null) steps.push(step);
  }
  return steps;
}

function stepOf(groups: Partial<Record<string, string>>): PathStep | null {
  const { deep, name, star, index, all, quoted, left, operator, right } = groups;
  if (deep !== undefined) return (tokens, run) => tokens.flatMap((token) => deepMatches(token, deep, run));
  if (name !== undefined) return named(name);
  if (star !== undefined || all !== undefined) return (tokens) => tokens.flatMap(values);
  if (quoted !== undefined) return named(quoted.slice(1, -1).replaceAll(/\\(.)/g, "$1"));
  if (index !== undefined) return indexed(index.split(",").map(Number));
  return left === undefined ? null : filtered(left.split("."), operator, right);
}

function named(name: string): PathStep {
  return (tokens) => tokens.flatMap((token) => (token instanceof JObject ? (token.get(name) ?? []) : []));
}

/** An index outside of an array finds nothing. */
function indexed(indices: readonly number[]): PathStep {
  return (tokens) => tokens.flatMap((token) => (token instanceof JArray ? indices.flatMap((index) => token.items[index] ?? []) : []));
}

function values(token: JToken): readonly JToken[] {
  if (token instanceof JObject) return [...token.properties.values()].map(({ value }) => value);
  return token instanceof JArray ? token.items : [];
}

function deepMatches(token: JToken, name: string, run: Run): readonly JToken[] {
  const found: JToken[] = [];
  const pending: JToken[] = [token];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    run.step();
    if (next instanceof JProperty && (name === "*" || next.name === name)) found.push(next.value);
    else if (name === "*" && next.parent instanceof JArray) found.push(next);
    if (next instanceof JContainer) pending.push(...[...next.children()].reverse());
  }
  return found;
}

function filtered(left: readonly string[], operator: string | undefined, right: string | undefined): PathStep {
  return (tokens, run) =>
    tokens.flatMap(values).filter((token) => {
      run.step();
      const found = left.reduce<JToken | null>((at, name) => (at instanceof JObject ? at.get(name) : null), token);
      if (operator === undefined || right === undefined) return found !== null;
      return found instanceof JValue && compares(found, operator, right);
    });
}

function compares(token: JValue, operator: string, right: string): boolean {
  const isNumber = /^-?\d/.test(right);
  const literal = /^['"]/.test(right) ? right.slice(1, -1) : right;
  const left = token.value === null ? "null" : typeof token.value === "boolean" ? String(token.value) : toText(token.value);
  const isText = token.tokenType === "String" || token.tokenType === "Date";
  const sameKind = isNumber ? token.tokenType === "Integer" || token.tokenType === "Float" : /^['"]/.test(right) ? isText : !isText;
  if (operator === "==" || operator === "!=") {
    const equal = sameKind && (isNumber ? Number(left) === Number(literal) : left === literal);
    return equal === (operator === "==");
  }
  if (!sameKind) return false;
  const order = isNumber ? Number(left) - Number(literal) : left < literal ? -1 : left > literal ? 1 : 0;
  switch (operator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      throw new ExpressionError("JsonException", "Unexpected character while parsing path query.");
  }
}
