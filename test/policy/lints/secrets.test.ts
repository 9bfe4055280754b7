import { describe, expect, it } from "vitest";
import { parse } from "../../../src/policy/document.ts";
import { lint } from "../../../src/policy/lints/lint.ts";
import * as secrets from "../../../src/policy/lints/secrets.ts";
import { type LintCases, policy, testLints } from "./kit.ts";

const header = (name: string, value: string): string =>
  policy({ inbound: `<base /><set-header name="${name}"><value>${value}</value></set-header>` });
const hexKey = "0123456789abcdef0123456789abcdef";

const cases: LintCases = {
  fires: [
    ["a model's key", header("api-key", "not-hexadecimal-at-all")],
    ["a token", header("Authorization", "Bearer abcd.efgh")],
    ["a password", policy({ inbound: '<base /><authentication-basic username="u" password="hunter2" />' })],
    ["a key in a URL", policy({ inbound: `<base /><send-request mode="new"><set-url>https://x/?key=${hexKey}</set-url></send-request>` })],
    ["a key in an expression", policy({ inbound: '<base /><set-variable name="k" value="@("sk-" + "sk-abcdefghijklmnopqrstuvwx")" />' })],
    [
      "a query parameter",
      policy({ inbound: '<base /><set-query-parameter name="subscription-key"><value>abcdefgh</value></set-query-parameter>' }),
    ],
  ],
  quiet: [
    ["a named value", header("api-key", "{{key}}")],
    ["an expression", header("Authorization", '@("Bearer " + (string)context.Variables["token"])')],
    ["a scheme with a named value", header("Authorization", "Bearer {{token}}")],
    ["a placeholder", header("api-key", "{api-key}")],
    ["words for a placeholder", header("api-key", "your key")],
    ["another header", header("x-team", "growth-team")],
    ["a removal", policy({ inbound: '<base /><set-header name="api-key" exists-action="delete" />' })],
    ["an id", policy({ inbound: `<base /><authentication-managed-identity resource="https://r" client-id="${hexKey}" />` })],
    [
      "an id in a text",
      policy({
        inbound: `<base /><validate-azure-ad-token tenant-id="t"><client-application-ids><application-id>${hexKey}</application-id></client-application-ids></validate-azure-ad-token>`,
      }),
    ],
    ["digits alone", header("x-a", "01234567890123456789012345678901")],
  ],
};

testLints(secrets, { "key-in-clear": cases });

describe("what is found", () => {
  it.each(cases.fires.map(([name, source]) => [name, source] as const))("repeats no credential: %s", (_, source) => {
    const credentials = /not-hexadecimal|abcd\.efgh|hunter2|0123456789abcdef|sk-abc|abcdefgh/;
    expect(source).toMatch(credentials);
    expect(JSON.stringify(lint(parse(source)))).not.toMatch(credentials);
  });
});
