import { describe, expect, test } from "vitest";
import { recover } from "../../src/cli/recover.ts";
import { type DrillService, growth, openDrillService, rehearsal } from "./drill-kit.ts";

const timeout = 120_000;

describe("what recover tells", { timeout }, () => {
  async function recovered(service: DrillService): Promise<string> {
    const printed: string[] = [];
    await recover({
      surface: service.surface(),
      operands: [],
      json: false,
      signal: new AbortController().signal,
      out: (text) => printed.push(text),
    });
    return printed.join("");
  }

  test("every document that it has taken away", async () => {
    const service = await openDrillService();
    const { begin, pass, clock } = service;
    await begin(growth);
    await pass(1);
    await clock.advance(120_000);
    expect(await recovered(service)).toContain(
      "Removed or put back now: apis/azure-openai/policies/policy, backends/drill-without-aoai-eastus-aoai-pool.",
    );
  });

  test("a drill that runs, with its documents", async () => {
    const service = await openDrillService();
    const drill_id = await service.begin(growth);
    const text = await recovered(service);
    expect(text).toContain(`Drill ${drill_id} runs until 2026-11-20T10:02:00Z, and a process looks after it`);
    expect(text).toContain("backends/drill-without-aoai-eastus-aoai-pool");
    expect(text).not.toContain("Nothing is left behind");
  });
});

test("a drill that has nobody to look after it is warned of before, and told", { timeout }, async () => {
  const { plan } = await openDrillService();
  expect((await plan(rehearsal)).warnings.join()).toContain(
    "call apply_change), which stays until it is cleaned up. Where that process ends before, no more test calls are made",
  );
});
