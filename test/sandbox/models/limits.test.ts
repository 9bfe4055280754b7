import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Deployment, deploymentOf } from "../../../src/sandbox/models/deployments.ts";
import { deploymentLimits } from "../../../src/sandbox/models/limits.ts";
import { chat, chatPath, json, openBackend, send, start } from "./client.ts";

const limited = (changes: Partial<Deployment>): Deployment => ({ ...deploymentOf("gpt-4o"), ...changes });

const at = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);

/** What became of requests of so many tokens at so many seconds: `ok`, or what was exceeded and when to come back. */
function outcomes(deployment: Deployment, requests: readonly (readonly [seconds: number, tokens: number])[]): readonly string[] {
  const limits = deploymentLimits();
  return requests.map(([seconds, tokens]) => {
    const taken = limits.take(deployment, tokens, at(seconds));
    return "what" in taken ? `${taken.what} ${taken.seconds}` : "ok";
  });
}

describe("a deployment's own limits", () => {
  it.each<[string, Deployment, readonly (readonly [number, number])[], readonly string[]]>([
    [
      "tokens: requests are let in until the limit is reached, then refused until the minute ends",
      limited({ tokensPerMinute: 100 }),
      [
        [0, 60],
        [10, 60],
        [20, 1],
        [59.5, 1],
        [60, 1],
      ],
      ["ok", "ok", "token 40", "token 1", "ok"],
    ],
    [
      "tokens: reaching it exactly is reaching it",
      limited({ tokensPerMinute: 100 }),
      [
        [0, 100],
        [1, 1],
      ],
      ["ok", "token 59"],
    ],
    [
      "tokens: one less is not",
      limited({ tokensPerMinute: 100 }),
      [
        [0, 99],
        [1, 500],
        [2, 1],
      ],
      ["ok", "ok", "token 58"],
    ],
    [
      "requests: a sixth of a minute's in ten seconds",
      limited({ requestsPerMinute: 12 }),
      [
        [0, 1],
        [1, 1],
        [2, 1],
        [9.9, 1],
        [10, 1],
        [11, 1],
        [12, 1],
      ],
      ["ok", "ok", "call 8", "call 1", "ok", "ok", "call 8"],
    ],
    [
      "requests: at least one",
      limited({ requestsPerMinute: 1 }),
      [
        [0, 1],
        [1, 1],
      ],
      ["ok", "call 9"],
    ],
    [
      "a refused request is not charged",
      limited({ tokensPerMinute: 10, requestsPerMinute: 6000 }),
      [
        [0, 10],
        [1, 999],
        [60, 9],
        [61, 1],
      ],
      ["ok", "token 59", "ok", "ok"],
    ],
  ])("%s", (_, deployment, requests, expected) => {
    expect(outcomes(deployment, requests)).toEqual(expected);
  });

  it("are each deployment's own", () => {
    const limits = deploymentLimits();
    limits.take(limited({ tokensPerMinute: 10 }), 10, start);
    expect(limits.take(limited({ name: "other", tokensPerMinute: 10 }), 10, start)).toEqual({ tokens: 0, requests: 29_999 });
  });

  it("whoever comes back after Retry-After is let in", () => {
    const requests = fc.array(fc.record({ pause: fc.nat(15_000), tokens: fc.nat(80) }), { maxLength: 60 });
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (given, tokensPerMinute, requestsPerMinute) => {
          const deployment = limited({ tokensPerMinute, requestsPerMinute });
          const limits = deploymentLimits();
          let now = start.getTime();
          for (const { pause, tokens } of given) {
            now += pause;
            const taken = limits.take(deployment, tokens, new Date(now));
            if (!("what" in taken)) continue;
            expect(taken.seconds).toBeGreaterThan(0);
            now += taken.seconds * 1000;
            const again = limits.take(deployment, tokens, new Date(now));
            // The tokens may still be refused where the calls were: each says its own time.
            if ("what" in again) expect([taken.what, again.what]).toEqual(["call", "token"]);
          }
        },
      ),
    );
  });
});

describe("at the API", () => {
  const deployments = [limited({ tokensPerMinute: 60, requestsPerMinute: 600 })];

  it("a request is judged by its prompt and the answer that it allows, in Azure OpenAI's words", async () => {
    const { backend, clock } = openBackend({ deployments });
    // 8 tokens of prompt and 50 of answer: though the answer is shorter.
    const first = await send(backend, chatPath, chat("Hi", { max_tokens: 50 }));
    expect([first.status, first.headers.get("x-ratelimit-remaining-tokens")]).toEqual([200, "2"]);
    expect((await send(backend, chatPath, chat("Hi"))).status).toBe(200);
    await clock.advance(23_000);
    const refused = await send(backend, chatPath, chat("Hi"));
    expect([refused.status, refused.headers.get("retry-after"), refused.headers.get("retry-after-ms")]).toEqual([429, "37", "37000"]);
    expect(await json(refused)).toEqual({
      error: {
        code: "429",
        message: expect.stringMatching(
          /^Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier\. Please retry after 37 seconds\./,
        ),
      },
    });
    await clock.advance(37_000);
    expect((await send(backend, chatPath, chat("Hi"))).status).toBe(200);
  });

  it("every choice counts, and an answer of no stated length counts 16", async () => {
    const { backend } = openBackend();
    const charged = async (more: object) =>
      30_000_000 - Number((await send(backend, chatPath, chat("Hi", more))).headers.get("x-ratelimit-remaining-tokens"));
    const first = await charged({});
    const second = (await charged({ n: 3, max_tokens: 10 })) - first;
    expect([first, second]).toEqual([8 + 16, 8 + 30]);
  });

  it("a reset forgets them", async () => {
    const { backend } = openBackend({ deployments });
    await send(backend, chatPath, chat("Hi", { max_tokens: 60 }));
    expect((await send(backend, chatPath, chat("Hi"))).status).toBe(429);
    backend.reset();
    expect((await send(backend, chatPath, chat("Hi"))).status).toBe(200);
  });

  it("by default are above what teams may use", async () => {
    const { backend } = openBackend();
    for (let request = 0; request < 300; request++)
      expect((await send(backend, chatPath, chat("Hi", { max_tokens: 4000 }))).status).toBe(200);
  });
});
