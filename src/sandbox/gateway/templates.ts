/** How well a request fits an operation's template. */
interface TemplateMatch {
  readonly parameters: ReadonlyMap<string, string>;
  /** Of several that match, the least is meant. */
  readonly rank: string;
}

/** An operation's method and URL template, e.g. `/deployments/{deployment-id}/chat/completions?api-version={v}`. */
export interface OperationTemplate {
  readonly method: string;
  readonly text: string;
  /** Names of its query parameters: `rewrite-uri` copies the others. */
  readonly queryNames: readonly string[];
  /** Null where the request is for another operation. */
  match(method: string, segments: readonly string[], query: URLSearchParams): TemplateMatch | null;
}

/** The parts of a path between its slashes, empty ones left out. */
export const segmentsOf = (path: string): readonly string[] => path.split("/").filter((segment) => segment !== "");

interface Segment {
  /** Literals come before parameters, those before a wildcard. */
  readonly kind: "literal" | "mixed" | "parameter" | "wildcard";
  readonly names: readonly string[];
  readonly pattern: RegExp;
}

const order: Readonly<Record<Segment["kind"], string>> = { literal: "0", mixed: "1", parameter: "2", wildcard: "3" };

/**
 * Reads a template: segments are literals, parameters or both; a last `*` or `{*name}` takes all that is left; query parameters of the
 * template must be there (https://learn.microsoft.com/azure/api-management/add-api-manually#add-and-test-a-wildcard-operation).
 *
 * Assumed: of several matches the one that is literal further to the left is meant, then the one with more query parameters; the method
 * `*` is any.
 */
export function operationTemplate(method: string, text: string): OperationTemplate {
  const [path = "", queryText = ""] = text.split("?", 2);
  const segments = segmentsOf(path).map(segment);
  const query = [...new URLSearchParams(queryText)].map(([name, value]) => ({ name, ...segment(value) }));
  const more = String(99 - Math.min(query.length, 99)).padStart(2, "0");
  const rank = `${segments.map(({ kind }) => order[kind]).join("")}4${more}`;
  return {
    method,
    text,
    queryNames: query.map(({ name }) => name),
    match(asked, given, parameters) {
      if (method !== "*" && method.toUpperCase() !== asked.toUpperCase()) return null;
      const found = new Map<string, string>();
      if (!matchPath(segments, given, found)) return null;
      for (const { name, ...value } of query) {
        const actual = parameters.get(name);
        if (actual === null || !matchSegment(value, actual, found)) return null;
      }
      return { parameters: found, rank };
    },
  };
}

function segment(text: string): Segment {
  const wildcard = /^(?:\*|\{\*([^}]*)\})$/.exec(text);
  if (wildcard !== null) return { kind: "wildcard", names: wildcard[1] === undefined ? [] : [wildcard[1]], pattern: /^([\s\S]*)$/ };
  const names: string[] = [];
  const pattern = text.split(/(\{[^}]+\})/).map((part) => {
    const name = /^\{([^}]+)\}$/.exec(part)?.[1];
    if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    names.push(name);
    return "(.+?)";
  });
  const kind = names.length === 0 ? "literal" : names.length === 1 && text === `{${names[0]}}` ? "parameter" : "mixed";
  return { kind, names, pattern: new RegExp(`^${pattern.join("")}$`, "is") };
}

function matchPath(segments: readonly Segment[], given: readonly string[], found: Map<string, string>): boolean {
  const last = segments.at(-1);
  const fixed = last?.kind === "wildcard" ? segments.slice(0, -1) : segments;
  if (last?.kind === "wildcard" ? given.length < fixed.length : given.length !== fixed.length) return false;
  const matched = fixed.every((part, index) => matchSegment(part, decoded(given[index] ?? ""), found));
  if (matched && last?.kind === "wildcard") matchSegment(last, given.slice(fixed.length).map(decoded).join("/"), found);
  return matched;
}

function matchSegment({ names, pattern }: Segment, text: string, found: Map<string, string>): boolean {
  const groups = pattern.exec(text);
  if (groups === null) return false;
  for (const [index, name] of names.entries()) found.set(name, groups[index + 1] ?? "");
  return true;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
