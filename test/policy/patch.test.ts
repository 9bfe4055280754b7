import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { attributeNode, descendants, parse } from "../../src/policy/document.ts";
import { type PolicyEdit, patch } from "../../src/policy/patch.ts";
import { pathOf } from "../../src/policy/select.ts";
import { generatedPolicy } from "./generated-policies.ts";

const policy = `<policies>
    <inbound>
        <base />
        <llm-semantic-cache-lookup score-threshold="0.8" embeddings-backend-id='emb' />
        <choose>
            <when condition="@(a)">
                <cors />
            </when>
        </choose>
    </inbound>
    <outbound />
</policies>`;

const lookup = "inbound/llm-semantic-cache-lookup";
const changed = (from: string, to: string): string => {
  expect(policy).toContain(from);
  return policy.replace(from, () => to);
};

const table: readonly (readonly [name: string, edits: readonly PolicyEdit[], expected: string, done: readonly string[]])[] = [
  [
    "sets a number",
    [{ select: lookup, set: { "score-threshold": 0.05 } }],
    changed('"0.8"', '"0.05"'),
    [`${lookup} score-threshold 0.8 -> 0.05`],
  ],
  [
    "sets an attribute in the quotes that it has",
    [{ select: lookup, set: { "embeddings-backend-id": `it's "x" & y` } }],
    changed("'emb'", `'it&apos;s "x" &amp; y'`),
    [`${lookup} embeddings-backend-id emb -> it's "x" & y`],
  ],
  [
    "sets an expression, raw",
    [{ select: "inbound/choose/when", set: { condition: '@(context.Product?.Id == "a" && 1 < 2)' } }],
    changed('"@(a)"', '"@(context.Product?.Id == "a" && 1 < 2)"'),
    ['inbound/choose/when condition @(a) -> @(context.Product?.Id == "a" && 1 < 2)'],
  ],
  [
    "sets several, adds and removes",
    [{ select: lookup, set: { "embeddings-backend-id": null, "score-threshold": "0.1", "max-message-count": 5 } }],
    changed(`"0.8" embeddings-backend-id='emb'`, '"0.1" max-message-count="5"'),
    [`${lookup} embeddings-backend-id emb -> none`, `${lookup} score-threshold 0.8 -> 0.1`, `${lookup} max-message-count none -> 5`],
  ],
  ["leaves what already is as asked", [{ select: lookup, set: { "score-threshold": "0.8" } }], policy, []],
  [
    "inserts before",
    [{ select: lookup, insert_before: "<a>\n    <b />\n</a>" }],
    changed("        <llm", "        <a>\n            <b />\n        </a>\n        <llm"),
    [`${lookup} preceded by a`],
  ],
  [
    "inserts after, more than one",
    [{ select: "inbound/base", insert_after: "<a />\n<b />" }],
    changed("<base />\n", "<base />\n        <a />\n        <b />\n"),
    ["inbound/base followed by a, b"],
  ],
  [
    "appends",
    [{ select: "inbound/choose/when", append: " <a /> " }],
    changed("<cors />\n", "<cors />\n                <a />\n"),
    ["inbound/choose/when extended by a"],
  ],
  [
    "appends to what is empty",
    [{ select: "outbound", append: "<base />" }],
    changed("<outbound />", "<outbound>\n        <base />\n    </outbound>"),
    ["outbound extended by base"],
  ],
  [
    "appends a section",
    [{ select: "policies", append: "<on-error>\n    <base />\n</on-error>" }],
    changed("<outbound />\n", "<outbound />\n    <on-error>\n        <base />\n    </on-error>\n"),
    ["policies extended by on-error"],
  ],
  [
    "replaces",
    [{ select: "inbound/choose", replace: "<!-- none -->\n<cors />" }],
    changed(policy.slice(policy.indexOf("<choose>"), policy.indexOf("</choose>") + 9), "<!-- none -->\n        <cors />"),
    ["inbound/choose replaced by cors"],
  ],
  [
    "removes, with its line",
    [{ select: "inbound/choose/when/cors", remove: true }],
    changed("                <cors />\n", ""),
    ["inbound/choose/when/cors removed"],
  ],
  [
    "each edit sees what the ones before it left",
    [
      { select: "outbound", append: "<base />" },
      { select: "outbound/base", insert_after: "<cors />" },
      { select: "outbound/cors", set: { "allow-credentials": "true" } },
      { select: "inbound/choose", remove: true },
    ],
    `<policies>
    <inbound>
        <base />
        <llm-semantic-cache-lookup score-threshold="0.8" embeddings-backend-id='emb' />
    </inbound>
    <outbound>
        <base />
        <cors allow-credentials="true" />
    </outbound>
</policies>`,
    [
      "outbound extended by base",
      "outbound/base followed by cors",
      "outbound/cors allow-credentials none -> true",
      "inbound/choose removed",
    ],
  ],
  [
    "a long value is named by its start",
    [{ select: "inbound/choose/when", set: { condition: `@(${"a".repeat(60)})` } }],
    changed("@(a)", `@(${"a".repeat(60)})`),
    [`inbound/choose/when condition @(a) -> @(${"a".repeat(35)}...`],
  ],
  ["nothing asked, nothing done", [], policy, []],
];

