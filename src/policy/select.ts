import { GatewayError, nearest } from "../errors.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument, positionsIn } from "./document.ts";
import { shortened } from "./excerpt.ts";

/** What a step of a path asks of an element besides its name. */
type Predicate =
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "attribute"; readonly name: string; readonly value: string | null };

interface Segment {
  readonly name: string;
  readonly predicates: readonly Predicate[];
}

/**
 * The one element of a document that a path names. A path goes down from the root element by names, as in
 * `inbound/choose/when[2]/set-backend-service[@backend-id='x']`: `[2]` is the second of those of a parent that the path still matches, `[@a='x']` and
 * `[@a]` ask for an attribute; the root's own name alone is the root. Throws `invalid_input` for a text that is no path, and where nothing
 * matches (with near paths) or more than one element does (with all of them), each with its line.
 */
export function select(document: PolicyDocument, path: string): Element {
  const segments = parsePath(path);
  const found = matches(document, segments);
  const [only, ...more] = found;
  if (only === undefined) throw noMatch(document, path, segments);
  if (more.length > 0) {
    throw new GatewayError("invalid_input", `'${path}' matches ${found.length} elements; it must match one.`, {
      hint: "Use the path of the one that is meant.",
      details: described(document, found),
    });
  }
  return only;
}

/** The path that selects an element: an index where siblings share its name. */
export function pathOf(element: Element): string {
  const segments: string[] = [];
  for (let next: Element = element; next.parent !== null; next = next.parent) {
    segments.unshift(segmentsIn(next.parent).get(next) ?? next.name);
  }
  return segments.length === 0 ? element.name : segments.join("/");
}

/** The elements inside of one, in order, each with its own part of the path: `when[2]`. */
export function segmentsIn(parent: Element): ReadonlyMap<Element, string> {
  const children = childElements(parent);
  const totals = new Map<string, number>();
  for (const { name } of children) totals.set(name, (totals.get(name) ?? 0) + 1);
  const counts = new Map<string, number>();
  return new Map(
    children.map((element) => {
      const { name } = element;
      const index = (counts.get(name) ?? 0) + 1;
      counts.set(name, index);
      return [element, totals.get(name) === 1 ? name : `${name}[${index}]`];
    }),
  );
}

const longestPath = 1_000;
const segmentPattern = /([A-Za-z_:\u0080-\uffff][\w.:\-\u0080-\uffff]*)((?:\s*\[[^\]'"]*(?:'[^']*'|"[^"]*")?[^\]'"]*\])*)(\/|$)/y;
const predicatePattern = /\s*\[\s*(?:(\d+)|@([\w.:\-\u0080-\uffff]+)\s*(?:=\s*(?:'([^']*)'|"([^"]*)")\s*)?)\s*\]/y;

function parsePath(path: string): readonly Segment[] {
  const text = path.trim().replace(/^\//, "");
  if (text.length > longestPath) throw notAPath(shortened(text, 100), "");
  const segments: Segment[] = [];
  let offset = 0;
  for (let more = true; more; ) {
    segmentPattern.lastIndex = offset;
    const [whole, name, predicates = "", separator] = segmentPattern.exec(text) ?? [];
    if (whole === undefined || name === undefined) throw notAPath(path, text.slice(offset));
    segments.push({ name, predicates: parsePredicates(path, predicates) });
    offset += whole.length;
    more = separator === "/";
  }
  return segments;
}

function parsePredicates(path: string, text: string): readonly Predicate[] {
  const predicates: Predicate[] = [];
  for (let offset = 0; offset < text.length; offset = predicatePattern.lastIndex) {
    predicatePattern.lastIndex = offset;
    const [whole, index, name = "", single, double] = predicatePattern.exec(text) ?? [];
    if (whole === undefined || index === "0") throw notAPath(path, text.slice(offset));
    predicates.push(
      index === undefined ? { kind: "attribute", name, value: single ?? double ?? null } : { kind: "index", index: Number(index) },
    );
  }
  return predicates;
}

function notAPath(path: string, rest: string): GatewayError {
  return new GatewayError("invalid_input", `'${path}' is not a path${rest === "" ? "" : `, from '${rest}' on`}.`, {
    hint: "Write e.g. inbound/choose/when[2]/set-backend-service[@backend-id='x']; get_policy shows the names.",
  });
}

function matches({ root }: PolicyDocument, segments: readonly Segment[]): readonly Element[] {
  if (root === null) return [];
  const [first, ...rest] = segments;
  const namesRoot = first?.name === root.name && first.predicates.length === 0 && childElements(root, root.name).length === 0;
  const below = namesRoot ? rest : segments;
  return below.reduce<readonly Element[]>((parents, segment) => parents.flatMap((parent) => childrenAt(parent, segment)), [root]);
}

function childrenAt(parent: Element, { name, predicates }: Segment): readonly Element[] {
  return predicates.reduce<readonly Element[]>(
    (found, predicate) => found.filter((element, index) => meets(element, index, predicate)),
    [...childElements(parent, name)],
  );
}

function meets(element: Element, index: number, predicate: Predicate): boolean {
  if (predicate.kind === "index") return index === predicate.index - 1;
  const value = attribute(element, predicate.name);
  return value !== undefined && (predicate.value === null || value.trim() === predicate.value.trim());
}

const mostShown = 8;

/** Elements as an error lists them. */
function described({ source }: PolicyDocument, elements: readonly Element[]): readonly string[] {
  const position = positionsIn(source);
  const shown = elements.slice(0, mostShown).map((element) => `line ${position(element.span.start).line}: ${pathOf(element)}`);
  return elements.length > mostShown ? [...shown, `and ${elements.length - mostShown} more`] : shown;
}

function noMatch(document: PolicyDocument, path: string, segments: readonly Segment[]): GatewayError {
  const near = document.root === null ? [] : nearElements(document, document.root, segments);
  return new GatewayError("invalid_input", `'${path}' matches no element of the document.`, {
    hint: near.length === 0 ? "get_policy shows what stands there." : "Use one of the paths that come near.",
    details: described(document, near),
  });
}

/**
 * Where the path leads nowhere, the elements of the name that it asks for there; else those of its last name, wherever they stand; else
 * what stands there, of a name like it if there are such.
 */
function nearElements(document: PolicyDocument, root: Element, segments: readonly Segment[]): readonly Element[] {
  const lost = segments.findIndex((_, index) => matches(document, segments.slice(0, index + 1)).length === 0);
  const wanted = segments[lost]?.name ?? "";
  const here = matches(document, segments.slice(0, lost)).flatMap((element) => childElements(element));
  const named = here.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  const elsewhere = [...descendants(root)].filter(({ name }) => name === segments.at(-1)?.name);
  if (elsewhere.length > 0) return elsewhere;
  const names = nearest(
    wanted,
    here.map(({ name }) => name),
  );
  return names.length > 0 ? here.filter(({ name }) => names.includes(name)) : here;
}
