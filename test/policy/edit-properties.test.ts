import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { descendants, type Element, type PolicyDocument, parse } from "../../src/policy/document.ts";
import {
  appendChild,
  applyEdits,
  type Edit,
  insertAfter,
  insertBefore,
  prependChild,
  removeAttribute,
  removeElement,
  replaceElement,
  setAttribute,
} from "../../src/policy/edit.ts";
import { type Outline, outlineOf, outlinesOf, written } from "./edit-model.ts";
import { expressions, generatedPolicy } from "./generated-policies.ts";
import { haveRealPolicies, realPolicies } from "./real-policies.ts";

/** One random edit: the element and attribute that the numbers pick among those that are there. */
interface Choice {
  readonly kind: keyof typeof operations;
  readonly element: number;
  readonly attribute: number;
  readonly value: string;
  readonly xml: string;
}

interface Operation {
  readonly edits: (document: PolicyDocument, element: Element, choice: Choice) => readonly Edit[];
  /** The same, made on the model. */
  readonly expected: (outline: Outline, choice: Choice) => void;
  /** Whether it can be made on a root element. */
  readonly onRoot: boolean;
}

const attributeName = (names: readonly string[], { attribute }: Choice): string => names[attribute % (names.length + 1)] ?? "added";

function replaceIn({ parent }: Outline, outline: Outline, ...items: Outline[]): void {
  parent?.content.splice(parent.content.indexOf(outline), 1, ...items);
}

const operations = {
  setAttribute: {
    edits: (document, element, choice) => {
      const names = element.attributes.map(({ name }) => name);
      return [setAttribute(document, element, attributeName(names, choice), choice.value)];
    },
    expected: (outline, choice) => {
      const name = attributeName(
        outline.attributes.map(([found]) => found),
        choice,
      );
      const at = outline.attributes.findIndex(([found]) => found === name);
      outline.attributes.splice(at < 0 ? outline.attributes.length : at, 1, [name, choice.value]);
    },
    onRoot: true,
  },
  removeAttribute: {
    edits: (document, element, { attribute }) => {
      const name = element.attributes[attribute % element.attributes.length]?.name;
      return name === undefined ? [] : [removeAttribute(document, element, name)];
    },
    expected: ({ attributes }, { attribute }) => attributes.splice(attribute % attributes.length, 1),
    onRoot: true,
  },
  insertBefore: {
    edits: (document, element, { xml }) => [insertBefore(document, element, xml)],
    expected: (outline, { xml }) => replaceIn(outline, outline, outlineOf(xml, outline.parent), outline),
    onRoot: false,
  },
  insertAfter: {
    edits: (document, element, { xml }) => [insertAfter(document, element, xml)],
    expected: (outline, { xml }) => replaceIn(outline, outline, outline, outlineOf(xml, outline.parent)),
    onRoot: false,
  },
  appendChild: {
    edits: (document, element, { xml }) => [appendChild(document, element, xml)],
    expected: (outline, { xml }) => outline.content.push(outlineOf(xml, outline)),
    onRoot: true,
  },
  prependChild: {
    edits: (document, element, { xml }) => [prependChild(document, element, xml)],
    expected: (outline, { xml }) => outline.content.unshift(outlineOf(xml, outline)),
    onRoot: true,
  },
  replaceElement: {
    edits: (document, element, { xml }) => [replaceElement(document, element, xml)],
    expected: (outline, { xml }) => replaceIn(outline, outline, outlineOf(xml, outline.parent)),
    onRoot: false,
  },
  removeElement: {
    edits: (document, element) => [removeElement(document, element)],
    expected: (outline) => replaceIn(outline, outline),
    onRoot: false,
  },
} satisfies Record<string, Operation>;

/** Whether an operation is not one on this element: the root has no place beside it, and an attribute must be there to be removed. */
function isSenseless({ kind }: Choice, element: Element): boolean {
  if (element.parent === null && !operations[kind].onRoot) return true;
  return kind === "removeAttribute" && element.attributes.length === 0;
}

const oneLine = ["<x />", '<x a="1"><y>text</y></x>', `<x a='@("y" < "z")' />`];
const manyLines = [
  '<x a="1">\n    <y />\n</x>',
  `<x a="${expressions[5]}">\n    <!-- two\n    lines -->\n\n    <y>\n        <z />\n    </y>\n</x>`,
];
const literals = ["", "1", 'a "b" & <c>', "it's", "@", "line\nline\ttab"];

