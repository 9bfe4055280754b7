/** What is wrong with an expression; also the codes of diagnostics. */
export type ExpressionCode =
  | "expression-assignment"
  | "expression-braces"
  | "expression-language"
  | "expression-member"
  | "expression-name"
  | "expression-placeholder"
  | "expression-return"
  | "expression-syntax"
  | "expression-type"
  | "expression-value-type";

export interface ExpressionFinding {
  /** `error`: the service rejects the expression; `warning`: it may run, though it is against the documentation or cannot be judged. */
  readonly severity: "error" | "warning";
  readonly code: ExpressionCode;
  /** Offset into the text that was checked. */
  readonly offset: number;
  /** In the words of the service or of its C# compiler where they are known. */
  readonly message: string;
  /** What to write instead. */
  readonly fix: string | null;
}

/** Takes what is found. */
export type Report = (finding: ExpressionFinding) => void;

export function error(code: ExpressionCode, offset: number, message: string, fix: string | null = null): ExpressionFinding {
  return { severity: "error", code, offset, message, fix };
}

export function warning(code: ExpressionCode, offset: number, message: string, fix: string | null = null): ExpressionFinding {
  return { severity: "warning", code, offset, message, fix };
}
