import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linePosition, xmlError } from "../../src/sandbox/xml.ts";

const message = (source: string): string | null => {
  const error = xmlError(source);
  if (error === null) return null;
  const { line, position } = linePosition(source, error.offset);
  return `${error.message} Line ${line}, position ${position}.`;
};

const wellFormed = [
  "<a/>",
  "<a></a>",
  '<?xml version="1.0"?>\n<!-- c -->\n<a b="1" c=\'"\'>x &amp; y &#65; &#x41;<![CDATA[ <&> ]]><b/></a>\n<!-- end -->',
  "<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t</inbound>\r\n</policies>",
  '<when condition="@(a &amp;&amp; b == &quot;c&quot;)" />',
  '\uFEFF<a b = "1" ></a >',
  "<é:ü/>",
];
test.each(wellFormed)("well-formed: %s", (source) => expect(message(source)).toBeNull());

/** Messages of .NET's XmlReader; those marked in facts come from ARM's own answers. */
const malformed: readonly (readonly [source: string, message: string])[] = [
  ["", "Root element is missing. Line 1, position 1."],
  ["x", "Data at the root level is invalid. Line 1, position 1."],
  ["<a/>x", "Data at the root level is invalid. Line 1, position 5."],
  ["<a/><b/>", "There are multiple root elements. Line 1, position 6."],
  ["<a>", "Unexpected end of file has occurred. The following elements are not closed: a. Line 1, position 4."],
  ["<a><b>\n<c/>", "Unexpected end of file has occurred. The following elements are not closed: b, a. Line 2, position 5."],
  ["<a>\n <b>\n</a>", "The 'b' start tag on line 2 position 3 does not match the end tag of 'a'. Line 3, position 3."],
  ["</a>", "Unexpected end tag. Line 1, position 3."],
  ["<a b=1/>", "'1' is an unexpected token. The expected token is '\"' or '''. Line 1, position 6."],
  ["<a b/>", "'/' is an unexpected token. The expected token is '='. Line 1, position 5."],
  ['<a b="1"c="2"/>', "'c' is an unexpected token. Expecting white space. Line 1, position 9."],
  ['<a b="@(x["x-correlation-id"])"/>', "'x-correlation-id' is an unexpected token. Expecting white space. Line 1, position 12."],
  ['<a b="1" b="2"/>', "'b' is a duplicate attribute name. Line 1, position 10."],
  ['<a b="1', "There is an unclosed literal string. Line 1, position 8."],
  ['<a b="<"/>', "'<', hexadecimal value 0x3C, is an invalid attribute character. Line 1, position 7."],
  ["<a>x & y</a>", "An error occurred while parsing EntityName. Line 1, position 7."],
  ['<a b="x&y"/>', "An error occurred while parsing EntityName. Line 1, position 9."],
  ["<a>&nbsp;</a>", "Reference to undeclared entity 'nbsp'. Line 1, position 5."],
  ["<a>]]></a>", "']]>' is not allowed in character data. Line 1, position 4."],
  ["<a><!-- a -- b --></a>", "An XML comment cannot contain '--', and '-' cannot be the last character. Line 1, position 11."],
  ["<a><!-- a ", "Unexpected end of file while parsing Comment has occurred. Line 1, position 11."],
  ["<a><![CDATA[ ", "Unexpected end of file while parsing CDATA has occurred. Line 1, position 14."],
  ["<1a/>", "Name cannot begin with the '1' character, hexadecimal value 0x31. Line 1, position 2."],
  ["<a>< b</a>", "Name cannot begin with the ' ' character, hexadecimal value 0x20. Line 1, position 5."],
  ["<!DOCTYPE a><a/>", "For security reasons DTD is prohibited in this XML document. Line 1, position 1."],
  ["<a", "Unexpected end of file has occurred. Expecting white space. Line 1, position 3."],
  ["<a ", "Unexpected end of file has occurred. Line 1, position 4."],
];
test.each(malformed)("malformed: %s", (source, expected) => expect(message(source)).toBe(expected));

describe("any text", () => {
  const markup = fc.constantFrom(
    "<",
    ">",
    "/",
    "a",
    "b",
    " ",
    '"',
    "'",
    "=",
    "&",
    "&lt;",
    "<!--",
    "-->",
    "<a>",
    "</a>",
    "<b/>",
    "\r\n",
    "x",
    "<![CDATA[",
    "]]>",
  );
  test("an answer within the text, always", () => {
    fc.assert(
      fc.property(fc.array(markup, { maxLength: 30 }), (parts) => {
        const source = parts.join("");
        const error = xmlError(source);
        if (error !== null) expect(error.offset).toBeLessThanOrEqual(source.length + 1);
      }),
      { numRuns: 2000 },
    );
  });

  test("what is put together well is well-formed", () => {
    const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
      element: fc
        .tuple(fc.constantFrom("a", "b-c", "d.e"), fc.array(tie("content"), { maxLength: 3 }))
        .map(([name, content]) => `<${name} x="1">${content.join("")}</${name}>`),
      content: fc.oneof({ maxDepth: 3 }, fc.constantFrom("text", "&amp;", "<!-- c -->", "<e />", "\n"), tie("element")),
    }));
    fc.assert(
      fc.property(element, (source) => {
        expect(xmlError(source)).toBeNull();
      }),
    );
  });
});
