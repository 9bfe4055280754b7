import { describe, expect, it } from "vitest";
import { documentRules, elementRules } from "../../src/policy/rules/index.ts";
import { validate } from "../../src/policy/validate.ts";
import { attributesCases } from "./rule-cases/attributes.ts";
import { placementCases } from "./rule-cases/placement.ts";
import { referencesCases } from "./rule-cases/references.ts";
import { structureCases } from "./rule-cases/structure.ts";

const cases = [...attributesCases, ...structureCases, ...placementCases, ...referencesCases];

describe.each([...new Set(cases.map(({ code }) => code))])("%s", (code) => {
  const own = cases.filter((each) => each.code === code);

  it.each(own)("finds $wrong", ({ wrong, severity = "error", options, line = 3, message = "", fix }) => {
    const [found, ...more] = validate(wrong, options);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ code, severity, line });
    expect(found?.message).toContain(message);
    if (fix !== undefined) expect(found?.fix).toBe(fix);
  });

  it.each(own)("says nothing of $right", ({ right, options }) => {
    expect(validate(right, options)).toEqual([]);
  });
});

it("has a right and a wrong document for each rule", () => {
  expect([...new Set(cases.map(({ code }) => code))].sort()).toEqual([...Object.keys(elementRules), ...Object.keys(documentRules)].sort());
});
