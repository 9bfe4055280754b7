import { nearest } from "../../errors.ts";
import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { allowedTypeNames, typeNamed } from "./allowed-types.ts";
import { keywordTypes } from "./dotnet-members.ts";
import { type ExpressionFinding, error, warning } from "./finding.ts";
import type { Reading } from "./reading.ts";
import { declaredType, type Scope } from "./scope.ts";

/** Reads the name of a type, and those of its type arguments; answers the type as other readers know it. */
export function readType(reading: Reading, node: SyntaxNode, scope: Scope): string {
  for (const name of typeNames(node)) {
    const parts = name.text.split(".").map((part) => part.replace(/<[\s\S]*/, "").trim());
    if (parts.some((part) => reading.isWild(part)) || declaredType(scope, parts[0] ?? "") !== undefined) continue;
    const finding = typeFinding(parts, name.start);
    if (finding !== null) reading.report(finding);
  }
  const name = node.text.replace(/^(?:System|Newtonsoft\.Json\.Linq)\./, "");
  return keywordTypes[name] ?? name;
}

/** What is to be said of the type that a dotted name begins with; null for an allowed one. */
export function typeFinding(parts: readonly string[], offset: number): ExpressionFinding | null {
  const [first = ""] = parts;
  if (first === "var" || first === "dynamic") return null;
  const type = typeNamed(parts);
  if (type?.verdict === "allowed") return null;
  const message = `Usage of type '${type?.fullName ?? first}' is not supported within expressions`;
  if (type?.verdict === "refused") return error("expression-type", offset, message, replacements[type.fullName] ?? null);
  const [near] = nearest(type?.simpleName ?? first, allowedTypeNames, 1);
  return warning("expression-type", offset, message, near === undefined ? "Use a type of the documented list" : `Did you mean ${near}?`);
}

const replacements: Readonly<Record<string, string>> = {
  "System.Environment": "Read a named value: {{name}}",
  "System.Globalization.CultureInfo": "Leave the culture out, or use ToUpperInvariant, ToLowerInvariant or StringComparison.Ordinal",
  "System.Net.Http.HttpClient": "Use the send-request policy",
  "System.Net.WebClient": "Use the send-request policy",
  "System.Threading.Tasks.Task": "Write synchronous code",
  "System.Type": "Compare with 'is' or 'as'",
};

/** The names in a type that stand for types: `Dictionary<string, List<JObject>>` has three. */
function typeNames(node: SyntaxNode): readonly SyntaxNode[] {
  const names = nodesIn(node, ({ type }) => type !== "qualified_name" && type !== "identifier");
  return names.filter(
    ({ type, field, parent }) =>
      (type === "qualified_name" || type === "identifier") && !(field === "name" && parent?.type === "tuple_element"),
  );
}

/** The names of `A.B.C` from the left, where the first is not a variable; null for anything else. */
export function dottedName(node: SyntaxNode, scope: Scope): readonly SyntaxNode[] | null {
  if (node.type === "identifier") return declaredType(scope, node.text) === undefined ? [node] : null;
  if (node.type !== "member_access_expression") return null;
  const [expression, name] = [childIn(node, "expression"), childIn(node, "name")];
  const before = expression === null ? null : dottedName(expression, scope);
  if (before === null || name === null) return null;
  return [...before, name.type === "generic_name" ? (namedChildren(name)[0] ?? name) : name];
}
