import { Hono, type MiddlewareHandler } from "hono";
import type { Json, JsonObject } from "../../gateway/documents.ts";
import { HttpError } from "../arm/errors.ts";
import { scriptedFaults } from "../arm.ts";
import { isConnectionReset } from "../faults.ts";
import { durationMs } from "../gateway/backends/breaker-rule.ts";
import { type LogTable, logTables } from "../gateway/logs/rows.ts";
import { isObject, textAt } from "../json.ts";
import { requestUrl } from "../request-url.ts";
import { sandboxService } from "../service.ts";
import type { WorldState } from "../world.ts";
import { isWritten, sandboxWorkspace } from "./diagnostic-settings.ts";
import { type Compiled, compile, execute, kqlError, type QueryResult } from "./kql/engine.ts";
import type { KqlParser } from "./kql/parser.ts";
import { workspaceTables } from "./kql/tables.ts";
import { type KqlError, NotExecutable } from "./kql/types.ts";

interface LogsOptions {
  /** What a request must carry as `Authorization: Bearer ...`. */
  readonly token: string;
  /** Loaded at the first query. */
  readonly parser: () => Promise<KqlParser>;
  /** What has been written down, oldest call first. */
  readonly rows: () => Promise<RowsOfTable>;
}

export type RowsOfTable = (table: LogTable) => readonly JsonObject[];

/**
 * The log query API (https://learn.microsoft.com/azure/azure-monitor/logs/api/overview) of the sandbox's workspace, by the workspace or by the
 * service, a resource group or subscription, whose rows alone are seen then. Queries are run by `kql/`; what that does not know is refused.
 */
export function logsApp(world: WorldState, { token, parser, rows }: LogsOptions): Hono {
  const app = new Hono({ getPath: (request) => requestUrl(request).pathname.toLowerCase() });
  app.onError((error) => {
    if (isConnectionReset(error)) throw error;
    if (error instanceof HttpError) return Response.json(error.body, { status: error.status });
    return Response.json({ error: { code: "InternalServerError", message: String(error) } }, { status: 500 });
  });
  app.notFound(() => {
    throw pathNotFound();
  });
  app.use(scriptedFaults(world));
  app.use(authentication(token));
  const compiled = remembering(parser);
  app.post("/v1/workspaces/:id/query", async ({ req }) => {
    const id = req.param("id");
    if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)) throw pathNotFound();
    if (id !== sandboxWorkspace.customerId) throw insufficientAccess();
    return answer(world, compiled, rows, req.raw, "");
  });
  app.post("/v1/subscriptions/*", async ({ req }) => {
    const scope = req.path.slice("/v1".length).replace(/\/query$/, "");
    if (scope === req.path.slice("/v1".length)) throw pathNotFound();
    if (!isWithin(sandboxService.resourceId.toLowerCase(), scope)) throw insufficientAccess();
    return answer(world, compiled, rows, req.raw, scope);
  });
  return app;
}

/** https://learn.microsoft.com/azure/azure-monitor/logs/api/errors */
const refusal = (status: number, code: string, message: string, innererror?: JsonObject): HttpError =>
  new HttpError(status, { error: { message, code, ...(innererror === undefined ? {} : { innererror }) } });

const pathNotFound = (): HttpError => refusal(404, "PathNotFoundError", "The requested path does not exist");

/** Assumed: this is what a workspace or resource that does not exist is answered with. */
const insufficientAccess = (): HttpError =>
  refusal(403, "InsufficientAccessError", "The provided credentials have insufficient access to perform the requested operation");

const badArgument = (innererror: JsonObject): HttpError =>
  refusal(400, "BadArgumentError", "The request had some invalid properties", innererror);

