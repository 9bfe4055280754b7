import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deploymentOf } from "../../../src/sandbox/models/deployments.ts";
import { chat, chatPath, embeddingsPath, eventsIn, json, openBackend, send } from "./client.ts";

const textOf = async (response: Response): Promise<string> => {
  const { choices } = JSON.parse(await response.text());
  return choices[0].message.content;
};

describe("chat", () => {
  it("answers as Azure OpenAI does", async () => {
    const { backend } = openBackend();
    const response = await send(backend, chatPath, chat("Hello there"));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "apim-request-id": response.headers.get("x-request-id"),
      "content-type": "application/json",
      "x-ms-deployment-name": "gpt-4o",
      "x-ms-region": "East US",
      "x-ratelimit-limit-requests": "180000",
      "x-ratelimit-limit-tokens": "30000000",
      "x-ratelimit-remaining-requests": "29999",
      "x-ratelimit-remaining-tokens": "29999974",
      "x-request-id": expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    });
    const body = await json(response);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{29}$/),
      object: "chat.completion",
      created: Date.parse("2026-03-01T10:00:00Z") / 1000,
      model: "gpt-4o-2024-11-20",
      choices: [{ index: 0, message: { role: "assistant", content: expect.any(String) }, finish_reason: "stop" }],
    });
    const content = JSON.parse(JSON.stringify(body)).choices[0].message.content;
    const completion = Math.ceil(content.length / 4);
    // 3 to open the answer, 3 for the message, 1 for its role, 3 for eleven characters.
    expect(body.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: completion, total_tokens: 10 + completion });
  });

  it.each([
    ["/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {}],
    ["/openai/v1/chat/completions", { model: "gpt-4o" }],
    ["/models/chat/completions", { model: "gpt-4o" }],
  ])("at %s", async (path, more) => {
    const { backend } = openBackend();
    expect((await json(await send(backend, path, chat("Hello", more)))).model).toBe("gpt-4o-2024-11-20");
  });

  it("writes no more than it is allowed to, and says so", async () => {
    const { backend } = openBackend();
    for (const limit of ["max_tokens", "max_completion_tokens"]) {
      const body = await json(await send(backend, chatPath, chat("Hello", { [limit]: 5 })));
      const content = expect.stringMatching(/^.{20}$/);
      expect(body).toMatchObject({ choices: [{ message: { content }, finish_reason: "length" }], usage: { completion_tokens: 5 } });
    }
  });

  it("writes several answers, and counts them all", async () => {
    const { backend } = openBackend();
    const body = await json(await send(backend, chatPath, chat("Hello", { n: 3, max_tokens: 7 })));
    expect(body).toMatchObject({ choices: [{ index: 0 }, { index: 1 }, { index: 2 }], usage: { completion_tokens: 21 } });
    const { choices } = JSON.parse(JSON.stringify(body));
    expect(new Set(choices.map(({ message }: { message: { content: string } }) => message.content)).size).toBe(3);
  });

  it("the same seed gives the same answer in every region; another seed, prompt or model another", async () => {
    const answer = async (region: string, seed: number, text: string, path = chatPath) =>
      textOf(await send(openBackend({ region, seed }).backend, path, chat(text)));
    const first = await answer("East US", 1, "Hello");
    expect(await answer("West Europe", 1, "Hello")).toBe(first);
    expect(await answer("East US", 2, "Hello")).not.toBe(first);
    expect(await answer("East US", 1, "Goodbye")).not.toBe(first);
    expect(await answer("East US", 1, "Hello", chatPath.replace("gpt-4o", "gpt-4.1"))).not.toBe(first);
  });

  it("reads the text of parts, and counts an image", async () => {
    const { backend } = openBackend();
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    ];
    const body = await json(await send(backend, chatPath, { messages: [{ role: "user", content }] }));
    expect(body.usage).toMatchObject({ prompt_tokens: 3 + 3 + 1 + 4 + 85 });
  });
});

