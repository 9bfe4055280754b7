import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keysIn, redactedAnswer, redactedText } from "../../src/gateway/keys.ts";
import { parse } from "../../src/policy/document.ts";
import { openRedaction, redactionMarkIn, shownAttribute } from "../../src/policy/redaction.ts";
import { generatedPolicy } from "./generated-policies.ts";
import { haveRealPolicies, realPolicies } from "./real-policies.ts";

const hexadecimal = "0123456789abcdef0123456789abcdef";
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl";
const storageKey = `${"Q2FuYXJ5".repeat(10)}Q2FuYQ==`;
const longKey = "aB3".repeat(28);

/** Texts with a key, and the key in them. */
const found: readonly (readonly [string, string])[] = [
  ["https://x.blob.core.windows.net/c?sv=2024&sig=ab%2Fcd3e%3D&se=1", "ab%2Fcd3e%3D"],
  ["AccountName=a;AccountKey=Abc/def+ghi==;EndpointSuffix=core", "Abc/def+ghi=="],
  ["Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=canary=", "canary="],
  ["https://f.azurewebsites.net/api/x?code=canaryCANARYcanaryCANARY", "canaryCANARYcanaryCANARY"],
  ["https://user:pa-word@host/path", "pa-word"],
  ["api-key: canary-123", "canary-123"],
  ["Ocp-Apim-Subscription-Key: canary-123", "canary-123"],
  ['{"client_secret": "canary-123"}', "canary-123"],
  ["{&quot;password&quot;:&quot;canary-123&quot;}", "canary-123"],
  [String.raw`"{\"api_key\": \"canary-123\"}"`, "canary-123"],
  ['context.Request.Headers.GetValueOrDefault("Api-Key", "") == "canary-key"', "canary-key"],
  ['context.Request.Headers["Authorization"].First()\n  != "canary-key"', "canary-key"],
  ["Headers[&quot;x-functions-key&quot;][0].Equals(&quot;canary-key&quot;)", "canary-key"],
  ["Authorization: Bearer canary.123", "canary.123"],
  ["Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "Y2FuYXJ5OmNhbmFyeQ=="],
  [`token ${jwt}.`, `${jwt}.`],
  [`the key ${storageKey}`, storageKey],
  [`the key ${longKey}`, longKey],
  ["-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nMIIEcanary\n-----END RSA PRIVATE KEY-----", "\nMIIEcanary\nMIIEcanary\n"],
  ["sk-proj-canary0canary0canary0", "sk-proj-canary0canary0canary0"],
  [`the key ${hexadecimal}`, hexadecimal],
  [`context.Subscription.Id == "x" ? "${hexadecimal}" : ""`, hexadecimal],
];

/** Texts without one. */
const quiet: readonly string[] = [
  'counter-key="@(context.Subscription.Id)" tokens-per-minute="100000"',
  "Bearer {{token}}, api-key: {{key}}, password={{password}}",
  'password="@((string)context.Variables["password"])"',
  "Bearer authentication is required; a Basic tier has no token.",
  "apis/AzureOpenAI2024/operations/ChatCompletionsCreate/policies/policy of products/Enterprise2024Tier",
  "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ApiManagement",
  "Azure correlation id: 6f9619ff-8b86-d011-b42d-00c04fc964ff, ETag AAAAAAADmlmY=",
  'Headers.GetValueOrDefault("api-key", "") == ""',
  `@(context.Subscription.Id == "${hexadecimal}")`,
  `"${hexadecimal}" == context.Product?.Id`,
  "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "chg-0123456789abcdef",
  "The secret is set in Azure: use a managed identity.",
  "<secret:credentials.header.api-key.0#5f0c1d>",
  "[redacted] and [redacted:12]",
];

describe("keys in a text", () => {
  test.for(found)("%s", ([text, key]) => {
    expect(keysIn(text).map(({ start, end }) => text.slice(start, end))).toEqual([key]);
    const shown = redactedText(text);
    expect(shown.split("\n")).toHaveLength(text.split("\n").length);
    expect(shown).not.toContain(key);
    expect(redactedText(shown)).toBe(shown);
  });

  test.for(quiet)("none: %s", (text) => {
    expect(redactedText(text)).toBe(text);
    expect(redactedAnswer(text)).toBe(text);
  });

  test("an answer keeps hexadecimal digits: ids have that form", () => {
    expect(redactedAnswer(`${hexadecimal} tpm 200 -> 100, sig=abcd`)).toBe(`${hexadecimal} tpm 200 -> 100, sig=[redacted]`);
  });

  test("a text without a digit, an equals sign, a scheme or a long word is never altered", () => {
    const words = fc.string({ unit: fc.constantFrom("a", "Key", " ", "password ", "secret", "<", ">", '"', "ä", "\n", "{{x}}", "/", "-") });
    fc.assert(fc.property(words, (text) => void expect(redactedText(text)).toBe(text)));
  });

  test("whatever stands around a key, it is gone, a second look finds no other, and no line is lost", () => {
    const around = fc.string({ unit: fc.constantFrom(" ", "\n", "\r\n", "<a>", "'", '"', ";", ",", "(", ")", "&amp;", "text ", "😀") });
    fc.assert(
      fc.property(fc.array(fc.tuple(around, fc.constantFrom(...found)), { maxLength: 5 }), around, (parts, last) => {
        const text = `${parts.map(([before, [planted]]) => `${before} ${planted} `).join("")}${last}`;
        const shown = redactedText(text);
        for (const [, [, key]] of parts) expect(shown).not.toContain(key.trim());
        expect(redactedText(shown)).toBe(shown);
        expect(lines(shown)).toBe(lines(text));
      }),
    );
  });

  test("any text comes to an end, and stays what it is at a second look", () => {
    const pieces = fc.string({
      unit: fc.constantFrom(
        "Bearer ",
        "sig=",
        "password",
        "=",
        ":",
        "aB1",
        hexadecimal,
        "eyJ",
        ".",
        "+/",
        "==",
        "://",
        "@",
        "-----BEGIN PRIVATE KEY-----",
        "[",
        "]",
      ),
      maxLength: 30,
    });
    fc.assert(
      fc.property(pieces, (text) => {
        const shown = redactedText(text);
        expect(redactedText(shown)).toBe(shown);
        expect(redactedAnswer(shown)).toBe(shown);
      }),
      { numRuns: 500 },
    );
  });

  test("does not take long over a policy of the largest size", () => {
    const hostile = [
      "a",
      "eyJ",
      "sig=",
      "://a:",
      "Bearer a.",
      "password: ",
      "a/",
      '"api-key",',
      '"api-key"].a()',
      "-----BEGIN PRIVATE KEY-----",
      '"',
      " ",
    ];
    const largest = (piece: string): string => piece.repeat(262_144 / piece.length);
    for (const piece of hostile) expect(redactedText(largest(piece)) === largest(piece), piece).toBe(true);
    expect(redactedText(largest("A1b"))).toBe("[redacted]");
  });
});

const lines = (text: string): number => text.split(/\r\n|\r|\n/).length;

const policy = (inner: string): string => `<policies>\n  <inbound>\n    <base />\n    ${inner}\n  </inbound>\n</policies>`;

/** Elements with a credential in them, and the credential. */
const credentials: readonly (readonly [string, string])[] = [
  ['<set-header name="api-key"><value>canary</value></set-header>', "canary"],
  ['<set-header name="Api-Key" exists-action="override"><value><![CDATA[canary]]></value></set-header>', "canary"],
  ['<set-header name="Ocp-Apim-Subscription-Key"><value>{{other}}</value><value> canary </value></set-header>', "canary"],
  ['<set-header name="Authorization"><value>Bearer canary</value></set-header>', "canary"],
  ['<set-header name="Authorization"><value>SharedAccessSignature sr={{uri}}&amp;canary</value></set-header>', "&amp;canary"],
  ['<set-header name="Authorization"><value>@("Bearer canary-canary")</value></set-header>', "canary-canary"],
  ['<set-header name="api-key"><value>@{ return "canary-canary"; }</value></set-header>', "canary-canary"],
  [
    '<set-header name="api-key"><value>@(context.Api.Id == "x" ? "canary-a" : (string)context.Variables["keyname-b"])</value></set-header>',
    "canary-a",
  ],
  ['<check-header name="x-api-key"><value>canary</value></check-header>', "canary"],
  ['<set-query-parameter name="subscription-key"><value>canary</value></set-query-parameter>', "canary"],
  ['<send-request mode="new"><set-header name="api-key"><value>canary</value></set-header></send-request>', "canary"],
  ['<authentication-basic username="user" password="canary" />', "canary"],
  ['<authentication-certificate body="canary" />', "canary"],
  ['<authentication-certificate body="{{pfx}}" password="canary" />', "canary"],
  ['<proxy url="http://proxy:8080" username="user" password="canary" />', "canary"],
  ['<set-variable name="openai-api-key" value="canary" />', "canary"],
  ["<validate-jwt header-name='x'><issuer-signing-keys><key id='a'>canary</key></issuer-signing-keys></validate-jwt>", "canary"],
  [`<set-variable name="x" value="${hexadecimal}" />`, hexadecimal],
  [`<set-backend-service base-url="https://f/api?code=canaryCANARYcanaryCANARY" />`, "canaryCANARYcanaryCANARY"],
  ["<!-- api-key: canary-1 -->", "canary-1"],
];

const withoutCredentials: readonly string[] = [
  '<set-header name="api-key"><value>{{openai-key}}</value></set-header>',
  '<set-header name="Authorization"><value>@("Bearer " + (string)context.Variables["msi-access-token"])</value></set-header>',
  '<set-header name="Authorization"><value>Bearer {{a}}.{{b}}</value></set-header>',
  '<set-header name="Authorization" exists-action="delete" />',
  '<set-header name="x-team"><value>growth</value></set-header>',
  '<authentication-basic username="{{user}}" password="{{password}}" />',
  '<authentication-certificate thumbprint="0123456789abcdef0123456789abcdef01234567" />',
  `<set-backend-service backend-id="${hexadecimal}" />`,
  `<include-fragment fragment-id="${hexadecimal}" />`,
  "<validate-jwt><issuer-signing-keys><key n='abc' e='AQAB' /></issuer-signing-keys></validate-jwt>",
];

describe("a policy", () => {
  test.for(credentials)("%s", ([element, key]) => {
    const source = policy(element);
    const shown = openRedaction().policy(source);
    expect(shown).toBe(source.replace(key, "[redacted:1]"));
    expect(openRedaction().policy(shown)).toBe(shown);
    expect(parse(shown).problems).toEqual(parse(source).problems);
  });

  test.for(withoutCredentials)("nothing in %s", (element) => {
    expect(openRedaction().policy(policy(element))).toBe(policy(element));
  });

  test("the same key is the same mark, another one another", () => {
    const { policy: shown } = openRedaction();
    const header = (key: string) => `<set-header name="api-key"><value>${key}</value></set-header>`;
    expect(shown(header("a") + header("b") + header("a"))).toBe(header("[redacted:1]") + header("[redacted:2]") + header("[redacted:1]"));
    expect(shown(header("b"))).toBe(header("[redacted:2]"));
  });

  test("a key over several lines leaves their breaks", () => {
    const element = (key: string) => policy(`<authentication-certificate body="${key}" />`);
    expect(openRedaction().policy(element("MII\r\nabc\ndef"))).toBe(element("[redacted:1]\r\n\n"));
  });

  test("without keys is never altered", () => {
    fc.assert(fc.property(generatedPolicy, (source) => void expect(openRedaction().policy(source)).toBe(source)));
  });

  test.skipIf(!haveRealPolicies)("of anybody's is altered only where one stands", () => {
    const altered = realPolicies().filter(({ source }) => openRedaction().policy(source) !== source);
    // It has a symmetric key for tokens in it.
    expect(altered.map(({ file }) => file)).toEqual([expect.stringMatching(/Test\.Decompiling\/TestData\/validate-jwt\.xml$/)]);
  });

  test("whatever else stands in it, planted credentials are gone, and every line keeps its number", () => {
    const planted = fc.array(fc.constantFrom(...credentials), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(generatedPolicy, planted, (around, elements) => {
        const source = around.replace("</policies>", `${elements.map(([element]) => element).join("\n")}</policies>`);
        const shown = openRedaction().policy(source);
        for (const [, key] of elements) expect(shown).not.toContain(key);
        expect(lines(shown)).toBe(lines(source));
        expect(openRedaction().policy(shown)).toBe(shown);
      }),
    );
  });

  test("that is cut off or not well-formed is redacted as far as it goes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...credentials), fc.nat({ max: 30 }), ([element, key], cut) => {
        const source = policy(element).slice(0, -cut);
        expect(openRedaction().policy(source)).not.toContain(key);
      }),
    );
  });
});

