import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PolicyDocument, parse } from "../../src/policy/document.ts";
import { lints } from "../../src/policy/lints/index.ts";
import { type AppliedDocument, type LintCode, type LintContext, lint, newLints } from "../../src/policy/lints/lint.ts";
import { apiPolicy, authenticationFragment, globalPolicy, productPolicy, trialPolicy } from "../../src/sandbox/seed-policies.ts";
import { generatedPolicy } from "./generated-policies.ts";
import { haveRealPolicies, realPolicies } from "./real-policies.ts";

const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";

interface Sections {
  readonly inbound?: string;
  readonly backend?: string;
  readonly outbound?: string;
  readonly onError?: string;
}

const policy = ({ inbound = "<base />", backend = "<base />", outbound = "<base />", onError = "<base />" }: Sections): string =>
  `<policies><inbound>${inbound}</inbound><backend>${backend}</backend><outbound>${outbound}</outbound><on-error>${onError}</on-error></policies>`;

const when = (condition: string, content: string): string => `<choose><when condition="${condition}">${content}</when></choose>`;
const lookup = (threshold: string, content = "<vary-by>@(context.Subscription.Id)</vary-by>"): string =>
  `<llm-semantic-cache-lookup score-threshold="${threshold}" embeddings-backend-id="e" embeddings-backend-auth="system-assigned">${content}</llm-semantic-cache-lookup>`;
const store = '<llm-semantic-cache-store duration="60" />';
const rateLimit = (key: string): string => `<rate-limit-by-key calls="1" renewal-period="60" counter-key="${key}" />`;
const tokenLimit = (attributes: string, key = "@(context.Subscription.Id)"): string =>
  `<llm-token-limit counter-key="${key}" estimate-prompt-tokens="true" ${attributes} />`;
const cached = (inbound: string, outbound = `<base />${store}`): string => policy({ inbound: `<base />${inbound}`, outbound });
const pool = '<base /><set-backend-service backend-id="Pool" />';
const retry = (attributes: string, forward = '<forward-request buffer-request-body="true" />'): string =>
  `<retry condition="@(context.Response.StatusCode == 429)" interval="0" ${attributes}>${forward}</retry>`;
const streamed = '<forward-request buffer-response="false" />';
const header = (name: string, value: string): string =>
  policy({ inbound: `<base /><set-header name="${name}"><value>${value}</value></set-header>` });

const hexKey = "0123456789abcdef0123456789abcdef";
const applied = (scope: AppliedDocument["scope"], source: string): LintContext => ({
  scope: "api",
  others: [{ title: `${scope} policy`, scope, document: parse(source) }],
});
const poolOf = (size: number): LintContext => ({ poolSizes: new Map([["POOL", size]]) });

type Case = readonly [name: string, source: string, context?: LintContext];

