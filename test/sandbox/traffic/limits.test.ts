import type { AzureOpenAI } from "openai";
import { describe, expect, test } from "vitest";
import { failure, openAINote, openTraffic, policy, question, runsOpenAI, type Traffic, type TrafficOptions } from "./kit.ts";

const limitedBy = (limit: string, options: TrafficOptions = {}): Promise<Traffic> =>
  openTraffic({
    ...options,
    resources: [["products/aoai/policies/policy", policy({ inbound: `<base />${limit}` })], ...(options.resources ?? [])],
  });

const perMinute = (tokens: number): string =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tokens}" estimate-prompt-tokens="false" remaining-tokens-header-name="x-ratelimit-remaining-tokens" />`;

/** What a person sees of a call that costs so many tokens: what is left, or the error and its wait. */
async function call({ model }: Traffic, client: AzureOpenAI, tokens: number): Promise<string> {
  const { script } = model("aoai-eastus");
  script.clear();
  script.add({ behaviour: { kind: "answer", usage: { prompt: 10, completion: tokens - 10 } } });
  const asked = client.chat.completions.create(question("Say hello")).withResponse();
  try {
    return `left ${(await asked).response.headers.get("x-ratelimit-remaining-tokens")}`;
  } catch {
    const { message, headers } = await failure(asked);
    return `${message} (Retry-After ${headers?.get("retry-after")})`;
  }
}

describe.skipIf(!runsOpenAI)(`the golden vector of token limits${openAINote}`, () => {
  test("TPM 100 on a classic tier, calls of 59 and 55 tokens every 15 s: 41, 0, 429, 429, 0 (measured, within a second)", async () => {
    const traffic = await limitedBy(perMinute(100), { sku: "Standard" });
    const client = traffic.client("growth");
    const found: string[] = [];
    for (const tokens of [59, 55, 59, 55, 55]) {
      found.push(await call(traffic, client, tokens));
      await traffic.clock.advance(15_000);
    }
    // Measured were 29 and 14 seconds.
    expect(found).toEqual([
      "left 41",
      "left 0",
      "429 Token limit is exceeded. Try again in 30 seconds. (Retry-After 30)",
      "429 Token limit is exceeded. Try again in 15 seconds. (Retry-After 15)",
      "left 0",
    ]);
  });

  test("the same on a v2 tier, whose bucket fills while nobody calls: 41, 11, 0, 0, 429 (inferred)", async () => {
    const traffic = await limitedBy(perMinute(100));
    const client = traffic.client("growth");
    const found: string[] = [];
    for (const tokens of [59, 55, 59, 55, 55]) {
      found.push(await call(traffic, client, tokens));
      await traffic.clock.advance(15_000);
    }
    const refused = "429 Token limit is exceeded. Try again in 18 seconds. (Retry-After 18)";
    expect(found).toEqual(["left 41", "left 11", "left 0", "left 0", refused]);
  });
});

describe.skipIf(!runsOpenAI)(`what a person sees of a limit${openAINote}`, () => {
  test("403 of a token quota, once it is exceeded and not when it is used up", async () => {
    const traffic = await limitedBy(
      '<llm-token-limit counter-key="@(context.Subscription.Id)" token-quota="100" token-quota-period="Hourly" estimate-prompt-tokens="false" />',
    );
    await traffic.clock.advance((38 * 60 + 27) * 1000);
    const client = traffic.client("growth");
    expect(await call(traffic, client, 100)).toMatch(/^left/);
    expect(await call(traffic, client, 20)).toMatch(/^left/);
    expect(await call(traffic, client, 20)).toBe("403 Token quota is exceeded. Try again in 21 minutes and 33 seconds. (Retry-After 1293)");
  });

  test("429 of a call rate", async () => {
    const { client } = await limitedBy('<rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Subscription.Id)" />');
    await client("growth").chat.completions.create(question("Say hello"));
    const error = await failure(client("growth").chat.completions.create(question("Say hello")));
    expect([error.status, error.message]).toEqual([429, "429 Rate limit is exceeded. Try again in 1 minute."]);
    expect((await client("analytics").chat.completions.create(question("Say hello"))).choices).toHaveLength(1);
  });

  test("a lowered limit is effective with the next call", async () => {
    const traffic = await limitedBy(perMinute(1000));
    const client = traffic.client("growth");
    expect(await call(traffic, client, 200)).toBe("left 800");
    traffic.world.put("products/aoai/policies/policy", policy({ inbound: `<base />${perMinute(100)}` }));
    expect(await call(traffic, client, 200)).toBe("left 0");
    expect(await call(traffic, client, 200)).toMatch(/^429 /);
  });
});

describe.skipIf(!runsOpenAI)(`a semantic cache at 0.05${openAINote}`, () => {
  const embeddings = {
    type: "Single",
    url: "https://embeddings.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
    protocol: "http",
  };
  const lookup = `<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned">
    <vary-by>@(context.Subscription.Id)</vary-by>
  </llm-semantic-cache-lookup>`;
  const open = (): Promise<Traffic> =>
    openTraffic({
      resources: [
        ["backends/embeddings", embeddings],
        [
          "products/aoai/policies/policy",
          policy({ inbound: `<base />${perMinute(100_000)}${lookup}`, outbound: '<base /><llm-semantic-cache-store duration="60" />' }),
        ],
      ],
    });
  const prompt = "Please tell me which region of the world has the most cats";

  test("the same question of the same team costs nothing and asks no model; another team's does", async () => {
    const { client, model } = await open();
    const left: (string | null)[] = [];
    const texts = new Set<string | null | undefined>();
    for (const team of ["growth", "growth", "analytics"]) {
      const { data, response } = await client(team).chat.completions.create(question(prompt)).withResponse();
      left.push(response.headers.get("x-ratelimit-remaining-tokens"));
      texts.add(data.choices[0]?.message.content);
    }
    expect([left[0] === left[1], left[0] === left[2], texts.size]).toEqual([true, true, 1]);
    expect(model("aoai-eastus").received).toBe(2);
  });

  test("a question that says the opposite goes to the model", async () => {
    const { client, model } = await open();
    await client("growth").chat.completions.create(question(prompt));
    await client("growth").chat.completions.create(question(prompt.replace("has", "has not")));
    expect(model("aoai-eastus").received).toBe(2);
  });

  test("an outage of the embeddings costs hits and no answers", async () => {
    const { client, model } = await open();
    model("embeddings").script.add({ behaviour: { kind: "status", status: 500 } });
    for (let call = 0; call < 3; call++) {
      expect((await client("growth").chat.completions.create(question(prompt))).choices).toHaveLength(1);
    }
    expect(model("aoai-eastus").received).toBe(3);
  });
});
