import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject } from "../gateway/documents.ts";
import type { ReportQuery, ReportRecord, ReportSubject } from "../gateway/ports.ts";
import { defaultApiVersion } from "./api-versions.ts";
import { type Attempt, armError } from "./errors.ts";
import type { Arm } from "./pipeline.ts";
import { send } from "./requests.ts";

const attempt: Attempt = { what: "read of the reports", writes: false };

const subjects: Readonly<Record<ReportSubject, { readonly path: string; readonly member: string }>> = {
  subscription: { path: "bySubscription", member: "subscriptionId" },
  product: { path: "byProduct", member: "productId" },
  operation: { path: "byOperation", member: "operationId" },
};

/** https://learn.microsoft.com/rest/api/apimanagement/reports. Assumed: times without a zone are UTC. */
export async function readReport(
  arm: Arm,
  { by, since, until, apiId }: ReportQuery,
  signal: AbortSignal,
): Promise<readonly ReportRecord[]> {
  const { path, member } = subjects[by];
  // Both edges belong to the period: the last second is the one before the end.
  const edges = [`timestamp ge datetime'${stamp(since)}'`, `timestamp le datetime'${stamp(new Date(until.getTime() - 1000))}'`];
  const filter = [...edges, ...(apiId === undefined ? [] : [`apiId eq '${apiId.replaceAll("'", "''")}'`])].join(" and ");
  const records: JsonObject[] = [];
  let page: ((version: string) => string) | null = (version) =>
    `${arm.endpoint.sdk}${arm.address.resourceId}/reports/${path}?$filter=${encodeURIComponent(filter)}&api-version=${version}`;
  while (page !== null) {
    const url: (version: string) => string = page;
    const response = await arm.versioned(defaultApiVersion, (version) =>
      send(arm.reading, { method: "GET", url: url(version), signal }, attempt),
    );
    if (response.status === 410) throw new GatewayError("unsupported", "Azure has retired them.");
    if (response.status !== 200) throw armError(response, attempt);
    const { value, nextLink } = response.body ?? {};
    records.push(...(Array.isArray(value) ? value.filter(isObject) : []));
    page = typeof nextLink === "string" && nextLink !== "" ? () => nextLink : null;
  }
  return records.map((record) => recordOf(record, member));
}

const stamp = (time: Date): string => time.toISOString().slice(0, 19);

/** Ids come as paths below the service: `/subscriptions/growth`. */
function recordOf(record: JsonObject, member: string): ReportRecord {
  const id = record[member];
  const count = (name: string): number => (typeof record[name] === "number" ? record[name] : 0);
  return {
    id: typeof id === "string" ? id.slice(id.lastIndexOf("/") + 1) : "",
    total: count("callCountTotal"),
    blocked: count("callCountBlocked"),
    failed: count("callCountFailed"),
  };
}
