import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { diagnoseGateway } from "../../tools/diagnose-gateway.ts";
import { openHarness } from "../harness.ts";
import { type Diagnosis, openService, start, timeout } from "./kit.ts";

const hourMs = 3_600_000;

const loggingOf = ({ problems, unknown, ok }: Diagnosis) => ({
  problem: problems.find(({ check }) => check === "logging"),
  unknown: unknown.find(({ checks }) => checks.includes("logging")),
  ok: ok.split(", ").includes("logging"),
});

describe("whether rows arrive", () => {
  test("calls that the logs hold have arrived, however long the gateway has been idle since", { timeout }, async () => {
    const service = await openService();
    await service.send("growth", 20);
    await service.clock.advance(50 * hourMs);
    for (const asked of [{ symptom: "logging" }, {}]) {
      expect(loggingOf(await service.diagnose({ since: "-P3D", ...asked }))).toEqual({ problem: undefined, unknown: undefined, ok: true });
    }
  });

  test("calls that metrics alone know have not", { timeout }, async () => {
    const service = await openService();
    await service.send("growth", 20);
    await service.clock.advance(180_000);
    // As the logs answer before the first row has come.
    service.world.faults.add({ path: /\/query$/, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 204 } });
    const { problem } = loggingOf(await service.diagnose({ symptom: "logging" }));
    expect(problem?.seen).toBe("20 calls by the metrics, and no row in the logs, neither of this window nor of the last day.");
  });

  test.each([504, 503, 403])("logs that answer %i cannot be judged", { timeout }, async (status) => {
    const harness = await openHarness({ clock: movableClock(start) });
    harness.sandbox.world.faults.add({
      path: /\/query$/,
      times: Number.POSITIVE_INFINITY,
      outcome: { kind: "answer", status, body: { error: { code: "GatewayTimeout", message: "No." } } },
    });
    for (const asked of [{ symptom: "logging" }, {}]) {
      const { unknown, ok, problem } = loggingOf(await harness.ask(diagnoseGateway, asked));
      expect({ ok, problem }).toEqual({ ok: false, problem: undefined });
      expect(unknown?.do).not.toBe("");
    }
  });
});

test("two things that are wrong: both are told, each in a sentence, and each with its command", { timeout }, async () => {
  const service = await openService();
  service.change("diagnostics/azuremonitor", {
    largeLanguageModel: { logs: "disabled" },
    sampling: { samplingType: "fixed", percentage: 10 },
  });
  const { problem } = loggingOf(await service.diagnose({ symptom: "logging" }));
  expect(problem?.seen).toMatch(/language models\. Logs of .* sample of 10 % of the calls\.$/);
  const commands = (problem?.do ?? "").split(" && ");
  expect(commands).toHaveLength(2);
  expect(commands.map((command) => command.startsWith("az rest --method patch "))).toEqual([true, true]);
  expect(problem?.do).toContain('"largeLanguageModel":{"logs":"enabled"}');
  expect(problem?.do).toContain('"percentage":100');
});
