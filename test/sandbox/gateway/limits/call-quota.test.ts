import { describe, expect, test } from "vitest";
import { message, subscription } from "../kit.ts";
import { as, openClassic, seen, teams } from "./service.ts";

const hour = 3_600_000;

describe("quota-by-key", () => {
  const byKey = (attributes: string, calls = 2): string =>
    `<quota-by-key calls="${calls}" renewal-period="3600" counter-key="@(context.Request.Headers.GetValueOrDefault("team", "none"))" ${attributes} />`;

  test("403 with the time until the window is over, and a new count behind it (measured words)", async () => {
    const { send, clock } = openClassic({ inbound: byKey("") });
    await clock.advance(56 * 60_000);
    await send();
    await send();
    const refused = await send();
    expect([refused.status, refused.reason, message(refused), refused.headers.get("retry-after")]).toEqual([
      403,
      "Forbidden",
      { statusCode: 403, message: "Out of call volume quota. Quota will be replenished in 00:04:00." },
      "240",
    ]);
    expect((await send({ headers: { team: "other" } })).status).toBe(200);
    await clock.advance(4 * 60_000);
    expect((await send()).status).toBe(200);
  });

  test("of many calls that come together so many pass", async () => {
    const { send } = openClassic({ inbound: byKey("", 3) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => send()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  });

  test("context.LastError", async () => {
    const shown = "@(context.LastError.Source + " + '" " + context.LastError.Reason)';
    const { send } = openClassic({ inbound: byKey("", 1), onError: `<set-header name="error"><value>${shown}</value></set-header>` });
    await send();
    expect((await send()).headers.get("error")).toBe("quota-by-key QuotaExceeded");
  });

  test("first-period-start: windows are counted from there (documented)", async () => {
    const { send } = openClassic({ inbound: byKey('first-period-start="2026-01-01T00:20:00Z"', 1) });
    await send();
    expect((await send()).headers.get("retry-after")).toBe("1200");
  });

  test("a renewal-period of 0 is for ever, and no wait is named (documented)", async () => {
    const { send, clock } = openClassic({ inbound: '<quota-by-key calls="1" renewal-period="0" counter-key="k" />' });
    await send();
    await clock.advance(1000 * hour);
    const refused = await send();
    expect([...seen(refused), refused.headers.get("retry-after")]).toEqual([403, "Out of call volume quota.", null]);
  });

  test("increment-condition on the response (documented)", async () => {
    const { send, backend } = openClassic({ inbound: byKey('increment-condition="@(context.Response.StatusCode < 400)"', 1) });
    backend.answers = [500, 200].map((status) => () => new Response(null, { status }));
    for (const status of [500, 200, 403]) expect((await send()).status).toBe(status);
  });

  test("bandwidth: what bodies weigh, in both directions; 1 KB is 1024 bytes (assumed)", async () => {
    const { send, backend } = openClassic({ inbound: '<quota-by-key bandwidth="1" renewal-period="3600" counter-key="k" />' });
    const answer = () => new Response("y".repeat(500));
    backend.answers = [answer, answer, answer];
    const body = "x".repeat(12);
    expect((await send({ method: "POST", body })).status).toBe(200);
    expect((await send({ method: "POST", body: body.slice(1) })).status).toBe(200);
    // 1023 bytes up to now.
    expect((await send({ method: "POST", body })).status).toBe(200);
    expect(seen(await send({ method: "POST", body }))).toEqual([403, "Out of bandwidth quota. Quota will be replenished in 01:00:00."]);
  });

  test("several policies with one key count a call once (documented)", async () => {
    const { send } = openClassic({ inbound: byKey("", 3) + byKey("", 2) });
    for (const status of [200, 200, 403]) expect((await send()).status).toBe(status);
  });

  test("several periods of one key are counted apart (assumed)", async () => {
    const { send, clock } = openClassic({
      inbound:
        '<quota-by-key calls="2" renewal-period="3600" counter-key="k" /><quota-by-key calls="3" renewal-period="86400" counter-key="k" />',
    });
    for (const status of [200, 200, 403]) expect((await send()).status).toBe(status);
    await clock.advance(hour);
    expect((await send()).status).toBe(200);
    // The fourth of the day, which begins at midnight.
    expect((await send()).headers.get("retry-after")).toBe(String(13 * 3600));
  });
});

describe("quota", () => {
  test("per subscription, in windows that begin with the subscription (documented)", async () => {
    const red = subscription("", { createdDate: "2026-11-01T10:30:00Z" });
    const kit = openClassic({
      inbound: '<quota calls="1" renewal-period="3600" />',
      resources: [...teams, ["subscriptions/red", red]],
    });
    expect((await kit.send(as(kit, "red"))).status).toBe(200);
    expect(seen(await kit.send(as(kit, "red")))).toEqual([403, "Out of call volume quota. Quota will be replenished in 00:30:00."]);
    expect((await kit.send(as(kit, "blue"))).status).toBe(200);
    await kit.clock.advance(hour / 2);
    expect((await kit.send(as(kit, "red"))).status).toBe(200);
  });

  test("days stand in front of the hours, as measured", async () => {
    const red = subscription("", { createdDate: "2026-11-20T10:00:00Z" });
    const kit = openClassic({ inbound: '<quota calls="1" renewal-period="2419200" />', resources: [["subscriptions/red", red]] });
    await kit.send(as(kit, "red"));
    await kit.clock.advance(7 * 24 * hour + 50_465_000);
    expect(seen(await kit.send(as(kit, "red")))).toEqual([403, "Out of call volume quota. Quota will be replenished in 20.09:58:55."]);
  });

  test("does not apply to calls without a subscription (documented)", async () => {
    const { send } = openClassic({ inbound: '<quota calls="1" renewal-period="3600" />' });
    for (let call = 0; call < 3; call++) expect((await send()).status).toBe(200);
  });

  test("APIs and operations have quotas of their own (documented)", async () => {
    const kit = openClassic({
      inbound: `<quota calls="9" renewal-period="3600">
        <api id="echo" calls="2" renewal-period="3600"><operation id="POST" calls="1" renewal-period="7200" /></api>
      </quota>`,
      resources: teams,
    });
    const { headers } = as(kit, "red");
    expect((await kit.send({ headers, method: "POST" })).status).toBe(200);
    expect((await kit.send({ headers, method: "POST" })).status).toBe(403);
    expect((await kit.send(as(kit, "blue"))).status).toBe(200);
  });
});
