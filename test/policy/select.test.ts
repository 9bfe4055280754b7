import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { descendants, type PolicyDocument, parse, positionAt } from "../../src/policy/document.ts";
import { pathOf, select } from "../../src/policy/select.ts";
import { generatedPolicy } from "./generated-policies.ts";
import { haveRealPolicies, realPolicies } from "./real-policies.ts";

const document = parse(`<policies>
    <inbound>
        <base />
        <choose>
            <when condition="@(context.Product?.Id == "gold")">
                <set-backend-service backend-id="a" />
            </when>
            <when condition="@(true)">
                <set-backend-service backend-id="x" />
                <set-backend-service backend-id="y / 'z]'" />
            </when>
            <otherwise>
                <set-header name="x-team"><value>none</value></set-header>
            </otherwise>
        </choose>
        <set-header name="a" />
        <set-header name="b" exists-action="skip" />
        <set-header name="a" exists-action="append" />
    </inbound>
    <outbound />
</policies>`);

const lineOf = (path: string): number => positionAt(document.source, select(document, path).span.start).line;

function failure(path: string): GatewayError {
  try {
    select(document, path);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error(`'${path}' matches`);
}

const found: readonly (readonly [path: string, line: number])[] = [
  ["inbound/base", 3],
  ["/inbound/base", 3],
  ["policies/inbound/base", 3],
  [" inbound/base ", 3],
  ["policies", 1],
  ["outbound", 20],
  ["inbound/choose/when[2]", 8],
  ["inbound/choose[1]/when[ 2 ]/set-backend-service[1]", 9],
  ["inbound/choose/when[2]/set-backend-service[@backend-id='x']", 9],
  [`inbound/choose/when[2]/set-backend-service[@backend-id="y / 'z]'"]`, 10],
  ["inbound/choose/when/set-backend-service[@backend-id='x']", 9],
  [`inbound/choose/when[@condition='@(context.Product?.Id == "gold")']/set-backend-service`, 6],
  ["inbound/choose/otherwise/set-header/value", 13],
  ["inbound/set-header[2]", 17],
  ["inbound/set-header[@name='a'][2]", 18],
  ["inbound/set-header[@exists-action][2]", 18],
  ["inbound/set-header[@name = 'a'] [@exists-action]", 18],
];

const ambiguous: readonly (readonly [path: string, candidates: readonly string[]])[] = [
  [
    "inbound/choose/when/set-backend-service",
    [
      "line 6: inbound/choose/when[1]/set-backend-service",
      "line 9: inbound/choose/when[2]/set-backend-service[1]",
      "line 10: inbound/choose/when[2]/set-backend-service[2]",
    ],
  ],
  ["inbound/set-header[@name='a']", ["line 16: inbound/set-header[1]", "line 18: inbound/set-header[3]"]],
];

const nowhere: readonly (readonly [path: string, near: readonly string[]])[] = [
  ["inbound/otherwise", ["line 12: inbound/choose/otherwise"]],
  ["inbound/choose/wen[1]", ["line 5: inbound/choose/when[1]", "line 8: inbound/choose/when[2]"]],
  ["inbound/choose/cors", ["line 5: inbound/choose/when[1]", "line 8: inbound/choose/when[2]", "line 12: inbound/choose/otherwise"]],
  ["backend", ["line 2: inbound", "line 20: outbound"]],
  ["inbound/choose/when[3]", ["line 5: inbound/choose/when[1]", "line 8: inbound/choose/when[2]"]],
  ["inbound/base[@id]", ["line 3: inbound/base"]],
];

const noPaths = [
  "",
  " ",
  "inbound/",
  "inbound//base",
  "inbound/when[0]",
  "inbound/when[x]",
  "inbound/when[1",
  "inbound/when[@a='x]",
  "a b",
  "*",
  "../a",
  "@x",
];

describe("select", () => {
  it.each(found)("%s is on line %i", (path, line) => {
    expect(lineOf(path)).toBe(line);
  });

  it.each(ambiguous)("%s names several: all are listed", (path, candidates) => {
    expect(failure(path)).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("it must match one"),
      details: candidates,
    });
  });

  it.each(nowhere)("%s matches nothing: near ones are listed", (path, near) => {
    expect(failure(path)).toMatchObject({ code: "invalid_input", message: expect.stringContaining("matches no element"), details: near });
  });

  it.each(noPaths)("'%s' is no path", (path) => {
    expect(failure(path)).toMatchObject({ code: "invalid_input", message: expect.stringContaining("is not a path") });
  });

  it("lists only the first of many candidates", () => {
    const many = parse(`<policies><inbound>${"<a />".repeat(100)}</inbound></policies>`);
    expect(() => select(many, "inbound/a")).toThrow(expect.objectContaining({ details: expect.arrayContaining(["and 92 more"]) }));
  });

  it("takes any text as a path", () => {
    const parts = fc.constantFrom("a", "/", "[", "]", "@", "=", "'", '"', "1", " ", "inbound", "-");
    fc.assert(
      fc.property(fc.string({ unit: parts, maxLength: 2_000 }), (path) => {
        if (!/^\s*\/?inbound\s*$/.test(path)) expect(() => lineOf(path)).toThrow(GatewayError);
      }),
      { examples: [["inbound/a[".repeat(100)], [`a${"[@a='".repeat(200)}`]] },
    );
  });
});

describe("the path of an element selects it", () => {
  const selectsEach = (policy: PolicyDocument) => {
    for (const element of policy.root === null ? [] : descendants(policy.root)) expect(select(policy, pathOf(element))).toBe(element);
  };

  it("for any document", () => {
    fc.assert(fc.property(generatedPolicy, (source) => selectsEach(parse(source))));
  });

  it.skipIf(!haveRealPolicies)("for real documents (needs the collection of policies)", () => {
    for (const { source } of realPolicies()) selectsEach(parse(source));
  });
});
