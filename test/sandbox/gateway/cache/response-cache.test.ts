import { describe, expect, test } from "vitest";
import { type Kit, type KitOptions, openKit, subscription } from "../kit.ts";

const lookup = (children = "", attributes = ""): string =>
  `<cache-lookup vary-by-developer="false" vary-by-developer-groups="false" ${attributes}>${children}</cache-lookup>`;
const store = '<cache-store duration="60" />';

/** A gateway whose backend numbers its answers. */
function open(options: KitOptions = {}): Kit {
  const kit = openKit({ inbound: lookup(), outbound: store, ...options });
  kit.backend.answers = Array.from({ length: 20 }, (_, index) => () => new Response(String(index), { headers: { "x-kept": "1" } }));
  return kit;
}

describe("cache-lookup and cache-store", () => {
  test("an answer is kept for its duration, with status and headers, and the backend is not asked", async () => {
    const { send, clock, finished } = open();
    expect([(await send()).text, (await send()).text]).toEqual(["0", "0"]);
    expect((await send()).headers.get("x-kept")).toBe("1");
    expect(finished.map(({ call }) => call.record.cache)).toEqual(["miss", "hit", "hit"]);
    await clock.advance(59_999);
    expect((await send()).text).toBe("0");
    await clock.advance(1);
    expect((await send()).text).toBe("1");
  });

  test.each<[what: string, first: Parameters<Kit["send"]>[0], second: Parameters<Kit["send"]>[0], hit: boolean]>([
    ["another path", { path: "/echo/a" }, { path: "/echo/b" }, false],
    ["another query where no parameter is named (assumed)", { path: "/echo/a?x=1" }, { path: "/echo/a?x=2" }, false],
    ["a POST (documented)", { method: "POST", body: "x" }, { method: "POST", body: "x" }, false],
    [
      "a GET that has authorization (documented)",
      { headers: { authorization: "Bearer x" } },
      { headers: { authorization: "Bearer x" } },
      false,
    ],
    ["another header that nothing varies by", { headers: { accept: "a/b" } }, { headers: { accept: "c/d" } }, true],
  ])("%s", async (_, first, second, hit) => {
    const { send } = open();
    await send(first);
    expect((await send(second)).text).toBe(hit ? "0" : "1");
  });

  test("allow-private-response-caching takes requests with authorization (documented)", async () => {
    const { send } = open({ inbound: lookup("", 'allow-private-response-caching="@(true)"') });
    const headers = { authorization: "Bearer x" };
    expect([(await send({ headers })).text, (await send({ headers })).text]).toEqual(["0", "0"]);
  });

  test("vary-by-header (documented)", async () => {
    const { send } = open({ inbound: lookup("<vary-by-header>Accept</vary-by-header>") });
    const found: string[] = [];
    for (const accept of ["a/b", "c/d", "a/b", "c/d"]) found.push((await send({ headers: { accept } })).text);
    expect(found).toEqual(["0", "1", "0", "1"]);
  });

  test("vary-by-query-parameter: those that are named count, several with semicolons (documented)", async () => {
    const { send } = open({ inbound: lookup("<vary-by-query-parameter>x;y</vary-by-query-parameter>") });
    const found: string[] = [];
    for (const query of ["x=1&y=1", "x=1&y=2", "x=1&y=1&z=9"]) found.push((await send({ path: `/echo/a?${query}` })).text);
    expect(found).toEqual(["0", "1", "0"]);
  });

  test("vary-by-developer: the owner of the subscription (documented)", async () => {
    const owned = (user: string) => subscription("", { ownerId: `/users/${user}` });
    const kit = open({
      inbound: '<cache-lookup vary-by-developer="true" vary-by-developer-groups="false" />',
      resources: [
        ["subscriptions/a1", owned("ann")],
        ["subscriptions/a2", owned("ann")],
        ["subscriptions/b1", owned("ben")],
      ],
    });
    const found: string[] = [];
    for (const sid of ["a1", "b1", "a2"]) found.push((await kit.send({ headers: { "ocp-apim-subscription-key": kit.key(sid) } })).text);
    expect(found).toEqual(["0", "1", "0"]);
  });

  test.each([
    ["", "no-store"],
    ['downstream-caching-type="none"', "no-store"],
    ['downstream-caching-type="private"', "private, must-revalidate"],
    ['downstream-caching-type="public" must-revalidate="false"', "public"],
  ])("downstream caching of a hit: %s", async (attributes, expected) => {
    const { send } = open({ inbound: lookup("", attributes) });
    await send();
    expect((await send()).headers.get("cache-control")).toBe(expected);
  });

  test.each<[what: string, store: string, status: number, hit: boolean]>([
    ["a 200 alone is stored (documented)", '<cache-store duration="60" />', 404, false],
    [
      "unless cache-response says so (documented)",
      '<cache-store duration="60" cache-response="@(context.Response.StatusCode == 404)" />',
      404,
      true,
    ],
    ["or that it is not", '<cache-store duration="60" cache-response="false" />', 200, false],
  ])("%s", async (_, outbound, status, hit) => {
    const { send, backend } = open({ outbound });
    backend.answers = [0, 1].map((index) => () => new Response(String(index), { status }));
    await send();
    expect((await send()).text).toBe(hit ? "0" : "1");
  });

  test("a duration from the backend's own Cache-Control (documented example)", async () => {
    const { send, backend, clock } = open({
      outbound: `<cache-store duration="@{
        var header = context.Response.Headers.GetValueOrDefault("Cache-Control", "");
        var maxAge = Regex.Match(header, @"max-age=(?<maxAge>\\d+)").Groups["maxAge"]?.Value;
        return (!string.IsNullOrEmpty(maxAge)) ? int.Parse(maxAge) : 300;
      }" />`,
    });
    backend.answers = [0, 1].map((index) => () => new Response(String(index), { headers: { "cache-control": "max-age=5" } }));
    await send();
    await clock.advance(4_999);
    expect((await send()).text).toBe("0");
    await clock.advance(1);
    expect((await send()).text).toBe("1");
  });

  test("a hit goes on behind the store: what stands before it is in the stored answer (assumed)", async () => {
    const append = (value: string): string => `<set-header name="x-seen" exists-action="append"><value>${value}</value></set-header>`;
    const { send } = open({ outbound: append("before") + store + append("behind") });
    expect((await send()).headers.get("x-seen")).toBe("before,behind");
    expect((await send()).headers.get("x-seen")).toBe("before,behind");
  });

  test("without a lookup nothing is stored (documented)", async () => {
    const { send } = open({ inbound: "" });
    expect([(await send()).text, (await send()).text]).toEqual(["0", "1"]);
  });

  test("the instances of a region share a cache, regions do not (documented)", async () => {
    const { gateway } = open({ regions: ["East US", "East US", "West Europe"] });
    const found: string[] = [];
    for (let call = 0; call < 4; call++) found.push(await (await gateway.fetch(new Request("http://gateway/echo/x"))).text());
    expect(found).toEqual(["0", "0", "1", "0"]);
  });

  test("the oldest entries go where there are too many", async () => {
    const { send, backend } = open();
    backend.answers = [];
    for (let path = 0; path < 10_001; path++) await send({ path: `/echo/${path}` });
    await send({ path: "/echo/10000" });
    expect(backend.received).toHaveLength(10_001);
    await send({ path: "/echo/0" });
    expect(backend.received).toHaveLength(10_002);
  });
});