describe("a chat's stream", () => {
  const streamed = async (more: object = {}) => {
    const { backend } = openBackend();
    const response = await send(backend, chatPath, chat("Hello", { stream: true, ...more }));
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = eventsIn(await response.text());
    expect(events.at(-1)).toEqual({ event: null, data: "[DONE]" });
    return events.slice(0, -1).map(({ data }) => JSON.parse(data));
  };

  it("brings the same text as a plain answer, in pieces", async () => {
    const plain = await textOf(await send(openBackend().backend, chatPath, chat("Hello")));
    const chunks = await streamed();
    const [filter, role, ...rest] = chunks;
    expect(filter).toMatchObject({ object: "chat.completion.chunk", choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
    expect(role).toMatchObject({ model: "gpt-4o-2024-11-20", choices: [{ delta: { role: "assistant", content: "" } }] });
    expect(rest.map(({ choices }) => choices[0].delta.content ?? "").join("")).toBe(plain);
    expect(rest.at(-1)).toMatchObject({ choices: [{ delta: {}, finish_reason: "stop" }] });
    expect(rest.length).toBeGreaterThan(20);
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
  });

  it("ends with the usage where that is asked for", async () => {
    const { usage } = await json(await send(openBackend().backend, chatPath, chat("Hello")));
    const chunks = await streamed({ stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  it("brings every choice to its end", async () => {
    const chunks = await streamed({ n: 2, max_tokens: 6 });
    const finished = chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null);
    expect(finished.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, "length"],
      [1, "length"],
    ]);
  });
});

describe("responses", () => {
  const path = "/openai/v1/responses";

  it.each([[path], ["/openai/responses?api-version=2025-04-01-preview"]])("answers at %s", async (at) => {
    const { backend } = openBackend();
    const body = await json(await send(backend, at, { model: "gpt-4o", input: "Hello there" }));
    const text = JSON.parse(JSON.stringify(body)).output[0].content[0].text;
    const completion = Math.ceil(text.length / 4);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{48}$/),
      object: "response",
      status: "completed",
      model: "gpt-4o-2024-11-20",
      error: null,
      incomplete_details: null,
      output: [{ type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", annotations: [] }] }],
      usage: { input_tokens: 10, output_tokens: completion, total_tokens: 10 + completion },
    });
  });

  it("takes items and instructions in", async () => {
    const { backend } = openBackend();
    const input = [{ role: "user", content: [{ type: "input_text", text: "abcd" }] }];
    const body = await json(await send(backend, path, { model: "gpt-4o", instructions: "Be short.", input }));
    // 3, then 3 + 2 + 3 for the instructions, and 3 + 1 + 1 for the item.
    expect(body).toMatchObject({ instructions: "Be short.", usage: { input_tokens: 16 } });
  });

  it("is incomplete where it is cut", async () => {
    const { backend } = openBackend();
    expect(await json(await send(backend, path, { model: "gpt-4o", input: "Hello", max_output_tokens: 4 }))).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: { output_tokens: 4 },
    });
  });

  it.each([
    [{}, "response.completed"],
    [{ max_output_tokens: 4 }, "response.incomplete"],
  ])("its stream is a sequence of named events", async (more, last) => {
    const { backend } = openBackend();
    const asked = { model: "gpt-4o", input: "Hello", stream: true, ...more };
    const events = eventsIn(await (await send(backend, path, asked)).text());
    const parsed = events.map(({ data }) => JSON.parse(data));
    expect(events.map(({ event }) => event)).toEqual(parsed.map(({ type }) => type));
    expect(parsed.map(({ sequence_number }) => sequence_number)).toEqual(parsed.map((_, index) => index));
    expect([...new Set(events.map(({ event }) => event))]).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      last,
    ]);
    const deltas = parsed.flatMap(({ delta }) => delta ?? []).join("");
    const whole = parsed.at(-1).response;
    expect(whole.output[0].content[0].text).toBe(deltas);
    const plain = await json(await send(openBackend().backend, path, { ...asked, stream: false }));
    expect(whole).toMatchObject({ ...plain, id: whole.id, output: [{ content: [{ text: deltas }] }] });
  });
});

