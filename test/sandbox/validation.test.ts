import { describe, expect, test } from "vitest";
import { armId } from "../../src/sandbox/world.ts";
import { type Client, messagesOf, openSandbox } from "./client.ts";

const product = "products/aoai/policies/policy";
const wrap = (inbound: string): string => `<policies>\n\t<inbound>\n\t\t${inbound}\n\t</inbound>\n</policies>`;

const put = (client: Client, path: string, value: string, format = "rawxml") => client.put(path, { format, value });

describe("policies that the service refuses", () => {
  type Row = readonly [name: string, format: string, value: string, target: string, message: string];
  const refused: readonly Row[] = [
    [
      "a backend that does not exist",
      "rawxml",
      '<policies>\n<inbound>\n<base />\n\t\t<set-backend-service id="x" backend-id="ahmsdemofunc" />\n</inbound></policies>',
      "set-backend-service",
      "Error in element 'set-backend-service' on line 4, column 4: Backend with id 'ahmsdemofunc' could not be found.",
    ],
    [
      "a backend behind a named value",
      "rawxml",
      wrap('<set-backend-service backend-id="no-{{openai-resource}}" />'),
      "set-backend-service",
      "Error in element 'set-backend-service' on line 3, column 4: Backend with id 'no-cognitiveservices.azure.com' could not be found.",
    ],
    [
      "a fragment that does not exist",
      "xml",
      wrap('<include-fragment fragment-id="TokenValidator" />'),
      "include-fragment",
      "Error in element 'include-fragment' on line 3, column 4: Policy fragment with id 'TokenValidator' could not be found.",
    ],
    [
      "a logger that does not exist",
      "xml",
      wrap('<log-to-eventhub logger-id="missing">x</log-to-eventhub>'),
      "log-to-eventhub",
      "Error in element 'log-to-eventhub' on line 3, column 4: Logger not found",
    ],
    [
      "a named value that does not exist, in a text",
      "rawxml",
      wrap("<send-request>\n<set-url>https://{{AIGUARD-CLOUD}}/x</set-url></send-request>"),
      "set-url",
      "Error in element 'set-url' on line 4, column 2: Cannot find a property 'AIGUARD-CLOUD'",
    ],
    [
      "a named value in another case",
      "rawxml",
      wrap('<llm-token-limit counter-key="x" tokens-per-minute="{{OpenAI-resource}}" />'),
      "llm-token-limit",
      "Error in element 'llm-token-limit' on line 3, column 4: Cannot find a property 'OpenAI-resource'",
    ],
    [
      "no policies element around the sections",
      "xml",
      "<inbound>\n    <cors />\n</inbound>",
      "cors",
      "Error in element 'cors' on line 2, column 6: Policy section is not allowed in the specified scope",
    ],
    [
      "an unknown section",
      "xml",
      "<policies>\n  <inbund />\n</policies>",
      "inbund",
      "Error in element 'inbund' on line 2, column 4: Policy section is not allowed in the specified scope",
    ],
    [
      "raw quotes sent as xml",
      "xml",
      wrap('<set-variable name="a" value="@(context.Variables["code"])" />'),
      "representation",
      "'code' is an unexpected token. Expecting white space. Line 3, position 54.",
    ],
    [
      "a raw && sent as xml",
      "xml",
      wrap('<choose><when condition="@(true && false)" /></choose>'),
      "representation",
      "An error occurred while parsing EntityName. Line 3, position 36.",
    ],
    ["a text", "rawxml", "no policy", "representation", "Data at the root level is invalid. Line 1, position 1."],
    ["nothing but a comment", "rawxml", "<!-- later -->", "representation", "Root element is missing. Line 1, position 15."],
    [
      "an unclosed element",
      "rawxml",
      "<policies>\n<inbound>\n</policies>",
      "representation",
      "The 'inbound' start tag on line 2 position 2 does not match the end tag of 'policies'. Line 3, position 3.",
    ],
    [
      "an unfinished expression",
      "rawxml",
      wrap('<set-variable name="a" value="@{ return 1;" />'),
      "representation",
      'An opening "{" is missing the corresponding closing "}". Line 3, position 33.',
    ],
    [
      "a bare & outside of expressions",
      "rawxml",
      wrap('<set-variable name="a" value="R&D" />'),
      "representation",
      "An error occurred while parsing EntityName. Line 3, position 35.",
    ],
  ];
  test.each(refused)("%s (%s)", async (_, format, value, target, message) => {
    const client = openSandbox({ seed: "demo" });
    const before = await client.get(product);
    const answer = await put(client, product, value, format);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toEqual({
      code: "ValidationError",
      message: "One or more fields contain incorrect values:",
      details: [{ code: "ValidationError", target, message }],
    });
    const after = await client.get(product);
    expect(after.text).toBe(before.text);
    expect(after.headers.get("etag")).toBe(before.headers.get("etag"));
  });

  test("every mistake of a document at once", async () => {
    const value = wrap('<set-backend-service backend-id="one" />\n<include-fragment fragment-id="two" />\n<base x="{{three}}" />');
    const answer = await put(openSandbox({ seed: "demo" }), product, value);
    expect(answer.body.error.details?.map(({ target }) => target)).toEqual(["set-backend-service", "include-fragment", "base"]);
  });

  test.each([
    ["xml-link", "https://example.com/policy.xml"],
    ["rawxml-link", "https://example.com/policy.xml"],
  ])("format %s is not followed", async (format, value) => {
    expect((await put(openSandbox({ seed: "demo" }), product, value, format)).status).toBe(400);
  });

  test("operation policies: a missing operation is a 400, in ARM's words", async () => {
    const answer = await put(openSandbox({ seed: "demo" }), "apis/azure-openai/operations/none/policies/policy", "<policies />");
    expect(answer.status).toBe(400);
    expect(answer.body.error).toEqual({ code: "ValidationError", message: "Entity with specified identifier not found", details: null });
  });

  test.each([
    ["StandardV2", 256, true],
    ["StandardV2", 257, false],
    ["Consumption", 16, true],
    ["Consumption", 17, false],
  ] as const)("%s, %i KiB", async (sku, kib, isAccepted) => {
    const client = openSandbox({ seed: "demo" });
    client.sandbox.world.service = { ...client.sandbox.world.service, sku: { name: sku, capacity: 1 } };
    const frame = "<policies><!----></policies>";
    const value = frame.replace("<!---->", `<!--${"ä".repeat(Math.floor((kib * 1024 - frame.length) / 2))}-->`);
    const answer = await put(client, product, value);
    expect(answer.status).toBe(isAccepted ? 200 : 400);
    if (!isAccepted) expect(messagesOf(answer)).toEqual([`Policy size exceeds allowed limit of ${sku === "Consumption" ? 16 : 256} KB`]);
  });

  const accepted = [
    ["a backend that an expression names", '<set-backend-service backend-id="@((string)context.Variables["pool"])" />'],
    ["a backend in another case", '<set-backend-service backend-id="AOAI-pool" />'],
    ["Liquid's own braces", '<set-body template="liquid">{"a": "{{body.foo}}"}</set-body>'],
    ["a named value in a comment", "<!-- {{not-there}} -->"],
    ["entities inside a raw expression", '<choose><when condition="@(a &amp;&amp; b == "c" &lt; 3)" /></choose>'],
  ] as const;
  test.each(accepted)("accepted: %s", async (_, inbound) => {
    const answer = await put(openSandbox({ seed: "demo" }), product, wrap(inbound));
    expect(answer.text).not.toContain("error");
    expect(answer.status).toBe(200);
  });
});

