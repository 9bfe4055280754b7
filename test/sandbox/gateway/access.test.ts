import { describe, expect, test } from "vitest";
import { type Answer, message, openKit } from "./kit.ts";

describe("ip-filter", () => {
  const filter = (action: string): string =>
    `<ip-filter action="${action}"><address>13.66.201.169</address><address-range from="13.66.140.128" to="13.66.140.143" /><address>2001:db8::1</address></ip-filter>`;

  test.each([
    ["allow", "13.66.201.169", null],
    ["allow", "13.66.140.128", null],
    ["allow", "13.66.140.143", null],
    ["allow", "2001:db8:0:0::1", null],
    ["allow", "13.66.140.144", "CallerIpNotAllowed"],
    ["allow", "13.66.140.127", "CallerIpNotAllowed"],
    ["forbid", "13.66.140.130", "CallerIpBlocked"],
    ["forbid", "9.9.9.9", null],
    ["allow", "not an address", "FailedToParseCallerIP"],
  ])("%s, from %s: %s (documented)", async (action, address, reason) => {
    const kit = openKit({ inbound: filter(action) });
    const answer = await kit.send({ address });
    expect(answer.status).toBe(reason === null ? 200 : 403);
    if (reason !== null) expect(message(answer)).toEqual({ statusCode: 403, message: "Forbidden" });
    expect(kit.finished[0]?.call.lastError?.reason ?? null).toBe(reason);
  });

  test("an address that is none is an error", async () => {
    const answer = await openKit({ inbound: '<ip-filter action="allow"><address>everyone</address></ip-filter>' }).send();
    expect(message(answer)).toMatchObject({ statusCode: 500, message: "'everyone' to 'everyone' is no range of IP addresses." });
  });
});

describe("check-header", () => {
  const check = (ignoresCase: boolean, values = "<value>One</value><value>Two</value>"): string =>
    `<check-header name="X-Check" failed-check-httpcode="418" failed-check-error-message="no way" ignore-case="${ignoresCase}">${values}</check-header>`;

  test.each([
    [check(false), "Two", null],
    [check(false), "two", "HeaderValueNotAllowed"],
    [check(true), "two", null],
    [check(false), undefined, "HeaderNotFound"],
    [check(false, ""), "anything", null],
  ])("%s with %s: %s (documented)", async (inbound, value, reason) => {
    const kit = openKit({ inbound });
    const answer = await kit.send(value === undefined ? {} : { headers: { "x-check": value } });
    expect(answer.status).toBe(reason === null ? 200 : 418);
    if (reason !== null) expect(message(answer)).toEqual({ statusCode: 418, message: "no way" });
    expect(kit.finished[0]?.call.lastError?.reason ?? null).toBe(reason);
  });
});

