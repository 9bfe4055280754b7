import { describe, expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { openHarness } from "../harness.ts";

const openAt = (now: string) => openHarness({ clock: movableClock(new Date(now)) });

const hour = { since: "2026-03-01T10:20:00Z", until: "2026-03-01T11:20:00Z" };

describe("get_metrics", () => {
  it("counts the same in a window, however long its points are", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z");
    const answers = await Promise.all(["PT1M", "PT1H", "P1D"].map((interval) => ask(getMetrics, { ...hour, interval })));
    const [first] = answers;
    for (const { totals, notes } of answers) {
      expect(totals.requests).toBe(first?.totals.requests);
      expect(notes.join()).not.toContain("whole minutes");
    }
  });

  it("says that a window which begins within a minute is counted by whole ones", async () => {
    const { ask } = await openAt("2026-03-01T12:00:00Z");
    const whole = await ask(getMetrics, hour);
    const cut = await ask(getMetrics, { ...hour, since: "2026-03-01T10:20:40Z" });
    expect(cut.totals.requests).toBe(whole.totals.requests);
    expect(cut.notes.join()).toContain("whole minutes");
  });

  it("knows nothing of what Azure Monitor no longer keeps, and does not ask for it", async () => {
    const { ask, sandbox } = await openAt("2026-06-02T12:00:00Z");
    const before = sandbox.world.requests.length;
    const { totals, notes } = await ask(getMetrics, hour);
    expect(totals).toMatchObject({ requests: "unknown", throttled: { total: "unknown" } });
    expect(notes.join()).toContain("93 days");
    expect(sandbox.world.requests.slice(before).filter(({ path }) => /metrics/i.test(path))).toEqual([]);
  });

  it("counts the part of a window that is kept", async () => {
    const { ask } = await openAt("2026-06-02T10:50:00Z");
    const { totals, notes } = await ask(getMetrics, hour);
    const whole = await (await openAt("2026-03-01T12:00:00Z")).ask(getMetrics, hour);
    expect(totals.requests).toBeGreaterThan(0);
    expect(totals.requests).toBeLessThan(Number(whole.totals.requests));
    expect(notes.join()).toContain("93 days");
  });
});
