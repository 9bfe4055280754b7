/**
 * How often what the sandbox's gateway refuses of new traffic lies within the interval that was forecast from old traffic of the same kind; and what a
 * forecast of many requests costs. Status 1 where that is fewer than nine of ten.
 */
import { forecast } from "../../src/quota/forecast/index.ts";
import { check, type Outcome, scenarios } from "../quota/forecast/coverage.ts";
import { historyOf, limitOf, request } from "../quota/forecast/given.ts";

const histories = 40;
const wanted = 0.9;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(8);

const outcomes: Outcome[] = [];
for (const scenario of scenarios(histories, [6, 24], Number(process.argv[2] ?? 1))) {
  const outcome = await check(scenario);
  outcomes.push(outcome);
  const { shape, sku, hours, above } = scenario;
  const { interval, refused, inside } = outcome;
  process.stdout.write(
    `${shape.padEnd(7)}${sku.padEnd(11)}${String(hours).padStart(3)} h  p${100 * above}  forecast${percent(outcome.forecast)}, interval${percent(interval[0])} -${percent(interval[1])}, refused${percent(refused)}${inside ? "" : "   OUTSIDE"}\n`,
  );
}
const inside = outcomes.filter((outcome) => outcome.inside).length;
const width = outcomes.reduce((sum, { interval: [low, high] }) => sum + high - low, 0) / histories;
process.stdout.write(
  `within the interval: ${inside} of ${histories} (at least ${wanted * histories}); mean width ${percent(width).trim()}\n`,
);

const many = Array.from({ length: 200_000 }, (_, index) => request(index * 3, 500 + (index % 700)));
const began = performance.now();
forecast(historyOf(many, 168), { before: [limitOf("tpm", 30_000)], after: [limitOf("tpm", 20_000)], sku: "Premium" });
process.stdout.write(`a forecast from 200,000 requests: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
process.exitCode = inside < wanted * histories ? 1 : 0;
