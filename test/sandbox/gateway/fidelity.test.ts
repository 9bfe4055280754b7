import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gatewayFidelity } from "../../../src/sandbox/gateway/fidelity.ts";

test("every row names a test that exists", () => {
  for (const { behaviour, test: named } of gatewayFidelity) {
    const [file = "", name = ""] = named.split(/: ([\s\S]*)/, 2);
    expect(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"), `${behaviour}: ${name}`).toContain(name);
  }
});

test("every behaviour stands once", () => {
  const behaviours = gatewayFidelity.map(({ behaviour }) => behaviour);
  expect(new Set(behaviours).size).toBe(behaviours.length);
});
