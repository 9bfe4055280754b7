import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { findingsOf } from "../../src/pool/findings.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { sharesOf } from "../../src/pool/shares.ts";
import { errorsBefore, worstCase, worstCaseText } from "../../src/pool/worst-case.ts";
import { deploy, type Outage } from "./deployed.ts";
import { api, csharp } from "./planning.ts";
import { breaker, inventoryOf, type Parts, policy, pool, single } from "./service.ts";

const opensAt = (count: number) =>
  breaker({ failureCondition: { count, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] }, acceptRetryAfter: false });
const retried = (count: number) =>
  count === 0
    ? "<forward-request />"
    : `<retry condition="@(context.Response.StatusCode >= 500)" count="${count}" interval="0"><forward-request buffer-request-body="true" /></retry>`;
const regions = (count: number, retries: number): Parts => ({
  backends: {
    "aoai-eastus": single("https://east.example/", opensAt(count)),
    west: single("https://west.example/", opensAt(count)),
    aoai: pool([
      { id: "/backends/aoai-eastus", priority: 1 },
      { id: "/backends/west", priority: 2 },
    ]),
  },
  policies: { [api]: policy('<set-backend-service backend-id="aoai" />', retried(retries)) },
});

/** Of sixty calls one after another while `east` is down, those that the gateway answers with an error. */
async function errorsSeen(parts: Parts, outage: Outage = 503): Promise<number> {
  const { send } = deploy(parts);
  let errors = 0;
  for (let index = 0; index < 60; index++) if ((await send({}, new Set(["east"]), outage)).status !== 200) errors++;
  return errors;
}

describe("errors before a breaker opens", () => {
  test.each([
    [5, 0, 5],
    [5, 1, 2],
    [5, 2, 1],
    [5, 5, 0],
    [1, 1, 0],
    [3, 1, 1],
    [4, 1, 2],
    [10, 3, 2],
  ])("a breaker of %i and %i retries: %i", async (count, retries, errors) => {
    expect(errorsBefore(count, retries)).toBe(errors);
    expect(await errorsSeen(regions(count, retries))).toBe(errors);
  });
});

const routeOf = (parts: Parts) => {
  const { routes, retry } = resolveRoutes(inventoryOf(parts), csharp, "chat");
  return { members: routes[0]?.members ?? [], retry };
};
const sentence = (parts: Parts, tier: "v2" | "consumption" = "v2") => {
  const { members, retry } = routeOf(parts);
  return worstCaseText(members, retry, tier);
};
const withEast = (parts: Parts, more: JsonObject): Parts => ({
  ...parts,
  backends: { ...parts.backends, "aoai-eastus": single("https://east.example/", more) },
});
const failures = (more: JsonObject): JsonObject =>
  breaker({
    failureCondition: { count: 5, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }], ...more },
    acceptRetryAfter: false,
  });
const reasons = { errorReasons: ["BackendConnectionFailure", "Timeout"] };
const withRetry = (parts: Parts, condition: string, count = 5): Parts => ({
  ...parts,
  policies: {
    [api]: policy(
      '<set-backend-service backend-id="aoai" />',
      `<retry condition="@(${condition})" count="${count}" interval="0"><forward-request buffer-request-body="true" /></retry>`,
    ),
  },
});
const answered = "context.Response != null && context.Response.StatusCode >= 500";
const lab = "context.Response.StatusCode == 429 || context.Response.StatusCode == 503";
const any = "context.Response == null || context.Response.StatusCode >= 500";

const peers = (parts: Parts): Parts => ({
  ...parts,
  backends: { ...parts.backends, aoai: pool([{ id: "/backends/aoai-eastus" }, { id: "/backends/west" }]) },
});

