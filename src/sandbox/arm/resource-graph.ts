import { randomUUID } from "node:crypto";
import type { Json, JsonObject } from "../../gateway/documents.ts";
import { isObject } from "../json.ts";
import { isReadable, locationOf, type ModelAccount } from "../models/accounts.ts";
import { sandboxService } from "../service.ts";
import type { World } from "../world.ts";
import { HttpError } from "./errors.ts";
import { pageAt } from "./paging.ts";

/** Azure Resource Graph's queries, in lower case. */
export const graphPath = "/providers/microsoft.resourcegraph/resources";

/** https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources */
export const graphVersions = ["2019-04-01", "2021-03-01", "2022-10-01", "2024-04-01"];

const accountType = "microsoft.cognitiveservices/accounts";

/** The most that one answer holds, and what it holds where nothing is asked for. */
const largestPage = 1000;

/**
 * Answers a query for the accounts behind the gateway's backends; those that the caller may not read are not among them. Of the language there
 * are `resources`, `where type` with one type of resources, `project` of columns and their members, and `order by` a column. Anything else is
 * refused: a query that is half understood would answer wrongly.
 */
export async function answerGraphQuery(world: World, accounts: readonly ModelAccount[], request: Request): Promise<Response> {
  const { query, top, token, subscriptions } = readBody(await request.text(), world);
  const { isOfType, columns, order } = readQuery(query, world);
  const isAsked = subscriptions === null || subscriptions.includes(sandboxService.azureSubscription);
  const rows = isAsked && isOfType ? accounts.filter(isReadable).map(rowOf) : [];
  const ordered = order === null ? rows : rows.toSorted(order);
  const { items, next } = pageAt(ordered, token, Math.min(top, world.settings.pageSize));
  return Response.json({
    totalRecords: ordered.length,
    count: items.length,
    data: items.map((row) => Object.fromEntries(columns.map(({ name, path }) => [name, valueAt(row, path)]))),
    facets: [],
    resultTruncated: next === null ? "false" : "true",
    ...(next === null ? {} : { $skipToken: next }),
  });
}

/** As the table `resources` has it: https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources */
function rowOf(account: ModelAccount): JsonObject {
  const { resourceId, name, backends } = account;
  const [first] = backends;
  const endpoints = Object.fromEntries(
    backends.map(({ host }, index) => [`OpenAI Language Model Instance API${index === 0 ? "" : ` ${index + 1}`}`, `https://${host}/`]),
  );
  return {
    id: resourceId,
    name,
    type: accountType,
    kind: "OpenAI",
    location: locationOf(account),
    resourceGroup: sandboxService.resourceGroup,
    subscriptionId: sandboxService.azureSubscription,
    sku: { name: "S0" },
    properties: {
      provisioningState: "Succeeded",
      customSubDomainName: name,
      endpoint: `https://${first.host}/`,
      endpoints,
      publicNetworkAccess: "Enabled",
    },
  };
}

interface Body {
  readonly query: string;
  readonly top: number;
  readonly token: string | null;
  readonly subscriptions: readonly string[] | null;
}

function readBody(text: string, world: World): Body {
  const body = parsed(text);
  const { query, subscriptions, options = {}, ...others } = isObject(body) ? body : {};
  const {
    resultFormat = "objectArray",
    $top: top = largestPage,
    $skipToken: token = null,
    ...otherOptions
  } = isObject(options) ? options : {};
  const unknown = [...Object.keys(others), ...Object.keys(otherOptions)];
  const isKnown =
    typeof query === "string" &&
    unknown.length === 0 &&
    resultFormat === "objectArray" &&
    typeof top === "number" &&
    top >= 1 &&
    top <= largestPage &&
    (token === null || typeof token === "string") &&
    (subscriptions === undefined || Array.isArray(subscriptions));
  if (!isKnown) throw refused(world, "InvalidRequest", `The sandbox reads query, subscriptions and options of a query${listed(unknown)}.`);
  return { query, top, token, subscriptions: Array.isArray(subscriptions) ? subscriptions.map(String) : null };
}

const listed = (names: readonly string[]): string => (names.length === 0 ? "" : `, not ${names.join(", ")}`);

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface Column {
  readonly name: string;
  /** From the row to the value. */
  readonly path: readonly string[];
}

interface Query {
  /** Whether accounts are of the type that is asked for. */
  readonly isOfType: boolean;
  readonly columns: readonly Column[];
  readonly order: ((a: JsonObject, b: JsonObject) => number) | null;
}

function readQuery(text: string, world: World): Query {
  const [table = "", where = "", project = "", order, ...others] = text.split("|").map((step) => step.trim());
  const notUnderstood = (step: string): Error => refused(world, "ParserFailure", `The sandbox does not understand: ${step}`);
  if (!/^resources$/i.test(table)) throw notUnderstood(table);
  const [, operator, type = ""] = /^where\s+type\s*(=~|==)\s*'([^']*)'$/.exec(where) ?? [];
  if (operator === undefined || type.toLowerCase() !== accountType) throw notUnderstood(where);
  const [, list] = /^project\s+(.+)$/s.exec(project) ?? [];
  if (list === undefined) throw notUnderstood(project);
  if (others.length > 0) throw notUnderstood(others.join(" | "));
  return {
    // Resource Graph has types in lower case.
    isOfType: operator === "=~" || type === accountType,
    columns: list.split(",").map((given) => columnIn(given.trim()) ?? fail(notUnderstood(given.trim()))),
    order: order === undefined ? null : (orderIn(order) ?? fail(notUnderstood(order))),
  };
}

function fail(error: Error): never {
  throw error;
}

const columns = ["id", "name", "type", "kind", "location", "resourceGroup", "subscriptionId", "sku", "properties"];

function columnIn(text: string): Column | null {
  const [, name, path = ""] = /^(?:(\w+)\s*=\s*)?(\w+(?:\.\w+)*)$/.exec(text) ?? [];
  const steps = path.split(".");
  return columns.includes(steps[0] ?? "") && (name !== undefined || steps.length === 1) ? { name: name ?? path, path: steps } : null;
}

function orderIn(text: string): Query["order"] {
  const [, column, direction] = /^order\s+by\s+(id|name|location)\s+(asc|desc)$/.exec(text) ?? [];
  if (column === undefined) return null;
  const sign = direction === "asc" ? 1 : -1;
  return (a, b) => sign * (String(a[column]) < String(b[column]) ? -1 : 1);
}

const valueAt = (row: JsonObject, path: readonly string[]): Json =>
  path.reduce((value: Json, step) => (isObject(value) ? (value[step] ?? null) : null), row);

/** https://github.com/Azure/aztfexport/issues/485, https://github.com/Azure/azure-powershell/issues/13762 */
const refused = (world: World, code: string, message: string): HttpError =>
  new HttpError(400, {
    error: {
      code: "BadRequest",
      message: `Please provide below info when asking for support: timestamp = ${world.now().toISOString()}, correlationId = ${randomUUID()}.`,
      details: [
        {
          code: "InvalidQuery",
          message:
            "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.",
        },
        { code, message },
      ],
    },
  });
