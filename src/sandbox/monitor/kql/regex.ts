import { NotExecutable } from "./types.ts";

const compiled = new Map<string, RegExp>();
const mostCompiled = 500;

/** What RE2 (https://learn.microsoft.com/kusto/query/regex) writes in another way than JavaScript, or has alone. */
const otherwise = /\[\[:|\\[AzQEpPCx]|\(\?(?![:=!<Pims])|\(\?[ims]*-|\(\?[ims]+[:)]|\(\?U|[*+?}]\+/;

/** A regular expression of Kusto; the last one of each text is kept. Throws `NotExecutable` for what JavaScript would read differently. */
export function regexOf(pattern: string, flags: "" | "g"): RegExp {
  const key = `${flags}/${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) {
    known.lastIndex = 0;
    return known;
  }
  const [, inline = "", body = pattern] = /^\(\?([ims]+)\)([\s\S]*)$/.exec(pattern) ?? [];
  if (otherwise.test(body)) throw new NotExecutable(`the regular expression '${pattern}'`);
  const made = create(body.replaceAll("(?P<", "(?<"), inline + flags, pattern);
  if (compiled.size >= mostCompiled) compiled.clear();
  compiled.set(key, made);
  return made;
}

function create(body: string, flags: string, pattern: string): RegExp {
  try {
    return new RegExp(body, [...new Set(flags)].join(""));
  } catch {
    throw new NotExecutable(`the regular expression '${pattern}'`);
  }
}
