import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { chooseInterval, comparedWindows, completeUntil, cutsMinutes, forgotten, metricsWindow, pastTime } from "../../src/usage/window.ts";

const now = new Date("2026-03-15T12:00:30Z");
const window = (since: string, until: string) => ({ since: new Date(since), until: new Date(until) });

function failure(call: () => unknown): GatewayError {
  try {
    call();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("expected a GatewayError");
}

describe("metricsWindow", () => {
  test.each([
    ["the last hour by default", {}, "2026-03-15T11:00:30.000Z", "2026-03-15T12:00:30.000Z"],
    ["since until now", { since: "2026-03-15T09:00:00Z" }, "2026-03-15T09:00:00.000Z", "2026-03-15T12:00:30.000Z"],
    ["the hour before until", { until: "2026-03-15T09:00:00Z" }, "2026-03-15T08:00:00.000Z", "2026-03-15T09:00:00.000Z"],
    [
      "offsets and minutes without seconds",
      { since: "2026-03-15T09:00+02:00", until: "2026-03-15T05:00:00.250-04:00" },
      "2026-03-15T07:00:00.000Z",
      "2026-03-15T09:00:00.250Z",
    ],
    [
      "an until that a slower clock already reached",
      { since: "2026-03-15T12:00:00Z", until: "2026-03-15T12:01:30Z" },
      "2026-03-15T12:00:00.000Z",
      "2026-03-15T12:01:30.000Z",
    ],
    ["exactly 93 days", { since: "2025-12-12T12:00:30Z" }, "2025-12-12T12:00:30.000Z", "2026-03-15T12:00:30.000Z"],
  ])("%s", (_, input, since, until) => {
    expect(metricsWindow(input, now)).toEqual(window(since, until));
  });

  test.each([
    ["reversed", { since: "2026-03-15T10:00:00Z", until: "2026-03-15T09:00:00Z" }, "reversed", "Swap"],
    ["since after now", { since: "2026-03-15T13:00:00Z" }, "reversed", "must be earlier"],
    ["empty", { since: "2026-03-15T10:00:00Z", until: "2026-03-15T11:00:00+01:00" }, "empty", "earlier"],
    ["until in the future", { until: "2026-03-15T12:01:31Z" }, "future", "2026-03-15T12:00:30.000Z now"],
    ["over 93 days", { since: "2025-12-12T12:00:29Z" }, "93 days", "shorter"],
    ["no offset", { since: "2026-03-15T10:00:00" }, "no offset", "2026-03-15T10:00:00Z"],
    ["a date alone", { since: "2026-03-15" }, "not a time", "ISO 8601"],
    ["words", { until: "yesterday" }, "not a time", "ISO 8601"],
    ["a day that does not exist", { since: "2026-02-30T10:00:00Z" }, "not a time", "ISO 8601"],
    ["an hour that does not exist", { since: "2026-03-15T25:00:00Z" }, "not a time", "ISO 8601"],
    ["empty text", { since: "" }, "not a time", "ISO 8601"],
  ])("refuses: %s", (_, input, message, hint) => {
    const error = failure(() => metricsWindow(input, now));
    expect(error.code).toBe("invalid_input");
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });
});

describe("metricsWindow where data is complete until some minutes ago", () => {
  const complete = new Date("2026-03-15T11:55:00Z");

  test.each([
    ["ends there by default", {}, "2026-03-15T10:55:00Z", "2026-03-15T11:55:00Z"],
    ["ends there with a since", { since: "2026-03-15T09:00:00Z" }, "2026-03-15T09:00:00Z", "2026-03-15T11:55:00Z"],
    ["ends now where since lies behind it", { since: "2026-03-15T11:58:00Z" }, "2026-03-15T11:58:00Z", "2026-03-15T12:00:30Z"],
    ["keeps an until", { until: "2026-03-15T12:00:00Z" }, "2026-03-15T11:00:00Z", "2026-03-15T12:00:00Z"],
    ["takes times ago, by whole minutes", { since: "-PT90M", until: "-pt10m" }, "2026-03-15T10:30:00Z", "2026-03-15T11:50:00Z"],
    ["takes days ago", { since: "-P1D" }, "2026-03-14T12:00:00Z", "2026-03-15T11:55:00Z"],
  ])("%s", (_, input, since, until) => {
    expect(metricsWindow(input, now, complete)).toEqual(window(since, until));
  });

  test.each([{ since: "-P" }, { since: "-1h" }, { since: "PT1H" }, { until: "-PT1S" }, { since: "-P1Y" }])("refuses %j", (input) => {
    expect(failure(() => metricsWindow(input, now, complete)).code).toBe("invalid_input");
  });
});

test.each([
  [0, "2026-03-15T12:00:00Z"],
  [30, "2026-03-15T12:00:00Z"],
  [31, "2026-03-15T11:59:00Z"],
  [600, "2026-03-15T11:50:00Z"],
  [-5, "2026-03-15T12:00:00Z"],
])("data that comes in within %s s is complete until %s", (lag, until) => {
  expect(completeUntil(now, lag)).toEqual(new Date(until));
});

describe("comparedWindows", () => {
  const complete = new Date("2026-03-15T11:55:00Z");

  test.each([
    [
      "as long before as after it is complete",
      "2026-03-15T11:30:20Z",
      undefined,
      ["2026-03-15T11:06:00Z", "2026-03-15T11:30:00Z"],
      ["2026-03-15T11:31:00Z", "2026-03-15T11:55:00Z"],
    ],
    [
      "an hour at most",
      "2026-03-15T08:00:00Z",
      undefined,
      ["2026-03-15T07:00:00Z", "2026-03-15T08:00:00Z"],
      ["2026-03-15T08:00:00Z", "2026-03-15T09:00:00Z"],
    ],
    [
      "until a time that is given",
      "2026-03-15T08:00:00Z",
      "2026-03-15T11:00:00Z",
      ["2026-03-15T05:00:00Z", "2026-03-15T08:00:00Z"],
      ["2026-03-15T08:00:00Z", "2026-03-15T11:00:00Z"],
    ],
  ])("%s", (_, changed, until, before, after) => {
    expect(comparedWindows(new Date(changed), until, now, complete)).toEqual({
      before: window(before[0] ?? "", before[1] ?? ""),
      after: window(after[0] ?? "", after[1] ?? ""),
    });
  });

  test("of any change are as long as each other, and do not hold its moment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 120_000, max: 90 * 86_400_000 }), (ago) => {
        const changed = new Date(complete.getTime() - ago);
        const { before, after } = comparedWindows(changed, undefined, now, complete);
        expect(before.until.getTime() - before.since.getTime()).toBe(after.until.getTime() - after.since.getTime());
        expect(before.until.getTime()).toBeLessThanOrEqual(changed.getTime());
        expect(after.since.getTime()).toBeGreaterThanOrEqual(changed.getTime());
      }),
    );
  });

  test.each([
    ["2026-03-15T11:54:30Z", undefined],
    ["2026-03-15T11:59:00Z", undefined],
    ["2026-03-15T11:00:10Z", "2026-03-15T11:01:30Z"],
  ])("have nothing to show for a change at %s, until %s", (changed, until) => {
    expect(failure(() => comparedWindows(new Date(changed), until, now, complete)).message).toContain("The change was made at");
  });
});

