import { createContext, runInContext } from "node:vm";
import type { RawColumn, SyntaxNode } from "./syntax.ts";
import type { KqlError, Schemas } from "./types.ts";

/** The texts of `bridge.min.js` and `Kusto.Language.Bridge.min.js` of the package `@kusto/language-service-next`. */
export interface KqlFiles {
  readonly bridge: string;
  readonly language: string;
}

/** A query as Microsoft's parser has read and bound it. */
export interface ParsedQuery {
  readonly root: SyntaxNode;
  /** Nothing may be run where there is any. */
  readonly errors: readonly KqlError[];
}

export interface KqlParser {
  parse(query: string, schemas: Schemas): ParsedQuery;
}

/** A list of the parser's; the member is there for its type alone. */
interface KustoList<T> {
  readonly items?: T;
}

/** The parser's objects, as far as they are used. */
interface KustoNode {
  readonly Kind: number;
  readonly TextStart: number;
  readonly End: number;
  readonly ChildCount: number;
  readonly ResultType?: KustoType | null;
  readonly ReferencedSymbol?: { readonly Kind: number } | null;
  readonly LiteralValue?: unknown;
  readonly SimpleName?: string | null;
  /** Of a token: without quotes. */
  readonly ValueText?: string | null;
  GetChild(index: number): KustoNode | null;
  GetName(index: number): string | null;
}

interface KustoType {
  readonly Name: string;
  readonly Columns?: KustoList<KustoColumn>;
}

interface KustoColumn {
  readonly Name: string;
  readonly Type: { readonly Name: string };
}

interface KustoDiagnostic {
  readonly Code: string;
  readonly Severity: string;
  readonly Message: string;
  readonly Start: number;
  readonly Length: number;
}

interface KustoCode {
  readonly Kind: string;
  readonly Syntax: KustoNode;
  GetDiagnostics(): KustoList<KustoDiagnostic>;
}

interface Globals {
  WithDatabase(database: object): Globals;
}

interface Library {
  readonly System: {
    readonly Array: { getCount(list: object): number; getItem<T>(list: KustoList<T>, index: number): T };
    readonly Enum: { toString(type: unknown, value: number): string };
  };
  readonly Kusto: {
    readonly Language: {
      readonly GlobalState: { readonly Default: Globals };
      readonly KustoCode: { ParseAndAnalyze(query: string, globals: Globals): KustoCode };
      readonly Syntax: { readonly SyntaxKind: unknown };
      readonly Symbols: {
        readonly SymbolKind: unknown;
        readonly TableSymbol: { readonly $ctor7: new (name: string, schema: string, description: null) => object };
        readonly DatabaseSymbol: { readonly $ctor1: new (name: string, members: readonly object[], isOpen: boolean) => object };
      };
    };
  };
}

/** Bounds of what is read: far above what a person or a program writes, and below what the parser gets lost in. */
const longestQuery = 100_000;
const deepestBrackets = 500;

/** Runs Microsoft's parser in a context of its own, so that none of its globals are this process's. */
export function openKqlParser({ bridge, language }: KqlFiles): KqlParser {
  const context = createContext({});
  runInContext(bridge, context, { filename: "bridge.min.js" });
  runInContext(language, context, { filename: "Kusto.Language.Bridge.min.js" });
  const library: Library = runInContext("({ System, Kusto })", context);
  const known = new WeakMap<Schemas, Globals>();
  return {
    parse(query, schemas) {
      if (query.length > longestQuery) return failure(query, "syntax", `The query is longer than ${longestQuery} characters.`);
      if (depthOf(query) > deepestBrackets)
        return failure(query, "syntax", `The query has more than ${deepestBrackets} brackets in one another.`);
      const globals = known.get(schemas) ?? globalsOf(library, schemas);
      known.set(schemas, globals);
      try {
        const code = library.Kusto.Language.KustoCode.ParseAndAnalyze(query, globals);
        if (code.Kind !== "Query") return failure(query, "syntax", "Only queries are run here: this is a control command.");
        const errors = errorsIn(library, query, code);
        return { root: errors.length > 0 ? emptyNode : readNode(library, query, code.Syntax, ""), errors };
      } catch (error) {
        // The error is of the parser's context: its class is none of ours.
        if (nameOf(error) !== "RangeError") throw error;
        return failure(query, "syntax", "The query nests too deep.");
      }
    },
  };
}

