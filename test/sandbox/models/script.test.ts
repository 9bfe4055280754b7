import { describe, expect, it } from "vitest";
import { movableClock } from "../../../src/sandbox/clock.ts";
import { eventStream } from "../../../src/sandbox/models/event-stream.ts";
import type { Behaviour } from "../../../src/sandbox/models/script.ts";
import { type Bench, chat, chatPath, embeddingsPath, eventsIn, json, modelRequest, openBackend, send, start } from "./client.ts";

const ask = ({ backend }: Bench): Promise<Response> => send(backend, chatPath, chat("Hello"));
const status = async (bench: Bench): Promise<number> => (await ask(bench)).status;

/** What became of a promise by now. */
async function settledBy(clock: Bench["clock"], milliseconds: number, promise: Promise<unknown>): Promise<"pending" | "done" | "failed"> {
  let state: "pending" | "done" | "failed" = "pending";
  promise.then(
    () => (state = "done"),
    () => (state = "failed"),
  );
  await clock.advance(milliseconds);
  return state;
}

describe("a script", () => {
  it("without one, an answer takes no time", async () => {
    const bench = openBackend();
    expect(await status(bench)).toBe(200);
    expect(bench.clock.now()).toEqual(start);
  });

  it.each<[string, Behaviour, number, object, string | null]>([
    ["a status", { kind: "status", status: 500 }, 500, { type: "server_error" }, null],
    ["a status with Retry-After", { kind: "status", status: 503, retryAfterSeconds: 20 }, 503, { code: "503" }, "20"],
    [
      "Azure OpenAI's 429",
      { kind: "throttle", retryAfterSeconds: 37 },
      429,
      {
        code: "429",
        message: expect.stringMatching(
          /^Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit .* Please retry after 37 seconds\./,
        ),
      },
      "37",
    ],
  ])("%s", async (_, behaviour, expected, error, retryAfter) => {
    const { backend } = openBackend();
    backend.script.add({ behaviour });
    const response = await send(backend, chatPath, chat("Hello"));
    expect([response.status, response.headers.get("retry-after"), response.headers.get("x-ms-region")]).toEqual([
      expected,
      retryAfter,
      "East US",
    ]);
    expect(await json(response)).toMatchObject({ error });
  });

  it("fails requests that are wrong, too", async () => {
    const { backend } = openBackend();
    backend.script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 1 } });
    expect((await send(backend, chatPath, "{")).status).toBe(429);
    expect((await send(backend, "/nowhere", "{")).status).toBe(429);
  });

  it("is used up, in order", async () => {
    const bench = openBackend();
    bench.backend.script.add({ times: 2, behaviour: { kind: "status", status: 500 } });
    bench.backend.script.add({ times: 1, behaviour: { kind: "status", status: 503 } });
    bench.backend.script.add({ times: 0, behaviour: { kind: "hang" } });
    expect(bench.backend.script.pending).toHaveLength(2);
    expect([await status(bench), await status(bench), await status(bench), await status(bench)]).toEqual([500, 500, 503, 200]);
    expect(bench.backend.script.pending).toEqual([]);
    expect(bench.backend.received).toBe(4);
  });

  it("holds until it is cleared where it has no number", async () => {
    const bench = openBackend();
    bench.backend.script.add({ behaviour: { kind: "status", status: 500 } });
    for (let request = 0; request < 20; request++) expect(await status(bench)).toBe(500);
    bench.backend.script.clear();
    expect(await status(bench)).toBe(200);
  });

  it("is of one deployment, or of all", async () => {
    const bench = openBackend();
    const { script } = bench.backend;
    script.add({ deployment: "text-embedding-3-small", behaviour: { kind: "status", status: 500 } });
    script.add({ deployment: "gpt-4.1", behaviour: { kind: "status", status: 500 } });
    const embeds = async () => (await send(bench.backend, embeddingsPath, { input: "x" })).status;
    expect([await status(bench), await embeds()]).toEqual([200, 500]);
    script.clear("text-embedding-3-small");
    expect([await embeds(), script.pending.length]).toEqual([200, 1]);
    const inBody = await send(bench.backend, "/openai/v1/chat/completions", chat("x", { model: "gpt-4.1" }));
    expect(inBody.status).toBe(500);
  });

  it("gives answers their text and their token counts", async () => {
    const { backend } = openBackend();
    backend.script.add({ behaviour: { kind: "answer", text: "Forty-two.", usage: { prompt: 40, completion: 19 } } });
    expect(await json(await send(backend, chatPath, chat("x")))).toMatchObject({
      choices: [{ message: { content: "Forty-two." } }],
      usage: { prompt_tokens: 40, completion_tokens: 19, total_tokens: 59 },
    });
    const stream = await send(backend, chatPath, chat("x", { stream: true, stream_options: { include_usage: true } }));
    expect(eventsIn(await stream.text()).at(-2)?.data).toContain('"total_tokens":59');
  });
});

