import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attribute,
  childElements,
  descendants,
  type Element,
  namedValuesIn,
  type PolicyDocument,
  parse,
  positionAt,
  positionsIn,
  print,
  textOf,
} from "../../src/policy/document.ts";
import { generatedPolicy } from "./generated-policies.ts";
import { mutantsOf } from "./mutants.ts";
import { haveRealPolicies, realPolicies } from "./real-policies.ts";

const rootOf = (document: PolicyDocument): Element => {
  if (document.root === null) throw new Error("no root");
  return document.root;
};
const codes = (source: string): readonly string[] => parse(source).problems.map(({ code }) => code);

describe("an expression in an attribute", () => {
  const cases: readonly [string, string][] = [
    ["brackets of its own kind", "@(f(a(b)))"],
    ["a bracket in a string", '@(f(")"))'],
    ["an escaped quote in a string", '@(f("\\")"))'],
    ["a bracket character", "@(f(')'))"],
    ["an escaped apostrophe", "@(f('\\'', ')'))"],
    ["a verbatim string", '@(f(@"\\", ")"))'],
    ["a doubled quote in a verbatim string", '@(f(@"a"")b"))'],
    ["an interpolated string", '@($"{f(")")} {{)")'],
    ["a string in the hole of an interpolated string", '@($"{d["a)}"]})")'],
    ["an interpolated verbatim string", '@($@"\\{a}"")")'],
    ["the same, written the other way", '@(@$"\\{a}"")")'],
    ["a line comment", "@{ // )}\"'\n return 1; }"],
    ["a block comment", "@{ /* }\" ' */ return 1; }"],
    ["braces in an expression in brackets", "@(x => { return (1); })"],
    ["a verbatim identifier", "@(@class + $)"],
    ["quotes of the attribute and what looks like the tag's end", '@(a == "x" /> b)'],
    ["the word around it that is no bracket", "@(a < b && c > d)"],
    ["a string over several lines", '@{ return @"a\n)}\n"; }'],
    ["a named value", '@("{{name}}" + {{code}})'],
  ];
  it.each(cases)("ends behind %s", (_, expression) => {
    const source = `<a x="${expression}" y="1"><b/></a>`;
    const document = parse(source);
    expect(document.problems).toEqual([]);
    expect(attribute(rootOf(document), "x")).toBe(expression);
    expect(attribute(rootOf(document), "y")).toBe("1");
    expect(print(document)).toBe(source);
  });

  it.each(cases)("ends as text behind %s", (_, expression) => {
    const document = parse(`<a>\n  ${expression}\n</a>`);
    expect(document.problems).toEqual([]);
    expect(rootOf(document).children).toMatchObject([{ type: "text", value: { kind: "expression", text: expression } }]);
  });

  it.each(cases)("reads the same when escaped: %s", (_, expression) => {
    const escaped = expression.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const document = parse(`<a x="${escaped}"/>`);
    expect(document.problems).toEqual([]);
    expect(attribute(rootOf(document), "x")).toBe(expression);
  });

  it("reads an entity in a raw string as text where C# with it decoded would not close", () => {
    expect(attribute(rootOf(parse('<a x="@(f("a &quot; b"))"/>')), "x")).toBe('@(f("a " b"))');
  });

  it("opens only at the beginning of a value", () => {
    const document = parse('<a x="mail@(b" y=" @(c) ">me@(home</a>');
    expect(document.problems).toEqual([]);
    expect(rootOf(document).attributes.map(({ value }) => [value.kind, value.text])).toEqual([
      ["literal", "mail@(b"],
      ["expression", "@(c)"],
    ]);
  });
});

