/** The conditions of an OData filter that `and` joins outside of its quoted texts. */
export function conjuncts(filter: string): readonly string[] {
  const parts = [""];
  for (const [token] of filter.matchAll(/'(?:[^']|'')*'|\s+and\s+|[^'\s]+|\s+|'/gi)) {
    if (/^\s+and\s+$/i.test(token)) parts.push("");
    else parts.push((parts.pop() ?? "") + token);
  }
  return parts.map((part) => part.trim());
}

/** A quoted OData text's content. */
export const unquoted = (text: string): string => text.replaceAll("''", "'");
