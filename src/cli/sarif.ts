import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { CheckedFile, FileDiagnostic } from "./validate.ts";

/**
 * The diagnostics of one run as a log in SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), with what
 * GitHub's code scanning wants of it
 * (https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
 */
export function sarifLog(checked: readonly CheckedFile[], version: string): object {
  const codes = [...new Set(checked.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code)))].sort();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "azure-ai-gateway-mcp", version, rules: codes.map(rule) } },
        columnKind: "utf16CodeUnits",
        results: checked.flatMap(({ file, diagnostics }) =>
          diagnostics.map((diagnostic) => result(file, diagnostic, codes.indexOf(diagnostic.code))),
        ),
      },
    ],
  };
}

function rule(code: string): object {
  const words = code.replaceAll("-", " ");
  return { id: code, shortDescription: { text: `${words.slice(0, 1).toUpperCase()}${words.slice(1)}` } };
}

function result(file: string, diagnostic: FileDiagnostic, ruleIndex: number): object {
  const { severity, code, message, fix, line: startLine, column: startColumn, endLine, endColumn } = diagnostic;
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: fix === undefined ? message : `${message}\n${fix}` },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine, startColumn, endLine, endColumn } } }],
  };
}

/** A path as a reference to it; a relative one stays relative, to the repository's root as code scanning reads it. */
function uriOf(file: string): string {
  return isAbsolute(file) ? pathToFileURL(file).href : file.split(sep).map(encodeURIComponent).join("/");
}
