import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { movableClock, realClock } from "../../src/sandbox/clock.ts";

const start = new Date("2026-11-20T10:00:00Z");
const later = (milliseconds: number): Date => new Date(start.getTime() + milliseconds);

describe("movableClock", () => {
  test("stands still until it is moved", async () => {
    const clock = movableClock(start);
    expect(clock.now()).toEqual(start);
    await clock.advance(1500);
    expect(clock.now()).toEqual(later(1500));
  });

  test("wakes who waits in the order of their times, each with the clock at its time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(10_000), { maxLength: 8 }), async (waits) => {
        const clock = movableClock(start);
        const woken: number[] = [];
        const sleepers = waits.map(async (milliseconds) => {
          await clock.wait(milliseconds);
          woken.push(clock.now().getTime() - start.getTime());
        });
        await clock.advance(10_000);
        await Promise.all(sleepers);
        expect(woken).toEqual(waits.toSorted((a, b) => a - b));
        expect(clock.now()).toEqual(later(10_000));
      }),
      { numRuns: 30 },
    );
  });

  test("one who is woken and waits again is woken again within the same move", async () => {
    const clock = movableClock(start);
    const times: Date[] = [];
    const ticking = (async () => {
      for (let tick = 0; tick < 3; tick++) {
        await clock.wait(100);
        times.push(clock.now());
      }
    })();
    await clock.advance(250);
    expect(times).toEqual([later(100), later(200)]);
    await clock.advance(50);
    await ticking;
    expect(times.at(-1)).toEqual(later(300));
  });

  test("who waits for longer than the clock is moved goes on waiting", async () => {
    const clock = movableClock(start);
    let woken = false;
    const waiting = clock.wait(100).then(() => {
      woken = true;
    });
    await clock.advance(99);
    expect(woken).toBe(false);
    await clock.advance(1);
    await waiting;
    expect(woken).toBe(true);
  });

  test("a wait ends with its signal, before or while it waits", async () => {
    const clock = movableClock(start);
    const controller = new AbortController();
    const waiting = clock.wait(100, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(clock.wait(100, controller.signal)).rejects.toThrow("enough");
    await clock.advance(1000);
    expect(clock.now()).toEqual(later(1000));
  });

  test("a wait of no time, or less, is over at the next move", async () => {
    const clock = movableClock(start);
    const waiting = Promise.all([clock.wait(0), clock.wait(-5)]);
    await clock.advance(0);
    await waiting;
    expect(clock.now()).toEqual(start);
  });
});

test("realClock: a wait ends with its signal", async () => {
  const controller = new AbortController();
  const waiting = realClock.wait(60_000, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toThrow("aborted");
});