const refused: readonly (readonly [name: string, edit: PolicyEdit, words: readonly RegExp[]])[] = [
  ["no operation", { select: "inbound" }, [/'inbound' has no operation/, /insert_before/]],
  ["two operations", { select: "inbound", remove: true, append: "<a />" }, [/has append and remove/]],
  ["a path that matches nothing", { select: "inbound/cors", remove: true }, [/'inbound\/cors' matches no element/]],
  [
    "an attribute that is not there to remove",
    { select: lookup, set: { "score-treshold": null } },
    [/no attribute 'score-treshold'/, /It has: score-threshold, embeddings-backend-id\.$/],
  ],
  ["a name that no attribute has", { select: lookup, set: { 'a="1" b': "2" } }, [/no attribute 'a="1" b'/]],
  ["an attribute of an element without any", { select: "inbound", set: { id: null } }, [/no attribute 'id'/, /It has none/]],
  ["no attributes", { select: "inbound", set: {} }, [/names no attribute/, /Write e\.g\. set: /]],
  ["XML that is not well-formed", { select: "inbound", append: "<a><b></a>" }, [/append of 'inbound' is not well-formed/, /'b'/]],
  ["XML that closes what it did not open", { select: "inbound", append: "</inbound><backend />" }, [/not well-formed/]],
  ["XML that breaks out of the check", { select: "inbound", append: "</edit><edit><a />" }, [/not well-formed/]],
  ["text without an element", { select: "inbound", replace: "nothing" }, [/it has no element/, /whole elements/]],
];

describe("patch", () => {
  it.each(table)("%s", (_, edits, expected, done) => {
    expect(patch(policy, edits)).toEqual({ source: expected, done });
  });

  it.each(refused)("refuses %s, and makes none of the edits", (_, edit, words) => {
    const edits = [{ select: lookup, set: { "score-threshold": "0.1" } }, edit];
    const error = failureOf(() => patch(policy, edits));
    expect(error.code).toBe("invalid_input");
    for (const word of words) expect(`${error.message} ${error.hint}`).toMatch(word);
  });

  it("names the first of an element's many attributes, and those that come near first", () => {
    const many = `<a b="" c="" d="" e="" f="" g="" max-size="" />`;
    expect(failureOf(() => patch(many, [{ select: "a", set: { "max-sise": null } }])).hint).toBe("It has: max-size, b, c, d, e.");
  });

  it("a set changes the value's bytes alone, in any document", () => {
    fc.assert(
      fc.property(generatedPolicy, fc.nat(), fc.nat(), fc.string(), (source, elementIndex, attributeIndex, value) => {
        const { root } = parse(source);
        const elements = root === null ? [] : [...descendants(root)].filter(({ attributes }) => attributes.length > 0);
        const element = elements[elementIndex % Math.max(elements.length, 1)];
        const name = element?.attributes[attributeIndex % element.attributes.length]?.name;
        if (element === undefined || name === undefined) return;
        const { start, end } = attributeNode(element, name)?.value.span ?? element.span;
        const { source: after } = patch(source, [{ select: pathOf(element), set: { [name]: value } }]);
        expect(after.slice(0, start)).toBe(source.slice(0, start));
        expect(after.slice(after.length - (source.length - end))).toBe(source.slice(end));
        expect(after.length).toBeGreaterThanOrEqual(source.length - (end - start));
      }),
    );
  });
});

function failureOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
