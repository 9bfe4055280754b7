import { expect, it } from "vitest";
import { parse } from "../../src/policy/document.ts";
import { effective } from "../../src/policy/effective.ts";
import { effectiveOutline, outline } from "../../src/policy/outline.ts";
import { fragment, inbound, textsOf } from "./gateway-texts.ts";

it("a document: sections and policies by line, under the names that paths take, their content in short", () => {
  const xml = `<policies>
  <!-- <cors /> -->
  <inbound>
    <base />
    <set-header name="x" exists-action="override"><value>@(1)</value><value>two</value></set-header>
    <set-header name="y" exists-action="delete" />
    <set-body template="liquid">{ "a":
      "${"b".repeat(100)}" }</set-body>
    <choose><when condition="@(a)"><llm-token-limit tokens-per-minute="{{tpm}}" remaining-tokens-header-name="left" /></when><otherwise /></choose>
    <llm-emit-token-metric><dimension name="a" /><dimension name="b" /></llm-emit-token-metric>
    <validate-jwt header-name="Authorization"><openid-config url="u" /><audiences><audience>a</audience></audiences></validate-jwt>
  </inbound>
  <outbound />
</policies>`;
  expect(outline(parse(xml))).toEqual([
    "3 inbound",
    "  4 base",
    '  5 set-header[1] name="x" exists-action="override": @(1), two',
    '  6 set-header[2] name="y" exists-action="delete"',
    `  7 set-body template="liquid": { "a": "${"b".repeat(49)}...`,
    "  9 choose",
    '    9 when condition="@(a)"',
    '      9 llm-token-limit tokens-per-minute="{{tpm}}"',
    "    9 otherwise",
    "  10 llm-emit-token-metric (2 dimension)",
    '  11 validate-jwt header-name="Authorization" (openid-config, audiences)',
    "13 outbound",
  ]);
});

it("a fragment, and a text that is none", () => {
  expect(outline(parse(fragment("<base />", '<set-header name="x"><value>1</value></set-header>')))).toEqual([
    "2 base",
    '3 set-header name="x": 1',
  ]);
  expect(outline(parse("no XML"))).toEqual([]);
});

it("policies in effect: under section and document, with where fragments are included, and conditions", () => {
  const texts = textsOf({
    policies: {
      "policies/policy": "<policies>\n<inbound>\n<g />\n</inbound>\n<backend>\n<forward-request />\n</backend>\n</policies>",
      "products/gold/policies/policy": inbound(
        '<include-fragment fragment-id="limits" />',
        "<base />",
        '<choose><when condition="@(a || b)"><choose><when condition="@(c)"><p /></when></choose></when></choose>',
      ),
      "apis/chat/policies/policy":
        '<policies>\n<backend>\n<retry count="2"><base /></retry>\n</backend>\n<outbound>\n<a />\n</outbound>\n</policies>',
    },
    fragments: { limits: fragment('<rate-limit calls="{{calls}}" />') },
    namedValues: { calls: "20" },
  });
  const { elements } = effective(texts, { apiId: "chat", operationId: null, productId: "gold" });
  expect(effectiveOutline(elements)).toEqual([
    "inbound",
    "  policyFragments/limits (included at products/gold/policies/policy:3)",
    '    2 rate-limit calls="20"',
    "  policies/policy (global)",
    "    3 g",
    "  products/gold/policies/policy",
    "    5 p if (a || b) and c",
    "backend",
    "  apis/chat/policies/policy",
    '    3 retry count="2"',
    "  policies/policy (global)",
    "      6 forward-request",
    "outbound",
    "  apis/chat/policies/policy",
    "    6 a",
  ]);
});

it("takes policies nested as deeply, and conditions as long, as anyone may write them", () => {
  const deep = inbound("<wait>".repeat(20_000), "</wait>".repeat(20_000));
  expect(outline(parse(deep))).toHaveLength(20_001);
  const long = inbound(`<choose><when condition="@(${"a".repeat(100_000)})">${"<x />".repeat(10_000)}</when></choose>`);
  const { elements } = effective(textsOf({ policies: { "policies/policy": long } }), { apiId: null, operationId: null, productId: null });
  const rows = effectiveOutline(elements);
  expect(rows).toHaveLength(10_002);
  expect(Math.max(...rows.map(({ length }) => length))).toBeLessThan(300);
});