describe("backends that the service refuses", () => {
  const members = (count: number) => Array.from({ length: count }, () => ({ id: armId("backends/aoai-eastus") }));
  const one = members(1);
  const rule = (name: string) => ({ name, failureCondition: { count: 3, interval: "PT1M" }, tripDuration: "PT1M" });
  const refused: readonly (readonly [
    name: string,
    properties: object,
    messages: readonly (readonly [target: string, message: string])[],
  ])[] = [
    [
      "a pool with url and protocol",
      { type: "Pool", url: "http://localhost", protocol: "http", pool: { services: one } },
      [
        ["url", "Url is not supported for backend pool."],
        ["protocol", "Protocol is not supported for backend pool."],
      ],
    ],
    ["an empty pool", { type: "Pool", pool: { services: [] } }, [["pool.services", "Backend pool must have at least one backend."]]],
    ["a pool without pool", { type: "Pool" }, [["pool.services", "Backend pool must have at least one backend."]]],
    [
      "31 members",
      { type: "Pool", pool: { services: members(31) } },
      [["pool.services", "Backend pool cannot have more than 30 backends."]],
    ],
    [
      "a member that does not exist",
      { type: "Pool", pool: { services: [...one, { id: "/backends/none" }] } },
      [["pool.services", "Backend with id 'none' could not be found."]],
    ],
    ["a member without id", { type: "Pool", pool: { services: [{}] } }, [["pool.services", "Backend pool item must have an id."]]],
    [
      "priority and weight out of range",
      { type: "Pool", pool: { services: [{ id: "/backends/aoai-eastus", priority: 101, weight: 5.5 }] } },
      [
        ["pool.services.priority", "'priority' must be an integer between 0 and 100."],
        ["pool.services.weight", "'weight' must be an integer between 0 and 100."],
      ],
    ],
    [
      "two breaker rules",
      { url: "https://x.example", protocol: "http", circuitBreaker: { rules: [rule("a"), rule("b")] } },
      [["circuitBreaker.rules", "Only one circuit breaker rule is supported for a backend."]],
    ],
    [
      "a single backend without url",
      { type: "Single" },
      [
        ["url", "'url' must not be empty."],
        ["protocol", "'protocol' must not be empty."],
      ],
    ],
  ];
  test.each(refused)("%s", async (_, properties, messages) => {
    const client = openSandbox({ seed: "demo" });
    const answer = await client.put("backends/new", properties);
    expect(answer.status).toBe(400);
    expect(answer.body.error.details?.map(({ target, message }) => [target, message])).toEqual(messages);
    expect((await client.get("backends/new")).status).toBe(404);
  });

  test("thirty members at all priorities are accepted, with ids in either form", async () => {
    const services = members(30).map((member, index) => ({
      ...(index % 2 === 0 ? member : { id: "/backends/aoai-eastus" }),
      priority: index,
    }));
    expect((await openSandbox({ seed: "demo" }).put("backends/new", { type: "Pool", pool: { services } })).status).toBe(201);
  });
});

describe("bodies that are none", () => {
  test("not JSON", async () => {
    const answer = await openSandbox().send("PUT", "backends/x", "{");
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("InvalidRequestContent");
  });

  test.each(["[]", "1", "null", "{}", '{"properties":[]}', '{"properties":null}'])("%s", async (body) => {
    const answer = await openSandbox().send("PUT", "backends/x", body);
    expect(answer.status).toBe(400);
    expect(messagesOf(answer)).toEqual(["'properties' must be an object."]);
  });

  const incomplete = [
    ["subscriptions/x", {}, ["displayName", "scope"]],
    ["products/x", { displayName: "" }, ["displayName"]],
    ["apis/x", {}, ["path"]],
    ["loggers/x", {}, ["loggerType"]],
    ["diagnostics/x", {}, ["loggerId"]],
    ["policies/policy", { format: "rawxml" }, ["value"]],
  ] as const;
  test.each(incomplete)("%s without what it needs", async (path, properties, targets) => {
    const { status, body } = await openSandbox().put(path, properties);
    expect(status).toBe(400);
    expect(body.error.details?.map(({ target }) => target)).toEqual(targets);
  });
});
