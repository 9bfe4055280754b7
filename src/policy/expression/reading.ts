import type { SyntaxNode } from "../expression-syntax.ts";
import type { Report } from "./finding.ts";
import type { Scope } from "./scope.ts";

/** What the readers of single kinds of nodes share while one expression is read. */
export interface Reading {
  readonly report: Report;
  /** Whether a name's meaning is not known, so that nothing is said of it. */
  isWild(name: string): boolean;
  /** Reads a node of any kind and all below it; answers the type of its value, `?` where that is not known or there is none. */
  read(node: SyntaxNode, scope: Scope): string;
}

export type Reader = (reading: Reading, node: SyntaxNode, scope: Scope) => string;

export function readAll(reading: Reading, nodes: readonly SyntaxNode[], scope: Scope): readonly string[] {
  return nodes.map((node) => reading.read(node, scope));
}
