import { describe, expect, test } from "vitest";
import { message } from "../kit.ts";
import { as, openClassic, openTier, seen, teams } from "./service.ts";

const byKey = (attributes: string): string =>
  `<rate-limit-by-key calls="2" renewal-period="60" counter-key="@(context.Request.Headers.GetValueOrDefault("team", "none"))" ${attributes} />`;
const lastError =
  '<set-header name="error"><value>@(context.LastError.Source + " " + context.LastError.Reason + " " + context.LastError.Section)</value></set-header>';

describe("rate-limit-by-key", () => {
  test("lets so many calls of a key pass, and says how long the next has to wait (measured words)", async () => {
    const { send, clock } = openClassic({ inbound: byKey(""), onError: lastError });
    const of = (team: string) => send({ headers: { team } });
    expect([(await of("a")).status, (await of("b")).status]).toEqual([200, 200]);
    await clock.advance(34_000);
    expect((await of("a")).status).toBe(200);
    const refused = await of("a");
    expect([refused.status, refused.reason, message(refused)]).toEqual([
      429,
      "Too Many Requests",
      { statusCode: 429, message: "Rate limit is exceeded. Try again in 26 seconds." },
    ]);
    expect([refused.headers.get("retry-after"), refused.headers.get("error")]).toEqual([
      "26",
      "rate-limit-by-key RateLimitExceeded inbound",
    ]);
    expect((await of("b")).status).toBe(200);
    await clock.advance(26_000);
    expect([(await of("a")).status, (await of("a")).status]).toEqual([200, 429]);
  });

  test("what is refused reaches no backend and does not count", async () => {
    const { send, clock, backend } = openClassic({ inbound: byKey("") });
    for (let call = 0; call < 10; call++) await send();
    expect(backend.received).toHaveLength(2);
    await clock.advance(60_000);
    expect([(await send()).status, (await send()).status]).toEqual([200, 200]);
  });

  test("of many calls that come together so many pass", async () => {
    const { send } = openClassic({ inbound: byKey('remaining-calls-variable-name="left"') });
    const answers = await Promise.all(Array.from({ length: 10 }, () => send()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  });

  test.each([
    ["Standard", [200, 200, 429, 429, 429]],
    ["StandardV2", [200, 200, 429, 200, 429]],
  ] as const)("%s: a window that slides, or a bucket that fills (documented)", async (sku, statuses) => {
    const { send, clock } = openTier(sku, { inbound: byKey("") });
    const found: number[] = [];
    for (const wait of [0, 0, 0, 30_000, 0]) {
      await clock.advance(wait);
      found.push((await send()).status);
    }
    expect(found).toEqual(statuses);
  });

  test.each<[what: string, attributes: string, header: string, values: readonly (string | null)[]]>([
    ["remaining calls", 'remaining-calls-header-name="left"', "left", ["1", "0", null]],
    ["total calls", 'total-calls-header-name="total"', "total", ["2", "2", null]],
    ["the wait, in a header of another name", 'retry-after-header-name="again"', "again", [null, null, "60"]],
    ["nothing that is not named", "", "remaining-calls", [null, null, null]],
  ])("headers: %s", async (_, attributes, header, values) => {
    const { send } = openClassic({ inbound: byKey(attributes) });
    for (const value of values) expect((await send()).headers.get(header)).toBe(value);
  });

  test("variables: remaining calls and the wait", async () => {
    const show = (name: string): string =>
      `<set-header name="${name}"><value>@(context.Variables.GetValueOrDefault<int>("${name}", -1).ToString())</value></set-header>`;
    const { send } = openClassic({
      inbound: byKey('remaining-calls-variable-name="left" retry-after-variable-name="wait"'),
      outbound: show("left") + show("wait"),
      onError: show("left") + show("wait"),
    });
    const found: (string | null)[][] = [];
    for (let call = 0; call < 3; call++) {
      const { headers } = await send();
      found.push([headers.get("left"), headers.get("wait")]);
    }
    expect(found).toEqual([
      ["1", "-1"],
      ["0", "-1"],
      ["0", "60"],
    ]);
  });

  test("increment-condition on the response: only those calls count (documented)", async () => {
    const { send, backend } = openClassic({ inbound: byKey('increment-condition="@(context.Response.StatusCode == 200)"') });
    backend.answers = [500, 500, 500, 200, 200].map((status) => () => new Response(null, { status }));
    const statuses: number[] = [];
    for (let call = 0; call < 6; call++) statuses.push((await send()).status);
    expect(statuses).toEqual([500, 500, 500, 200, 200, 429]);
  });

  test("increment-condition on the request", async () => {
    const { send } = openClassic({ inbound: byKey('increment-condition="@(context.Request.Method == "POST")"') });
    for (let call = 0; call < 5; call++) expect((await send()).status).toBe(200);
    for (const status of [200, 200, 429]) expect((await send({ method: "POST" })).status).toBe(status);
  });

  test("increment-count: a call counts for so many", async () => {
    const { send } = openClassic({
      inbound:
        '<rate-limit-by-key calls="10" renewal-period="60" counter-key="k" increment-count="4" remaining-calls-header-name="left" />',
    });
    expect((await send()).headers.get("left")).toBe("6");
    expect((await send()).headers.get("left")).toBe("2");
    expect((await send()).status).toBe(429);
  });

  test("one counter for a key at all scopes; a call counts in it once (documented of quotas)", async () => {
    const limit = (calls: number): string => `<rate-limit-by-key calls="${calls}" renewal-period="60" counter-key="same" />`;
    const { send } = openClassic({ inbound: limit(3) + limit(2) });
    for (const status of [200, 200, 429]) expect((await send()).status).toBe(status);
  });

  test("every instance counts by itself (documented)", async () => {
    const { gateway } = openClassic({ inbound: byKey(""), regions: ["East US", "East US"] });
    const statuses: number[] = [];
    for (let call = 0; call < 6; call++) statuses.push((await gateway.fetch(new Request("http://gateway/echo/x"))).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  });

  test("expressions for calls and renewal-period (documented)", async () => {
    const { send } = openClassic({ inbound: '<rate-limit-by-key calls="@(1)" renewal-period="@(5 + 5)" counter-key="k" />' });
    await send();
    expect((await send()).headers.get("retry-after")).toBe("10");
  });
});

describe("rate-limit", () => {
  const inbound = (children: string, calls = 3): string => `<rate-limit calls="${calls}" renewal-period="90">${children}</rate-limit>`;

  test("each subscription has a counter of its own", async () => {
    const kit = openClassic({ inbound: inbound("", 1), resources: teams });
    expect((await kit.send(as(kit, "red"))).status).toBe(200);
    expect(seen(await kit.send(as(kit, "red")))).toEqual([429, "Rate limit is exceeded. Try again in 1 minute and 30 seconds."]);
    expect((await kit.send(as(kit, "blue"))).status).toBe(200);
  });

  test("does not apply to calls without a subscription (documented)", async () => {
    const { send } = openClassic({ inbound: inbound("", 1) });
    for (let call = 0; call < 3; call++) expect((await send()).status).toBe(200);
  });

  test.each<[what: string, children: string, statuses: readonly number[]]>([
    ["an API by its id", '<api id="echo" calls="2" renewal-period="60" />', [200, 200, 429]],
    ["an API by its name", '<api name="Echo" calls="1" renewal-period="60" />', [200, 429, 429]],
    ["the id counts where both are given", '<api id="other" name="Echo" calls="1" renewal-period="60" />', [200, 200, 200]],
    ["another API", '<api id="other" calls="1" renewal-period="60" />', [200, 200, 200]],
    [
      "an operation of an API",
      '<api id="echo" calls="3" renewal-period="60"><operation id="GET" calls="1" renewal-period="60" /></api>',
      [200, 429, 429],
    ],
    [
      "another operation",
      '<api id="echo" calls="3" renewal-period="60"><operation name="POST" calls="1" renewal-period="60" /></api>',
      [200, 200, 200],
    ],
  ])("a limit of its own for %s (documented)", async (_, children, statuses) => {
    const kit = openClassic({ inbound: inbound(children), resources: teams });
    const found: number[] = [];
    for (const _status of statuses) found.push((await kit.send(as(kit, "red"))).status);
    expect(found).toEqual(statuses);
  });
});