function authentication(token: string): MiddlewareHandler {
  return async ({ req }, next) => {
    const given = req.header("authorization");
    if (given === undefined) throw refusal(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
    if (given !== `Bearer ${token}`) throw refusal(403, "InvalidAuthenticationToken", "The access token is invalid.");
    await next();
  };
}

const mostCompiled = 200;

/** Compiles each text once: clients ask the same again and again. */
function remembering(parser: LogsOptions["parser"]): (query: string) => Promise<Compiled> {
  const known = new Map<string, Compiled>();
  return async (query) => {
    const found = known.get(query) ?? compile(await parser(), query, workspaceTables);
    if (known.size >= mostCompiled) known.clear();
    known.set(query, found);
    return found;
  };
}

async function answer(
  world: WorldState,
  compiled: (query: string) => Promise<Compiled>,
  rows: LogsOptions["rows"],
  request: Request,
  scope: string,
): Promise<Response> {
  // Documented: without its content type a request is answered with nothing.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) return new Response(null, { status: 200 });
  const { query, period } = await readBody(request, world.now());
  const began = performance.now();
  const seen = visibleRows(world, await rows(), scope);
  if (logTables.every((table) => seen(table).length === 0)) return new Response(null, { status: 204 });
  const result = run(await compiled(query), query, world, (name) => {
    const table = logTables.find((candidate) => candidate === name);
    return table === undefined ? [] : seen(table).filter(generatedIn(period));
  });
  const preference = request.headers.get("prefer") ?? "";
  return Response.json({
    tables: [tableOf(result)],
    ...(/include-statistics=true/i.test(preference) ? { statistics: statistics(result, performance.now() - began) } : {}),
    ...(/include-render=true/i.test(preference) ? { render: {} } : {}),
  });
}

function run(
  compiled: Compiled,
  query: string,
  { now, settings }: WorldState,
  rows: (table: string) => readonly JsonObject[],
): QueryResult {
  if ("errors" in compiled) throw badArgument(innerError(compiled.errors));
  try {
    return execute(compiled.plan, { now: now(), rows, ingestedAt: (time) => time + settings.ingestionSeconds * 1000 });
  } catch (error) {
    if (error instanceof NotExecutable) throw badArgument(innerError([kqlError(error, query)]));
    throw error;
  }
}

/** Assumed: the words of the inner messages, and that the first error alone is told. */
function innerError([first]: readonly KqlError[]): JsonObject {
  if (first === undefined) return { code: "SyntaxError", message: "Syntax Error" };
  const { kind, message, code, line, pos, token } = first;
  const inner = { code, message, line, pos, token };
  return kind === "syntax"
    ? { code: "SyntaxError", message: "A recognition error occurred in the query.", innererror: inner }
    : { code: "SemanticError", message: "A semantic error occurred.", innererror: inner };
}

/** Rows that are in the workspace by now and belong to the scope. */
function visibleRows({ now, settings, diagnosticSettings }: WorldState, rows: RowsOfTable, scope: string): RowsOfTable {
  const newest = now().getTime() - settings.ingestionSeconds * 1000;
  const isSeen = (row: JsonObject): boolean =>
    isWithin((textAt(row, "_ResourceId") ?? "").toLowerCase(), scope) && Date.parse(textAt(row, "TimeGenerated") ?? "") <= newest;
  return (table) => (isWritten(table, diagnosticSettings) ? rows(table).filter(isSeen) : []);
}

/** Whether a resource is the scope or lies in it; everything lies in an empty one. */
const isWithin = (resourceId: string, scope: string): boolean => scope === "" || resourceId === scope || resourceId.startsWith(`${scope}/`);

/** From the first to the last moment that belongs to it, in milliseconds. */
interface Period {
  readonly since: number;
  readonly until: number;
}

const always: Period = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/** The body's `timespan` holds beside whatever the query says of `TimeGenerated`. */
const generatedIn =
  ({ since, until }: Period) =>
  (row: JsonObject): boolean => {
    if (since === always.since && until === always.until) return true;
    const time = Date.parse(textAt(row, "TimeGenerated") ?? "");
    return time >= since && time <= until;
  };

async function readBody(request: Request, now: Date): Promise<{ readonly query: string; readonly period: Period }> {
  const body = parsed(await request.text());
  const query = isObject(body) ? textAt(body, "query") : undefined;
  if (query === undefined || !isObject(body))
    throw badArgument({ code: "QueryNotProvided", message: "The query is missing in the request." });
  const timespan = textAt(body, "timespan");
  return { query, period: timespan === undefined ? always : periodOf(timespan, now) };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw badArgument({ code: "InvalidJsonBody", message: "The request body is not valid JSON." });
  }
}

/** ISO 8601: `P1D`, `start/end`, `start/P1D` or `P1D/end` (https://learn.microsoft.com/azure/azure-monitor/logs/api/timespan). */
function periodOf(timespan: string, now: Date): Period {
  const [first = "", second, ...rest] = timespan.split("/");
  const [length, lastLength] = [durationMs(first), durationMs(second)];
  const [start, end] = [Date.parse(first), Date.parse(second ?? "")];
  const period =
    second === undefined
      ? { since: now.getTime() - (length ?? Number.NaN), until: now.getTime() }
      : { since: length === null ? start : end - length, until: lastLength === null ? end : start + lastLength };
  if (rest.length > 0 || Number.isNaN(period.since) || Number.isNaN(period.until) || period.since > period.until) {
    throw badArgument({ code: "InvalidTimespan", message: `The timespan '${timespan}' is none.` });
  }
  return period;
}

const tableOf = ({ columns, rows }: QueryResult): JsonObject => ({
  name: "PrimaryResult",
  columns: columns.map(({ name, type }) => ({ name, type })),
  rows,
});

/** Assumed: which members there are, beside the time. */
const statistics = ({ rows }: QueryResult, milliseconds: number): JsonObject => ({
  query: {
    executionTime: milliseconds / 1000,
    resourceUsage: { cpu: { totalCpu: `00:00:${(milliseconds / 1000).toFixed(7).padStart(10, "0")}` } },
    inputDatasetStatistics: {},
    datasetStatistics: [{ table_row_count: rows.length, table_size: JSON.stringify(rows).length }],
  },
});
