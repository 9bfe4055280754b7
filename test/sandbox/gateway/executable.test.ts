import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../../src/grammar.ts";
import { notExecutable } from "../../../src/sandbox/gateway/executable.ts";
import { fixtureNote, hasFixtures, realPolicies } from "../fixtures.ts";

const csharp = await loadGrammar();
const find = (text: string) => notExecutable([{ name: "p", text }], csharp).map(({ what, line }) => `${line} ${what}`);
const inbound = (text: string): string => `<policies>\n<inbound>\n${text}\n</inbound>\n</policies>`;

describe("notExecutable", () => {
  test.each([
    [
      "what is executed",
      '<base /><choose><when condition="true"><set-header name="a"><value>1</value></set-header></when><otherwise /></choose>',
      [],
    ],
    ["an unknown policy", "<xsl-transform />", ["3 xsl-transform"]],
    ["one in a branch", '<choose><when condition="true">\n<json-to-xml /></when></choose>', ["4 json-to-xml"]],
    ["one in a retry", '<retry condition="true" count="1" interval="1"><jsonp /></retry>', ["3 jsonp"]],
    ["Liquid", '<set-body template="liquid">{{body.a}}</set-body>', ['3 set-body template="liquid"']],
    [
      "Liquid in a request",
      '<send-request><set-body template="liquid">{{body.a}}</set-body></send-request>',
      ['3 set-body template="liquid"'],
    ],
    ["a proxy", '<send-request><set-url>u</set-url><proxy url="u" /></send-request>', ["3 proxy in send-request"]],
    ["Service Fabric", '<set-backend-service backend-id="b" sf-listener-name="x" />', ["3 set-backend-service sf-listener-name"]],
    [
      "certificates of tokens",
      '<validate-jwt><issuer-signing-keys><key certificate-id="c" /></issuer-signing-keys></validate-jwt>',
      ["3 key in validate-jwt"],
    ],
    ["encrypted tokens", "<validate-jwt><decryption-keys /></validate-jwt>", ["3 decryption-keys in validate-jwt"]],
    [
      "parameters of a policy are no policies",
      "<validate-jwt><audiences><audience>a</audience></audiences></validate-jwt><cors><allowed-origins /></cors>",
      [],
    ],
  ])("%s", (_, text, found) => {
    expect(find(inbound(text))).toEqual(found);
    expect(find(`<fragment>\n\n${text.replaceAll("<base />", "")}\n</fragment>`)).toEqual(found);
  });

  test("an expression that the sandbox cannot evaluate is named with its line", () => {
    const found = find(
      inbound('<set-variable name="a" value="@(1)" />\n<set-variable name="b" value="@(new System.Diagnostics.Process())" />'),
    );
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((line) => line.startsWith("4 "))).toBe(true);
  });

  test.skipIf(!hasFixtures)(`nine of ten real documents with AI policies are executable${fixtureNote}`, () => {
    const documents = realPolicies().filter(([, text]) => /<(?:llm|azure-openai)-/.test(text));
    const executable = documents.filter(([name, text]) => notExecutable([{ name, text }], csharp).length === 0);
    expect(executable.length / documents.length).toBeGreaterThanOrEqual(0.9);
  });
});
