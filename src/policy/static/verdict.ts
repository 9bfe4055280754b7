import type { Known } from "./values.ts";

/** `fails`: the expression would throw, so the call never gets any further. */
export type Verdict = boolean | "undecided" | "fails";

/** What a condition's value says; `written` is the condition itself, which may say it without any expression, in any case. */
export function verdictOf(value: Known, written: string): Verdict {
  if (value.kind === "throws") return "fails";
  if (value.kind === "several") {
    const [first, ...others] = value.values.map((one) => verdictOf(one, written));
    return first !== undefined && others.every((other) => other === first) ? first : "undecided";
  }
  if (value.kind !== "constant") return "undecided";
  if (typeof value.value === "boolean") return value.value;
  const word = typeof value.value === "string" && !written.trimStart().startsWith("@") ? value.value.trim().toLowerCase() : "";
  return word === "true" ? true : word === "false" ? false : "undecided";
}
