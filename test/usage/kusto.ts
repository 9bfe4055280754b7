import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";

/** What Microsoft's parser says of a query: why it cannot run, and the columns that it answers with their types. */
export interface Judged {
  readonly problems: readonly string[];
  readonly columns: Readonly<Record<string, string>>;
  /** Its tokens as they stand: those that are string literals, and all others. */
  readonly texts: readonly string[];
  readonly code: readonly string[];
}

type Tables = Readonly<Record<string, Readonly<Record<string, string>>>>;

const script = `(tables) => {
  const { Language } = Kusto;
  const { TableSymbol, DatabaseSymbol } = Language.Symbols;
  const list = (items) => Array.from({ length: System.Array.getCount(items) }, (_, index) => System.Array.getItem(items, index));
  const symbols = Object.entries(tables).map(([name, columns]) =>
    new TableSymbol.$ctor7(name, "(" + Object.entries(columns).map((column) => column.join(":")).join(", ") + ")", null));
  const database = new DatabaseSymbol.$ctor1("workspace", symbols, false);
  const globals = Language.GlobalState.Default.WithDatabase(database);
  return (query) => {
    const code = Language.KustoCode.ParseAndAnalyze(query, globals);
    const columns = code.ResultType && code.ResultType.Columns ? list(code.ResultType.Columns) : [];
    const tokens = list(code.GetLexicalTokens());
    const isText = ({ Kind }) => Kind === Language.Syntax.SyntaxKind.StringLiteralToken;
    return JSON.stringify({
      problems: list(code.GetDiagnostics()).map(({ Code, Message, Start }) => Code + " " + Message + " at: " + query.slice(Start, Start + 40)),
      columns: Object.fromEntries(columns.map(({ Name, Type }) => [Name, Type.Name])),
      code: tokens.filter((token) => !isText(token)).map(({ Text }) => Text),
      texts: tokens.filter(isText).map(({ Text }) => Text),
    });
  };
}`;

/** The parser of the package that is installed for the sandbox; it wants a global scope of its own. */
export function openKusto(tables: Tables): (query: string) => Judged {
  const folder = join(createRequire(import.meta.url).resolve("@kusto/language-service-next"), "..");
  const context = createContext({ console });
  for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) runInContext(readFileSync(join(folder, file), "utf8"), context);
  const open: (tables: Tables) => (query: string) => string = runInContext(script, context);
  const judge = open(tables);
  return (query) => JSON.parse(judge(query));
}
