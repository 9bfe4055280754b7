import { describe, expect, test } from "vitest";
import { inTurn } from "../../src/change/queue.ts";
import { limitPolicy, never, openService, productPolicy, proposalOf, rewritten, type Service, secondRegion } from "./service.ts";

const atOnce = <T>(works: readonly (() => Promise<T>)[]): Promise<T[]> => Promise.all(works.map((work) => work()));

/** Two changes of different documents; the second is another caller's. */
async function twoChanges(service: Service): Promise<readonly (() => Promise<unknown>)[]> {
  const region = await service.plan({ documents: await secondRegion(service) });
  const grace = service.open({ caller: "local:grace" });
  const documents = [
    rewritten(await service.read(productPolicy), () => limitPolicy(150_000)),
    { id: "namedValues/tpm", before: null, after: { displayName: "tpm", value: "1" } },
  ];
  const limit = await grace.planner(service.gateway.reader(never)).plan(proposalOf({ documents }));
  return [() => service.apply(region), () => grace.applier(never).apply(limit.planId ?? "", limit.confirm ?? "")];
}

const region = ["PUT backends/west", "PUT backends/pool", "PUT apis/openai/policies/policy"];
const limit = ["PUT namedValues/tpm", `PUT ${productPolicy}`];

describe("changes of one service", () => {
  test("never interleave their documents, whoever makes them", async () => {
    const service = openService();
    const [first, second] = await twoChanges(service);
    await atOnce([first, second].filter((work) => work !== undefined));
    expect(service.writes()).toEqual([...region, ...limit]);
  });

  test("a change that fails is taken back before the next begins", async () => {
    const service = openService();
    const works = await twoChanges(service);
    service.world.faults.add({ method: "PUT", path: "backends/pool", outcome: { kind: "answer", status: 409 } });
    const outcomes = await Promise.allSettled(works.map((work) => work()));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(service.writes()).toEqual(["PUT backends/west", "PUT backends/pool", "DELETE backends/west", ...limit]);
  });

  test("the same plan twice at once is written once, and both hear its outcome", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const [first, second] = await atOnce([() => service.apply(plan), () => service.apply(plan)]);
    expect(second).toEqual(first);
    expect(service.writes()).toEqual(region);
  });
});

test("other services do not wait", async () => {
  const [busy, idle] = [openService(), openService()];
  let release = () => {};
  const held = inTurn(busy.gateway, () => new Promise<void>((resolve) => (release = resolve)));
  expect(await inTurn(idle.gateway, async () => "done")).toBe("done");
  let later = false;
  const next = inTurn(busy.gateway, async () => {
    later = true;
  });
  expect(later).toBe(false);
  release();
  await Promise.all([held, next]);
  expect(later).toBe(true);
});
