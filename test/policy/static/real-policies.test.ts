import { describe, expect, it } from "vitest";
import { descendants, parse } from "../../../src/policy/document.ts";
import type { Known } from "../../../src/policy/static/values.ts";
import { haveRealPolicies, realPolicies } from "../real-policies.ts";
import { growth, none, policies, texts } from "./kit.ts";

/** Attributes that decide limits and ways. */
const deciding = new Set([
  "counter-key",
  "condition",
  "tokens-per-minute",
  "token-quota",
  "calls",
  "backend-id",
  "base-url",
  "increment-condition",
  "increment-count",
]);

const isUnderstood = (value: Known): boolean => value.kind !== "unknown" || value.inputs.every(({ what }) => what !== "expression");

describe.runIf(haveRealPolicies)("real policies", () => {
  const { evaluate } = policies(texts());
  const written = realPolicies().flatMap(({ source }) => {
    const { root } = parse(source);
    return root === null ? [] : [...descendants(root)].flatMap((element) => element.attributes);
  });

  it.each([
    ["what decides limits and ways", 0.95, (name: string): boolean => deciding.has(name)],
    ["variables", 0.9, (name: string): boolean => name === "value"],
  ])("%s", (_, share, isOne) => {
    const expressions = new Set(
      written.filter(({ name, value }) => isOne(name) && value.kind === "expression").map(({ value }) => value.text),
    );
    const values = [...expressions].map((text) => evaluate(text, growth, none));
    expect(expressions.size).toBeGreaterThan(100);
    expect(values.filter(isUnderstood).length / values.length).toBeGreaterThan(share);
  });
});
