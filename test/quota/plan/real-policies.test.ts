import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/errors.ts";
import type { Inventory } from "../../../src/gateway/inventory.ts";
import { parse } from "../../../src/policy/document.ts";
import type { QuotaEdit, QuotaRequest } from "../../../src/quota/plan.ts";
import { haveRealPolicies, realPolicies } from "../../policy/real-policies.ts";
import { gateway } from "../gateway-under-test.ts";
import { plan, three } from "./kit.ts";

/** The edit for the team `growth`, or the code of the error. */
function planned(inventory: Inventory, asked: Omit<QuotaRequest, "subscriptionId">): { readonly code: string; readonly edit?: QuotaEdit } {
  try {
    return { code: "planned", edit: plan(inventory, asked) };
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code };
    throw error;
  }
}

describe("planQuota", () => {
  const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";
  it(`changes the named team alone in real policies, or says why not${absent}`, { skip: !haveRealPolicies }, () => {
    const outcomes = new Map<string, number>();
    const limiting = realPolicies().filter(
      ({ root, source }) => root === "policies" && /<(?:llm|azure-openai)-token-limit|<rate-limit/.test(source),
    );
    for (const { file, source } of limiting) {
      for (const scope of ["products/aoai", "apis/openai"]) {
        const id = `${scope}/policies/policy`;
        const inventory = {
          ...gateway({ teams: three, inbound: {} }),
          policies: new Map([[id, { id, etag: '"1"', properties: { format: "rawxml", value: source } }]]),
        };
        for (const asked of [{ tpm: 7 }, { rpm: 7 }]) {
          const outcome = planned(inventory, asked);
          outcomes.set(outcome.code, (outcomes.get(outcome.code) ?? 0) + 1);
          for (const { after } of outcome.edit?.documents ?? []) expect(parse(String(after?.value)).problems, file).toEqual([]);
          expect(
            outcome.edit?.limits.every(({ subscriptionId, intended, after }) => subscriptionId === "growth" && intended && after === 7) ??
              true,
            file,
          ).toBe(true);
        }
      }
    }
    expect(outcomes.get("planned")).toBeGreaterThan(5);
    expect([...outcomes.keys()].toSorted()).toEqual(["invalid_input", "planned", "unsupported"]);
  });
});
