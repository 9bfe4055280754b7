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

const failure = (path: string): GatewayError => failureIn(document, path);

function failureIn(searched: PolicyDocument, path: string): GatewayError {
  try {
    select(searched, path);
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
  ["inbound/set-header[@name='a' ]  [2]", 18],
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
  ["inbound/set-header[9]", ["line 16: inbound/set-header[1]", "line 17: inbound/set-header[2]", "line 18: inbound/set-header[3]"]],
  ["policies[1]/inbound", ["line 2: inbound"]],
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
      hint: "Use the path of the one that is meant.",
      details: candidates,
    });
  });

  it.each(nowhere)("%s matches nothing: near ones are listed", (path, near) => {
    expect(failure(path)).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("matches no element"),
      hint: "Use one of the paths that come near.",
      details: near,
    });
  });

  it("names no near paths where there is no element at all", () => {
    const expected = { code: "invalid_input", hint: "get_policy shows what stands there.", details: [] };
    expect(() => select(parse("<!-- nothing -->"), "inbound")).toThrow(expect.objectContaining(expected));
  });

  it.each(noPaths)("'%s' is no path", (path) => {
    expect(failure(path)).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("is not a path"),
      hint: expect.stringContaining("Write e.g. inbound/"),
    });
  });

  it.each([
    ["", "'' is not a path."],
    ["inbound//base", "'inbound//base' is not a path, from '/base' on."],
    ["inbound/when[1][0]", "'inbound/when[1][0]' is not a path, from '[0]' on."],
    [`a${"/a".repeat(500)}`, `'a${"/a".repeat(48)}...' is not a path.`],
  ])("says from where on '%s' is no path", (path, message) => {
    expect(failure(path).message).toBe(message);
  });

  it("lists only the first of many candidates", () => {
    const detailsOf = (count: number): readonly string[] => {
      const many = parse(`<policies><inbound>${"<a />".repeat(count)}</inbound></policies>`);
      return failureIn(many, "inbound/a").details;
    };
    expect(detailsOf(8)).toHaveLength(8);
    expect(detailsOf(100)).toHaveLength(9);
    expect(detailsOf(100).at(-1)).toBe("and 92 more");
    const many = parse(`<a>${"<b />".repeat(20)}</a>`);
    expect(select(many, "b[12]")).toBe(many.root?.children[11]);
  });

  it("compares values without the white space around them", () => {
    const spaced = parse(`<a><b c=" x " /></a>`);
    expect(select(spaced, "b[@c='x']")).toBe(select(spaced, "b[@c='  x ']"));
  });

  it("takes a name that the root shares with a child for the child's", () => {
    const nested = parse("<a><a /></a>");
    expect(select(nested, "a")).toBe(nested.root?.children[0]);
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
