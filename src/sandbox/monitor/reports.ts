import type { JsonObject } from "../../gateway/documents.ts";
import { armError } from "../arm/errors.ts";
import { textAt } from "../json.ts";
import { conjuncts, unquoted } from "../odata.ts";
import type { WorldState } from "../world.ts";

/** What a report has a record for each of, by the last part of its path in lower case. */
const reports = {
  bysubscription: {
    column: "ApimSubscriptionId",
    member: "subscriptionId",
    collection: "subscriptions",
    filters: ["subscriptionId", "productId"],
  },
  byproduct: { column: "ProductId", member: "productId", collection: "products", filters: ["productId", "subscriptionId"] },
  byoperation: {
    column: "OperationId",
    member: "operationId",
    collection: "operations",
    filters: ["operationId", "apiId", "productId", "subscriptionId"],
  },
} as const;

const columns: Readonly<Record<string, string>> = {
  subscriptionId: "ApimSubscriptionId",
  productId: "ProductId",
  operationId: "OperationId",
  apiId: "ApiId",
};

/**
 * `GET {service}/reports/{by}` (https://learn.microsoft.com/rest/api/apimanagement/reports) out of rows of `ApiManagementGatewayLogs`, which it needs no
 * diagnostic setting for. Classic tiers alone have it. Assumed: what other tiers are answered with, and that calls without a subscription or product are left out.
 */
export function answerReport({ service }: WorldState, by: string, filter: string | null, calls: readonly JsonObject[]): Response {
  if (/v2$|^consumption$/i.test(service.sku.name)) {
    throw armError(400, "MethodNotAllowedInPricingTier", `Method not allowed in ${service.sku.name} pricing tier`);
  }
  const report = Object.entries(reports).find(([name]) => name === by)?.[1];
  if (report === undefined) throw armError(404, "ResourceNotFound", "Resource not found.");
  const conditions = conjuncts(filter ?? "").map((condition) => readCondition(condition, report.filters));
  if (!["ge", "le"].every((operator) => conditions.some((condition) => condition.operator === operator))) throw badFilter(filter ?? "");
  const counted = calls.filter((call) => conditions.every(({ holds }) => holds(call)));
  const ids = [...new Set(counted.map((call) => textAt(call, report.column) ?? ""))].filter((id) => id !== "");
  const value = ids.map((id) => ({
    name: id,
    [report.member]: `/${report.collection}/${id}`,
    ...countsOf(counted.filter((call) => textAt(call, report.column) === id)),
  }));
  return Response.json({ value, count: value.length, nextLink: "" });
}

const badFilter = (filter: string): Error => armError(400, "ValidationError", `Invalid filter: '${filter}'`);

interface Condition {
  readonly operator: string;
  readonly holds: (call: JsonObject) => boolean;
}

function readCondition(condition: string, filters: readonly string[]): Condition {
  const [, edge = "", time = ""] = /^timestamp (ge|le) datetime'([^']+)'$/.exec(condition) ?? [];
  const at = Date.parse(`${time}Z`);
  if (edge !== "" && !Number.isNaN(at)) {
    const timeOf = (call: JsonObject): number => Date.parse(textAt(call, "TimeGenerated") ?? "");
    return { operator: edge, holds: (call) => (edge === "ge" ? timeOf(call) >= at : timeOf(call) <= at) };
  }
  const [, member = "", id = ""] = /^(\w+) eq '((?:[^']|'')*)'$/.exec(condition) ?? [];
  const column = columns[member];
  if (column === undefined || !filters.includes(member)) throw badFilter(condition);
  return { operator: "eq", holds: (call) => textAt(call, column)?.toLowerCase() === unquoted(id).toLowerCase() };
}

/** As the records' members are described: https://learn.microsoft.com/rest/api/apimanagement/reports/list-by-subscription#reportrecordcontract */
function countsOf(calls: readonly JsonObject[]): JsonObject {
  const codes = calls.map(({ ResponseCode }) => Number(ResponseCode));
  const count = (counts: (code: number) => boolean): number => codes.filter(counts).length;
  const isSuccess = (code: number): boolean => code <= 301 || code === 304 || code === 307;
  const isBlocked = (code: number): boolean => code === 401 || code === 403 || code === 429;
  const isFailed = (code: number): boolean => code === 400 || (code >= 500 && code < 600);
  return {
    callCountSuccess: count(isSuccess),
    callCountBlocked: count(isBlocked),
    callCountFailed: count(isFailed),
    callCountOther: count((code) => !isSuccess(code) && !isBlocked(code) && !isFailed(code)),
    callCountTotal: codes.length,
  };
}
