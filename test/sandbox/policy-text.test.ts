import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "../../src/policy/document.ts";
import { exportedPolicy, reformat, storedPolicy } from "../../src/sandbox/policy-text.ts";
import { xmlError } from "../../src/sandbox/xml.ts";
import { openSandbox } from "./client.ts";
import { fixtureNote, hasFixtures, realPolicies } from "./fixtures.ts";

describe("reformatting", () => {
  test("the exchange recorded on real traffic", () => {
    const sent =
      "<policies>\n        <inbound></inbound>\n        <backend>\n                <!-- test -->\n        </backend>\n        <outbound />\n        <on-error />\n</policies>";
    expect(reformat(sent)).toBe(
      "<policies>\r\n\t<inbound></inbound>\r\n\t<backend>\r\n\t\t<!-- test -->\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>",
    );
  });

  const rules: readonly (readonly [rule: string, before: string, after: string])[] = [
    ["elements go on lines of their own", "<a> <b/><c><d/></c> </a>", "<a>\r\n\t<b/>\r\n\t<c>\r\n\t\t<d/>\r\n\t</c>\r\n</a>"],
    ["empty lines go", "<a>\n\n\n  <b/>\n\n</a>", "<a>\r\n\t<b/>\r\n</a>"],
    ["white space alone in an element goes", "<a>\n  <b>\n  </b>\n</a>", "<a>\r\n\t<b></b>\r\n</a>"],
    ["white space around the document goes", "\uFEFF\n <a/>\n ", "<a/>"],
    ["a comment before the root has its own line", "<!-- x --><a/>", "<!-- x -->\r\n<a/>"],
    ["a comment's text keeps its indentation", "<a><!-- x\n      y --></a>", "<a>\r\n\t<!-- x\r\n      y -->\r\n</a>"],
    ["text stays as it is", "<a><b>  x  y </b></a>", "<a>\r\n\t<b>  x  y </b>\r\n</a>"],
    ["mixed content stays as it is", "<a>x <b/> y\n<c> <d/></c></a>", "<a>x <b/> y\r\n<c> <d/></c></a>"],
    ["CDATA counts as text", "<a><b> <![CDATA[x]]> </b></a>", "<a>\r\n\t<b> <![CDATA[x]]> </b>\r\n</a>"],
    ["an expression keeps its lines", "<a>\n<b>@{\n    return 1;\n  }</b></a>", "<a>\r\n\t<b>@{\r\n    return 1;\r\n  }</b>\r\n</a>"],
    ["attributes stay as they are", `<a   b = '1'\n   c="@(x == "y")"  />`, `<a   b = '1'\r\n   c="@(x == "y")"  />`],
    ["a text that is no document keeps all but its line endings", "<a>\n  <b>\r</a>", "<a>\r\n  <b>\r\n</a>"],
  ];
  test.each(rules)("%s", (_, before, after) => {
    expect(reformat(before)).toBe(after);
    expect(reformat(after)).toBe(after);
  });
});