describe("latency", () => {
  it("is on the clock, before the first byte", async () => {
    const bench = openBackend();
    bench.backend.script.add({ latencyMs: 800, behaviour: { kind: "answer" } });
    const answer = ask(bench);
    expect(await settledBy(bench.clock, 799, answer)).toBe("pending");
    expect(await settledBy(bench.clock, 1, answer)).toBe("done");
    expect((await answer).status).toBe(200);
  });

  it("goes with failures", async () => {
    const bench = openBackend();
    bench.backend.script.add({ latencyMs: 800, behaviour: { kind: "status", status: 504 } });
    const answer = ask(bench);
    expect(await settledBy(bench.clock, 799, answer)).toBe("pending");
    expect(await settledBy(bench.clock, 1, answer)).toBe("done");
    expect((await answer).status).toBe(504);
  });

  it("ends when the caller goes", async () => {
    const bench = openBackend();
    bench.backend.script.add({ latencyMs: 800, behaviour: { kind: "answer" } });
    const caller = new AbortController();
    const answer = bench.backend.fetch(modelRequest(chatPath, chat("x"), { signal: caller.signal }));
    const failed = expect(answer).rejects.toThrow("gone");
    await bench.clock.advance(10);
    caller.abort(new Error("gone"));
    await failed;
  });
});

describe("a connection that comes to nothing", () => {
  it("refused: rejects as fetch does", async () => {
    const bench = openBackend();
    bench.backend.script.add({ behaviour: { kind: "refuse" } });
    await expect(ask(bench)).rejects.toMatchObject({
      name: "TypeError",
      message: "fetch failed",
      cause: { code: "ECONNREFUSED", port: 443 },
    });
  });

  it("hanging: until the caller gives up", async () => {
    const bench = openBackend();
    bench.backend.script.add({ behaviour: { kind: "hang" } });
    const caller = new AbortController();
    const answer = bench.backend.fetch(modelRequest(chatPath, chat("x"), { signal: caller.signal }));
    expect(await settledBy(bench.clock, 3_600_000, answer)).toBe("pending");
    caller.abort(new Error("timeout"));
    await expect(answer).rejects.toThrow("timeout");
  });

  it("a caller that has gone already gets nothing", async () => {
    const { backend } = openBackend();
    await expect(backend.fetch(modelRequest(chatPath, chat("x"), { signal: AbortSignal.abort(new Error("gone")) }))).rejects.toThrow(
      "gone",
    );
  });

  it("a body that never ends is given up with its caller", async () => {
    const { backend } = openBackend();
    const caller = new AbortController();
    let cancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"messages":')),
      cancel: () => {
        cancelled = true;
      },
    });
    const request = new Request(`https://x${chatPath}`, { method: "POST", body, duplex: "half", signal: caller.signal });
    const failed = expect(backend.fetch(request)).rejects.toThrow("gone");
    await new Promise(setImmediate);
    caller.abort(new Error("gone"));
    await failed;
    expect(cancelled).toBe(true);
  });
});

