import type * as z from "zod";
import { applyChange } from "../../tools/apply-change.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Connection, connectProcess } from "../mcp/client.ts";
import type { PlanOutput } from "../tool.ts";
import { type Address, type Answered, addressIn, type Traffic, trafficOn } from "./demo-traffic.ts";
import { type Terminal, terminal } from "./terminal.ts";

const operationPolicy = (limit: string) => `<policies>
    <inbound>
        <base />
        ${limit}
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;
const brokenLimit = `<rate-limit-by-key calls="600" renewal-period="60" counter-key="@(context.Subscription.Id)">`;
const rightLimit = `<rate-limit-by-key calls="600" renewal-period="60" counter-key="@(context.Subscription.Id)" />`;

/** What a step of the tour needs: the connected server, the applications whose calls it governs, and somewhere to write. */
interface Tour {
  readonly server: Connection;
  readonly traffic: Traffic;
  readonly page: Terminal;
  readonly say: (text: string) => void;
}

/** One tool as the tour calls it: its name, and the schema that its answer is read with. */
interface Called<O extends z.ZodObject> {
  readonly name: string;
  readonly output: O;
}

/**
 * The guided tour: a real MCP client against this program as a server on the sandbox, through the main job from the
 * inventory to the undo. Throws where an answer is not what the tour promises, so that it can serve as a check.
 */
export async function demo(options: {
  readonly script: string;
  readonly colour: boolean;
  readonly write: (text: string) => void;
}): Promise<void> {
  const { server, address } = await connected(options.script);
  try {
    const traffic = trafficOn(await address);
    const tour: Tour = { server, traffic, page: terminal(options.colour), say: (text) => options.write(`${text}\n`) };
    await inventory(tour);
    const quota = await lowerQuota(tour);
    await addRegion(tour);
    await loseRegion(tour);
    await deployPolicy(tour);
    await showMetrics(tour);
    await undo(tour, quota);
    tour.say(
      `\n${tour.page.good("Done.")} Everything above ran in a sandbox; point it at your own service with the README's configuration.`,
    );
  } finally {
    await server.close();
  }
}

const announcedWithinMs = 10_000;

/** The server, and where it says that its sandbox listens. */
async function connected(script: string): Promise<{ readonly server: Connection; readonly address: Promise<Address> }> {
  let announce: (address: Address) => void = () => undefined;
  const address = new Promise<Address>((resolve, reject) => {
    announce = resolve;
    setTimeout(() => reject(new Error("The server has not said where its sandbox listens.")), announcedWithinMs).unref();
  });
  const server = await connectProcess(process.execPath, [script, "--sandbox"], (line) => {
    const found = addressIn(line);
    if (found !== null) announce(found);
  });
  return { server, address };
}

async function inventory(tour: Tour): Promise<void> {
  step(tour, "1. Which teams use the gateway, and what may each spend?");
  await showTeams(tour);
}

async function lowerQuota(tour: Tour): Promise<string> {
  step(tour, "2. Team growth burns its budget: lower it from 200,000 to 100,000 tokens per minute, nobody else");
  const before = await spent(tour, "growth");
  const plan = await ask(tour, updateQuota, { subscription_id: "growth", tpm: 100_000 });
  const change = await confirmed(tour, plan);
  await showTeams(tour);
  tour.say(
    "\n  Three answers of 60,000 tokens each in a row, through the gateway (what its limits had counted was reset before each row):\n",
  );
  const [after, others] = [await spent(tour, "growth"), await spent(tour, "prod-critical")];
  const row = (team: string, answers: readonly Answered[]) => [team, ...answers.map(outcomeOf)];
  const rows = [row("growth, before", before), row("growth, now", after), row("prod-critical, now", others)];
  tour.say(tour.page.table(["team", "1st", "2nd", "3rd"], rows));
  const statuses = [before, after, others].map((answers) => answers.map(({ status }) => status).join());
  expect(statuses.join(" ") === "200,200,200 200,200,429 200,200,200", `growth alone is turned away, and only now: ${statuses.join(" ")}`);
  return change;
}

/** Calls of a team whose answers are long, with nothing counted before. */
async function spent({ traffic }: Tour, team: string): Promise<readonly Answered[]> {
  await traffic.reset();
  await traffic.script("aoai-eastus", { kind: "answer", usage: { prompt: 10_000, completion: 50_000 } });
  const answers = await traffic.ask(team, 3);
  await traffic.clear();
  return answers;
}

const outcomeOf = ({ status, region, retryAfter }: Answered): string =>
  region ?? `${status}${retryAfter === null ? "" : `, again in ${retryAfter} s`}`;

async function addRegion(tour: Tour): Promise<void> {
  step(tour, "3. Where does the API's traffic go?");
  await showPool(tour);
  step(tour, "4. Add West Europe behind East US; a breaker of 5 failures in 1 minute, open for 5 minutes, makes the failover happen");
  const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
  const plan = await ask(tour, updateBackendPool, {
    api_id: "azure-openai",
    backends: [{ backend_id: "aoai-westeurope", priority: 2, circuit_breaker: breaker }],
    policies: { circuit_breaker: breaker },
  });
  await confirmed(tour, plan);
  await showPool(tour);
}

const outageRequests = 20;

/**
 * The breaker counts five failures of East US before it opens. The policy tries each call twice: two callers see both of their attempts fail,
 * the third one's second attempt goes to West Europe.
 */
