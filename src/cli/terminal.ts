import { styleText } from "node:util";

/** How a page looks: coloured where `colour`, plain text elsewhere (pipes, CI, `NO_COLOR`). */
export interface Terminal {
  heading(text: string): string;
  muted(text: string): string;
  good(text: string): string;
  caution(text: string): string;
  bad(text: string): string;
  /** Columns aligned by their widest cell; a header line and a rule. */
  table(headers: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string;
  /** A unified diff, removed lines red and added ones green. */
  diff(text: string): string;
}

type Style = Parameters<typeof styleText>[0];

export function terminal(colour: boolean): Terminal {
  const style = (format: Style, text: string) => (colour ? styleText(format, text, { validateStream: false }) : text);
  return {
    heading: (text) => style(["bold", "cyan"], text),
    muted: (text) => style("dim", text),
    good: (text) => style("green", text),
    caution: (text) => style("yellow", text),
    bad: (text) => style("red", text),
    table: (headers, rows) => {
      const cells = [headers, ...rows].map((row) => row.map((cell) => String(cell ?? "-")));
      const widths = headers.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
      const line = (row: readonly string[]) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ")}`.trimEnd();
      const [head = [], ...body] = cells;
      return [style("bold", line(head)), style("dim", `  ${widths.map((width) => "─".repeat(width)).join("   ")}`), ...body.map(line)].join(
        "\n",
      );
    },
    diff: (text) =>
      text
        .split("\n")
        .map((line) => `    ${style(diffStyle(line), line)}`)
        .join("\n"),
  };
}

function diffStyle(line: string): Style {
  if (/^(---|\+\+\+|@@|===|Index:)/.test(line)) return "dim";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : "reset";
}

/** Whether a stream wants colour: a terminal, unless `NO_COLOR` says otherwise (https://no-color.org). */
export const wantsColour = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && (process.env.NO_COLOR ?? "") === "";
