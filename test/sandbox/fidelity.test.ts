import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fidelity, fidelityTables } from "../../src/sandbox/fidelity-table.ts";

const root = new URL("../../", import.meta.url);

describe.each(Object.entries(fidelity))("%s", (_, rows) => {
  test.each(rows.map((row) => [row.behaviour, row] as const))("%s", (_behaviour, { evidence, source, test: named }) => {
    const [file = "", name = ""] = named.split(/: ([\s\S]*)/, 2);
    const path = new URL(file, root);
    expect(file).toMatch(/^test\/.*\.test\.ts$/);
    expect(existsSync(path), file).toBe(true);
    // Names may be put together from a table's rows: then its text stands in the row.
    expect(name.length).toBeGreaterThan(5);
    expect(readFileSync(path, "utf8")).toContain(name);
    expect(source.trim().length, "a source, or of an assumption its reason").toBeGreaterThan(5);
    if (evidence === "documented") expect(source).toMatch(/https:\/\/\S+/);
    if (evidence === "sample") expect(source).toMatch(/https:\/\/github\.com\/Azure/);
  });
});

test("every behaviour stands once", () => {
  const behaviours = Object.values(fidelity).flatMap((rows) => rows.map(({ behaviour }) => behaviour));
  expect(behaviours.filter((behaviour, index) => behaviours.indexOf(behaviour) !== index)).toEqual([]);
});

test("every row is a row of its table", () => {
  const lines = fidelityTables()
    .split("\n")
    .filter((line) => /^\| (?!Behaviour|---)/.test(line));
  expect(lines).toHaveLength(Object.values(fidelity).flat().length);
  for (const line of lines) expect(line.replaceAll("\\|", "").split("|")).toHaveLength(6);
});
