import { redactedAnswer } from "../gateway/keys.ts";

/**
 * Characters that a person does not see and a model does: controls except tab and newline, line separators, and what
 * Unicode has displays ignore (zero-width and bidirectional controls, variation selectors, tag characters, which can
 * carry whole hidden sentences): https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point, https://trojansource.codes
 */
const hidden = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/gu;

/** The text without hidden characters. */
export const visible = (text: string): string => text.replace(hidden, "");

/** What a caller or an operator is shown: hidden characters are gone, and so are keys in clear, of which a hidden character may hide one. */
const shown = (text: string): string => redactedAnswer(visible(text));

/** A JSON value with hidden characters taken out of every string and key, and keys in clear replaced by `[redacted]`. */
export function sanitize<T>(value: T): T;
export function sanitize(value: unknown): unknown {
  if (typeof value === "string") return shown(value);
  if (Array.isArray(value)) return value.map((item) => sanitize(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [visible(key), sanitize(item)]));
}