const choiceOf = (values: readonly string[], xml: readonly string[]): fc.Arbitrary<Choice> =>
  fc.record({
    kind: fc.constantFrom(...(Object.keys(operations) as Choice["kind"][])),
    element: fc.nat(),
    attribute: fc.nat(),
    value: fc.constantFrom(...values),
    xml: fc.constantFrom(...xml),
  });
const anyChoice = choiceOf([...expressions.filter((text) => !text.includes("&lt;")), ...literals], [...oneLine, ...manyLines]);

/** The edits of a choice, with the element that they are made on; none where the choice makes no sense there. */
function made(document: PolicyDocument, choice: Choice): { readonly edits: readonly Edit[]; readonly at: number } | null {
  const elements = document.root === null ? [] : [...descendants(document.root)];
  const at = choice.element % elements.length;
  const element = elements[at];
  if (element === undefined || isSenseless(choice, element)) return null;
  return { edits: operations[choice.kind].edits(document, element, choice), at };
}

/** What stands between the edits, before and after them. */
function untouched(source: string, edits: readonly Edit[]): readonly string[] {
  const sorted = edits.toSorted((a, b) => a.span.start - b.span.start);
  return [...sorted.keys(), sorted.length].map((index) => source.slice(sorted[index - 1]?.span.end ?? 0, sorted[index]?.span.start));
}

function checkEdit(source: string, choice: Choice): void {
  const document = parse(source);
  const found = made(document, choice);
  if (found === null) return;
  const result = applyEdits(source, found.edits);

  let rest = result;
  for (const [index, kept] of untouched(source, found.edits).entries()) {
    expect(rest.startsWith(kept)).toBe(true);
    rest = rest.slice(kept.length + (found.edits[index]?.text.length ?? 0));
  }
  expect(rest).toBe("");

  const outlines = outlinesOf(document);
  const [root] = outlines;
  const outline = outlines[found.at];
  if (root === undefined || outline === undefined) throw new Error("an element without an outline");
  operations[choice.kind].expected(outline, choice);
  const edited = parse(result);
  expect(edited.problems).toEqual([]);
  expect(outlinesOf(edited).slice(0, 1).map(written)).toEqual([written(root)]);
}

const wellFormed = realPolicies()
  .map(({ source }) => source)
  .filter((source) => parse(source).problems.length === 0);
const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";

describe("an edit changes what it says and leaves every other byte alone", () => {
  it("in generated documents", () => {
    fc.assert(fc.property(generatedPolicy, anyChoice, checkEdit), { numRuns: 6000 });
  });

  it(`in real documents${absent}`, { skip: !haveRealPolicies }, () => {
    expect(wellFormed.length).toBeGreaterThan(150);
    fc.assert(fc.property(fc.constantFrom(...wellFormed), anyChoice, checkEdit), { numRuns: 4000 });
  });
});

describe("an edit follows the document around it", () => {
  const withoutLines = choiceOf(
    expressions.filter((text) => !/[\n&]/.test(text)),
    [...oneLine, ...manyLines.slice(0, 1)],
  );
  const afterEdit = (source: string, choice: Choice): string => applyEdits(source, made(parse(source), choice)?.edits ?? []);

  it(`in its line endings${absent}`, { skip: !haveRealPolicies }, () => {
    const lines = wellFormed.map((source) => source.replaceAll("\r\n", "\n"));
    const crlf = (source: string): string => source.replaceAll("\n", "\r\n");
    fc.assert(
      fc.property(fc.constantFrom(...lines), withoutLines, (source, choice) => {
        expect(afterEdit(crlf(source), choice)).toBe(crlf(afterEdit(source, choice)));
      }),
      { numRuns: 1000 },
    );
  });

  it("in its indentation", () => {
    const nested =
      '<policies>\n    <inbound>\n        <base />\n        <choose>\n            <when condition="@(true)">\n                <a />\n            </when>\n        </choose>\n    </inbound>\n    <backend />\n</policies>\n';
    const tabs = (source: string): string => source.replace(/^( {4})+/gm, (spaces) => "\t".repeat(spaces.length / 4));
    fc.assert(
      fc.property(withoutLines, (choice) => {
        expect(afterEdit(tabs(nested), choice)).toBe(tabs(afterEdit(nested, choice)));
      }),
      { numRuns: 500 },
    );
  });
});