describe("streams that are scripted", () => {
  const stream = (bench: Bench, signal?: AbortSignal): Promise<Response> =>
    bench.backend.fetch(modelRequest(chatPath, chat("Hello", { stream: true }), signal === undefined ? {} : { signal }));

  it("slow: a pause before each chunk but the first, on the clock", async () => {
    const bench = openBackend();
    const chunks = eventsIn(await (await stream(bench)).text()).length;
    bench.backend.script.add({ behaviour: { kind: "slow_stream", chunkMs: 100 } });
    const text = (await stream(bench)).text();
    expect(await settledBy(bench.clock, 100 * (chunks - 1) - 1, text)).toBe("pending");
    // The end of the stream is waited for, too.
    expect(await settledBy(bench.clock, 101, text)).toBe("done");
    expect(eventsIn(await text)).toHaveLength(chunks);
  });

  it("all of a backend's streams can be paced", async () => {
    const bench = openBackend({ chunkMs: 10 });
    const text = (await stream(bench)).text();
    expect(await settledBy(bench.clock, 50, text)).toBe("pending");
    expect(await settledBy(bench.clock, 10_000, text)).toBe("done");
  });

  it("broken: so many chunks, then the connection is reset", async () => {
    const bench = openBackend();
    bench.backend.script.add({ behaviour: { kind: "broken_stream", chunks: 3 } });
    const response = await stream(bench);
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    for (let chunk = 0; chunk < 3; chunk++) expect((await reader?.read())?.done).toBe(false);
    await expect(reader?.read()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("a caller that goes breaks the stream", async () => {
    const bench = openBackend();
    const caller = new AbortController();
    const reader = (await stream(bench, caller.signal)).body?.getReader();
    await reader?.read();
    caller.abort(new Error("gone"));
    await expect(reader?.read()).rejects.toThrow("gone");
  });
});

describe("the work behind a stream", () => {
  /** Events without end, and how many were made. */
  function endless(): { readonly events: Iterable<string>; readonly made: () => number; readonly ended: () => boolean } {
    let made = 0;
    let ended = false;
    function* events(): Generator<string> {
      try {
        for (;;) yield `data: ${made++}\n\n`;
      } finally {
        ended = true;
      }
    }
    return { events: events(), made: () => made, ended: () => ended };
  }
  const pacing = (signal: AbortSignal, chunkMs = 0) => ({ clock: movableClock(start), chunkMs, breakAfter: null, signal });

  it("is done as it is read: a slow reader holds nothing", async () => {
    const { events, made } = endless();
    const reader = eventStream(events, pacing(new AbortController().signal)).getReader();
    await reader.read();
    await reader.read();
    await new Promise(setImmediate);
    expect(made()).toBe(2);
  });

  it("ends when the reader cancels, also in a pause", async () => {
    for (const chunkMs of [0, 1000]) {
      const { events, made, ended } = endless();
      const reader = eventStream(events, pacing(new AbortController().signal, chunkMs)).getReader();
      await reader.read();
      const pending = chunkMs > 0 ? reader.read() : null;
      await reader.cancel();
      expect((await pending)?.done ?? true).toBe(true);
      expect([made(), ended()]).toEqual([1, true]);
    }
  });

  it("ends when the signal is aborted, read or not", async () => {
    const caller = new AbortController();
    const { events, made, ended } = endless();
    const reader = eventStream(events, pacing(caller.signal, 1000)).getReader();
    await reader.read();
    const pending = reader.read();
    caller.abort(new Error("gone"));
    await expect(pending).rejects.toThrow("gone");
    expect([made(), ended()]).toEqual([1, true]);
    const late = eventStream(endless().events, pacing(caller.signal)).getReader();
    await expect(late.read()).rejects.toThrow("gone");
  });

  it("leaves nothing behind at the caller's signal", async () => {
    const caller = new AbortController();
    let listeners = 0;
    const { signal } = caller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners += 1;
      add(...given);
    };
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...given);
    };
    await new Response(eventStream(["data: 1\n\n"], pacing(signal))).text();
    await eventStream(endless().events, pacing(signal)).cancel();
    expect(listeners).toBe(0);
  });
});
