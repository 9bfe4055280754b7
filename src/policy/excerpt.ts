/** The start of a text; `longest` counts the three dots at its end where something was left out. */
export function shortened(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

/** The same on one line, with its white space folded. */
export function excerpt(text: string, longest: number): string {
  return shortened(text.trim().replace(/\s+/g, " "), longest);
}
