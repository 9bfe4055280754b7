import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { workspaceTables } from "../../src/sandbox/monitor/kql/tables.ts";
import type { CallFilter } from "../../src/usage/queries/calls.ts";
import { rowsQuery } from "../../src/usage/queries/counts.ts";
import { spanLiteral, textLiteral } from "../../src/usage/queries/literals.ts";
import { openKusto } from "./kusto.ts";

const judge = openKusto(workspaceTables);

const plain: CallFilter = {
  window: { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") },
  resourceId: "/subscriptions/x",
  apiId: "openai",
  subscriptions: ["growth"],
  interval: "PT5M",
};
const usual = judge(rowsQuery(plain, ["subscription"], 5).kql);

/** Every text of a call that reaches a query. */
const places: readonly (readonly [string, (text: string) => CallFilter])[] = [
  ["the service's id", (text) => ({ ...plain, resourceId: text })],
  ["an API's id", (text) => ({ ...plain, apiId: text })],
  ["a subscription's id", (text) => ({ ...plain, subscriptions: [text] })],
];

const attacks = [
  `x" or 1 == 1 //`,
  `x' or 1 == 1`,
  `\\" | take 1`,
  `x\\`,
  `\\\\" ; ApiManagementGatewayLlmLog`,
  `x"; .drop table ApiManagementGatewayLogs`,
  `") | union AppRequests | where ("" == "`,
  "```",
  '@"x',
  "{{x}}",
  "$calls $& $1",
  "\u2028| take 1",
  "\u202etxet",
  "Zürich-😀",
  "\ud800",
];

describe.each(places)("as %s", (_, filterWith) => {
  test.each(attacks)("%j stays within its literal", (text) => {
    const { problems, code, texts } = judge(rowsQuery(filterWith(text), ["subscription"], 5).kql);
    expect(problems).toEqual([]);
    expect(code).toEqual(usual.code);
    expect(texts).toHaveLength(usual.texts.length);
    expect(
      texts.some(
        (literal) => JSON.parse(literal.startsWith("@") ? `"${literal.slice(2, -1).replaceAll("\\", "\\\\")}"` : literal) === text,
      ),
    ).toBe(true);
  });

  test.each(["a\nb", "a\rb", "a\tb", "a\u0000b", "a\u007fb", "x".repeat(401)])("%j is refused", (text) => {
    expect(() => rowsQuery(filterWith(text), ["subscription"], 5)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});

test("for any text the query is the same but for one literal, which holds the text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.stringMatching(/^["\\;|\n'`/@.(){}\u2028-]{0,20}$/),
      ),
      (text) => {
        let literal: string;
        try {
          literal = textLiteral(text);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
          expect(text).toMatch(/[\u0000-\u001f\u007f]/);
          return;
        }
        expect(literal).toMatch(/^"[\x20-\x7e]*"$/);
        const { code, texts, problems } = judge(`print Text = ${literal}`);
        expect([problems, code, texts]).toEqual([[], ["print", "Text", "=", ""], [literal]]);
        expect(JSON.parse(literal)).toBe(text);
      },
    ),
    { numRuns: 300 },
  );
});

test("an interval is one of the known ones", () => {
  expect(spanLiteral("PT5M")).toBe("5m");
  expect(() => spanLiteral("5m | take 1")).toThrow(GatewayError);
});