describe("other documents", () => {
  test("strings are looked into, members that are secrets whole, ids and markers not", () => {
    const marker = "<secret:credentials.header.api-key.0#5f0c1d>";
    const shown = openRedaction().properties("backends/b", {
      url: "https://f/api?code=canaryCANARYcanaryCANARY",
      title: hexadecimal,
      resourceId: `/x/${hexadecimal}`,
      description: `key ${hexadecimal}`,
      credentials: { header: { "api-key": [marker] } },
      future: { connectionString: "canary", password: "canary", accountKey: "{{key}}", count: 1 },
    });
    expect(shown).toEqual({
      url: "https://f/api?code=[redacted:1]",
      title: hexadecimal,
      resourceId: `/x/${hexadecimal}`,
      description: "key [redacted:2]",
      credentials: { header: { "api-key": [marker] } },
      future: { connectionString: "[redacted:3]", password: "[redacted:3]", accountKey: "{{key}}", count: 1 },
    });
  });

  test("a fragment's text is a policy's", () => {
    const fragment = (key: string) => `<fragment><authentication-basic username="u" password="${key}" /></fragment>`;
    expect(openRedaction().properties("policyFragments/f", { value: fragment("canary"), description: "d", format: "rawxml" })).toEqual({
      value: fragment("[redacted:1]"),
      description: "d",
      format: "rawxml",
    });
  });
});

test("a mark is found in a text that is to be written", () => {
  expect(redactionMarkIn("<value>[redacted:2]</value>")).toBe("[redacted:2]");
  expect(redactionMarkIn('Regex.Replace(body, "\\\\d+", "[redacted]")')).toBeNull();
});

test("an attribute on its own is shown as it is in its element", () => {
  const [element] = parse('<authentication-basic username="u" password="p" />').nodes;
  if (element?.type !== "element") throw new Error("no element");
  expect(shownAttribute(element, "username", "user")).toBe("user");
  expect(shownAttribute(element, "password", "hunter")).toBe("[redacted]");
  expect(shownAttribute(element, "password", "{{hunter}}")).toBe("{{hunter}}");
  expect(shownAttribute(element, "username", "sig=abcd")).toBe("sig=[redacted]");
});