describe("the bound is what the gateway keeps", () => {
  const two = regions(5, 0);
  const counted = withEast(two, failures(reasons));
  const equal = (weights: readonly [number, number]): Parts => ({
    ...counted,
    backends: {
      ...counted.backends,
      aoai: pool([
        { id: "/backends/aoai-eastus", weight: weights[0] },
        { id: "/backends/west", weight: weights[1] },
      ]),
    },
  });
  // A bound of null: nothing opens, and all calls of the member fail.
  test.each<[string, Parts, 503 | 500 | "no answer", number | null, number]>([
    ["refused, not counted", two, "no answer", null, 60],
    ["refused, not counted, not retried", withRetry(two, answered), "no answer", null, 60],
    ["refused, counted, not retried", withRetry(counted, answered, 1), "no answer", 5, 5],
    ["refused, counted, retried", withRetry(counted, any, 1), "no answer", 2, 2],
    ["500 under a retry of 429 and 503", withRetry(counted, lab), 500, 5, 5],
    ["503 under a retry of 429 and 503", withRetry(counted, lab), 503, 0, 0],
    ["equal members, refused, not counted, retried", withRetry(peers(two), any, 1), "no answer", null, 0],
    ["equal members, one retry", withRetry(equal([1, 1]), answered, 1), 503, 2, 0],
    ["80 and 20, one retry", withRetry(equal([80, 20]), answered, 1), 503, 2, 2],
    ["80 and 20, no retry", equal([80, 20]), 503, 5, 5],
    ["another count of the first", withRetry(withEast(two, failures({ ...reasons, count: 7 })), answered, 2), 500, 2, 2],
  ])("%s", async (_, parts, outage, bound, seen) => {
    const { members, retry } = routeOf(parts);
    const worst = worstCase(members, retry, "v2", outage);
    expect(worst?.errors?.withRetries ?? null).toBe(bound);
    const errors = await errorsSeen(parts, outage === "no answer" ? "refused" : outage);
    expect(errors).toBe(seen);
    expect(errors).toBeLessThanOrEqual(bound ?? 60);
  });

  test.each<[string, Parts]>([
    ["one behind the other", withEast(regions(5, 0), failures(reasons))],
    ["opens at once", regions(1, 0)],
    ["equal members", equal([1, 1])],
  ])("what the finding says that one retry leaves, and how many leave none: %s", async (_, parts) => {
    const inventory = inventoryOf(parts);
    const findings = findingsOf(resolveRoutes(inventory, csharp, "chat"), "v2");
    const { text = "", fix = "" } = findings.find(({ code }) => code === "retry_too_small") ?? {};
    const [, upTo, left = "0", all = "1"] =
      /up to (\d+) before a breaker opens; 1 retry leaves (?:at most (\d+), (\d+) )?none/.exec(text) ?? [];
    expect(await errorsSeen(parts)).toBe(Number(upTo));
    expect(fix).toContain('"retry":{"count":1}');
    expect(await errorsSeen(withRetry(parts, answered, 1))).toBeLessThanOrEqual(Number(left));
    expect(await errorsSeen(withRetry(parts, answered, Number(all)))).toBe(0);
  });
});

