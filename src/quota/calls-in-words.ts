import type { Calls } from "./limit.ts";

/**
 * Which of all a team's calls some are, in few words: `on chat`, `on chat/emb`, `for deployment gpt-4o on chat`. Null where they are all.
 */
export function callsInWords(some: readonly Calls[], all: readonly Calls[]): string | null {
  if (some.length === all.length) return null;
  const apis = new Set(all.map(({ apiId }) => apiId));
  const words = [...new Set(some.map(({ apiId }) => apiId))].flatMap((apiId) => {
    const of = (calls: readonly Calls[]) => calls.filter((one) => one.apiId === apiId);
    return onApi(of(some), of(all), apis.size > 1 ? (apiId ?? "no API") : null);
  });
  const shown = words.length > mostWords ? [...words.slice(0, mostWords - 1), `${words.length - mostWords + 1} more`] : words;
  return joined(shown);
}

const mostWords = 5;

/** `on chat and on emb` as `on chat and emb`. */
function joined(words: readonly string[]): string {
  const same = words.every((word) => word.startsWith("on ") || !/^(?:on|for) /.test(word));
  return (same ? words.map((word, index) => (index === 0 ? word : word.replace(/^on /, ""))) : words).join(" and ");
}

/** `name`: null where the API goes without saying. */
function onApi(some: readonly Calls[], all: readonly Calls[], name: string | null): readonly string[] {
  if (some.length === all.length) return [name === null ? "on all calls" : `on ${name}`];
  const operations = new Set(all.map(({ operationId }) => operationId));
  return [...new Set(some.map(({ operationId }) => operationId))].flatMap((operationId) => {
    const of = (calls: readonly Calls[]) => calls.filter((one) => one.operationId === operationId);
    const apiId = some[0]?.apiId ?? "";
    const operation = operationId === null ? `other operations${name === null ? "" : ` of ${name}`}` : `${apiId}/${operationId}`;
    const where = operations.size > 1 ? `on ${operation}` : name === null ? null : `on ${name}`;
    if (of(some).length === of(all).length) return [where ?? "on all calls"];
    return of(some).map(({ deployment }) => {
      const which = deployment === "*" ? "for other deployments" : `for deployment ${deployment ?? "unknown"}`;
      return where === null ? which : `${which} ${where}`;
    });
  });
}
