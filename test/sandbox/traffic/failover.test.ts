import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { updateBackendPool } from "../../../tools/update-backend-pool.ts";
import { openHarness } from "../../harness.ts";
import { ask, backendOf, failure, openAINote, openTraffic, policy, poolOf, question, runsOpenAI, type Traffic, toPool } from "./kit.ts";

const five: JsonObject = {
  failureCondition: { count: 5, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
  tripDuration: "PT5M",
};

const retries = (count: number): string =>
  count === 0
    ? '<forward-request buffer-request-body="true" />'
    : `<retry condition="@(context.Response.StatusCode == 429 || context.Response.StatusCode >= 500)" count="${count}" interval="0" first-fast-retry="true"><forward-request buffer-request-body="true" /></retry>`;

/** East US before West Europe, each behind a breaker, and so many retries and instances. */
const twoRegions = (retryCount: number, instances = 1): Promise<Traffic> =>
  openTraffic({
    regions: Array.from({ length: instances }, () => "East US"),
    resources: [
      ["backends/aoai-eastus", backendOf("aoai-eastus", five)],
      ["backends/aoai-westeurope", backendOf("aoai-westeurope", five)],
      [
        "backends/aoai-pool",
        poolOf([
          { id: "aoai-eastus", priority: 1 },
          { id: "aoai-westeurope", priority: 2 },
        ]),
      ],
      ["apis/azure-openai/policies/policy", policy({ inbound: toPool, backend: retries(retryCount) })],
    ],
  });

const eastIsDown = ({ model }: Traffic): void => model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 500 } });

/** What so many requests, one after the other, have got. */
async function asked({ client }: Traffic, times: number): Promise<readonly (string | number)[]> {
  const openai = client("growth");
  const answers: (string | number)[] = [];
  for (let index = 0; index < times; index++) answers.push(await ask(openai));
  return answers;
}

const errorsIn = (answers: readonly (string | number)[]): number => answers.filter((answer) => typeof answer === "number").length;

describe.skipIf(!runsOpenAI)(`an outage of the primary behind a breaker of 5 in 1 minute${openAINote}`, () => {
  const computed: readonly (readonly [retries: number, instances: number, errors: number])[] = [
    [0, 1, 5],
    [1, 1, 2],
    [2, 1, 1],
    [5, 1, 0],
    [0, 2, 10],
    [1, 2, 4],
    [2, 2, 2],
    [5, 2, 0],
    [0, 3, 15],
    [1, 3, 6],
    [2, 3, 3],
    [5, 3, 0],
  ];
  test.each(computed)("%i retries on %i instances: clients see %i errors before the shift", async (retryCount, instances, errors) => {
    const traffic = await twoRegions(retryCount, instances);
    eastIsDown(traffic);
    const answers = await asked(traffic, 30);
    expect(errorsIn(answers)).toBe(errors);
    expect(new Set(answers.slice(-instances))).toEqual(new Set(["West Europe"]));
    // Five failures open a breaker; with so many retries each is seen by its own instance alone.
    expect(traffic.model("aoai-eastus").received).toBe(5 * instances);
  });

  test("failback after the trip, and not before", async () => {
    const traffic = await twoRegions(0);
    eastIsDown(traffic);
    await asked(traffic, 5);
    traffic.model("aoai-eastus").script.clear();
    await traffic.clock.advance(5 * 60_000 - 1);
    expect(await asked(traffic, 3)).toEqual(["West Europe", "West Europe", "West Europe"]);
    await traffic.clock.advance(1);
    expect(await asked(traffic, 3)).toEqual(["East US", "East US", "East US"]);
  });

  test("an outage that goes on is met by five more errors after each trip", async () => {
    const traffic = await twoRegions(0);
    eastIsDown(traffic);
    for (let trip = 0; trip < 3; trip++) {
      expect(errorsIn(await asked(traffic, 10))).toBe(5);
      await traffic.clock.advance(5 * 60_000);
    }
  });

  test("a success between failures does not clear the window", async () => {
    const traffic = await twoRegions(0);
    const { script } = traffic.model("aoai-eastus");
    const answers: (string | number)[] = [];
    for (let turn = 0; turn < 5; turn++) {
      script.add({ behaviour: { kind: "status", status: 503 }, times: 1 });
      answers.push(...(await asked(traffic, 2)));
    }
    expect(answers).toEqual([503, "East US", 503, "East US", 503, "East US", 503, "East US", 503, "West Europe"]);
  });

  test("both regions down: 503 once all breakers are open, and no backend is asked any more", async () => {
    const traffic = await twoRegions(0);
    eastIsDown(traffic);
    traffic.model("aoai-westeurope").script.add({ behaviour: { kind: "status", status: 500 } });
    expect(await asked(traffic, 12)).toEqual([...Array.from({ length: 10 }, () => 500), 503, 503]);
    const error = await failure(traffic.client("growth").chat.completions.create(question("Say hello")));
    expect([error.status, error.message]).toEqual([503, "503 Service Unavailable"]);
    expect([traffic.model("aoai-eastus").received, traffic.model("aoai-westeurope").received]).toEqual([5, 5]);
  });

  test("a refused connection is an error each time: it never opens the breaker", async () => {
    const traffic = await twoRegions(0);
    traffic.model("aoai-eastus").script.add({ behaviour: { kind: "refuse" } });
    expect(await asked(traffic, 12)).toEqual(Array.from({ length: 12 }, () => 500));
  });

  test("streams fail over, too", async () => {
    const traffic = await twoRegions(5);
    eastIsDown(traffic);
    const { data, response } = await traffic
      .client("growth")
      .chat.completions.create({ ...question("Tell me a story"), stream: true })
      .withResponse();
    let text = "";
    for await (const { choices } of data) text += choices[0]?.delta.content ?? "";
    expect(text).toMatch(/\w/);
    expect(response.headers.get("x-ms-region")).toBe("West Europe");
  });
});

describe.skipIf(!runsOpenAI)(`the README's main job${openAINote}`, () => {
  test("what update_backend_pool deploys behind the demo's own policy: two errors with its one retry, then West Europe, and back", async () => {
    const traffic = await openTraffic();
    const harness = await openHarness();
    const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
    const plan = await harness.ask(updateBackendPool, {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-westeurope", priority: 2, circuit_breaker: breaker }],
      policies: { circuit_breaker: breaker },
    });
    await harness.apply(plan);
    for (const { path, properties } of harness.sandbox.world.list("backends")) traffic.world.put(path, properties);

    expect(await asked(traffic, 2)).toEqual(["East US", "East US"]);
    eastIsDown(traffic);
    const answers = await asked(traffic, 10);
    expect([errorsIn(answers), new Set(answers.slice(2))]).toEqual([2, new Set(["West Europe"])]);
    traffic.model("aoai-eastus").script.clear();
    await traffic.clock.advance(5 * 60_000);
    expect(await asked(traffic, 3)).toEqual(["East US", "East US", "East US"]);
  });
});
