import { accountFidelity } from "./arm/fidelity.ts";
import type { Fidelity } from "./fidelity.ts";
import { backendFidelity } from "./gateway/backends/fidelity.ts";
import { cacheFidelity } from "./gateway/cache/fidelity.ts";
import { expressionFidelity } from "./gateway/expressions/fidelity.ts";
import { gatewayFidelity } from "./gateway/fidelity.ts";
import { limitFidelity } from "./gateway/limits/fidelity.ts";
import { logFidelity } from "./gateway/logs/fidelity.ts";
import { safetyFidelity } from "./gateway/safety/fidelity.ts";
import { modelFidelity } from "./models/fidelity.ts";

/** All that the gateway and its backends do, by what it is about, in the order of the README. */
export const fidelity: Readonly<Record<string, readonly Fidelity[]>> = {
  "Gateway and basic policies": gatewayFidelity,
  "Backend pools and circuit breakers": backendFidelity,
  "Limits and metrics": limitFidelity,
  Caches: cacheFidelity,
  "Content safety": safetyFidelity,
  "Log rows": logFidelity,
  "C# expressions": expressionFidelity,
  "Model backends": modelFidelity,
  "Model accounts": accountFidelity,
};

/** The README's tables: one for each subject, and before them how much of it is known in which way. */
export function fidelityTables(): string {
  const all = Object.values(fidelity).flat();
  const counts = evidences.map((evidence) => `${all.filter((row) => row.evidence === evidence).length} ${evidence}`);
  const tables = Object.entries(fidelity).map(([subject, rows]) => [`### ${subject}`, "", ...table(rows)].join("\n"));
  return [`${all.length} behaviours: ${counts.join(", ")}.`, ...tables].join("\n\n");
}

const evidences: readonly Fidelity["evidence"][] = ["documented", "sample", "measured", "assumed"];

const table = (rows: readonly Fidelity[]): readonly string[] => [
  "| Behaviour | Evidence | Source | Test |",
  "| --- | --- | --- | --- |",
  ...rows.map(({ behaviour, evidence, source, test }) => `| ${[behaviour, evidence, source, shown(test)].map(cell).join(" | ")} |`),
];

/** The test's file, seen from this folder; its name is looked up there. */
const shown = (test: string): string => {
  const file = test.slice(0, test.indexOf(": "));
  return `[${file.replace("test/sandbox/", "").replace(".test.ts", "")}](../../${file})`;
};

/** Inside of backticks nothing but a bar has a meaning. */
const cell = (text: string): string =>
  text
    .replaceAll("|", "\\|")
    .split("`")
    .map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "\\<") : part))
    .join("`");
