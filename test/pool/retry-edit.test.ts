import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { withPolicies } from "../../src/gateway/inventory.ts";
import { parse } from "../../src/policy/document.ts";
import type { RetryInput } from "../../src/pool/request.ts";
import { editRetry, retryCondition } from "../../src/pool/retry-edit.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { api, csharp, expectFailure } from "./planning.ts";
import { inventoryOf, type Parts, policy } from "./service.ts";

const globally = "policies/policy";
const product = "products/gold/policies/policy";
const codes = { status_codes: ["429"] };
const on429 = "@(context.Response != null && (context.Response.StatusCode == 429))";
const opening = (count: number | string, condition = on429) =>
  `<retry condition="${condition}" count="${count}" interval="0" first-fast-retry="true">`;
const call = '<forward-request buffer-request-body="true" />';
/** A backend section whose call is retried, as a document at 4 spaces a level has it. */
const retried = (count: number, inner = call, condition = on429) => `${opening(count, condition)}\n            ${inner}\n        </retry>`;

function edited(parts: Parts, retry: RetryInput | null): string | null {
  const { document } = editRetry(inventoryOf(parts), "chat", retry);
  const { value } = document?.after ?? {};
  return typeof value === "string" ? value : null;
}

test.each([
  [["429"], "context.Response != null && (context.Response.StatusCode == 429)"],
  [["400-499"], "context.Response != null && ((context.Response.StatusCode >= 400 && context.Response.StatusCode <= 499))"],
  [["429", "500-599"], "context.Response == null || context.Response.StatusCode == 429 || context.Response.StatusCode >= 500"],
  [["500-503"], "context.Response == null || (context.Response.StatusCode >= 500 && context.Response.StatusCode <= 503)"],
  [["599"], "context.Response == null || context.Response.StatusCode == 599"],
])("retryCondition of %s", (given, condition) => {
  expect(retryCondition(given)).toBe(`@(${condition})`);
});

