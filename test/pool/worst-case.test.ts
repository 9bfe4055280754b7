import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { sharesOf } from "../../src/pool/shares.ts";
import { errorsBefore, worstCaseText } from "../../src/pool/worst-case.ts";
import { deploy } from "./deployed.ts";
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

/** Calls that the gateway answers with an error while `east` is down, until one comes through. */
async function errorsSeen(parts: Parts): Promise<number> {
  const { send } = deploy(parts);
  for (let errors = 0; ; errors++) if ((await send({}, new Set(["east"]))).status === 200) return errors;
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

const sentence = (parts: Parts, retries: number | null, tier: "v2" | "consumption" = "v2") => {
  const [route] = resolveRoutes(inventoryOf(parts), csharp, "chat").routes;
  return worstCaseText(route?.members ?? [], retries, tier);
};

test("the worst case in a sentence", () => {
  const start = "If aoai-eastus (East US) fails: up to 5 errors a gateway instance before its breaker opens";
  expect(sentence(regions(5, 1), 1)).toBe(`${start}, 2 with one retry, then west takes 100 %.`);
  expect(sentence(regions(5, 1), 2)).toBe(`${start}, 1 with 2 retries, then west takes 100 %.`);
  expect(sentence(regions(5, 1), 0)).toBe(`${start}, then west takes 100 %.`);
  expect(sentence(regions(5, 1), null)).toBe(`${start}, fewer where the call is retried, then west takes 100 %.`);
  const forever = "If aoai-eastus (East US) fails: no breaker opens, it keeps 100 % of the calls for as long as it lasts.";
  expect(sentence(regions(5, 1), 1, "consumption")).toBe(forever);
  const on429 = breaker();
  expect(
    sentence({ ...regions(5, 1), backends: { ...regions(5, 1).backends, "aoai-eastus": single("https://east.example/", on429) } }, 1),
  ).toBe(forever);
  const percent = breaker({ failureCondition: { percentage: 50, interval: "PT2M", statusCodeRanges: [{ min: 500, max: 599 }] } });
  expect(
    sentence({ ...regions(5, 1), backends: { ...regions(5, 1).backends, "aoai-eastus": single("https://east.example/", percent) } }, 1),
  ).toBe("If aoai-eastus (East US) fails: errors until they are 50 % of the calls in PT2M, then west takes 100 %.");
  expect(sentence({ ...regions(5, 1), backends: { ...regions(5, 1).backends, aoai: pool([{ id: "/backends/west" }]) } }, 1)).toBeNull();
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
