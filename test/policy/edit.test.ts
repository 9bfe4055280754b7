import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attribute, descendants, type Element, type PolicyDocument, parse } from "../../src/policy/document.ts";
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
import { relativeSource } from "../../src/policy/indentation.ts";
import { expressions, generatedPolicy } from "./generated-policies.ts";

const elementsOf = (document: PolicyDocument): readonly Element[] => (document.root === null ? [] : [...descendants(document.root)]);

function find(document: PolicyDocument, name: string): Element {
  const found = elementsOf(document).find((element) => element.name === name);
  if (found === undefined) throw new Error(`no <${name}>`);
  return found;
}

/** The source with one edit at the first element of that name. */
function edited(source: string, name: string, edit: (document: PolicyDocument, element: Element) => Edit): string {
  const document = parse(source);
  return applyEdits(source, [edit(document, find(document, name))]);
}

describe("setting an attribute", () => {
  it.each<[string, string, string, string]>([
    ["replaces a value in its quotes", "<a  x = '1'\ty=\"2\" />", "3", "<a  x = '3'\ty=\"2\" />"],
    ["adds a new one behind the others", '<a y="2" />', "3", '<a y="2" x="3" />'],
    ["adds the first one", "<a/>", "3", '<a x="3"/>'],
    ["writes an expression raw", '<a x="1"/>', '@(b == "c" && d < e)', '<a x="@(b == "c" && d < e)"/>'],
    ["escapes a literal", '<a x="1"/>', 'b & "c" <d>', '<a x="b &amp; &quot;c&quot; &lt;d>"/>'],
    ["escapes what an expression would lose by decoding", '<a x="1"/>', '@("&lt;")', '<a x="@("&amp;lt;")"/>'],
    ["escapes what only looks like an expression", '<a x="1"/>', '@(") + 1', '<a x="&#64;(&quot;) + 1"/>'],
  ])("%s", (_, source, value, expected) => {
    const result = edited(source, "a", (document, element) => setAttribute(document, element, "x", value));
    expect(result).toBe(expected);
    expect(attribute(find(parse(result), "a"), "x")).toBe(value);
  });

  it("reads back as what was set, for any value", () => {
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom("@", "(", ")", "{", "}", '"', "'", "&", "<", "lt;", "\n", "\r", "a", " ") }),
      fc.constantFrom(...expressions),
    );
    fc.assert(
      fc.property(value, fc.constantFrom('<a x="1" y="2"/>', "<a x='1' y='2'>b</a>", "<a y='2'/>"), (text, source) => {
        const document = parse(edited(source, "a", (before, element) => setAttribute(before, element, "x", text)));
        const found = find(document, "a").attributes.find(({ name }) => name === "x")?.value;
        expect(document.problems).toEqual([]);
        expect(attribute(find(document, "a"), "y")).toBe("2");
        // White space around an expression is not part of it; entities in one are decoded.
        const unescaped = text.trim().replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");
        if (found?.kind === "expression") expect([text.trim(), unescaped]).toContain(found.text);
        else expect(found?.text).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("layout", () => {
  const source = "<policies>\n  <inbound>\n    <base />\n    <choose />\n  </inbound>\n</policies>\n";
  const limit = '<choose>\n    <when condition="@(true)">\n        <x />\n    </when>\n</choose>';

  it.each<[string, string, (document: PolicyDocument, element: Element) => Edit, string]>([
    [
      "inserts before",
      "base",
      (d, e) => insertBefore(d, e, "<x />"),
      "<policies>\n  <inbound>\n    <x />\n    <base />\n    <choose />\n  </inbound>\n</policies>\n",
    ],
    [
      "inserts after",
      "base",
      (d, e) => insertAfter(d, e, "<x />"),
      "<policies>\n  <inbound>\n    <base />\n    <x />\n    <choose />\n  </inbound>\n</policies>\n",
    ],
    [
      "appends",
      "inbound",
      (d, e) => appendChild(d, e, "<x />"),
      "<policies>\n  <inbound>\n    <base />\n    <choose />\n    <x />\n  </inbound>\n</policies>\n",
    ],
    [
      "prepends",
      "inbound",
      (d, e) => prependChild(d, e, "<x />"),
      "<policies>\n  <inbound>\n    <x />\n    <base />\n    <choose />\n  </inbound>\n</policies>\n",
    ],
    [
      "opens an empty element",
      "choose",
      (d, e) => appendChild(d, e, "<x />"),
      "<policies>\n  <inbound>\n    <base />\n    <choose>\n      <x />\n    </choose>\n  </inbound>\n</policies>\n",
    ],
    ["removes with the line", "base", removeElement, "<policies>\n  <inbound>\n    <choose />\n  </inbound>\n</policies>\n"],
    [
      "replaces, with the unit of the document",
      "choose",
      (d, e) => replaceElement(d, e, limit),
      '<policies>\n  <inbound>\n    <base />\n    <choose>\n      <when condition="@(true)">\n        <x />\n      </when>\n    </choose>\n  </inbound>\n</policies>\n',
    ],
  ])("%s", (_, name, edit, expected) => {
    expect(edited(source, name, edit)).toBe(expected);
    const crlf = edited(source.replaceAll("\n", "\r\n").replaceAll("  ", "\t"), name, edit);
    expect(crlf).toBe(expected.replaceAll("\n", "\r\n").replaceAll("  ", "\t"));
  });

  it("stays on a line that elements share", () => {
    expect(edited("<a><b/><c/></a>", "c", (d, e) => insertBefore(d, e, "<x/>"))).toBe("<a><b/><x/><c/></a>");
    expect(edited("<a><b/><c/></a>", "b", removeElement)).toBe("<a><c/></a>");
  });

  it("leaves white space inside of values alone", () => {
    const xml = '<when condition="@{\nvar s = @"\n x";\n}">\n    <!--\nb -->\n</when>';
    expect(edited(source, "choose", (d, e) => appendChild(d, e, xml))).toContain(
      '\n      <when condition="@{\nvar s = @"\n x";\n}">\n        <!--\nb -->\n      </when>\n',
    );
  });

  it("gives an element's text back as the edits take it", () => {
    const document = parse(edited(source, "choose", (d, e) => replaceElement(d, e, limit)));
    expect(relativeSource(document, find(document, "choose"))).toBe(limit);
  });

  it("removes an attribute with the space before it", () => {
    expect(edited('<a x="1"\n  y="2" />', "a", (d, e) => removeAttribute(d, e, "y"))).toBe('<a x="1" />');
  });
});

describe("applying edits", () => {
  it("refuses overlapping ones", () => {
    const overlapping = [
      { span: { start: 0, end: 2 }, text: "" },
      { span: { start: 1, end: 3 }, text: "" },
    ];
    expect(() => applyEdits("abc", overlapping)).toThrow("overlap");
  });

  it("leaves every other byte alone and the document well-formed, for random edits of random documents", () => {
    const kinds = fc.constantFrom("set", "before", "after", "append", "prepend", "replace", "remove");
    fc.assert(
      fc.property(generatedPolicy, fc.nat(), kinds, fc.constantFrom(...expressions), (source, pick, kind, expression) => {
        const document = parse(source);
        const all = elementsOf(document);
        const element = all[pick % all.length];
        if (element === undefined || (element === document.root && ["before", "after", "replace", "remove"].includes(kind))) return;
        const xml = `<x a="${expression}">\n    <y />\n</x>`;
        const edit = {
          set: () => setAttribute(document, element, "a", expression),
          before: () => insertBefore(document, element, xml),
          after: () => insertAfter(document, element, xml),
          append: () => appendChild(document, element, xml),
          prepend: () => prependChild(document, element, xml),
          replace: () => replaceElement(document, element, xml),
          remove: () => removeElement(document, element),
        }[kind]();
        const result = applyEdits(source, [edit]);
        expect(result.startsWith(source.slice(0, edit.span.start))).toBe(true);
        expect(result.endsWith(source.slice(edit.span.end))).toBe(true);
        expect(parse(result).problems).toEqual([]);
        if (["before", "after"].includes(kind)) expect(elementsOf(parse(result))).toHaveLength(all.length + 2);
      }),
      { numRuns: 1500 },
    );
  });
});
