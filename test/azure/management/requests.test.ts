import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { failureOf, gatewayOver, neverAborted, quickTiming, token, wire } from "../wire.ts";
import { list, reader } from "./kit.ts";

describe("a reader", () => {
  it("answers the same question once", async () => {
    const { gateway, sent } = reader(() => ({ headers: { etag: '"1"' }, body: { value: [], properties: {} } }));
    await Promise.all([
      gateway.apis(),
      gateway.apis(),
      gateway.document("backends/b"),
      gateway.document("backends/b"),
      gateway.document("backends/c"),
    ]);
    await gateway.apis();
    expect(sent).toHaveLength(3);
  });

  it("has at most 8 requests under way", async () => {
    let now = 0;
    let most = 0;
    const manyApis = Array.from({ length: 40 }, (_, index) => ({ name: `a${index}`, properties: {} }));
    const { gateway, sent } = reader(async ({ path }) => {
      now += 1;
      most = Math.max(most, now);
      await setImmediate();
      now -= 1;
      return path === "products"
        ? list(Array.from({ length: 40 }, (_, index) => ({ name: `p${index}`, properties: {} })))
        : { headers: { etag: '"1"' }, body: { value: path === "apis" ? manyApis : [], properties: {} } };
    });
    await Promise.all([gateway.products(), ...Array.from({ length: 20 }, (_, index) => gateway.document(`backends/b${index}`))]);
    expect(sent).toHaveLength(62);
    expect(most).toBe(8);
  });

  it.each(["apis", "backends"] as const)("is cancelled with its call: %s", async (question) => {
    const controller = new AbortController();
    const { gateway } = reader(async () => {
      controller.abort();
      return new Promise<never>(() => {});
    }, controller.signal);
    expect(await failureOf(gateway[question]())).toMatchObject({ code: "cancelled" });
  });

  it("sends nothing for a call that is cancelled already", async () => {
    const { gateway, sent } = reader(() => list([]), AbortSignal.abort());
    expect(await failureOf(gateway.apis())).toMatchObject({ code: "cancelled" });
    expect(await failureOf(gateway.document("backends/b"))).toMatchObject({ code: "cancelled" });
    expect(sent).toEqual([]);
  });

  it("says who it is, and shows its token to the service", async () => {
    const { gateway, sent } = reader(() => list([]));
    await Promise.all([gateway.apis(), gateway.backends()]);
    for (const { headers } of sent) {
      expect(headers.get("user-agent")).toMatch(/^azure-ai-gateway-mcp\/\d+\.\d+\.\d+ azsdk-js-arm-apimanagement\//);
      expect(headers.get("authorization")).toBe(`Bearer ${token}`);
    }
  });
});

describe("retries of a read", () => {
  const okAfter = (failures: number, failure: Awaited<ReturnType<Parameters<typeof wire>[0]>>) =>
    reader((_, index) => (index < failures ? failure : list([{ name: "a", properties: {} }])));

  it.each([
    ["500", { status: 500 }],
    ["503", { status: 503 }],
    ["429 with a short Retry-After", { status: 429, headers: { "retry-after-ms": "1" } }],
    ["a lost connection", new Error("socket hang up")],
  ])("%s: up to three", async (_, failure) => {
    for (const question of ["apis", "backends"] as const) {
      const happy = okAfter(3, failure);
      expect(await happy.gateway[question]()).toHaveLength(1);
      expect(happy.sent).toHaveLength(4);
      const unhappy = okAfter(4, failure);
      expect(await failureOf(unhappy.gateway[question]())).toMatchObject({
        code: failure instanceof Error || failure.status >= 500 ? "unavailable" : "throttled",
      });
      expect(unhappy.sent).toHaveLength(4);
    }
  });

  it.each([
    ["31", 31],
    ["400", 400],
  ])("a Retry-After of %s s is not waited for", async (value, seconds) => {
    for (const status of [429, 503]) {
      for (const question of ["apis", "backends"] as const) {
        const { gateway, sent } = okAfter(1, { status, headers: { "retry-after": value } });
        expect(await failureOf(gateway[question]())).toMatchObject({
          code: "throttled",
          retryable: true,
          message: expect.stringContaining(`${seconds} s`),
        });
        expect(sent).toHaveLength(1);
      }
    }
  });

  it.each([400, 401, 403, 404, 409, 412])("%i is not tried again", async (status) => {
    const { gateway, sent } = okAfter(1, { status, body: { error: { code: "X", message: "x" } } });
    await failureOf(gateway.backends());
    expect(sent).toHaveLength(1);
  });
});

describe("other clouds", () => {
  it.each([
    ["usgovernment", "https://management.usgovcloudapi.net"],
    ["china", "https://management.chinacloudapi.cn"],
  ] as const)("%s", async (cloud, endpoint) => {
    const { fetch, sent } = wire(() => list([]));
    const gateway = gatewayOver(fetch, { cloud }, quickTiming()).reader(neverAborted);
    await Promise.all([gateway.apis(), gateway.backends()]);
    expect(sent.map(({ url }) => url.origin)).toEqual([endpoint, endpoint]);
  });
});
