import { describe, expect, it } from "vitest";
import type { ReportQuery } from "../../src/gateway/ports.ts";
import { failureOf, gatewayOver, neverAborted, serviceId, wire } from "./wire.ts";

const query: ReportQuery = { by: "subscription", since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const edges = "timestamp ge datetime'2026-11-20T10:00:00' and timestamp le datetime'2026-11-20T10:59:59'";

/** Members as in https://github.com/Azure/azure-rest-api-specs, ApiManagementGetReportsBySubscription. */
const record = (id: string) => ({
  name: id,
  subscriptionId: `/subscriptions/${id}`,
  callCountSuccess: 13,
  callCountBlocked: 1,
  callCountFailed: 2,
  callCountOther: 0,
  callCountTotal: 16,
});

describe("the service's reports", () => {
  it.each<[string, Partial<ReportQuery>, string, string]>([
    ["subscription", {}, "bySubscription", edges],
    ["product", { by: "product" }, "byProduct", edges],
    ["operation of an API", { by: "operation", apiId: "o'brien" }, "byOperation", `${edges} and apiId eq 'o''brien'`],
  ])("are asked for by %s, each second once", async (_, asked, path, filter) => {
    const { fetch, sent } = wire(() => ({ body: { value: [] } }));
    await gatewayOver(fetch)
      .metrics(neverAborted)
      .report({ ...query, ...asked });
    expect(sent[0]?.url.pathname).toBe(`${serviceId}/reports/${path}`);
    expect(sent[0]?.url.searchParams.get("$filter")).toBe(filter);
  });

  it("are read to the last page, ids without their path", async () => {
    const { fetch, sent } = wire(({ url }) => ({
      body: url.searchParams.has("$skip")
        ? { value: [record("labs")], nextLink: "" }
        : { value: [record("growth")], nextLink: `${url.origin}${serviceId}/reports/bySubscription?api-version=2024-05-01&$skip=1` },
    }));
    expect(await gatewayOver(fetch).metrics(neverAborted).report(query)).toEqual(
      ["growth", "labs"].map((id) => ({ id, total: 16, blocked: 1, failed: 2 })),
    );
    expect(sent).toHaveLength(2);
  });

  it.each([
    [410, "unsupported"],
    [403, "forbidden"],
    [404, "not_found"],
  ])("that answer %i fail with %s", async (status, code) => {
    const { fetch } = wire(() => ({ status, body: { error: { code: "X", message: "no" } } }));
    expect(await failureOf(gatewayOver(fetch).metrics(neverAborted).report(query))).toMatchObject({ code });
  });
});