const cases: Readonly<Record<LintCode, { readonly fires: readonly Case[]; readonly quiet: readonly Case[] }>> = {
  "loose-cache-threshold": {
    fires: [
      ["a distance that mismatches", cached(lookup("0.3"))],
      ["a similarity", cached(lookup("0.95"))],
      ["one in a named value", cached(lookup("{{threshold}}")), { namedValues: new Map([["threshold", "0.8"]]) }],
      ["the older name", cached(lookup("0.8").replaceAll("llm-", "azure-openai-"))],
    ],
    quiet: [
      ["a strict one", cached(lookup("0.05"))],
      ["the largest that is advised", cached(lookup("0.2"))],
      ["a named value that is not known", cached(lookup("{{threshold}}"))],
      ["what is no number", cached(lookup("high"))],
    ],
  },
  "cache-without-vary-by": {
    fires: [["none", cached(lookup("0.05", ""))]],
    quiet: [["one", cached(lookup("0.05"))]],
  },
  "cache-lookup-without-store": {
    fires: [
      ["semantic", cached(lookup("0.05"), "<base />")],
      ["plain", cached('<cache-lookup vary-by-developer="true" vary-by-developer-groups="true" />', `<base />${store}`)],
    ],
    quiet: [
      ["a store", cached(lookup("0.05"))],
      ["a fragment that may store", cached(lookup("0.05"), '<include-fragment fragment-id="f" />')],
      ["a store in another document", cached(lookup("0.05"), "<base />"), applied("product", policy({ outbound: store }))],
      ["a fragment", `<fragment>${lookup("0.05")}</fragment>`],
    ],
  },
  "cache-store-without-lookup": {
    fires: [["semantic", cached("")]],
    quiet: [
      ["a lookup", cached(lookup("0.05"))],
      ["a fragment", `<fragment>${store}</fragment>`],
    ],
  },
  "no-limit-after-cache-lookup": {
    fires: [
      ["none", cached(lookup("0.05"))],
      ["one before it", cached(rateLimit("@(context.Subscription.Id)") + lookup("0.05"))],
    ],
    quiet: [
      ["a rate limit", cached(lookup("0.05") + rateLimit("@(context.Subscription.Id)"))],
      ["a token limit in a branch", cached(lookup("0.05") + when("@(true)", tokenLimit('tokens-per-minute="1"')))],
      ["what is inherited behind it", policy({ inbound: `${lookup("0.05")}<base />` })],
    ],
  },
  "cache-with-streaming": {
    fires: [["a store", policy({ backend: streamed, outbound: `<base />${store}` })]],
    quiet: [
      ["streaming for some calls", policy({ backend: when("@(true)", streamed), outbound: `<base />${store}` })],
      ["a store for some calls", policy({ backend: streamed, outbound: when("@(true)", store) })],
      ["no streaming", cached(lookup("0.05"))],
    ],
  },
  "body-with-streaming": {
    fires: [
      ["validation", policy({ backend: streamed, outbound: '<validate-content max-size="1" size-exceeded-action="ignore" />' })],
      [
        "an expression",
        policy({
          backend: streamed,
          outbound: `<set-variable name="a" value="@(context.Response.Body.As<string>(preserveContent: true))" />`,
        }),
      ],
      ["a body of one's own", policy({ backend: streamed, outbound: "<set-body>@(context.Response.Body.As<string>())</set-body>" })],
      [
        "the condition of a retry",
        policy({
          backend: `<retry condition="@(context.Response.Body.As<string>(true) == "")" count="1" interval="1">${streamed}</retry>`,
        }),
      ],
    ],
    quiet: [
      ["the body of a failure", policy({ backend: streamed, outbound: when("@(a)", "<set-body>x</set-body>") })],
      [
        "a test of the status first",
        policy({
          backend: streamed,
          outbound: '<set-variable name="a" value="@(context.Response.StatusCode > 399 ? context.Response.Body.As<string>() : "")" />',
        }),
      ],
      ["no streaming", policy({ outbound: "<set-body>x</set-body>" })],
      ["a request's body", policy({ backend: streamed, inbound: "<base /><set-body>x</set-body>" })],
    ],
  },
  "stale-pool-reason": {
    fires: [
      [
        "a retry",
        policy({
          backend:
            '<retry condition="@(!context.Response.StatusReason.Contains("Backend pool"))" count="1" interval="1"><forward-request buffer-request-body="true" /></retry>',
        }),
      ],
      ["a branch", policy({ outbound: when('@(context.Response?.StatusReason?.Contains("is temporarily unavailable") == true)', "") })],
      ["with entities", policy({ outbound: when("@(context.Response.StatusReason.Contains(&quot;Backend pool&quot;))", "") })],
    ],
    quiet: [
      ["the code", policy({ backend: retry('count="1"') })],
      ["other words", policy({ outbound: when('@(context.Response.StatusReason.Contains("Backend"))', "") })],
      ["the words elsewhere", policy({ outbound: '<set-variable name="a" value="@("Backend pool")" />' })],
    ],
  },
  "retry-without-buffered-body": {
    fires: [
      ["none", policy({ backend: retry('count="1"', "<forward-request />") })],
      ["false", policy({ backend: retry('count="1"', '<forward-request buffer-request-body="false" />') })],
      ["in a branch", policy({ backend: retry('count="1"', when("@(true)", "<forward-request />")) })],
    ],
    quiet: [
      ["true", policy({ backend: retry('count="1"') })],
      ["a named value", policy({ backend: retry('count="1"', '<forward-request buffer-request-body="{{b}}" />') })],
      ["no retry", policy({ backend: "<forward-request />" })],
    ],
  },
  "retry-beyond-pool": {
    fires: [
      ["too many", policy({ inbound: pool, backend: retry('count="2"') }), poolOf(2)],
      ["a pool of one", policy({ inbound: pool, backend: retry('count="1"') }), poolOf(1)],
    ],
    quiet: [
      ["one less than the pool has", policy({ inbound: pool, backend: retry('count="1"') }), poolOf(2)],
      ["a pool that is not known", policy({ inbound: pool, backend: retry('count="9"') })],
      ["an expression", policy({ inbound: pool, backend: retry('count="@(9)"') }), poolOf(2)],
      [
        "another backend beside it",
        policy({ inbound: `${pool}<set-backend-service backend-id="@(x)" />`, backend: retry('count="9"') }),
        poolOf(2),
      ],
      ["another call", policy({ inbound: `${pool}${retry('count="9"', "<send-request />")}` }), poolOf(2)],
    ],
  },
  "backend-without-forward": {
    fires: [
      ["an empty section", policy({ backend: "" })],
      ["an answer to some calls", policy({ inbound: when("@(true)", "<return-response />"), backend: "" })],
      ["a choice of backend only", policy({ backend: '<set-backend-service backend-id="x" />' })],
    ],
    quiet: [
      ["forwarding in a branch", policy({ backend: when("@(true)", "<forward-request />") })],
      ["what is inherited", policy({})],
      ["a fragment", policy({ backend: '<include-fragment fragment-id="f" />' })],
      ["an answer of the policy's own", policy({ inbound: "<return-response />", backend: "" })],
      ["an answer put together in outbound", policy({ backend: "", outbound: "<set-body>x</set-body>" })],
      ["no section", "<policies><inbound><base /></inbound></policies>"],
    ],
  },
  "key-in-clear": {
    fires: [
      ["a model's key", header("api-key", "not-hexadecimal-at-all")],
      ["a token", header("Authorization", "Bearer abcd.efgh")],
      ["a password", policy({ inbound: '<base /><authentication-basic username="u" password="hunter2" />' })],
      [
        "a key in a URL",
        policy({ inbound: `<base /><send-request mode="new"><set-url>https://x/?key=${hexKey}</set-url></send-request>` }),
      ],
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
  },
  "literal-counter-key": {
    fires: [["one", policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"', "openai")}` })]],
    quiet: [
      ["an expression", policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` })],
      ["a name that says so", policy({ inbound: `<base />${rateLimit("GlobalLimit")}` })],
      ["a named value", policy({ inbound: `<base />${rateLimit("{{key}}")}` })],
    ],
  },
  "shared-counter-key": {
    fires: [
      [
        "the same limit at product and API",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: tokenLimit('tokens-per-minute="9"', "@( context.Subscription.Id )") })),
      ],
    ],
    quiet: [
      [
        "another key",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: tokenLimit('tokens-per-minute="9"', "@(context.Api.Id)") })),
      ],
      [
        "another kind of limit",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: rateLimit("@(context.Subscription.Id)") })),
      ],
    ],
  },
  "quota-taken-for-rate-limit": {
    fires: [
      [
        "a test for 429",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429)", "")}`,
        }),
      ],
    ],
    quiet: [
      [
        "a test for both",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429 || context.Response.StatusCode == 403)", "")}`,
        }),
      ],
      [
        "no branch",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: '<base /><set-variable name="throttled" value="@(context.Response.StatusCode == 429)" />',
        }),
      ],
      [
        "no quota",
        policy({
          inbound: `<base />${tokenLimit('tokens-per-minute="9"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429)", "")}`,
        }),
      ],
    ],
  },
  "missing-base": {
    fires: [
      ["an API's inbound", policy({ inbound: "" }), { scope: "api" }],
      ["a scope that is not known", policy({ outbound: "" })],
      ["a product's on-error", policy({ onError: "<trace source='a' />" }), { scope: "product" }],
    ],
    quiet: [
      ["the global policy", policy({ inbound: "" }), { scope: "global" }],
      ["a base in a branch", policy({ inbound: when("@(true)", "<base />") }), { scope: "api" }],
      ["a backend section of one's own", policy({ backend: "<forward-request />" }), { scope: "api" }],
      ["what may be a global policy", policy({ inbound: "", backend: "<forward-request />", outbound: "", onError: "" })],
      ["a section that is not there", "<policies><inbound><base /></inbound></policies>", { scope: "api" }],
    ],
  },
  "global-identity": {
    fires: [["a header", policy({ inbound: '<authentication-managed-identity resource="r" />' }), { scope: "global" }]],
    quiet: [
      ["an API's", policy({ inbound: '<base /><authentication-managed-identity resource="r" />' }), { scope: "api" }],
      [
        "a variable",
        policy({ inbound: '<authentication-managed-identity resource="r" output-token-variable-name="t" />' }),
        { scope: "global" },
      ],
      [
        "another request",
        policy({ inbound: '<send-request mode="copy"><authentication-managed-identity resource="r" /></send-request>' }),
        { scope: "global" },
      ],
    ],
  },
  "url-over-backend": {
    fires: [
      [
        "a broader scope",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("global", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
    ],
    quiet: [
      [
        "a narrower scope",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("operation", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
      [
        "a document that inherits nothing",
        policy({ inbound: '<set-backend-service base-url="https://x" />', backend: "", outbound: "", onError: "" }),
        applied("global", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
      [
        "a URL there, too",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("global", policy({ inbound: '<set-backend-service base-url="https://y" />' })),
      ],
    ],
  },
};

const rows = (kind: "fires" | "quiet"): readonly [string, string, string, LintContext | undefined][] =>
  Object.entries(cases).flatMap(([code, found]) =>
    found[kind].map(([name, source, context]): [string, string, string, LintContext | undefined] => [code, name, source, context]),
  );

const codesIn = (document: PolicyDocument, context?: LintContext): readonly string[] => lint(document, context).map(({ code }) => code);

describe("lint", () => {
  it.each(rows("fires"))("%s: %s", (code, _, source, context) => {
    const document = parse(source);
    expect(document.problems).toEqual([]);
    expect(codesIn(document, context)).toContain(code);
  });

  it.each(rows("quiet"))("not %s: %s", (code, _, source, context) => {
    const document = parse(source);
    expect(document.problems).toEqual([]);
    expect(codesIn(document, context)).not.toContain(code);
  });

  it("says where, why, what to write and who says so", () => {
    const source = `<policies>\n  <inbound>\n    <base />\n    ${lookup("0.95")}${rateLimit("@(context.Subscription.Id)")}\n  </inbound>\n  <outbound><base />${store}</outbound>\n</policies>`;
    const [found, ...others] = lint(parse(source), { scope: "api" });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ severity: "warning", code: "loose-cache-threshold", line: 4, column: 6, endLine: 4 });
    expect(found?.message).toContain("similarity 0.95 is 0.05");
    expect(found?.fix).toBe('Write score-threshold="0.05".');
    expect(found?.source).toBe("https://learn.microsoft.com/azure/api-management/llm-semantic-cache-lookup-policy");
  });

  it.each(Object.values(lints).map(({ source }) => source))("has a source that can be opened: %s", (source) => {
    expect(new URL(source).protocol).toBe("https:");
  });

  it.each(rows("fires").filter(([code]) => code === "key-in-clear"))("repeats no credential: %s, %s", (_code, _name, source) => {
    const credentials = /not-hexadecimal|abcd\.efgh|hunter2|0123456789abcdef|sk-abc|abcdefgh/;
    expect(source).toMatch(credentials);
    expect(JSON.stringify(lint(parse(source)))).not.toMatch(credentials);
  });

  it("finds nothing in the policies of the demo service", () => {
    const poolSizes = new Map([["aoai-pool", 2]]);
    const other = (title: string, scope: AppliedDocument["scope"], source: string): AppliedDocument => ({
      title,
      scope,
      document: parse(source),
    });
    const global = other("global policy", "global", globalPolicy);
    const api = other("API policy", "api", apiPolicy);
    const product = other("product policy", "product", productPolicy);
    const trial = other("trial policy", "product", trialPolicy);
    const found = [
      lint(global.document, { scope: "global", poolSizes, others: [product, trial, api] }),
      lint(product.document, { scope: "product", poolSizes, others: [global, api] }),
      lint(trial.document, { scope: "product", poolSizes, others: [global, api] }),
      lint(api.document, { scope: "api", poolSizes, others: [global, product, trial] }),
      lint(parse(authenticationFragment), { scope: "fragment", poolSizes }),
    ];
    expect(found.flat()).toEqual([]);
  });

  it("takes any document, in the order of its text", () => {
    fc.assert(
      fc.property(generatedPolicy, fc.constantFrom<LintContext["scope"]>("global", "api", "fragment", undefined), (source, scope) => {
        const document = parse(source);
        const found = lint(document, {
          ...(scope === undefined ? {} : { scope }),
          ...poolOf(1),
          others: applied("product", source).others ?? [],
        });
        const places = found.map(({ line, column }) => line * 1e6 + column);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        for (const { line, column, endLine, endColumn, fix, message } of found) {
          expect(line * 1e6 + column).toBeLessThanOrEqual(endLine * 1e6 + endColumn);
          expect(fix).toBeTruthy();
          expect(message).toMatch(/\.$/);
        }
      }),
    );
  });

  it.skipIf(!haveRealPolicies)(`finds in published documents what is there, and nothing else${absent}`, () => {
    const counts: Partial<Record<LintCode, number>> = {};
    for (const { source, root } of realPolicies()) {
      for (const { code } of lint(parse(source), root === "fragment" ? { scope: "fragment" } : {})) counts[code] = (counts[code] ?? 0) + 1;
    }
    // Each of them was read; whoever makes a lint find more reads what it finds.
    expect(counts).toEqual({
      "cache-lookup-without-store": 1,
      "cache-store-without-lookup": 1,
      "literal-counter-key": 2,
      "missing-base": 8,
      "no-limit-after-cache-lookup": 1,
      "retry-without-buffered-body": 5,
      "stale-pool-reason": 1,
    });
  });

  const real = realPolicies().map(({ source }) => source);
  const sources = real.length > 0 ? real : [globalPolicy, productPolicy, apiPolicy];

  it("takes documents that were damaged", () => {
    const damage = fc.record({
      source: fc.constantFrom(...sources),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(40),
      put: fc.constantFrom("", '"', "<", ">", "{{", "@(", "</", "<base />", "&", "<!--", lookup("0.9")),
    });
    fc.assert(
      fc.property(damage, ({ source, at, length, put }) => {
        const offset = Math.floor(at * source.length);
        const document = parse(source.slice(0, offset) + put + source.slice(offset + length));
        expect(newLints(document, document, { scope: "api", ...poolOf(1) })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("newLints", () => {
  const before = cached(lookup("0.3") + rateLimit("@(context.Subscription.Id)"));

  it("are all where there was no document", () => {
    const document = parse(before);
    expect(newLints(null, document)).toEqual(lint(document));
    expect(newLints(null, document)).toHaveLength(1);
  });

  it.each<[string, string, readonly string[]]>([
    ["nothing changed", before, []],
    ["the place moved", before.replace("<inbound>", "<inbound>\n\n  "), []],
    ["the tag was written over more lines", before.replace(" embeddings-backend-id", "\n    embeddings-backend-id"), []],
    ["something else changed", before.replace('calls="1"', 'calls="2"'), []],
    ["the value became another wrong one", before.replace("0.3", "0.9"), ["loose-cache-threshold"]],
    ["the value was mended", before.replace("0.3", "0.05"), []],
    ["something else went", before.replace(store, ""), ["cache-lookup-without-store"]],
    ["the same stands there twice", before.replace(lookup("0.3"), lookup("0.3") + lookup("0.3")), ["loose-cache-threshold"]],
    ["a section was emptied", before.replace("<on-error><base /></on-error>", "<on-error />"), ["missing-base"]],
  ])("where %s", (_, after, codes) => {
    expect(newLints(parse(before), parse(after), { scope: "api" }).map(({ code }) => code)).toEqual(codes);
  });

  it("are none where an empty section is written another way", () => {
    const open = parse(before.replace("<on-error><base />", "<on-error>"));
    const closed = parse(before.replace("<on-error><base /></on-error>", "<on-error />"));
    expect(codesIn(open, { scope: "api" })).toContain("missing-base");
    expect(newLints(open, closed, { scope: "api" })).toEqual([]);
  });

  it("are keys that were not there, at their own line", () => {
    const header = (name: string): string => `<set-header name="${name}">\n<value>${name} key-of-its-own</value></set-header>`;
    const old = cached(header("Authorization"), "<base />");
    const after = cached(header("api-key") + header("Authorization"), "<base />");
    expect(newLints(parse(old), parse(after))).toEqual([expect.objectContaining({ code: "key-in-clear", line: 2 })]);
  });

  it("point at the new document", () => {
    const after = before.replace("<outbound>", `<outbound>\n${lookup("0.9")}`);
    expect(newLints(parse(before), parse(after), { scope: "api" }).map(({ line }) => line)).toContain(2);
  });
});
