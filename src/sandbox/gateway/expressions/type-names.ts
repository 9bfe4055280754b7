import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import type { Library } from "./definitions.ts";
import { exceptionBases } from "./errors.ts";
import { arrayOf, makeType, type Type } from "./types.ts";

/** The types' other names. */
const aliases = new Map(
  Object.entries({
    Boolean: "bool",
    Byte: "byte",
    Char: "char",
    Decimal: "decimal",
    Double: "double",
    Int16: "short",
    Int32: "int",
    Int64: "long",
    Object: "object",
    String: "string",
    "IReadOnlyDictionary<string, object>": "Variables",
    "IReadOnlyDictionary<string, string>": "Parameters",
    "IReadOnlyDictionary<string, string[]>": "Lists",
  }),
);

const namespaces =
  /^(?:System(?:\.(?:Collections\.Generic|Linq|Net|Security\.Cryptography|Text(?:\.RegularExpressions)?))?|Newtonsoft\.Json(?:\.Linq)?)\./;

/** A type by a name without arguments, perhaps with its namespace before it; null where nothing is known by it. */
export function typeNamed(node: SyntaxNode, library: Library): Type | null {
  if (node.type === "generic_name") return readType(node, library);
  if (!/^(?:identifier|predefined_type|qualified_name|member_access_expression|alias_qualified_name)$/.test(node.type)) return null;
  const written = node.text.replaceAll(/\s/g, "").replace(/^global::/, "");
  const plain = written.replace(namespaces, "");
  const name = aliases.get(plain) ?? plain;
  return (library.get(name)?.generics.length ?? -1) === 0 || exceptionBases.has(name) ? makeType(name) : null;
}

/** How a type that is not known is named. */
export function typeText(node: SyntaxNode): string {
  return `the type ${node.text.replaceAll(/\s+/g, " ")}`;
}

/** The type that a node of the grammar names; null where it is not known. */
export function readType(node: SyntaxNode, library: Library): Type | null {
  switch (node.type) {
    case "nullable_type":
      return wrapped(childIn(node, "type") ?? namedChildren(node)[0], library, (type) =>
        library.isValue(type) ? makeType("Nullable", [type]) : null,
      );
    case "array_type":
      return arrayType(node, library);
    case "generic_name":
      return genericType(node, library);
    case "qualified_name": {
      const name = childIn(node, "name");
      return name?.type === "generic_name" ? genericType(name, library) : typeNamed(node, library);
    }
    case "tuple_type":
      return tupleType(node, library);
    default:
      return typeNamed(node, library);
  }
}

function wrapped(node: SyntaxNode | undefined, library: Library, wrap: (type: Type) => Type | null): Type | null {
  const type = node === undefined ? null : readType(node, library);
  return type === null ? null : wrap(type);
}

function arrayType(node: SyntaxNode, library: Library): Type | null {
  const rank = childIn(node, "rank")?.text.replaceAll(/\s/g, "") ?? "[]";
  return rank.includes(",") ? null : wrapped(childIn(node, "type") ?? undefined, library, arrayOf);
}

function genericType(node: SyntaxNode, library: Library): Type | null {
  const [nameNode] = namedChildren(node);
  const list = node.children.find(({ type }) => type === "type_argument_list");
  const args = list === undefined ? [] : namedChildren(list).map((child) => readType(child, library));
  const known = args.filter((arg) => arg !== null);
  if (nameNode === undefined || known.length !== args.length) return null;
  const [first] = known;
  if (nameNode.text === "Predicate" && first !== undefined) return makeType("Func", [first, makeType("bool")]);
  if (nameNode.text === "Nullable" && first !== undefined) return makeType("Nullable", [first]);
  const alias = aliases.get(makeType(nameNode.text, known).text);
  if (alias !== undefined) return makeType(alias);
  if (nameNode.text === "Tuple" || nameNode.text === "ValueTuple") return makeType(`(${",".repeat(known.length - 1)})`, known);
  const isDelegate = nameNode.text === "Func" || nameNode.text === "Action";
  return isDelegate || library.get(nameNode.text)?.generics.length === known.length ? makeType(nameNode.text, known) : null;
}

function tupleType(node: SyntaxNode, library: Library): Type | null {
  const elements = namedChildren(node).map((element) => ({
    name: childIn(element, "name")?.text ?? "",
    type: wrapped(childIn(element, "type") ?? namedChildren(element)[0], library, (type) => type),
  }));
  const known = elements.flatMap(({ type }) => type ?? []);
  return known.length === elements.length ? makeType(`(${elements.map(({ name }) => name).join(",")})`, known) : null;
}
