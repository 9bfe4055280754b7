import { readFile } from "node:fs/promises";
import type { GrammarFiles } from "./policy/expression-syntax.ts";

/** The grammar's files out of the installed packages. The bundle holds them itself: .ci/build.ts puts another module in this one's place. */
export async function grammarFiles(): Promise<GrammarFiles> {
  const [runtime, csharp] = await Promise.all([
    readFile(new URL(import.meta.resolve("web-tree-sitter/web-tree-sitter.wasm"))),
    readFile(new URL(import.meta.resolve("tree-sitter-c-sharp/tree-sitter-c_sharp.wasm"))),
  ]);
  return { runtime, csharp };
}
