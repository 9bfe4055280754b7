import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical } from "../../src/policy/canonical.ts";
import { descendants, parse } from "../../src/policy/document.ts";
import { generatedPolicy } from "./generated-policies.ts";

describe("canonical", () => {
  it.each([
    ["line endings", "<a>\n<b/>\n</a>", "<a>\r\n<b/>\r\n</a>"],
    ["indentation", "<a>\n  <b/>\n</a>\n", "<a><b/></a>"],
    ["the spelling of tags", "<a><b x='1'   /></a>", '<a ><b x="1"></b></a >'],
    ["entities", '<a x="@(&quot;b&quot; &lt; &#99;)">&#62;</a>', '<a x="@("b" < c)">></a>'],
    ["the XML declaration", '<?xml version="1.0"?><a/>', "<a/>"],
    ["line endings in an expression", '<a x="@{\n}"/>', '<a x="@{\r\n}"/>'],
  ])("is blind to %s", (_, one, other) => {
    expect(canonical(one)).toBe(canonical(other));
  });

  it.each([
    ["an attribute's value", '<a x="1"/>', '<a x="2"/>'],
    ["the order of attributes", '<a x="1" y="2"/>', '<a y="2" x="1"/>'],
    ["comments", "<a/>", "<a><!-- x --></a>"],
    ["nesting", "<a><b/><c/></a>", "<a><b><c/></b></a>"],
    ["text", "<a> x</a>", "<a>x</a>"],
    ["a quote in a value", '<a x="1&quot; y=&quot;2"/>', '<a x="1" y="2"/>'],
    ["markup in a text", "<a>&lt;b/&gt;</a>", "<a><b/></a>"],
    ["white space in a text that is not well-formed", "<a> <b></a>", "<a><b></a>"],
  ])("sees %s", (_, one, other) => {
    expect(canonical(one)).not.toBe(canonical(other));
  });

  it("holds for any document and any indentation of it", () => {
    fc.assert(
      fc.property(generatedPolicy, fc.constantFrom("\n", "\r\n\t", "   "), (source, space) => {
        const blank = parse(source).root;
        const texts = blank === null ? [] : [...descendants(blank)].flatMap(({ children }) => children);
        let result = source;
        for (const { type, span } of texts.toSorted((a, b) => b.span.start - a.span.start)) {
          const isBlank = type === "text" && source.slice(span.start, span.end).trim() === "";
          if (isBlank) result = result.slice(0, span.start) + space + result.slice(span.end);
        }
        expect(canonical(result)).toBe(canonical(source));
      }),
    );
  });
});