describe("embeddings", () => {
  it("come as numbers, one for each text", async () => {
    const { backend } = openBackend();
    const body = JSON.parse(await (await send(backend, embeddingsPath, { input: ["first", "second text"] })).text());
    expect(body).toMatchObject({ object: "list", model: "text-embedding-3-small", usage: { prompt_tokens: 5, total_tokens: 5 } });
    expect(body.data.map(({ index, embedding }: { index: number; embedding: number[] }) => [index, embedding.length])).toEqual([
      [0, 1536],
      [1, 1536],
    ]);
  });

  it("come as base64 of little-endian floats, the same ones", async () => {
    const { backend } = openBackend();
    const asked = { input: "one text", dimensions: 64, model: "text-embedding-3-small" };
    const numbers = JSON.parse(await (await send(backend, "/openai/v1/embeddings", asked)).text()).data[0].embedding;
    const { data } = JSON.parse(await (await send(backend, embeddingsPath, { ...asked, encoding_format: "base64" })).text());
    const bytes = Buffer.from(data[0].embedding, "base64");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const decoded = Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getFloat32(index * 4, true));
    expect(decoded).toEqual(numbers.map(Math.fround));
    expect(decoded).toHaveLength(64);
  });

  it("take tokens in", async () => {
    const { backend } = openBackend();
    const body = JSON.parse(await (await send(backend, embeddingsPath, { input: [[1, 2, 3], [4]] })).text());
    expect([body.data.length, body.usage.prompt_tokens]).toEqual([2, 4]);
    expect(JSON.parse(await (await send(backend, embeddingsPath, { input: [1, 2, 3] })).text()).data).toHaveLength(1);
  });

  it("are those that were scripted for a text", async () => {
    const { backend } = openBackend();
    backend.vectors.set("scripted", [1, 0, 0.5]);
    const ask = async () => JSON.parse(await (await send(backend, embeddingsPath, { input: "scripted" })).text()).data[0].embedding;
    expect(await ask()).toEqual([1, 0, 0.5]);
    backend.reset();
    expect(await ask()).toHaveLength(1536);
  });
});

