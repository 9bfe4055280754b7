import { describe, expect, test } from "vitest";
import { ada, failure, gpt, openAINote, openTraffic, question, runsOpenAI } from "./kit.ts";

/** What an import of Azure OpenAI's description has, and the demo's API leaves out. */
const responsesOperation = [
  "apis/azure-openai/operations/Responses_Create",
  { displayName: "Creates a model response", method: "POST", urlTemplate: "/responses" },
] as const;

describe.skipIf(!runsOpenAI)(`the openai client through the gateway${openAINote}`, () => {
  test("chat: an answer, with what is left of the team's tokens", async () => {
    const { client } = await openTraffic();
    const { data, response } = await client("growth").chat.completions.create(question("Say hello")).withResponse();
    expect(data.choices[0]?.message.content).toMatch(/\w/);
    expect(Number(response.headers.get("x-ratelimit-remaining-tokens"))).toBe(200_000 - (data.usage?.total_tokens ?? 0));
    expect(response.headers.get("x-ms-region")).toBe("East US");
  });

  test("streaming: the text in pieces, its usage at the end, and the usage is what the team is charged", async () => {
    const { client } = await openTraffic();
    const whole = await client("labs").chat.completions.create(question("Tell me a story"));
    const stream = await client("growth").chat.completions.create({
      ...question("Tell me a story"),
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let total: number | undefined;
    for await (const { choices, usage } of stream) {
      if (choices[0]?.delta.content) pieces.push(choices[0].delta.content);
      total = usage?.total_tokens ?? total;
    }
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.join("")).toBe(whole.choices[0]?.message.content);
    expect(total).toBe(whole.usage?.total_tokens);
    const next = await client("growth").chat.completions.create(question("Say hello")).withResponse();
    const left = 200_000 - (total ?? 0) - (next.data.usage?.total_tokens ?? 0);
    expect(next.response.headers.get("x-ratelimit-remaining-tokens")).toBe(String(left));
  });

  test("responses", async () => {
    const { client } = await openTraffic({ resources: [responsesOperation] });
    const { output_text, usage } = await client("growth").responses.create({ model: gpt, input: "Say hello" });
    expect(output_text).toMatch(/\w/);
    expect(usage?.total_tokens).toBeGreaterThan(0);
  });

  test("responses, streamed", async () => {
    const { client } = await openTraffic({ resources: [responsesOperation] });
    const stream = await client("growth").responses.create({ model: gpt, input: "Say hello", stream: true });
    const kinds: string[] = [];
    for await (const { type } of stream) kinds.push(type);
    expect(kinds[0]).toBe("response.created");
    expect(kinds.at(-1)).toBe("response.completed");
  });

  test("embeddings, which the client asks for in base64", async () => {
    const { client } = await openTraffic();
    const { data } = await client("growth").embeddings.create({ model: ada, input: ["one", "two"] });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([1536, 1536]);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 3);
  });
});

describe.skipIf(!runsOpenAI)(`what a person sees of an error${openAINote}`, () => {
  test("401 of a key that is not valid", async () => {
    const { clientWith } = await openTraffic();
    const error = await failure(clientWith("0123456789abcdef0123456789abcdef").chat.completions.create(question("Say hello")));
    expect([error.status, error.message]).toEqual([
      401,
      "401 Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
    ]);
    expect(error.headers?.get("www-authenticate")).toMatch(/^AzureApiManagementKey realm=/);
  });

  test("401 of a subscription that has been suspended", async () => {
    const { client, world } = await openTraffic();
    world.put("subscriptions/growth", { ...world.get("subscriptions/growth")?.properties, state: "suspended" });
    const error = await failure(client("growth").chat.completions.create(question("Say hello")));
    expect([error.status, error.message]).toEqual([401, expect.stringContaining("invalid subscription key")]);
  });

  test("a backend's own error comes through in its words", async () => {
    const { client, model } = await openTraffic();
    model("aoai-eastus").script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 37 } });
    const error = await failure(client("growth").chat.completions.create(question("Say hello")));
    expect([error.status, error.headers?.get("retry-after")]).toEqual([429, "37"]);
    expect(error.message).toMatch(/exceeded token rate limit .* Please retry after 37 seconds/);
  });

  test("404 of an operation that the API does not have", async () => {
    const { client } = await openTraffic();
    const error = await failure(client("growth").images.generate({ prompt: "a cat", model: gpt }));
    expect([error.status, error.message]).toEqual([404, "404 Resource not found"]);
  });
});
