import { decodeEntities } from "../lexer.ts";

/** A text in which parts were replaced, with the way back. */
interface Rewritten {
  readonly text: string;
  /** The offset in the original that an offset in `text` comes from; of a replaced part, the part's start. */
  original(offset: number): number;
}

/** Replaces what `pattern` (global) matches and remembers where everything was. */
export function rewrite(source: string, pattern: RegExp, replacement: (match: RegExpMatchArray) => string): Rewritten {
  const parts: string[] = [];
  const changes: { readonly at: number; readonly end: number; readonly from: number; readonly fromEnd: number }[] = [];
  let read = 0;
  let written = 0;
  for (const match of source.matchAll(pattern)) {
    const text = replacement(match);
    parts.push(source.slice(read, match.index), text);
    const at = written + match.index - read;
    read = match.index + match[0].length;
    written = at + text.length;
    changes.push({ at, end: written, from: match.index, fromEnd: read });
  }
  if (changes.length === 0) return { text: source, original: (offset) => offset };
  parts.push(source.slice(read));
  return {
    text: parts.join(""),
    original(offset) {
      const change = changes.findLast(({ at }) => at <= offset);
      if (change === undefined) return offset;
      return offset < change.end ? change.from : change.fromEnd + offset - change.end;
    },
  };
}

const entity = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});/g;

/** The text of a raw value, its entities decoded. */
export function decodedEntities(raw: string): Rewritten {
  return rewrite(raw, entity, ([whole]) => decodeEntities(whole));
}