describe("editRetry", () => {
  test.each<[string, Parts, RetryInput | null, string | null]>([
    [
      "brings the inherited call into the API's section",
      { policies: { [api]: policy("<base />") } },
      { count: 3, ...codes },
      policy("<base />", retried(3)),
    ],
    [
      "with the attributes that the inherited call has",
      { policies: { [api]: policy("<base />"), [globally]: policy("", '<forward-request timeout="60" />') } },
      { count: 3, ...codes },
      policy("<base />", retried(3, '<forward-request timeout="60" buffer-request-body="true" />')),
    ],
    [
      "copies an inherited retry and edits the copy",
      {
        policies: {
          [api]: policy("<base />"),
          [globally]: policy("", '<retry condition="@(true)" count="9" interval="5"><forward-request /></retry>'),
        },
      },
      codes,
      policy("<base />", `<retry condition="${on429}" count="9" interval="5">${call}</retry>`),
    ],
    [
      "leaves an inherited retry that is as asked",
      {
        policies: {
          [api]: policy("<base />"),
          [globally]: policy("", `<retry condition="${on429}" count="2" interval="5">${call}</retry>`),
        },
      },
      { count: 2, ...codes },
      null,
    ],
    [
      "wraps the API's own call",
      { policies: { [api]: policy("", '<forward-request timeout="9" />') } },
      { count: 1, ...codes },
      policy("", retried(1, '<forward-request timeout="9" buffer-request-body="true" />')),
    ],
    [
      "gives defaults to a new retry",
      { policies: { [api]: policy("", call) } },
      {},
      policy("", retried(2, call, retryCondition(["429", "500-599"]))),
    ],
    [
      "edits a retry in place, and keeps what else it says",
      {
        policies: {
          [api]: policy(
            "",
            `<retry condition="@(old)" count="9" interval="5" delta="2"><!-- why --><set-backend-service backend-id="x" /><forward-request /></retry>`,
          ),
        },
      },
      { count: 4, ...codes },
      policy(
        "",
        `<retry condition="${on429}" count="4" interval="5" delta="2"><!-- why --><set-backend-service backend-id="x" />${call}</retry>`,
      ),
    ],
    [
      "keeps the condition where the call gives no codes",
      { policies: { [api]: policy("", `<retry condition="@(own)" count="9" interval="5">${call}</retry>`) } },
      { count: 1 },
      policy("", `<retry condition="@(own)" count="1" interval="5">${call}</retry>`),
    ],
    [
      "takes an escaped condition for the same",
      { policies: { [api]: policy("", `<retry condition="${on429.replaceAll("&", "&amp;")}" count="2" interval="0">${call}</retry>`) } },
      { count: 2, ...codes },
      null,
    ],
    [
      "adds a missing backend section behind inbound",
      { policies: { [api]: "<policies>\n    <inbound />\n    <outbound />\n</policies>" } },
      { count: 1, ...codes },
      `<policies>\n    <inbound />\n    <backend>\n        ${retried(1)}\n    </backend>\n    <outbound />\n</policies>`,
    ],
    ["writes a document where the API has none", {}, { count: 1, ...codes }, policy("<base />", retried(1))],
    [
      "takes a retry away",
      { policies: { [api]: policy("", `<retry condition="@(x)" count="1" interval="0">\n            ${call}\n        </retry>`) } },
      null,
      policy("", call),
    ],
    ["has nothing to take away", { policies: { [api]: policy("", call) } }, null, null],
    ["has nothing to take away from what is inherited", { policies: { [api]: policy(""), [globally]: policy("", call) } }, null, null],
    ["has nothing to take away without a policy", {}, null, null],
  ])("%s", (_, parts, retry, expected) => {
    expect(edited(parts, retry)).toBe(expected);
  });

  test("keeps tabs and line endings", () => {
    const source = policy("<base />").replaceAll("    ", "\t").replaceAll("\n", "\r\n");
    expect(edited({ policies: { [api]: source } }, { count: 1, ...codes })).toBe(
      policy("<base />", retried(1)).replaceAll("    ", "\t").replaceAll("\n", "\r\n"),
    );
  });

  test("writes the API's document alone, under its ETag", () => {
    const inventory = inventoryOf({ policies: { [api]: policy("<base />"), [globally]: policy("", "<forward-request />") } });
    const { document } = editRetry(inventory, "chat", { count: 1 });
    expect([document?.id, document?.before]).toEqual([api, inventory.policies.get(api)]);
    expect(editRetry(inventoryOf({}), "chat", { count: 1 }).document).toMatchObject({ id: api, before: null, after: { format: "rawxml" } });
  });

  test("says which operations call the backend by themselves", () => {
    const operation = (id: string) => `apis/chat/operations/${id}/policies/policy`;
    const policies = {
      [api]: policy("<base />"),
      [operation("own")]: policy("<base />", "<forward-request />"),
      [operation("heir")]: policy("<base />"),
    };
    expect(editRetry(inventoryOf({ policies }), "chat", { count: 1 }).warnings).toEqual([expect.stringContaining("'own'")]);
  });

  test.each<[string, Parts, RetryInput | null, string]>([
    [
      "two calls",
      {
        policies: {
          [api]: policy("", "<choose><when condition='@(a)'><forward-request /></when><otherwise><forward-request /></otherwise></choose>"),
        },
      },
      {},
      "several places",
    ],
    [
      "a call in a fragment",
      { policies: { [api]: policy("", '<include-fragment fragment-id="f" />') }, fragments: { f: `<fragment>${call}</fragment>` } },
      {},
      "fragment",
    ],
    ["no call", { policies: { [api]: policy("", "<mock-response />") } }, {}, "not at all"],
    [
      "more in the inherited section",
      { policies: { [api]: policy("<base />"), [globally]: policy("", `<set-variable name="a" value="b" />${call}`) } },
      {},
      "global policy does more",
    ],
    [
      "a product's own section",
      { products: { gold: ["chat"] }, policies: { [api]: policy("<base />"), [globally]: policy("", call), [product]: policy("", call) } },
      {},
      "product 'gold' policy",
    ],
    [
      "an inherited retry to take away",
      { policies: { [api]: policy("<base />"), [globally]: policy("", `<retry condition="@(a)" count="1" interval="0">${call}</retry>`) } },
      null,
      "global policy",
    ],
    [
      "a retry of more than the call to take away",
      { policies: { [api]: policy("", `<retry condition="@(a)" count="1" interval="0"><trace source="a" />${call}</retry>`) } },
      null,
      "holds more",
    ],
    ["a document of another kind", { policies: { [api]: "<fragment />" } }, {}, "<policies>"],
  ])("unsupported: %s", (_, parts, retry, text) => {
    expectFailure(() => edited(parts, retry), "unsupported", text, "apply_policy");
  });
});

const fixtures = new URL("../../../shared/fixtures/policies/", import.meta.url);
const real = existsSync(new URL("index.csv", fixtures))
  ? readFileSync(new URL("index.csv", fixtures), "utf8")
      .split("\n")
      .slice(1)
      .map((row) => row.split(",")[2] ?? "")
      .filter((file) => file.endsWith(".xml"))
  : [];

describe.skipIf(real.length === 0)(`real policies${real.length === 0 ? " (skipped: no ../shared/fixtures/policies)" : ""}`, () => {
  test("are retried once, or refused with the reason, and the routes stay", () => {
    const outcomes = { edited: 0, refused: 0 };
    for (const file of real) {
      const source = readFileSync(new URL(file, fixtures), "utf8");
      if (parse(source).root?.name !== "policies") continue;
      const inventory = inventoryOf({ policies: { [api]: source, [globally]: policy("", "<forward-request />") } });
      try {
        const { document } = editRetry(inventory, "chat", { count: 1, status_codes: ["418"] });
        const next = withPolicies(inventory, [{ id: api, etag: "next", properties: document?.after ?? {} }]);
        expect(editRetry(next, "chat", { count: 1, status_codes: ["418"] }).document, file).toBeNull();
        expect(resolveRoutes(next, csharp, "chat").retry?.condition, file).toContain("418");
        const targets = (of: typeof next) =>
          resolveRoutes(of, csharp, "chat").routes.map(({ kind, backendId, url, certainty }) => [kind, backendId, url, certainty]);
        expect(targets(next), file).toEqual(targets(inventory));
        expect(parse(String(document?.after?.value)).problems.length, file).toBe(parse(source).problems.length);
        outcomes.edited++;
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== "unsupported") throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.edited).toBeGreaterThan(20 * outcomes.refused);
  });
});
