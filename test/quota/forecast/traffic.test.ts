import { describe, expect, test } from "vitest";
import { forecast } from "../../../src/quota/forecast/index.ts";
import { check, scenarios } from "./coverage.ts";
import { arrivals, begin, type SendOptions, send } from "./generated-traffic.ts";
import { limitOf } from "./given.ts";

const hours = 1;
const ample = 1_000_000_000;
const tokens = (limit: number, estimate = false, more = ""): string =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${limit}" estimate-prompt-tokens="${estimate}"${more} />`;
const calls = (limit: number): string =>
  `<rate-limit-by-key counter-key="@(context.Subscription.Id)" calls="${limit}" renewal-period="30" />`;

describe("the history of traffic through the sandbox's gateway", () => {
  test("is what the clients have seen: times, tokens, and what refused them", async () => {
    const traffic = arrivals("bursty", hours, 11);
    const sent = await send(traffic, hours, { sku: "Premium", policy: tokens(8000) });
    const history = await sent.history();
    expect(history).toMatchObject({ metered: true, incomplete: false, gap: null, notes: [] });
    const seen = traffic.map(({ at, prompt, completion, milliseconds }, index) => {
      const start = begin.getTime() + at;
      const common = { start, streamed: false, deployment: "gpt-4o", apiId: "llm", region: "East US" };
      return sent.statuses[index] === 200
        ? { ...common, end: start + milliseconds, tokens: { prompt, total: prompt + completion }, served: true, refusedBy: null }
        : { ...common, end: start, tokens: null, served: false, refusedBy: "tpm" };
    });
    expect(seen.filter(({ refusedBy }) => refusedBy === "tpm").length).toBeGreaterThan(5);
    expect(history.requests).toEqual(seen);
  });
});

interface Case extends Omit<SendOptions, "policy"> {
  readonly before: string;
  readonly after: string;
  readonly limit: ReturnType<typeof limitOf>;
}

describe("the same traffic once more, under the limit that was forecast", () => {
  const quota = (limit: number): string =>
    `<llm-token-limit counter-key="@(context.Subscription.Id)" token-quota="${limit}" token-quota-period="Hourly" estimate-prompt-tokens="false" />`;
  const estimating = limitOf("tpm", 8000, {}, '<llm-token-limit estimate-prompt-tokens="true" />');
  test.each<[string, Case]>([
    ["classic", { sku: "Premium", before: tokens(ample), after: tokens(8000), limit: limitOf("tpm", 8000) }],
    ["v2", { sku: "BasicV2", before: tokens(ample), after: tokens(8000), limit: limitOf("tpm", 8000) }],
    [
      "two regions",
      {
        sku: "Premium",
        regions: ["East US", "West Europe"],
        before: tokens(ample),
        after: tokens(5000),
        limit: limitOf("tpm", 5000, { gateways: 2 }),
      },
    ],
    [
      "calls",
      { sku: "Premium", before: calls(1000), after: calls(3), limit: limitOf("rpm", 6, { written: { calls: 3, renewalSeconds: 30 } }) },
    ],
    [
      "calls, v2",
      { sku: "StandardV2", before: calls(1000), after: calls(3), limit: limitOf("rpm", 6, { written: { calls: 3, renewalSeconds: 30 } }) },
    ],
    [
      "a quota",
      { sku: "Premium", before: quota(ample), after: quota(20_000), limit: limitOf("token_quota", 20_000, { period: "Hourly" }) },
    ],
    ["estimated prompts", { sku: "Premium", before: tokens(ample), after: tokens(8000, true), limit: estimating }],
  ])("is refused as was said: %s", async (_, { before, after, limit, ...options }) => {
    const traffic = arrivals("bursty", hours, 5);
    const past = await send(traffic, hours, { ...options, policy: before });
    const told = forecast(await past.history(), {
      before: [{ ...limit, amount: { status: "value", value: ample }, written: { calls: 1000, renewalSeconds: 30 } }],
      after: [limit],
      sku: options.sku,
    });
    const { statuses } = await send(traffic, hours, { ...options, policy: after });
    const refused = statuses.filter((status) => status !== 200).length;
    expect(refused).toBeGreaterThan(5);
    expect(told).toMatchObject({ requests: traffic.length, before: { refused_requests: 0 }, after: { refused_requests: refused } });
  });
});

test("other traffic of the same kind is refused within the interval", async () => {
  const outcomes = [];
  for (const scenario of scenarios(3, [4], 400)) outcomes.push(await check(scenario));
  expect(outcomes.filter(({ inside }) => inside).length).toBeGreaterThanOrEqual(2);
});
