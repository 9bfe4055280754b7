import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capacityText, type Endpoint } from "../../src/pool/capacity.ts";
import { planPool } from "../../src/pool/plan.ts";
import type { PoolRequest } from "../../src/pool/request.ts";
import { type Accounts, account, behind, deployment, forbidden, hostOf, type Minutes } from "./accounts.ts";
import { api, csharp, to } from "./planning.ts";
import { breaker, inventoryOf, live, type Parts, pool, single } from "./service.ts";

const member = (name: string, path = ""): Endpoint => ({ backendId: name, url: `https://${hostOf(name)}/openai${path}` });
const pins = (name: string, of: string): Endpoint => member(name, `/deployments/${of}`);
const [east, west, north] = [member("east"), member("west"), member("north")];
const tpm = (name: string, tokensPerMinute: number | null) => deployment(name, { tokensPerMinute });

const reader = (name: string) =>
  `az role assignment create --assignee '<identity of this server>' --role Reader --scope '${account(name).resourceId}'`;

test.each<[string, readonly Endpoint[], readonly Endpoint[], Accounts, Minutes, string, string[]]>([
  [
    "others that can carry it",
    [east],
    [west],
    { east: [tpm("gpt-4o", 300_000)], west: [tpm("gpt-4o", 200_000)] },
    { east: { "gpt-4o": [1000, 200_000, 5] }, west: {} },
    "If x: west has 200,000 TPM of gpt-4o for a peak of 200,000 (last 24 h).",
    [],
  ],
  [
    "others that cannot",
    [east],
    [west],
    { east: [tpm("gpt-4o", 400_000)], west: [tpm("gpt-4o", 200_000)] },
    { east: { "gpt-4o": [310_000] }, west: {} },
    "If x: west has 200,000 TPM of gpt-4o for a peak of 310,000 (last 24 h).",
    ["If x: the peak of the last 24 h was 310,000 TPM of gpt-4o, the limit of west is 200,000: callers would get 429."],
  ],
  [
    "what the others serve already, in the same minute",
    [east],
    [west],
    { east: [tpm("gpt-4o", 9)], west: [tpm("gpt-4o", 100)] },
    { east: { "gpt-4o": [60, 0, 50] }, west: { "GPT-4o": [0, 90, 51] } },
    "If x: west has 100 TPM of gpt-4o for a peak of 101 (last 24 h).",
    [expect.stringContaining("101 TPM of gpt-4o, the limit of west is 100")],
  ],
  [
    "two others together",
    [east],
    [west, north],
    { east: [], west: [tpm("gpt-4o", 60)], north: [tpm("gpt-4o", 50)] },
    { east: { "gpt-4o": [100] }, west: {}, north: {} },
    "If x: west and north has 110 TPM of gpt-4o for a peak of 100 (last 24 h).",
    [],
  ],
  [
    "two backends of one account once",
    [east],
    [west, { ...west, backendId: "west2" }],
    { east: [], west: [tpm("gpt-4o", 60)] },
    { east: { "gpt-4o": [100] }, west: {} },
    "If x: west and west2 has 60 TPM of gpt-4o for a peak of 100 (last 24 h).",
    [expect.stringContaining("is 60")],
  ],
  [
    "each deployment for itself, the busiest first",
    [east],
    [west],
    { east: [], west: [tpm("small", 10), tpm("large", 1000)] },
    { east: { small: [20], large: [30], idle: [0] }, west: {} },
    "If x: west has 1,000 TPM of large for a peak of 30, 10 TPM of small for a peak of 20 (last 24 h).",
    [expect.stringContaining("20 TPM of small, the limit of west is 10")],
  ],
  [
    "a deployment that the others lack",
    [east],
    [west],
    { east: [tpm("o3", 9)], west: [tpm("gpt-4o", 9)] },
    { east: { o3: [5] }, west: {} },
    "If x: west has no TPM of o3 for a peak of 5 (last 24 h).",
    ["If x: the peak of the last 24 h was 5 TPM of o3, and west has no such deployment: callers would get 404."],
  ],
  [
    "a limit that Azure does not say",
    [east],
    [west],
    { east: [], west: [tpm("gpt-4o", null)] },
    { east: { "gpt-4o": [5] }, west: {} },
    "If x: west has unknown TPM of gpt-4o for a peak of 5 (last 24 h).",
    [],
  ],
  [
    "a day without tokens",
    [east],
    [west],
    { east: [], west: [tpm("gpt-4o", 9)] },
    { east: { "gpt-4o": [0, 0] }, west: {} },
    "If x: nothing to hold against the limits of west, no tokens in the last 24 h.",
    [],
  ],
  [
    "what backends' URLs name, whatever it is called, and nothing else",
    [pins("east", "a")],
    [pins("west", "b")],
    { east: [tpm("a", 9), tpm("b", 9)], west: [tpm("a", 900), tpm("b", 7)] },
    { east: { a: [5], b: [500] }, west: { a: [500], b: [3] } },
    "If x: west has 7 TPM of b for a peak of 8 (last 24 h).",
    [expect.stringContaining("8 TPM of b, the limit of west is 7")],
  ],
  [
    "one URL that names a deployment beside one that does not",
    [pins("east", "a")],
    [west],
    { east: [tpm("a", 9)], west: [tpm("a", 1)] },
    { east: { a: [5] }, west: {} },
    "If x: whether west can carry all of it (TPM, RPM) is unknown; some members' URLs name a deployment, others leave it to the call.",
    [],
  ],
  [
    "an account that is not seen",
    [east],
    [west],
    { east: [], west: "unseen" },
    { east: { a: [5] } },
    "If x: whether west can carry all of it (TPM, RPM) by the same models is unknown; models of west: no account that this server may read is at west.openai.azure.com. az role assignment create --assignee '<identity of this server>' --role Reader --scope '<resource id of the account behind west.openai.azure.com>'.",
    [],
  ],
  [
    "metrics that are refused",
    [east],
    [west],
    { east: [], west: [tpm("a", 1)] },
    { east: forbidden, west: {} },
    `If x: whether west can carry all of it (TPM, RPM) is unknown; what account 'east' has served cannot be read (forbidden). ${reader("east")}.`,
    [],
  ],
])("says of %s", (_, sources, carriers, accounts, minutes, text, warnings) => {
  expect(capacityText({ when: "If x", sources, carriers }, behind(accounts, minutes))).toEqual({ text, warnings });
});

