/** What markdown gives a meaning within a line or a cell of a table: https://spec.commonmark.org/0.31.2/#backslash-escapes */
const marks = /[\\`*[\]<>|~]/g;
/** What a page would make a link of, though it is no link: https://github.github.com/gfm/#autolinks-extension- */
const links = /:(?=\/\/)|(?<=www)\./gi;

/** A text that may hold names out of the gateway, on one line of a page: it begins no line, no cell, no link and no tag, and hides nothing of itself. */
export const inPage = (text: string, longest = 160): string =>
  cut(text.replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim(), longest)
    .replace(marks, "\\$&")
    .replace(links, "\\$&");

/** Without its middle where it is too long: names of one kind often begin alike. */
function cut(text: string, longest: number): string {
  const characters = [...text];
  if (characters.length <= longest) return text;
  const tail = Math.floor(longest / 3);
  return `${characters.slice(0, longest - tail - 1).join("")}…${characters.slice(-tail).join("")}`;
}

/** A name of something: short enough for a table. */
export const nameInPage = (name: string): string => inPage(name, 40);

/** `1,234,567`. */
export const grouped = (value: number): string => String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");

/** `2026-11-20 10:02`, in UTC. */
export const minuteOf = (time: Date | string): string => new Date(time).toISOString().slice(0, 16).replace("T", " ");
