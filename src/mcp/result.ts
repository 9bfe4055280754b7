import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { ErrorCode, GatewayError } from "../errors.ts";
import { sanitize, visible } from "./sanitize.ts";

/** An error as a caller sees it. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly retryable: boolean;
  readonly details: readonly string[];
}

/** What a call came to: both forms of an answer, or an error; neither holds a hidden character. Each form stands alone. */
export type Outcome =
  | { readonly ok: true; readonly structured: Record<string, unknown>; readonly text: string }
  | { readonly ok: false; readonly failure: Failure; readonly text: string };

export function success(output: Record<string, unknown>, render: (output: Record<string, unknown>) => string): Outcome {
  const structured = sanitize(output);
  return { ok: true, structured, text: render(structured) };
}

export function failed(error: GatewayError): Outcome {
  const { code, message, hint, retryable, details } = error;
  const failure = sanitize({ code, message, ...(hint === undefined ? {} : { hint }), retryable, details });
  return { ok: false, failure, text: failureText(failure) };
}

/** Clients cut the text of an error at about 11,000 characters (Claude Code); the next step must not be what is lost. */
const longestFailure = 8000;

function failureText({ code, message, hint, retryable, details }: Failure): string {
  const next = hint === undefined ? "" : `\nNext: ${shortened(hint, longestFailure / 4)}`;
  const head = [`Error ${code}${retryable ? " (may succeed later)" : ""}: ${message}`, ...details.map((detail) => `- ${detail}`)].join(
    "\n",
  );
  return shortened(head, longestFailure - next.length) + next;
}

function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(0, length - 40);
  return `${kept}... (${text.length - kept.length} characters left out)`;
}

/**
 * The MCP form of an outcome. An error has no structured form: it would have to match the tool's output schema.
 */
export const toResult = (outcome: Outcome): CallToolResult => ({
  content: [{ type: "text", text: visible(outcome.text) }],
  ...(outcome.ok ? { structuredContent: outcome.structured } : { isError: true }),
});
