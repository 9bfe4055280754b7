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
import { expressions } from "./generated-policies.ts";

const elementsOf = (document: PolicyDocument): readonly Element[] => (document.root === null ? [] : [...descendants(document.root)]);

function find(document: PolicyDocument, name: string): Element {
  const found = elementsOf(document).find((element) => element.name === name);
  if (found === undefined) throw new Error(`no <${name}>`);
  return found;
}

type MakeEdit = (document: PolicyDocument, element: Element) => Edit | readonly Edit[];

/** The source with one edit at the first element of that name. */
function edited(source: string, name: string, edit: MakeEdit): string {
  const document = parse(source);
  return applyEdits(source, [edit(document, find(document, name))].flat());
}

describe("setting an attribute", () => {
  it.each<[string, string, string, string]>([
    ["replaces a value in its quotes", "<a  x = '1'\ty=\"2\" />", "3", "<a  x = '3'\ty=\"2\" />"],
    ["adds a new one behind the others", '<a y="2" />', "3", '<a y="2" x="3" />'],
    ["adds the first one", "<a/>", "3", '<a x="3"/>'],
    ["writes an expression raw", '<a x="1"/>', '@(b == "c" && d < e)', '<a x="@(b == "c" && d < e)"/>'],
    ["escapes a literal", '<a x="1"/>', 'b & "c" <d>', '<a x="b &amp; &quot;c&quot; &lt;d>"/>'],
    ["escapes what an expression would lose by decoding", '<a x="1"/>', '@("&lt;")', '<a x="@("&amp;lt;")"/>'],
    ["escapes numbers of characters too", '<a x="1"/>', '@("&#38;&#x26;&#xAf;")', '<a x="@("&amp;#38;&amp;#x26;&amp;#xAf;")"/>'],
    ["escapes what only looks like an expression", '<a x="1"/>', '@(") + 1', '<a x="&#64;(&quot;) + 1"/>'],
  ])("%s", (_, source, value, expected) => {
    const result = edited(source, "a", (document, element) => setAttribute(document, element, "x", value));
    expect(result).toBe(expected);
    expect(attribute(find(parse(result), "a"), "x")).toBe(value);
  });

  it("leaves out the white space around an expression", () => {
    const result = edited('<a x="1"/>', "a", (document, element) => setAttribute(document, element, "x", ' @(b == "c")\n'));
    expect(result).toBe('<a x="@(b == "c")"/>');
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

  it.each<[string, string, MakeEdit, string]>([
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

  it("ends lines as the lines around it do", () => {
    const mixed = "<a>\n  <b/>\r\n  <c/>\n</a>";
    expect(edited(mixed, "b", (d, e) => insertAfter(d, e, "<x/>"))).toBe("<a>\n  <b/>\n  <x/>\r\n  <c/>\n</a>");
    expect(edited(mixed, "c", (d, e) => insertAfter(d, e, "<x/>"))).toBe("<a>\n  <b/>\r\n  <c/>\r\n  <x/>\n</a>");
    expect(edited("<a/>\r\n", "a", (d, e) => appendChild(d, e, "<x/>"))).toBe("<a>\r\n    <x/>\r\n</a>\r\n");
  });

  it("puts the first child in the place of the white space", () => {
    expect(edited("<a>\n\n</a>", "a", (d, e) => appendChild(d, e, "<x/>"))).toBe("<a>\n    <x/>\n</a>");
  });

  it("removes the last line of a text too", () => {
    expect(edited("<!-- b -->\n  <a/>", "a", removeElement)).toBe("<!-- b -->\n");
  });

  it("goes to the content of a text, not to its white space", () => {
    expect(edited("<a>\n  text\n</a>", "a", (d, e) => appendChild(d, e, "<x/>"))).toBe("<a>\n  text\n  <x/>\n</a>");
    expect(edited("<a>\n  text\n</a>", "a", (d, e) => prependChild(d, e, "<x/>"))).toBe("<a>\n  <x/>\n  text\n</a>");
  });

  it("gives a new attribute a line where the last one has one", () => {
    expect(edited('<a x="1"\r\n   y="2" />', "a", (d, e) => setAttribute(d, e, "z", "3"))).toBe('<a x="1"\r\n   y="2"\r\n   z="3" />');
  });

  it("gives an element's text back as the edits take it", () => {
    const document = parse(edited(source, "choose", (d, e) => replaceElement(d, e, limit)));
    expect(relativeSource(document, find(document, "choose"))).toBe(limit);
  });

  it("removes an attribute with the space before it", () => {
    expect(edited('<a x="1"\n  y="2" />', "a", (d, e) => removeAttribute(d, e, "y"))).toBe('<a x="1" />');
    expect(() => edited("<a />", "a", (d, e) => removeAttribute(d, e, "y"))).toThrow("'a' has no attribute 'y'");
  });
});

describe("applying edits", () => {
  it("puts an insertion before what is replaced at its place, in whichever order they come", () => {
    const edits = [
      { span: { start: 1, end: 3 }, text: "X" },
      { span: { start: 1, end: 1 }, text: "i" },
    ];
    expect(applyEdits("abcd", edits)).toBe("aiXd");
    expect(applyEdits("abcd", edits.toReversed())).toBe("aiXd");
  });

  it("refuses overlapping ones", () => {
    const overlapping = [
      { span: { start: 0, end: 2 }, text: "" },
      { span: { start: 1, end: 3 }, text: "" },
    ];
    expect(() => applyEdits("abc", overlapping)).toThrow("overlap");
  });
});
