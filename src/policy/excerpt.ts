import { redactedText } from "../gateway/keys.ts";

/** The start of a text out of a policy, without the keys in it; `longest` counts the three dots at its end where something was left out. */
export function shortened(text: string, longest: number): string {
  // First the keys: the start of one is not seen to be one.
  const shown = redactedText(text);
  return shown.length > longest ? `${shown.slice(0, longest - 3)}...` : shown;
}

/** The same on one line, with its white space folded. */
export function excerpt(text: string, longest: number): string {
  return shortened(text.trim().replace(/\s+/g, " "), longest);
}
