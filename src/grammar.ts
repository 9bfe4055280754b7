import { withGenericCalls } from "./policy/expression-generic-calls.ts";
import { type CSharp, openGrammar } from "./policy/expression-syntax.ts";

let loading: Promise<CSharp> | undefined;

/** The C# grammar that policy expressions are read by: loaded at the first call, once for the process. */
export function loadGrammar(): Promise<CSharp> {
  loading ??= import("./grammar-files.ts")
    .then(({ grammarFiles }) => grammarFiles())
    .then(openGrammar)
    .then(withGenericCalls);
  return loading;
}
