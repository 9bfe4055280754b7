import { readFileSync } from "node:fs";
import { loadGrammar } from "../grammar.ts";
import { visible } from "../mcp/sanitize.ts";
import { type Diagnostic, diagnostic, placesIn } from "../policy/diagnostic.ts";
import { type PolicyDocument, parse } from "../policy/document.ts";
import { expressionsOf } from "../policy/expression/document-expressions.ts";
import { type ReviewDiagnostic, review } from "../policy/review.ts";
import type { ValidateOptions } from "../policy/validate.ts";
import { version } from "../version.ts";
import { misuse } from "./arguments.ts";
import { sarifLog } from "./sarif.ts";
import { terminal } from "./terminal.ts";

/** What is wrong in a file, or what the sandbox cannot execute. */
export type FileDiagnostic = Diagnostic<ReviewDiagnostic["code"] | "not-executable">;

/** A file with what is wrong in it. */
export interface CheckedFile {
  /** As it was given. */
  readonly file: string;
  readonly diagnostics: readonly FileDiagnostic[];
}

export interface ValidateFilesOptions {
  /** Paths; `-` for what stdin holds. */
  readonly files: readonly string[];
  /** For all files. */
  readonly rules: ValidateOptions;
  /** Whether what the sandbox cannot execute is an error, too. */
  readonly executable: boolean;
  readonly format: "text" | "json" | "sarif";
  readonly colour: boolean;
  readonly readInput: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Checks policy documents on their own, without a service. Resolves with the exit status: 0 without errors (warnings are none), 1
 * with errors, 2 where a file cannot be read, which does not keep the others from being checked. Throws `invalid_input` without a file.
 */
export async function validateFiles({
  files,
  rules,
  executable,
  format,
  colour,
  readInput,
  out,
  err,
}: ValidateFilesOptions): Promise<0 | 1 | 2> {
  if (files.length === 0) throw misuse("Name the files to check: validate FILE..., or - for stdin.");
  const input = files.includes("-") ? await readInput() : "";
  const read = files.flatMap((file) => {
    const source = file === "-" ? input : readOrReport(file, err);
    return source === null ? [] : [{ file, document: parse(source) }];
  });
  // Half of what a run takes: only where there is something to read with it.
  const grammar = read.some(({ document }) => expressionsOf(document).length > 0) ? { csharp: await loadGrammar() } : {};
  const reviewed = read.map(({ file, document }) => ({ file, document, diagnostics: review(document, { ...rules, ...grammar }) }));
  const checked = executable ? await withNotExecutable(reviewed) : reviewed.map(({ file, diagnostics }) => ({ file, diagnostics }));
  out(reports[format](checked, colour));
  if (checked.length < files.length) return 2;
  return count(checked, "error") > 0 ? 1 : 0;
}

interface ReviewedFile extends CheckedFile {
  readonly document: PolicyDocument;
}

/** The sandbox and the grammar are loaded for this alone. */
async function withNotExecutable(reviewed: readonly ReviewedFile[]): Promise<readonly CheckedFile[]> {
  const [{ notExecutable }, csharp] = await Promise.all([import("../sandbox/gateway/executable.ts"), loadGrammar()]);
  return reviewed.map(({ file, document: { source }, diagnostics }) => {
    const placeIn = placesIn(source);
    const found = notExecutable([{ name: file, text: source }], csharp).map(({ what, why, offset }) => {
      const span = { start: offset, end: offset };
      const message = `The sandbox cannot execute ${what}: ${why}.`;
      return diagnostic("not-executable", { severity: "error", element: null, span, message, fix: null }, placeIn(span, "tag"));
    });
    return { file, diagnostics: [...diagnostics, ...found].sort((a, b) => a.line - b.line || a.column - b.column) };
  });
}

function readOrReport(file: string, err: (text: string) => void): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    err(`Cannot read '${file}': ${error instanceof Error ? error.message : error}\n`);
    return null;
  }
}

const reports: Readonly<Record<ValidateFilesOptions["format"], (checked: readonly CheckedFile[], colour: boolean) => string>> = {
  text: report,
  json: (checked) => `${JSON.stringify(checked, null, 2)}\n`,
  sarif: (checked) => `${JSON.stringify(sarifLog(checked, version), null, 2)}\n`,
};

/** A line for each diagnostic, its fix below it, and a line that sums up. */
function report(checked: readonly CheckedFile[], colour: boolean): string {
  const page = terminal(colour);
  const lines = checked.flatMap(({ file, diagnostics }) =>
    diagnostics.flatMap(({ severity, code, message, line, column, fix }) => [
      `${file}:${line}:${column}: ${severity === "error" ? page.bad(severity) : page.caution(severity)} ${code}: ${oneLine(message)}`,
      ...(fix === undefined ? [] : [`    ${page.muted(oneLine(fix))}`]),
    ]),
  );
  const errors = count(checked, "error");
  const sum = [counted(checked.length, "file"), counted(errors, "error"), counted(count(checked, "warning"), "warning")].join(", ");
  return [...lines, errors > 0 ? page.bad(sum) : page.good(sum), ""].join("\n");
}

/** A text that may quote a policy, so that it cannot leave its line or steer the terminal. */
const oneLine = (text: string): string => visible(text).replace(/\s+/g, " ");

const count = (checked: readonly CheckedFile[], severity: FileDiagnostic["severity"]): number =>
  checked.flatMap(({ diagnostics }) => diagnostics).filter((diagnostic) => diagnostic.severity === severity).length;

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