describe("cors", () => {
  const policy = (attributes = "", methods = "<method>PUT</method>"): string =>
    `<cors ${attributes}><allowed-origins><origin>https://app.example:443/</origin><origin>http://localhost:8080</origin></allowed-origins>
     <allowed-methods preflight-result-max-age="300">${methods}</allowed-methods>
     <allowed-headers><header>content-type</header><header>X-Team</header></allowed-headers>
     <expose-headers><header>x-shown</header></expose-headers></cors>`;
  const preflight = (origin: string, method = "PUT", headers = "x-team"): RequestInit => ({
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": method, "access-control-request-headers": headers },
  });
  const allows = ({ headers }: Answer): Record<string, string> =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

  test("a preflight request is answered by the policy alone, without a key (documented)", async () => {
    const kit = openKit({
      inbound: `${policy('allow-credentials="true"')}<return-response><set-status code="500" reason="x" /></return-response>`,
    });
    kit.world.put("apis/echo", { ...kit.world.get("apis/echo")?.properties, subscriptionRequired: true });
    const answer = await kit.send(preflight("https://app.example"));
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(allows(answer)).toEqual({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-team",
      "access-control-max-age": "300",
    });
    expect(kit.backend.received).toEqual([]);
  });

  test.each([
    ["another origin", preflight("https://evil.example")],
    ["a method that is not allowed", preflight("https://app.example", "POST")],
    ["a header that is not allowed", preflight("https://app.example", "PUT", "x-team, x-other")],
  ])("an empty 200 for a preflight request from %s (documented)", async (_, init) => {
    const answer = await openKit({ inbound: policy() }).send(init);
    expect([answer.status, answer.text, allows(answer)]).toEqual([200, "", {}]);
  });

  test("terminate-unmatched-request=false looks at the next policy (documented)", async () => {
    const any = "<cors><allowed-origins><origin>*</origin></allowed-origins><allowed-headers><header>*</header></allowed-headers></cors>";
    const init = preflight("https://other.example", "GET", "x-any");
    const second = await openKit({ inbound: `${policy('terminate-unmatched-request="false"')}${any}` }).send(init);
    expect(allows(second)).toMatchObject({ "access-control-allow-origin": "*", "access-control-allow-methods": "GET,POST" });
    expect(allows(await openKit({ inbound: `${policy()}${any}` }).send(init))).toEqual({});
  });

  test("without the policy there is no operation for OPTIONS, and with an OPTIONS operation it is that which runs (documented)", async () => {
    expect((await openKit().send(preflight("https://app.example"))).status).toBe(404);
    const operation = { displayName: "Own", method: "OPTIONS", urlTemplate: "/*" };
    const kit = openKit({ inbound: policy(), resources: [["apis/echo/operations/own", operation]] });
    expect((await kit.send(preflight("https://app.example"))).text).toBe("ok");
  });

  test("an allowed origin's answer says so, an error's answer too", async () => {
    const kit = openKit({ inbound: `<base />${policy()}`, outbound: "<xsl-transform />" });
    const answer = await kit.send({ headers: { origin: "http://localhost:8080" } });
    expect(answer.status).toBe(500);
    expect(allows(answer)).toEqual({ "access-control-allow-origin": "http://localhost:8080", "access-control-expose-headers": "x-shown" });
    expect(answer.headers.get("vary")).toBe("Origin");
  });

  test("what the backend says of its origins itself stays", async () => {
    const kit = openKit({ inbound: policy() });
    kit.backend.answers = [() => new Response("ok", { headers: { "access-control-allow-origin": "*" } })];
    expect(allows(await kit.send({ headers: { origin: "http://localhost:8080" } }))["access-control-allow-origin"]).toBe("*");
  });

  test.each([
    ["GET", "", 0],
    ["GET", 'terminate-unmatched-request="false"', 1],
    ["POST", "", 1],
  ])("%s from another origin, %s (documented)", async (method, attributes, forwarded) => {
    const kit = openKit({ inbound: policy(attributes) });
    const answer = await kit.send({ method, headers: { origin: "https://evil.example" } });
    expect([answer.status, allows(answer), kit.backend.received.length]).toEqual([200, {}, forwarded]);
  });

  test("a request without an origin is none of its matters", async () => {
    expect(await openKit({ inbound: policy() }).send()).toMatchObject({ status: 200, text: "ok" });
  });
});

describe("authentication to the backend", () => {
  test("managed identity: the token in Authorization, or in a variable and nowhere else (documented)", async () => {
    const policy = '<authentication-managed-identity resource="https://cognitiveservices.azure.com"';
    const kit = openKit({ inbound: `${policy} />` });
    await kit.send();
    expect(kit.backend.received[0]?.headers.get("authorization")).toMatch(/^Bearer sandbox\./);

    const own = openKit({ inbound: `${policy} output-token-variable-name="token" />` });
    await own.send({ headers: { authorization: "mine" } });
    expect(own.backend.received[0]?.headers.get("authorization")).toBe("mine");
    expect(own.finished[0]?.call.variables.get("token")).toMatch(/^sandbox\./);
  });

  test("a service without an identity: an error, unless that is ignored (documented)", async () => {
    for (const ignores of [true, false]) {
      const kit = openKit({ inbound: `<authentication-managed-identity resource="https://x" ignore-error="${ignores}" />` });
      const { identity: _, ...service } = kit.world.service;
      kit.world.service = service;
      expect((await kit.send()).status).toBe(ignores ? 200 : 500);
    }
  });

  test("basic (documented)", async () => {
    const kit = openKit({ inbound: '<authentication-basic username="test" password="pass:word" />' });
    await kit.send();
    expect(kit.backend.received[0]?.headers.get("authorization")).toBe(`Basic ${btoa("test:pass:word")}`);
  });

  test("a client certificate changes nothing that the backend sees (assumed)", async () => {
    const kit = openKit({ inbound: '<authentication-certificate thumbprint="AB" />' });
    await kit.send({ headers: { authorization: "mine" } });
    expect(kit.backend.received[0]?.headers.get("authorization")).toBe("mine");
  });
});

test("trace is recorded with its metadata; verbose by default (documented)", async () => {
  const kit = openKit({ inbound: '<trace source="Here"><message>said</message><metadata name="a" value="b" /></trace>' });
  await kit.send();
  expect(kit.finished[0]?.call.record.traces).toEqual([
    { source: "Here", severity: "verbose", message: "said", metadata: new Map([["a", "b"]]) },
  ]);
});
