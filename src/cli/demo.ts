import { applyPolicy } from "../../tools/apply-policy.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { demoClock } from "./demo-clock.ts";
import { readDocuments } from "./demo-documents.ts";
import { rehearse } from "./demo-drill.ts";
import { loseRegion, outageErrors } from "./demo-outage.ts";
import { openDemoServer } from "./demo-server.ts";
import { applied, ask, confirmed, expect, showPlan, step, type Tour } from "./demo-tour.ts";
import { type Answered, trafficOn } from "./demo-traffic.ts";
import { terminal } from "./terminal.ts";

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
const brokenLimit = `<rate-limit-by-key calls="2000" renewal-period="60" counter-key="@(context.Subscription.Id)">`;
const rightLimit = `<rate-limit-by-key calls="2000" renewal-period="60" counter-key="@(context.Subscription.Id)" />`;

/**
 * The guided tour: a real MCP client before this program's server on the sandbox, through the main job from the inventory to the undo. Its clock
 * is moved where minutes have to go by. Throws where an answer is not what the tour promises, so that it can serve as a check.
 */
export async function demo(options: {
  readonly colour: boolean;
  readonly write: (text: string) => void;
  /** In whose minute it begins; now where left out. */
  readonly start?: Date;
}): Promise<void> {
  const given = (options.start ?? new Date()).getTime();
  const start = new Date(given - (given % 60_000));
  const clock = demoClock(start);
  const { server, address } = await openDemoServer(clock);
  try {
    const tour: Tour = {
      server,
      traffic: trafficOn(address),
      documents: () => readDocuments(address),
      clock,
      page: terminal(options.colour),
      say: (text) => options.write(`${text}\n`),
    };
    await inventory(tour);
    const quota = await lowerQuota(tour);
    await addRegion(tour);
    await rehearse(tour);
    await loseRegion(tour);
    await deployPolicy(tour);
    await showMetrics(tour, start);
    await undo(tour, quota);
    tour.say(
      `\n${tour.page.good("Done.")} Everything above ran in a sandbox; point it at your own service with the README's configuration.`,
    );
  } finally {
    await server.close();
  }
}

async function inventory(tour: Tour): Promise<void> {
  step(tour, "1. Which teams use the gateway, and what may each spend?");
  await showTeams(tour);
}

async function lowerQuota(tour: Tour): Promise<string> {
  step(tour, "2. Team growth burns its budget: lower it from 200,000 to 100,000 tokens per minute, nobody else");
  const before = await spent(tour, "growth");
  const plan = await ask(tour, updateQuota, { subscription_id: "growth", tpm: 100_000 });
  showPlan(tour, plan);
  const forecast = updateQuota
    .render(plan)
    .split("\n")
    .find((text) => text.startsWith("Forecast from "));
  const proof = plan.guards.find(({ name, verdict }) => name === "shared_document" && verdict === "passed");
  expect(forecast !== undefined && proof !== undefined, "the plan foresees what the team will meet, and proves the others unchanged");
  tour.say(`  ${forecast}`);
  tour.say(`  Proven over all policies as they will be: ${proof?.message}\n`);
  const { changeId } = await applied(tour, plan);
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
  return changeId;
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

async function deployPolicy(tour: Tour): Promise<void> {
  step(tour, "7. Deploy a policy: validated first, so a broken one gets no further than here");
  const embeddings = { api_id: "azure-openai", operation_id: "Embeddings_Create" };
  const broken = await ask(tour, applyPolicy, { ...embeddings, policy_xml: operationPolicy(brokenLimit) });
  expect(broken.status === "blocked", "the broken policy is blocked");
  for (const { severity, line, column, message } of broken.diagnostics)
    tour.say(`  ${tour.page.bad(severity)} line ${line}, column ${column}: ${message}`);
  tour.say(tour.page.muted("  Corrected:"));
  await confirmed(tour, await ask(tour, applyPolicy, { ...embeddings, policy_xml: operationPolicy(rightLimit) }));
}

async function showMetrics(tour: Tour, since: Date): Promise<void> {
  step(tour, "8. What do the gateway's logs say of all this, team by team?");
  const input = { api_id: "azure-openai", since: since.toISOString(), group_by: ["subscription"] };
  const metrics = await ask(tour, getMetrics, input);
  tour.say(getMetrics.render(metrics));
  tour.say(`\n  The errors of 'master' are those of the drill: its test calls were made with that key.`);
  const errors = metrics.rows.find(({ subscription }) => subscription === "prod-critical")?.errors;
  expect(errors === outageErrors, `the metrics know of the ${outageErrors} errors that prod-critical saw, not of ${errors}`);
}

async function undo(tour: Tour, changeId: string): Promise<void> {
  step(tour, "9. Take the quota change back");
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

const count = (value: number | string | null): string => (typeof value === "number" ? value.toLocaleString("en-US") : (value ?? "-"));