describe("chooseInterval", () => {
  const ending = (since: string) => window(since, "2026-03-15T12:00:00Z");

  test.each([
    ["an hour", "2026-03-15T11:00:00Z", "PT1M"],
    ["200 minutes", "2026-03-15T08:40:00Z", "PT1M"],
    ["201 minutes", "2026-03-15T08:39:00Z", "PT5M"],
    ["a day", "2026-03-14T12:00:00Z", "PT15M"],
    ["a week", "2026-03-08T12:00:00Z", "PT1H"],
    ["93 days", "2025-12-12T12:00:00Z", "PT12H"],
  ])("by default, for %s", (_, since, interval) => {
    expect(chooseInterval(ending(since))).toBe(interval);
  });

  test("takes a grain that Azure Monitor has, in any case", () => {
    expect(chooseInterval(ending("2026-03-14T12:00:00Z"), "pt30m")).toBe("PT30M");
    expect(chooseInterval(ending("2026-03-14T12:00:00Z"), "PT1M")).toBe("PT1M");
  });

  test.each(["PT2M", "1h", "", "P7D", "PT60M"])("refuses %s and names the grains", (interval) => {
    const error = failure(() => chooseInterval(ending("2026-03-15T11:00:00Z"), interval));
    expect(error.code).toBe("invalid_input");
    expect(error.hint).toContain("PT1M, PT5M, PT15M, PT30M, PT1H, PT6H, PT12H, P1D");
  });

  test("refuses a grain that is too fine, and names the finest that is not", () => {
    const error = failure(() => chooseInterval(ending("2026-03-08T12:00:00Z"), "PT5M"));
    expect(error.code).toBe("invalid_input");
    expect(error.hint).toContain("PT15M");
  });

  test("never gives more points than asked for, over any window", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 93 * 1440 }), fc.integer({ min: 93, max: 500 }), (minutes, points) => {
        const since = new Date(now.getTime() - minutes * 60_000);
        const interval = chooseInterval({ since, until: now }, undefined, points);
        const lengths: Record<string, number> = { PT1M: 1, PT5M: 5, PT15M: 15, PT30M: 30, PT1H: 60, PT6H: 360, PT12H: 720, P1D: 1440 };
        expect(minutes / (lengths[interval] ?? Number.NaN)).toBeLessThanOrEqual(points);
      }),
    );
  });
});

test.each([
  ["2026-03-15T11:00:00Z", "2026-03-15T12:00:00Z", false],
  ["2026-03-15T11:07:00Z", "2026-03-15T12:01:00Z", false],
  ["2026-03-15T11:00:30Z", "2026-03-15T12:00:00Z", true],
  ["2026-03-15T11:00:00Z", "2026-03-15T11:59:59.999Z", true],
])("cutsMinutes from %s until %s: %s", (since, until, cut) => {
  expect(cutsMinutes(window(since, until))).toBe(cut);
});

test.each([
  ["2025-12-12T12:00:30Z", "2025-12-13T00:00:00Z", "none"],
  ["2025-12-12T00:00:00Z", "2025-12-13T00:00:00Z", "part"],
  ["2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z", "all"],
] as const)("forgotten from %s until %s: %s", (since, until, part) => {
  expect(forgotten(window(since, until), now)).toBe(part);
});

describe("a time in the past", () => {
  test.for<readonly [string, string]>([
    ["-PT1H", "2026-03-15T11:00:30.000Z"],
    ["-PT90M", "2026-03-15T10:30:30.000Z"],
    ["-P7D", "2026-03-08T12:00:30.000Z"],
    ["-P1W", "2026-03-08T12:00:30.000Z"],
    [" -p1dt2h30m ", "2026-03-14T09:30:30.000Z"],
    ["2026-03-15T12:00:00+02:00", "2026-03-15T10:00:00.000Z"],
  ])("%s", ([text, expected]) => expect(pastTime("since", text, now).toISOString()).toBe(expected));

  test.for(["-P", "-PT", "P7D", "-P1M", "-P1.5D", "", "2026-03-15T12:00:00", "-P99999999999D"])("'%s' is refused", (text) => {
    expect(() => pastTime("since", text, now)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