describe("what is wrong", () => {
  it.each<[string, string, readonly string[]]>([
    ["nothing", "<a/>", []],
    ["an empty text", "", ["no-root"]],
    ["a missing end tag", "<a><b></a>", ["unclosed-element"]],
    ["a stray end tag", "<a></b></a>", ["stray-close-tag"]],
    ["two roots", "<a/><b/>", ["multiple-roots"]],
    ["text before the root", "x<a/>", ["text-outside-root"]],
    ["a bare ampersand", '<a x="b & c">d & e</a>', ["bare-ampersand", "bare-ampersand"]],
    ["an unknown entity", "<a>&nbsp;</a>", ["bare-ampersand"]],
    ["a bare less-than", '<a x="1 < 2">3 < 4</a>', ["bare-less-than", "bare-less-than"]],
    ["two attributes of one name", '<a x="1" x="2"/>', ["duplicate-attribute"]],
    ["no space between attributes", '<a x="1"y="2"/>', ["missing-white-space"]],
    ["no value", "<a x/>", ["attribute-without-value"]],
    ["no quotes", "<a x=1/>", ["unquoted-value"]],
    ["a quote that is never closed", '<a x="1>\n<b y="2"/></a>', ["unterminated-value"]],
    ["an expression that is never closed", '<a x="@(f(1)"/>', ["unterminated-expression"]],
    ["a string that is never closed", '<a x="@("b)" y="1"/>', ["unterminated-expression"]],
    ["text behind an expression", '<a x="@(1))"/>', ["text-after-expression"]],
    ["two hyphens in a comment", "<a><!-- b -- c --></a>", ["double-hyphen"]],
    ["a comment that is never closed", "<a><!-- b", ["unclosed-element", "unterminated-markup"]],
    ["a document type", "<!DOCTYPE a><a/>", ["doctype"]],
    ["a declaration in the middle", '<a/><?xml version="1.0"?>', ["misplaced-declaration"]],
    ["a tag that breaks off", "<a><b </a>", ["malformed-tag", "unclosed-element"]],
    ["what no tag has", '<a "x" b="1"/>', ["malformed-tag"]],
  ])("names %s", (_, source, expected) => {
    expect(codes(source).toSorted()).toEqual(expected);
    expect(print(parse(source))).toBe(source);
  });

  it("does not hide what follows it", () => {
    const document = parse('<a><b x="@(f(" y="2"/><c z="3"></a>');
    expect(document.problems.map(({ code }) => code)).toEqual(["unterminated-expression", "unclosed-element"]);
    expect([...descendants(rootOf(document))].map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(attribute(rootOf(document), "missing")).toBeUndefined();
  });
});

describe("the tree", () => {
  const source = `<policies>\r\n\t<inbound a='1'>\r\n\t\t<value> x &amp; <![CDATA[<y>]]> </value>\r\n\t</inbound>\r\n</policies>`;
  const document = parse(source);
  const [inbound] = childElements(rootOf(document), "inbound");

  it("knows spans, parents and text", () => {
    expect(inbound).toBeDefined();
    if (inbound === undefined) return;
    expect(source.slice(inbound.openTag.start, inbound.openTag.end)).toBe("<inbound a='1'>");
    expect(inbound.parent).toBe(document.root);
    const [value] = childElements(inbound);
    expect(value && textOf(document, value)).toBe("x & <y>");
  });

  it("counts lines and columns as an editor does", () => {
    expect(positionAt(source, inbound?.span.start ?? 0)).toEqual({ line: 2, column: 2 });
    expect(positionAt("a\rb\nc\r\nd", 7)).toEqual({ line: 4, column: 1 });
    expect(positionAt("", 0)).toEqual({ line: 1, column: 1 });
  });

  it("counts lines at every offset", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\n", "\r", "a") }), (text) => {
        const position = positionsIn(text);
        for (let offset = 0; offset <= text.length; offset++) {
          const inside = text[offset - 1] === "\r" && text[offset] === "\n";
          const lines = text.slice(0, inside ? offset - 1 : offset).split(/\r\n|\n|\r/);
          expect(position(offset)).toEqual({ line: lines.length, column: (lines.at(-1) ?? "").length + (inside ? 2 : 1) });
        }
      }),
    );
  });

  it("names the named values of a text once each", () => {
    expect(namedValuesIn('@("{{a-b}}" + {{c.d}} + {{a-b}} + $"{{ x }}")')).toEqual(["a-b", "c.d"]);
  });

  it("takes any depth", () => {
    const deep = `${"<a>".repeat(50_000)}${"</a>".repeat(50_000)}`;
    const tree = parse(deep);
    expect(tree.problems).toEqual([]);
    expect(print(tree) === deep).toBe(true);
    expect([...descendants(rootOf(tree))]).toHaveLength(50_000);
  });
});

describe("print(parse(x)) is x", () => {
  // Each of these makes a scanner that looks ahead in vain read the rest of the text over and over again.
  it.each(['<x a="@{" />', `<x a="@('" />`, "<x a='@(@\"' />", "<x>@{", "<!--", "<![CDATA[", '<x a="<\n" ', "</x>", '" '])(
    "for thousands of %s",
    (piece) => {
      const hostile = `<x a="@(${piece.repeat(20_000)}`;
      expect(print(parse(hostile)) === hostile).toBe(true);
      expect(print(parse(piece.repeat(20_000))) === piece.repeat(20_000)).toBe(true);
    },
  );

  it("for generated documents, which are all well-formed", () => {
    fc.assert(
      fc.property(generatedPolicy, (source) => {
        const document = parse(source);
        expect(document.problems).toEqual([]);
        expect(print(document)).toBe(source);
      }),
      { numRuns: 500 },
    );
  });

  it("for texts made of the pieces that XML and C# are made of", () => {
    const piece = fc.constantFrom(
      "<",
      ">",
      "</",
      "/>",
      "<a",
      "</a>",
      ' x="',
      '"',
      "'",
      "@(",
      "@{",
      ")",
      "}",
      '$"',
      '@"',
      "{",
      "//",
      "/*",
      "&quot;",
      "&",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "<?",
      "?>",
      "<!D",
      "\n",
      " ",
      "a",
      "=",
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
        (source) => void expect(print(parse(source)) === source).toBe(true),
      ),
      { numRuns: 5000 },
    );
  });

  it(`for real documents${haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)"}`, { skip: !haveRealPolicies }, () => {
    for (const { file, source } of realPolicies()) expect(print(parse(source)) === source, file).toBe(true);
  });

  it(`for mutated real documents${haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)"}`, { skip: !haveRealPolicies }, () => {
    const sources = realPolicies().map(({ source }) => source);
    fc.assert(
      fc.property(mutantsOf(sources), (mutant) => void expect(print(parse(mutant)) === mutant).toBe(true)),
      { numRuns: 3000 },
    );
  });
});
