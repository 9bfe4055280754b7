import { GatewayError, nearest } from "../errors.ts";
import { attribute, type Element, type PolicyDocument, parse } from "./document.ts";
import {
  appendChild,
  applyEdits,
  type Edit,
  insertAfter,
  insertBefore,
  removeAttribute,
  removeElement,
  replaceElement,
  setAttribute,
} from "./edit.ts";
import { shortened } from "./excerpt.ts";
import { shownAttribute } from "./redaction.ts";
import { pathOf, select } from "./select.ts";

/** One edit as a caller asks for it: the element that `select` names, and exactly one operation on it. */
export interface PolicyEdit {
  readonly select: string;
  /** Attributes by name; null removes one. */
  readonly set?: Readonly<Record<string, AttributeValue>> | undefined;
  /** XML, as for the other insertions. */
  readonly insert_before?: string | undefined;
  readonly insert_after?: string | undefined;
  /** Behind what the element holds. */
  readonly append?: string | undefined;
  readonly replace?: string | undefined;
  readonly remove?: true | undefined;
}

type AttributeValue = string | number | null;

export interface Patched {
  readonly source: string;
  /** What was done, e.g. `inbound/cors removed`, `inbound/rate-limit calls 10 -> 20`. */
  readonly done: readonly string[];
}

/**
 * The source with the edits made, one after the other: each `select` sees what the ones before it left. All are made or none: throws
 * `invalid_input` where one cannot be made. What an operation does not touch stays as it was, byte for byte; the result is not validated.
 */
export function patch(source: string, edits: readonly PolicyEdit[]): Patched {
  return edits.reduce<Patched>(
    (before, edit) => {
      const { edits: made, done } = editsFor(parse(before.source), edit);
      return { source: applyEdits(before.source, made), done: [...before.done, ...done] };
    },
    { source, done: [] },
  );
}

interface Made {
  readonly edits: readonly Edit[];
  readonly done: readonly string[];
}

const insertions = { insert_before: insertBefore, insert_after: insertAfter, append: appendChild, replace: replaceElement } as const;

const insertionWords: Readonly<Record<keyof typeof insertions, string>> = {
  insert_before: "preceded by",
  insert_after: "followed by",
  append: "extended by",
  replace: "replaced by",
};

function editsFor(document: PolicyDocument, edit: PolicyEdit): Made {
  checkOperations(edit);
  const element = select(document, edit.select);
  const path = pathOf(element);
  if (edit.set !== undefined) return settings(document, element, path, edit.set);
  for (const operation of operationsWithXml) {
    const xml = edit[operation];
    if (xml === undefined) continue;
    const names = elementNames(xml, `${operation} of '${edit.select}'`);
    return {
      edits: [insertions[operation](document, element, xml.trim())],
      done: [`${path} ${insertionWords[operation]} ${names.join(", ")}`],
    };
  }
  return { edits: [removeElement(document, element)], done: [`${path} removed`] };
}

const operationsWithXml = ["insert_before", "insert_after", "append", "replace"] as const;

function checkOperations(edit: PolicyEdit): void {
  const given = (["set", ...operationsWithXml, "remove"] as const).filter((operation) => edit[operation] !== undefined);
  if (given.length === 1) return;
  throw new GatewayError(
    "invalid_input",
    `The edit of '${edit.select}' has ${given.length === 0 ? "no operation" : given.join(" and ")}.`,
    {
      hint: "Each edit has exactly one of set, insert_before, insert_after, append, replace, remove: true.",
    },
  );
}

function settings(document: PolicyDocument, element: Element, path: string, values: Readonly<Record<string, AttributeValue>>): Made {
  const changes = Object.entries(values).flatMap(([name, value]) => setting(document, element, path, name, value));
  if (Object.keys(values).length === 0) {
    throw new GatewayError("invalid_input", `The set of '${path}' names no attribute.`, { hint: 'Write e.g. set: {"calls": 20}.' });
  }
  return { edits: changes.map(({ edit }) => edit), done: changes.map(({ done }) => done) };
}

/** None where the attribute already reads as asked. */
function setting(document: PolicyDocument, element: Element, path: string, name: string, value: AttributeValue) {
  const before = attribute(element, name);
  const shown = (text: string): string => shortened(shownAttribute(element, name, text), longestValue);
  if (value === null) {
    if (before === undefined) throw unknownAttribute(element, path, name);
    return [{ edit: removeAttribute(document, element, name), done: `${path} ${name} ${shown(before)} -> none` }];
  }
  if (!/^[A-Za-z_][\w.:-]*$/.test(name)) throw unknownAttribute(element, path, name);
  const after = String(value);
  if (before === after) return [];
  return [
    {
      edit: setAttribute(document, element, name, after),
      done: `${path} ${name} ${before === undefined ? "none" : shown(before)} -> ${shown(after)}`,
    },
  ];
}

/** Characters of a value: a line that people confirm has room for few. */
const longestValue = 40;

function unknownAttribute(element: Element, path: string, name: string): GatewayError {
  const known = element.attributes.map((candidate) => candidate.name);
  const shown = nearest(name, known).concat(known).slice(0, 5);
  return new GatewayError("invalid_input", `'${path}' has no attribute '${name}'.`, {
    hint: known.length === 0 ? "It has none." : `It has: ${[...new Set(shown)].join(", ")}.`,
  });
}

/** The names of the elements that a piece of XML has at its top. Throws `invalid_input` where it has none, or is not well-formed. */
function elementNames(xml: string, what: string): readonly string[] {
  const { root, problems } = parse(`<edit>${xml}</edit>`);
  const names = root?.children.flatMap((child) => (child.type === "element" ? [child.name] : [])) ?? [];
  const [problem] = problems;
  if (problem === undefined && names.length > 0) return names;
  throw new GatewayError("invalid_input", `The XML for ${what} is not well-formed: ${problem?.message ?? "it has no element"}`, {
    hint: "Give whole elements, e.g. <base />.",
  });
}
