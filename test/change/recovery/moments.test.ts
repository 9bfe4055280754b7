import { describe, expect, test } from "vitest";
import { interrupted, reading, stateOf, whole } from "./kit.ts";

/**
 * Every moment of applying three documents: the reads, the claim, `applying`, then a write, its read back and its
 * record for each document, and `applied`.
 */
const lastMoment = reading + 2 + 3 * 3 + 1;
const moments = Array.from({ length: lastMoment }, (_, index) => index + 1).flatMap((moment) =>
  (["before", "after"] as const).map((effect) => ({ moment, effect })),
);

describe("a process that is killed at moment $moment, $effect it has its effect", () => {
  test.for(moments)("$moment, $effect: the same call in another process ends it, with the documents as it says", async (kill) => {
    const { machine, before, plan, planId, outcome, next } = await interrupted(kill);
    expect(outcome).toBe("killed");
    const hadWritten = machine.service.writes().length > 0;
    const answer = await next.apply(plan).catch((error: unknown) => error);
    const state = (await stateOf(next, planId))?.state;
    const end = machine.service.state();
    if (state === "applied") {
      expect(answer).toMatchObject({ status: "applied", changeId: planId });
      expect(end).toEqual(await whole());
    } else {
      expect(state).toBe(hadWritten ? "rolled_back" : "failed");
      expect(answer).toMatchObject({
        code: "cancelled",
        message: expect.stringMatching(/Nothing was written\.$|Nothing of this change stands\.$/),
      });
      expect(end).toEqual(before);
    }
    // Once more, and in a third process: the same, and nothing is written again.
    const writes = machine.service.writes();
    const again = await machine
      .start()
      .apply(plan)
      .catch((error: unknown) => error);
    expect(again).toEqual(answer);
    expect(machine.service.writes()).toEqual(writes);
  });

  test("is killed at each of its moments: one more, and it lives", async () => {
    expect((await interrupted({ moment: lastMoment + 1, effect: "before" })).outcome).toMatchObject({ status: "applied" });
  });

  test.for(moments)("$moment, $effect: what only reads resolves what reading can, and writes nothing", async (kill) => {
    const { machine, before, planId, next } = await interrupted(kill);
    const end = machine.service.state();
    const writes = machine.service.writes();
    const listed = await stateOf(next, planId);
    expect(machine.service.writes()).toEqual(writes);
    const complete = await whole();
    switch (listed?.state) {
      case "planned":
        expect(writes).toEqual([]);
        break;
      case "applied":
        expect(end).toEqual(complete);
        break;
      case "failed":
      case "rolled_back":
        expect(end).toEqual(before);
        break;
      default:
        expect(listed).toMatchObject({ state: "applying", note: expect.stringContaining(`apply_change {"plan_id":"${planId}"`) });
        expect(end).not.toEqual(before);
        expect(end).not.toEqual(complete);
    }
  });
});