test.each<[string, number | null, number[], string, string[]]>([
  ["enough", 60, [60], "100 TPM of gpt-4o for a peak of 50 and 60 RPM for 60", []],
  [
    "too few",
    6,
    [10, 60],
    "100 TPM of gpt-4o for a peak of 50 and 6 RPM for 60",
    ["If x: the peak of the last 24 h was 60 RPM of gpt-4o, the limit of west is 6: callers would get 429."],
  ],
  ["a limit that Azure does not say", null, [60], "100 TPM of gpt-4o for a peak of 50 and unknown RPM for 60", []],
  ["no requests that are counted", 6, [0], "100 TPM of gpt-4o for a peak of 50", []],
])("holds requests against their own limit: %s", (_, requestsPerMinute, requests, text, warnings) => {
  const given = behind(
    { east: [], west: [deployment("gpt-4o", { tokensPerMinute: 100, requestsPerMinute })] },
    { east: { "gpt-4o": [50] }, west: {} },
    { east: { "GPT-4o": requests }, west: {} },
  );
  const said = capacityText({ when: "If x", sources: [east], carriers: [west] }, given);
  expect(said).toEqual({ text: `If x: west has ${text} (last 24 h).`, warnings });
});

test("warns exactly where the most of a minute, summed over the accounts, is more than the limits, summed over those that carry it", () => {
  const names = ["east", "west", "north"];
  const minutes = fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.tuple(minutes, minutes, minutes),
      fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 3, maxLength: 3 }),
      (totals, limits) => {
        const given = behind(
          Object.fromEntries(names.map((name, index) => [name, [tpm("gpt-4o", limits[index] ?? 0)]])),
          Object.fromEntries(names.map((name, index) => [name, { "gpt-4o": totals[index] ?? [] }])),
        );
        const { warnings } = capacityText({ when: "If x", sources: [east], carriers: [west, north] }, given);
        const peak = Math.max(...[0, 1, 2].map((minute) => totals.reduce((sum, of) => sum + (of[minute] ?? 0), 0)));
        expect(warnings.length > 0).toBe(peak > (limits[1] ?? 0) + (limits[2] ?? 0));
      },
    ),
  );
});