describe("the worst case in a sentence", () => {
  const start =
    "If aoai-eastus (East US) answers 503 (calls one after another within PT1M): up to 5 errors a gateway instance before its breaker opens";
  const end = ", plus every call already in flight, then west takes 100 %.";
  const counted = withEast(regions(5, 0), failures(reasons));
  const unreached = " Refused connections and timeouts open no breaker: nothing fails over, aoai-eastus keeps 100 %.";
  test.each<[string, Parts, string | null]>([
    ["no retry", counted, `${start}${end}`],
    ["one retry", withRetry(counted, any, 1), `${start}, 2 with one retry${end}`],
    ["two retries", withRetry(counted, any, 2), `${start}, 1 with 2 retries${end}`],
    [
      "a retry that cannot be told",
      withRetry(counted, "(bool)context.Variables[&quot;again&quot;]"),
      `${start}, fewer where the call is retried${end}`,
    ],
    ["no reason counted", regions(5, 0), `${start}${end}${unreached}`],
    [
      "one reason counted",
      withEast(counted, failures({ errorReasons: ["Timeout"] })),
      `${start}${end} Refused connections open no breaker: nothing fails over, aoai-eastus keeps 100 %.`,
    ],
    [
      "answers alone retried",
      withRetry(counted, answered, 1),
      `${start}, 2 with one retry${end} Refused connections and timeouts are not retried: up to 5 errors.`,
    ],
    [
      "429 and 503 retried",
      withRetry(counted, lab),
      `${start}, 0 with 5 retries${end} Answers of 500 are not retried: up to 5 errors; refused connections and timeouts may not be retried: up to 5 errors.`,
    ],
    [
      "503 alone counted",
      withEast(counted, failures({ ...reasons, statusCodeRanges: [{ min: 503, max: 503 }] })),
      `${start}${end} Answers of 500 open no breaker: nothing fails over, aoai-eastus keeps 100 %.`,
    ],
    [
      "429 alone counted",
      withEast(counted, breaker()),
      "If aoai-eastus (East US) answers 503: no breaker opens, it keeps 100 % of the calls for as long as it lasts.",
    ],
    [
      "a percentage",
      withEast(
        counted,
        breaker({ failureCondition: { percentage: 50, interval: "PT2M", statusCodeRanges: [{ min: 500, max: 599 }], ...reasons } }),
      ),
      `If aoai-eastus (East US) answers 503 (calls one after another within PT2M): errors until they are 50 % of the calls in PT2M${end}`,
    ],
    [
      "equal members that are not counted, and no retry",
      peers(regions(5, 0)),
      `${start}, plus every call already in flight, then west takes 100 %. Refused connections and timeouts open no breaker: nothing fails over, aoai-eastus keeps 50 %.`,
    ],
    [
      "equal members that are not counted, and a retry that covers them",
      withRetry(peers(regions(5, 0)), any, 1),
      `${start}, 2 with one retry, plus every call already in flight, then west takes 100 %. Refused connections and timeouts open no breaker: aoai-eastus keeps 50 % of the tries, and a call fails only if all 2 tries of it meet aoai-eastus.`,
    ],
    [
      "equal members without a breaker, retried",
      withRetry(withEast(peers(regions(5, 0)), {}), any, 2),
      "If aoai-eastus (East US) answers 503: no breaker opens, aoai-eastus keeps 50 % of the tries, and a call fails only if all 3 tries of it meet aoai-eastus.",
    ],
    ["one member", { ...counted, backends: { ...counted.backends, aoai: pool([{ id: "/backends/west" }]) } }, null],
    [
      "a pool in the pool",
      {
        ...counted,
        backends: {
          ...counted.backends,
          inner: pool([{ id: "/backends/west" }]),
          aoai: pool([{ id: "/backends/west" }, { id: "/backends/inner" }]),
        },
      },
      null,
    ],
  ])("%s", (_, parts, text) => {
    expect(sentence(parts)).toBe(text);
  });

  test("a tier without breakers", () => {
    expect(sentence(counted, "consumption")).toBe(
      "If aoai-eastus (East US) answers 503: no breaker opens, it keeps 100 % of the calls for as long as it lasts.",
    );
  });
});

describe("shares", () => {
  const members = fc.array(fc.record({ priority: fc.nat(3), weight: fc.nat(100) }), { minLength: 1, maxLength: 8 });

  test("come to 100, and only the first priority has any", () => {
    fc.assert(
      fc.property(members, (all) => {
        const shares = sharesOf(all);
        expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100)).toBeLessThanOrEqual(0.5);
        const first = Math.min(...all.map(({ priority }) => priority));
        for (const [index, share] of shares.entries()) if (all[index]?.priority !== first) expect(share).toBe(0);
      }),
    );
  });

  test("one that is not available leaves its share to the others", () => {
    const [a, b, c] = [
      { priority: 1, weight: 75 },
      { priority: 1, weight: 25 },
      { priority: 2, weight: 1 },
    ];
    expect(sharesOf([a, b, c])).toEqual([75, 25, 0]);
    expect(sharesOf([a, b, c], (member) => member !== a)).toEqual([0, 100, 0]);
    expect(sharesOf([a, b, c], (member) => member === c)).toEqual([0, 0, 100]);
    expect(sharesOf([a, b, c], () => false)).toEqual([0, 0, 0]);
  });
});
