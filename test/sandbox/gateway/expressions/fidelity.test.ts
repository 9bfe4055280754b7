import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expressionFidelity } from "../../../../src/sandbox/gateway/expressions/fidelity.ts";

test.each(expressionFidelity.map(({ behaviour, test: named }) => [behaviour, named] as const))("%s: its test exists", (_, named) => {
  const [file = "", name = ""] = named.split(/: ([\s\S]*)/, 2);
  expect(readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8")).toContain(name);
});