describe("what is refused", () => {
  it.each<[string, number, string, object | string, object]>([
    ["no JSON", 400, chatPath, "{", { type: "invalid_request_error" }],
    ["an empty body", 400, chatPath, "", { type: "invalid_request_error" }],
    ["a body that is no object", 400, chatPath, "[]", { type: "invalid_request_error" }],
    ["deep nonsense", 400, chatPath, "[".repeat(100_000), { type: "invalid_request_error" }],
    ["no messages", 400, chatPath, {}, { type: "invalid_request_error", param: "messages" }],
    ["messages that are none", 400, chatPath, { messages: "hello" }, { param: "messages" }],
    ["a message without a role", 400, chatPath, { messages: [{ content: "hello" }] }, { param: "messages[0]" }],
    ["n out of range", 400, chatPath, chat("x", { n: 0 }), { param: "n" }],
    ["max_tokens that is no number", 400, chatPath, chat("x", { max_tokens: "5" }), { param: "max_tokens" }],
    ["more than the context holds", 400, chatPath, chat("x".repeat(600_000)), { code: "context_length_exceeded" }],
    ["more than a body may be", 400, chatPath, chat("x".repeat(17_000_000)), { message: expect.stringContaining("larger than") }],
    ["no input", 400, embeddingsPath, {}, { param: "input" }],
    ["an empty input", 400, embeddingsPath, { input: "" }, { param: "input" }],
    ["no text at all", 400, embeddingsPath, { input: [] }, { param: "input" }],
    ["too many texts", 400, embeddingsPath, { input: Array.from({ length: 2049 }, () => "x") }, { param: "input" }],
    ["a text that is too long", 400, embeddingsPath, { input: "x".repeat(40_000) }, { code: "context_length_exceeded" }],
    ["an unknown encoding", 400, embeddingsPath, { input: "x", encoding_format: "hex" }, { param: "encoding_format" }],
    ["too many dimensions", 400, embeddingsPath, { input: "x", dimensions: 1537 }, { param: "dimensions" }],
    ["no input of a response", 400, "/openai/v1/responses", { model: "gpt-4o" }, { param: "input" }],
    ["an input that is no item", 400, "/openai/v1/responses", { model: "gpt-4o", input: [1] }, { param: "input" }],
    ["an unknown route", 404, "/openai/deployments/gpt-4o/images/generations", {}, { code: "404", message: "Resource not found" }],
    ["no model", 404, "/openai/v1/chat/completions", chat("x"), { code: "DeploymentNotFound" }],
    [
      "chat with an embedding model",
      400,
      chatPath.replace("gpt-4o", "text-embedding-3-small"),
      chat("x"),
      { code: "OperationNotSupported" },
    ],
    [
      "embeddings of a chat model",
      400,
      embeddingsPath.replace("text-embedding-3-small", "gpt-4o"),
      { input: "x" },
      { code: "OperationNotSupported" },
    ],
  ])("%s: %i", async (_, status, path, body, error) => {
    const { backend } = openBackend();
    const response = await send(backend, path, body);
    expect(response.status).toBe(status);
    expect(await json(response)).toMatchObject({ error });
    expect(response.headers.get("x-ms-region")).toBe("East US");
  });

  it("another method", async () => {
    expect((await send(openBackend().backend, chatPath, {}, { method: "GET" })).status).toBe(404);
  });

  it("a deployment that is none of the list's", async () => {
    const { backend } = openBackend({ deployments: [{ ...deploymentOf("gpt-4o"), name: "chat" }] });
    const unknown = await send(backend, chatPath, chat("x"));
    expect([unknown.status, await json(unknown)]).toMatchObject([404, { error: { code: "DeploymentNotFound" } }]);
    expect((await json(await send(backend, chatPath.replace("gpt-4o", "chat"), chat("x")))).model).toBe("gpt-4o-2024-11-20");
  });

  it.each<[string, Record<string, string>, number]>([
    ["a bearer token", { authorization: "Bearer abc" }, 200],
    ["a key", { "api-key": "abc" }, 200],
    ["nothing", {}, 401],
    ["an empty key", { "api-key": "" }, 401],
    ["no token after Bearer", { authorization: "Bearer " }, 401],
    ["another scheme", { authorization: "Basic abc" }, 401],
    ["a key that is another's", { "api-key": "stolen" }, 401],
    ["a key that is another's beside a token", { "api-key": "stolen", authorization: "Bearer abc" }, 200],
  ])("authentication by %s", async (_, headers, status) => {
    const { backend } = openBackend({ acceptsKey: (key) => key === "abc" });
    const response = await send(backend, chatPath, chat("x"), { headers });
    expect(response.status).toBe(status);
    if (status === 401)
      expect(await json(response)).toMatchObject({ error: { code: "401", message: expect.stringContaining("Access denied") } });
  });

  it("whatever a body says, the answer is one of the API's", async () => {
    const { backend } = openBackend();
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("x", 1, [], {}, null, true));
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(
          fc.constantFrom("messages", "input", "model", "n", "stream", "max_tokens", "stream_options", "instructions", "dimensions"),
          value,
        )
        .map((found) => JSON.stringify(found)),
      fc
        .array(fc.dictionary(fc.constantFrom("role", "content", "type", "text"), value))
        .map((messages) => JSON.stringify({ messages, input: messages, model: "gpt-4o" })),
    );
    const path = fc.constantFrom(
      chatPath,
      embeddingsPath,
      "/openai/v1/responses",
      "/openai/v1/chat/completions",
      "/openai/deployments/%E0%A4%A/embeddings",
    );
    await fc.assert(
      fc.asyncProperty(path, body, async (at, sent) => {
        const response = await send(backend, at, sent);
        const text = await response.text();
        expect([200, 400, 404]).toContain(response.status);
        if (response.status !== 200) expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } });
      }),
      { numRuns: 500 },
    );
  });
});