async function loseRegion(tour: Tour): Promise<void> {
  const { traffic, page, say } = tour;
  step(tour, `5. East US goes down: every request there gets a 500. ${outageRequests} requests of prod-critical, one after the other`);
  await traffic.reset();
  await traffic.script("aoai-eastus", { kind: "status", status: 500 });
  const answers = await traffic.ask("prod-critical", outageRequests);
  say(page.table(["request", "answered by"], inRuns(answers.map(outcomeOf))));
  const hosts = [...(await traffic.attempts())];
  say(
    page.table(
      ["model", "attempts", "of these failed"],
      hosts.map(([host, { all, failed }]) => [host, all, failed]),
    ),
  );
  say(`\n  Breaker open: ${(await traffic.openBreakers()).join(", ")}`);
  const errors = answers.filter(({ status }) => status >= 500).length;
  say(`  ${errors} callers saw an error before the traffic shifted; with more retries it would be fewer.`);
  expect(errors === 2, `two errors before the shift, not ${errors}`);
  expect(answers.at(-1)?.region === "West Europe", "West Europe answers");
  await traffic.clear();
}

/** What follows one another and is the same, as one row. */
function inRuns(outcomes: readonly string[]): readonly (readonly [requests: string, outcome: string])[] {
  const starts = outcomes.flatMap((outcome, index) => (outcome === outcomes[index - 1] ? [] : [index]));
  return starts.map((start, run) => {
    const end = starts[run + 1] ?? outcomes.length;
    return [end === start + 1 ? `${end}` : `${start + 1} to ${end}`, outcomes[start] ?? ""];
  });
}

async function deployPolicy(tour: Tour): Promise<void> {
  step(tour, "6. Deploy a policy: validated first, so a broken one gets no further than here");
  const embeddings = { api_id: "azure-openai", operation_id: "Embeddings_Create" };
  const broken = await ask(tour, applyPolicy, { ...embeddings, policy_xml: operationPolicy(brokenLimit) });
  expect(broken.status === "blocked", "the broken policy is blocked");
  for (const { severity, line, column, message } of broken.diagnostics)
    tour.say(`  ${tour.page.bad(severity)} line ${line}, column ${column}: ${message}`);
  tour.say(tour.page.muted("  Corrected:"));
  await confirmed(tour, await ask(tour, applyPolicy, { ...embeddings, policy_xml: operationPolicy(rightLimit) }));
}

async function showMetrics(tour: Tour): Promise<void> {
  step(tour, "7. What did the last hour look like?");
  const { text } = await tour.server.call(getMetrics.name, { api_id: "azure-openai" });
  const { totals, sources } = await ask(tour, getMetrics, { api_id: "azure-openai" });
  expect(totals.requests !== "unknown", "the metrics count requests");
  tour.say(text);
  expect(sources.length > 0, "the metrics say where they are from");
}

async function undo(tour: Tour, changeId: string): Promise<void> {
  step(tour, "8. Take the quota change back");
  await confirmed(tour, await ask(tour, undoChange, { change_id: changeId }));
  await showTeams(tour);
}

async function showTeams(tour: Tour): Promise<void> {
  const { subscriptions } = await ask(tour, listSubscriptions, { detail: true });
  tour.say(
    tour.page.table(
      ["team", "scope", "tokens/min", "requests/min", "written in"],
      subscriptions.map(({ subscription_id, scope, tpm, rpm, limits = [] }) => [
        subscription_id,
        scope,
        count(tpm),
        count(rpm),
        limits.map(({ document, line }) => `${document}:${line}`).join(", ") || "-",
      ]),
    ),
  );
}

async function showPool(tour: Tour): Promise<void> {
  const { routes } = await ask(tour, getBackendPool, { api_id: "azure-openai" });
  for (const { backend_id, kind, certainty, members } of routes) {
    tour.say(`  ${kind} ${backend_id} (${certainty})`);
    tour.say(
      tour.page.table(
        ["member", "priority", "weight", "circuit breaker"],
        members.map(({ backend_id: member, priority, weight, circuit_breaker }) => [
          member,
          priority,
          weight,
          circuit_breaker === null
            ? "none"
            : `${circuit_breaker.failure_count ?? `${circuit_breaker.failure_percent}%`} failures in ${circuit_breaker.interval}, open ${circuit_breaker.trip_duration}`,
        ]),
      ),
    );
  }
}

/** Shows the plan, applies it with its own confirmation, and answers with the change's id. */
async function confirmed(tour: Tour, plan: PlanOutput): Promise<string> {
  const { page, say } = tour;
  expect(
    plan.status === "planned" && plan.plan_id !== undefined && plan.confirm !== undefined,
    `planned, not ${plan.status}: ${plan.summary}`,
  );
  for (const { diff } of plan.documents) say(page.diff(diff.trimEnd()));
  for (const warning of plan.warnings) say(`  ${page.muted(`warning: ${warning}`)}`);
  say(`  affected: ${plan.affected.join(", ")}`);
  say(`  confirm: ${page.heading(plan.confirm ?? "")}`);
  const { change_id, summary } = await ask(tour, applyChange, { plan_id: plan.plan_id, confirm: plan.confirm });
  say(`  ${page.good("applied")} ${summary} ${page.muted(change_id)}\n`);
  return change_id;
}

async function ask<O extends z.ZodObject>({ server }: Tour, tool: Called<O>, input: Record<string, unknown>): Promise<z.output<O>> {
  const answer = await server.call(tool.name, input);
  expect(!answer.isError, `${tool.name}: ${answer.text}`);
  return tool.output.parse(answer.structured);
}

const step = ({ say, page }: Tour, text: string): void => say(`\n${page.heading(text)}\n`);

const count = (value: number | string | null): string => (typeof value === "number" ? value.toLocaleString("en-US") : (value ?? "-"));

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`The tour expected: ${what}`);
}
