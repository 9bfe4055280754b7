/** What the sandbox's log queries cost: a parser's first need, a query warm, and each of the gateways' queries on a million rows. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { loadKql } from "../../src/kql.ts";
import { type Compiled, compile, execute } from "../../src/sandbox/monitor/kql/engine.ts";
import type { KqlParser } from "../../src/sandbox/monitor/kql/parser.ts";
import { workspaceTables } from "../../src/sandbox/monitor/kql/tables.ts";
import { median, type Row } from "./row.ts";

const queries = new URL("../../../shared/fixtures/monitor/queries/", import.meta.url);
const start = Date.parse("2026-11-20T10:00:00Z");
const million = 1_000_000;

type Rows = Readonly<Record<string, readonly JsonObject[]>>;

/** An hour of a busy gateway: 40 teams, three backends, one call in fifty refused. */
function hour(calls: number): Rows {
  const gateway: JsonObject[] = [];
  const models: JsonObject[] = [];
  const dependencies: JsonObject[] = [];
  const metrics: JsonObject[] = [];
  for (let index = 0; index < calls; index++) {
    const TimeGenerated = new Date(start + Math.floor((index * 3_600_000) / calls)).toISOString();
    const CorrelationId = `call-${index.toString(16).padStart(12, "0")}`;
    const refused = index % 50 === 0;
    const code = refused ? 429 : index % 97 === 0 ? 500 : 200;
    const url = `https://aoai-${index % 3}.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`;
    gateway.push({
      TimeGenerated,
      CorrelationId,
      ApiId: "openai",
      ApimSubscriptionId: `team-${index % 40}`,
      ResponseCode: code,
      BackendUrl: refused ? null : url,
      BackendResponseCode: refused ? null : code,
      BackendId: refused ? null : `backend-${index % 3}`,
      TotalTime: 900 + (index % 377),
      BackendTime: refused ? 0 : 850 + (index % 300),
      ClientTime: 3,
      CacheTime: 0,
      Cache: "none",
      LastErrorReason: refused ? "OpenAITokenLimitExceeded" : null,
      LastErrorSource: refused ? "llm-token-limit" : null,
      LastErrorMessage: null,
      TraceRecords: [],
    });
    if (code === 200)
      models.push({ TimeGenerated, CorrelationId, PromptTokens: 100, CompletionTokens: 50, TotalTokens: 150 + (index % 100) });
    dependencies.push({ TimeGenerated, OperationId: CorrelationId, DependencyType: "HTTP", Data: `POST ${url}`, ResultCode: String(code) });
    metrics.push({
      TimeGenerated,
      Name: ["Total Tokens", "Prompt Tokens", "Completion Tokens"][index % 3] ?? "",
      Sum: index % 100,
      ItemCount: 1,
      Properties: { "Subscription ID": `team-${index % 40}`, "API ID": "openai" },
    });
  }
  return { ApiManagementGatewayLogs: gateway, ApiManagementGatewayLlmLog: models, AppDependencies: dependencies, AppMetrics: metrics };
}

/** Milliseconds that a query takes from its text to its answer. */
function run(parser: KqlParser, query: string, rows: Rows): number {
  const began = performance.now();
  const compiled: Compiled = compile(parser, query, workspaceTables);
  if ("errors" in compiled) throw new Error(compiled.errors.map(({ message }) => message).join("\n"));
  execute(compiled.plan, { now: new Date(start + 3_600_000), rows: (table) => rows[table] ?? [] });
  return performance.now() - began;
}

/** Rows of the table; none where the queries are not on this machine. */
export async function kqlRows(): Promise<readonly Row[]> {
  if (!existsSync(queries)) return [];
  const texts = readdirSync(queries)
    .sort()
    .map((name) => ({ name: name.replace(/\.kql$/, ""), query: readFileSync(new URL(name, queries), "utf8") }));
  const few = hour(1000);
  const began = performance.now();
  const parser = await loadKql();
  run(parser, texts[0]?.query ?? "", few);
  const first = performance.now() - began;
  const warm = texts.map(({ query }) => median(Array.from({ length: 5 }, () => run(parser, query, few))));
  const many = hour(million);
  return [
    { what: "first log query, from the first need on", value: first, unit: "ms" },
    { what: "a log query on 1,000 rows, warm", value: median(warm), unit: "ms" },
    ...texts.map(({ name, query }) => ({ what: `${name}, 1,000,000 rows`, value: run(parser, query, many) / 1000, unit: "s", bound: 10 })),
  ];
}

if (import.meta.main) {
  for (const { what, value, unit, bound } of await kqlRows()) {
    const missed = bound !== undefined && value > bound;
    process.stdout.write(
      `${what.padEnd(46)}${value.toFixed(2).padStart(9)} ${unit.padEnd(3)}${bound === undefined ? "" : ` at most ${bound} ${unit}`}${missed ? "   MISSED" : ""}\n`,
    );
    if (missed) process.exitCode = 1;
  }
}