/** Brackets in texts count too: so many of them are no query either. */
function depthOf(query: string): number {
  let [depth, deepest] = [0, 0];
  for (const character of query) {
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

const nameOf = (error: unknown): string => (typeof error === "object" && error !== null && "name" in error ? String(error.name) : "");

function globalsOf({ Kusto: { Language } }: Library, schemas: Schemas): Globals {
  const { TableSymbol, DatabaseSymbol } = Language.Symbols;
  const tables = Object.entries(schemas).map(([name, columns]) => {
    const schema = Object.entries(columns).map(([column, type]) => `${column}:${type}`);
    return new TableSymbol.$ctor7(name, `(${schema.join(", ")})`, null);
  });
  return Language.GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("workspace", tables, false));
}

function itemsOf<T>({ System }: Library, list: KustoList<T>): T[] {
  return Array.from({ length: System.Array.getCount(list) }, (_, index) => System.Array.getItem(list, index));
}

const emptyNode: SyntaxNode = {
  kind: "",
  role: "",
  text: "",
  start: 0,
  type: null,
  columns: null,
  symbol: null,
  value: null,
  children: [],
};

const failure = (query: string, kind: KqlError["kind"], message: string): ParsedQuery => ({
  root: emptyNode,
  errors: [{ kind, message, code: "sandbox", token: "", ...placeOf(query, 0) }],
});

/** Where a character stands. */
export function placeOf(query: string, start: number): { readonly start: number; readonly line: number; readonly pos: number } {
  const before = query.slice(0, start).split("\n");
  return { start, line: before.length, pos: (before.at(-1) ?? "").length + 1 };
}

/** Codes below KS100 are the grammar's, the others the binder's. */
function errorsIn(library: Library, query: string, code: KustoCode): readonly KqlError[] {
  return itemsOf(library, code.GetDiagnostics())
    .filter(({ Severity }) => Severity === "Error")
    .map(({ Code, Message, Start, Length }) => ({
      kind: Number(Code.slice(2)) < 100 ? "syntax" : "semantic",
      message: Message,
      code: Code,
      token: query.slice(Start, Start + Length),
      ...placeOf(query, Start),
    }));
}

/** The tree in our own terms, once: what reads it then is spared the parser's objects. */
function readNode(library: Library, query: string, node: KustoNode, role: string): SyntaxNode {
  const { System, Kusto } = library;
  const { Syntax, Symbols } = Kusto.Language;
  const { ResultType: type, ReferencedSymbol: symbol } = node;
  return {
    kind: System.Enum.toString(Syntax.SyntaxKind, node.Kind),
    role,
    text: query.slice(node.TextStart, node.End),
    start: node.TextStart,
    type: type?.Columns == null ? (type?.Name ?? null) : null,
    columns: type?.Columns == null ? null : itemsOf(library, type.Columns).map(readColumn),
    symbol: symbol == null ? null : System.Enum.toString(Symbols.SymbolKind, symbol.Kind),
    value: typeof node.LiteralValue === "string" ? node.LiteralValue : (node.SimpleName ?? node.ValueText ?? null),
    children: childrenOf(library, query, node),
  };
}

const readColumn = ({ Name, Type }: KustoColumn): RawColumn => ({ name: Name, type: Type.Name });

/** Without what separates the elements of a list. */
function childrenOf(library: Library, query: string, node: KustoNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let index = 0; index < node.ChildCount; index++) {
    const child = node.GetChild(index);
    if (child === null) continue;
    const read = readNode(library, query, child, node.GetName(index) ?? "");
    children.push(read.kind === "SeparatedElement" ? (read.children[0] ?? read) : read);
  }
  return children;
}
