import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "vitest";
import { backendReadVersion, versionFallback, writeVersion } from "../../src/azure/api-versions.ts";
import type { ArmResponse } from "../../src/azure/arm-response.ts";

describe("writeVersion", () => {
  it.each([
    ["2024-05-01", { url: "https://x", circuitBreaker: { rules: [] } }],
    ["2024-10-01-preview", { type: "Pool", pool: { services: [], sessionAffinity: { sessionId: { source: "Cookie", name: "s" } } } }],
    ["2024-10-01-preview", { pool: { services: [], failureResponse: { statusCode: 503 } } }],
    ["2024-10-01-preview", { circuitBreaker: { rules: [{ name: "r", failureResponse: { statusCode: 503 } }] } }],
    ["2025-03-01-preview", { azureRegion: "eastus" }],
    ["2025-03-01-preview", { pool: { services: [{ id: "/backends/a", preferredCarbonEmission: "Low" }], sessionAffinity: {} } }],
    ["2024-06-01-preview", { credentials: { managedIdentity: { resource: "r" } } }],
    ["2024-05-01", { constructor: "x", toString: "y" }],
  ])("is %s for %j", (version, properties) => {
    expect(writeVersion(properties)).toBe(version);
  });

  it("is never newer than what backends are read with", () => {
    expect(backendReadVersion).toBe("2025-03-01-preview");
  });
});

const answer = (status: number, message?: string): ArmResponse => ({
  status,
  headers: createHttpHeaders(),
  body: message === undefined ? {} : { error: { code: "NoRegisteredProviderFound", message } },
});

const refusal = (list: string) =>
  answer(
    400,
    `No registered resource provider found for location 'eastus' and API version 'x' for type 'service/backends'. The supported api-versions are '${list}'. The supported locations are 'eastus'.`,
  );

async function asked(
  answers: Readonly<Record<string, ArmResponse>>,
  wanted: string,
  times = 1,
): Promise<{ versions: string[]; status: number }> {
  const versions: string[] = [];
  const versioned = versionFallback();
  let status = 0;
  for (let i = 0; i < times; i += 1) {
    const response = await versioned(wanted, async (version) => {
      versions.push(version);
      return answers[version] ?? answer(200);
    });
    status = response.status;
  }
  return { versions, status };
}

describe("versionFallback", () => {
  it("uses the newest version that the error lists, and remembers it", async () => {
    const answers = { "2025-03-01-preview": refusal("2022-08-01, 2024-05-01, 2024-05-01-preview, 2023-09-01-preview") };
    expect(await asked(answers, "2025-03-01-preview", 2)).toEqual({
      versions: ["2025-03-01-preview", "2024-05-01", "2024-05-01"],
      status: 200,
    });
  });

  it("asks on where the list was another provider's", async () => {
    const answers = {
      "2025-03-01-preview": answer(
        400,
        "The api-version '2025-03-01-preview' is invalid. The supported versions are '2026-01-01,2021-04-01'.",
      ),
      "2026-01-01": refusal("2024-06-01-preview, 2024-05-01"),
    };
    expect(await asked(answers, "2025-03-01-preview")).toEqual({
      versions: ["2025-03-01-preview", "2026-01-01", "2024-06-01-preview"],
      status: 200,
    });
  });

  it("gives up where the listed version is refused too", async () => {
    const answers = { "2025-03-01-preview": refusal("2024-05-01"), "2024-05-01": refusal("2025-03-01-preview") };
    expect(await asked(answers, "2025-03-01-preview")).toEqual({ versions: ["2025-03-01-preview", "2024-05-01"], status: 400 });
  });

  it.each([
    answer(400, "One or more fields contain incorrect values:"),
    answer(404, "Backend not found."),
    answer(500, "The supported api-versions are '2024-05-01'."),
    answer(200),
  ])("leaves any other answer as it is", async (response) => {
    expect(await asked({ "2024-05-01": response }, "2024-05-01")).toEqual({ versions: ["2024-05-01"], status: response.status });
  });
});