describe("formats", () => {
  test("xml in, raw out: entities inside expressions become characters, and only there", () => {
    const stored = storedPolicy(`<a b="@(x == &quot;1&quot; &amp;&amp; y)" c="R&amp;D"><d>@(1 &lt; 2)</d></a>`, "xml");
    expect(stored).toBe(`<a b="@(x == "1" && y)" c="R&amp;D">\r\n\t<d>@(1 < 2)</d>\r\n</a>`);
    expect(exportedPolicy(stored, "rawxml")).toBe(stored);
    expect(exportedPolicy(stored, "xml")).toBe(`<a b="@(x == &quot;1&quot; &amp;&amp; y)" c="R&amp;D">\r\n\t<d>@(1 &lt; 2)</d>\r\n</a>`);
  });

  test("a C# text that looks like an entity survives the way through raw", () => {
    const xml = `<a b="@(x.Replace(&quot;&amp;quot;&quot;, &quot;&quot;))" />`;
    expect(exportedPolicy(storedPolicy(xml, "xml"), "xml")).toBe(xml);
  });

  test("raw in, raw out, over HTTP: what was read is stored again as the same bytes", async () => {
    const client = openSandbox({ seed: "demo" });
    const path = "products/aoai/policies/policy?format=rawxml";
    const { body, headers } = await client.get(path);
    const again = await client.put(path, body.properties);
    expect(again).toMatchObject({ status: 200, body: { properties: body.properties } });
    expect(again.headers.get("etag")).toBe(headers.get("etag"));
  });

  test("the answer to a write and lists are in their format, xml unless asked for another", async () => {
    const client = openSandbox({ seed: "demo" });
    const value = '<policies><inbound><base a="@("x")" /></inbound></policies>';
    const written = await client.put("policies/policy", { format: "rawxml", value });
    expect(written.body.properties).toMatchObject({ format: "rawxml", value: expect.stringContaining('"@("x")"') });
    const escaped = { format: "xml", value: expect.stringContaining('"@(&quot;x&quot;)"') };
    expect((await client.get("policies/policy")).body.properties).toMatchObject(escaped);
    expect((await client.get("policies")).body.value[0]?.properties).toMatchObject(escaped);
    expect((await client.get("policies/policy?format=rawxml-link")).status).toBe(400);
  });
});

const expression = fc.constantFrom('@(a == "b")', "@(x < 1 && y)", '@{\n\treturn "}" + 1;\n}', "@(f('\"'))");
const literal = fc.constantFrom("1", "R&amp;D", "{{name}}", " spaced ", "&quot;");
const value = fc.oneof(expression, literal);
const { node } = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("\n", "    ", "\r\n\t", "<!-- note\n   more -->", "<base />"),
    fc
      .tuple(fc.constantFrom("set-header", "choose", "value"), value, fc.array(tie("node"), { maxLength: 4 }))
      .map(([name, attribute, children]) => `<${name} x="${attribute}">${children.join("")}</${name}>`),
    value.map((text) => `<value>\n${text}\n</value>`),
    value.map((text) => `<mixed>${text} <b/></mixed>`),
  ),
}));
const document = fc.array(node, { maxLength: 5 }).map((nodes) => `<policies>${nodes.join("")}</policies>`);

const withoutSpace = (text: string): string => text.replace(/\s+/g, "");

describe("for any document", () => {
  test("reformatting twice is reformatting once, and touches nothing but white space", () => {
    fc.assert(
      fc.property(document, (source) => {
        const once = reformat(source);
        expect(reformat(once)).toBe(once);
        expect(withoutSpace(once)).toBe(withoutSpace(source));
        expect(once.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
      }),
    );
  });

  test("the xml export is well-formed, and stores as the same bytes", () => {
    fc.assert(
      fc.property(document, (source) => {
        const stored = storedPolicy(source, "rawxml");
        const exported = exportedPolicy(stored, "xml");
        expect(xmlError(exported)).toBeNull();
        expect(storedPolicy(exported, "xml")).toBe(stored);
      }),
    );
  });
});

describe.skipIf(!hasFixtures)(`real policies${fixtureNote}`, () => {
  const documents = hasFixtures ? realPolicies() : [];
  test("reformatting is idempotent and keeps everything but white space", () => {
    expect(documents.length).toBeGreaterThan(100);
    for (const [name, source] of documents) {
      const once = reformat(source);
      expect(reformat(once), name).toBe(once);
      expect(withoutSpace(once), name).toBe(withoutSpace(source.replace("\uFEFF", "")));
    }
  });

  test("the xml export of a document without problems is well-formed", () => {
    const sound = documents.filter(([, source]) => parse(source).problems.length === 0);
    expect(sound.length).toBeGreaterThan(100);
    for (const [name, source] of sound) expect(xmlError(exportedPolicy(reformat(source), "xml")), name).toBeNull();
  });
});