describe("a plan", () => {
  const aoai = (name: string) =>
    single(`https://${hostOf(name)}/openai`, breaker({ failureCondition: { count: 5, statusCodeRanges: [{ min: 500, max: 599 }] } }));
  const parts: Parts = {
    backends: { east: aoai("east"), west: aoai("west"), aoai: pool([{ id: "/backends/east", priority: 1 }]) },
    policies: { [api]: to("aoai") },
  };
  const add: Omit<PoolRequest, "api_id"> = { backends: [{ backend_id: "west", priority: 2 }] };
  const plan = (request: Omit<PoolRequest, "api_id">, accounts: Accounts, minutes: Minutes, over: Parts = {}) => {
    const inventory = inventoryOf({ ...parts, ...over });
    return planPool(inventory, csharp, live(inventory.backends), { api_id: "chat", ...request }, behind(accounts, minutes));
  };

  test("says who could carry it when the first fails, and warns where it is too little", () => {
    const { summary, warnings } = plan(
      add,
      { east: [tpm("gpt-4o", 400_000)], west: [tpm("gpt-4o", 200_000)] },
      { east: { "gpt-4o": [310_000] }, west: {} },
    );
    expect(summary).toContain("If east fails: west has 200,000 TPM of gpt-4o for a peak of 310,000 (last 24 h).");
    expect(warnings).toEqual([
      "If east fails: the peak of the last 24 h was 310,000 TPM of gpt-4o, the limit of west is 200,000: callers would get 429.",
    ]);
  });

  test("does not take what a standby serves besides for the pool's", () => {
    const { warnings } = plan(
      add,
      { east: [tpm("gpt-4o", 200)], west: [tpm("gpt-4o", 900)] },
      { east: { "gpt-4o": [100] }, west: { "gpt-4o": [700] } },
    );
    expect(warnings).toEqual([]);
  });

  test("warns of another model before the member is added", () => {
    const { warnings } = plan(
      add,
      { east: [deployment("gpt-4o")], west: [deployment("gpt-4o", { version: "2024-08-06" })] },
      { east: { "gpt-4o": [1] }, west: {} },
    );
    expect(warnings).toEqual([
      expect.stringMatching(/^Behind aoai deployment 'gpt-4o' is gpt-4o 2024-11-20 at east, .* az resource update /),
    ]);
  });

  test("does not warn again of what is there already", () => {
    const over = {
      backends: { ...parts.backends, north: aoai("north"), aoai: pool([{ id: "/backends/east" }, { id: "/backends/west" }]) },
    };
    const accounts = { east: [deployment("x")], west: [deployment("x", { version: "1" })], north: [deployment("x")] };
    const { warnings } = plan({ backends: [{ backend_id: "east", weight: 3 }] }, accounts, { east: {}, west: {} }, over);
    expect(warnings).toEqual([]);
  });

  test("says that nothing is known of a new member whose account is not seen, also where no breaker ever leads to it", () => {
    const open = { backends: { ...parts.backends, east: single(`https://${hostOf("east")}/openai`) } };
    for (const over of [{}, open]) {
      const { summary, warnings } = plan(add, { east: [tpm("x", 9)], west: "unseen" }, { east: { x: [1] } }, over);
      expect(summary.match(/no account that this server may read is at west\.openai\.azure\.com/g)).toHaveLength(1);
      expect(warnings.filter((warning) => !warning.startsWith("No circuit breaker"))).toEqual([]);
    }
  });

  test("does not speak of a failover that no breaker brings about", () => {
    const over = { backends: { ...parts.backends, east: single(`https://${hostOf("east")}/openai`) } };
    const { summary } = plan(add, { east: [tpm("x", 9)], west: [tpm("x", 5)] }, { east: { x: [7] }, west: {} }, over);
    expect(summary).toContain("As usual: east has 9 TPM of x for a peak of 7 (last 24 h).");
    expect(summary).not.toContain("If east fails");
  });

  test("that takes a member out holds all of it against what is left", () => {
    const over = { backends: { ...parts.backends, aoai: pool([{ id: "/backends/east" }, { id: "/backends/west" }]) } };
    const { summary, warnings } = plan(
      { remove: ["east"] },
      { east: [tpm("x", 100)], west: [tpm("x", 100)] },
      { east: { x: [80] }, west: { x: [70] } },
      over,
    );
    expect(summary).toContain("As usual: west has 100 TPM of x for a peak of 150 (last 24 h).");
    expect(warnings).toContain("As usual: the peak of the last 24 h was 150 TPM of x, the limit of west is 100: callers would get 429.");
  });

  test("that moves no calls says nothing of it", () => {
    const { summary } = plan({ policies: { session_affinity: { cookie: "s" } } }, { east: forbidden }, {});
    expect(summary).not.toContain("TPM");
  });

  test("that makes a pool of the API's URL counts what is behind the URL", () => {
    const over = { apis: { chat: `https://${hostOf("east")}/openai` }, backends: { west: aoai("west") }, policies: {} };
    const { summary } = plan(
      { ...add, policies: { circuit_breaker: {} } },
      { east: [tpm("x", 400)], west: [tpm("x", 200)] },
      { east: { x: [300] }, west: {} },
      over,
    );
    expect(summary).toContain("west has 200 TPM of x for a peak of 300");
  });
});
