import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../../src/grammar.ts";
import { movableClock } from "../../../src/sandbox/clock.ts";
import { createSandbox, type SandboxOptions } from "../../../src/sandbox/sandbox.ts";
import { start } from "./kit.ts";

const chat = { messages: [{ role: "user", content: "Say hello" }] };

/** The demo service under its own policies, in front of the fake model backends. */
async function openDemo(options: SandboxOptions = {}) {
  const clock = movableClock(start);
  const sandbox = createSandbox({ clock, grammar: loadGrammar, ...options });
  const gateway = await sandbox.gateway();
  const ask = async (sid: string, body: object = chat): Promise<Response> => {
    const answering = gateway.fetch(
      new Request("https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
        method: "POST",
        headers: { "api-key": sandbox.keys()[sid] ?? "", "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
    await clock.advance(1000);
    return await answering;
  };
  return { sandbox, ask };
}

describe("the demo service", () => {
  test("a team's chat comes through, with what is left of its tokens", async () => {
    const { ask } = await openDemo();
    const answer = await ask("growth");
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ object: "chat.completion", usage: { total_tokens: expect.any(Number) } });
    expect(Number(answer.headers.get("x-ratelimit-remaining-tokens"))).toBeGreaterThan(199_000);
  });

  test("an unknown key does not", async () => {
    expect((await (await openDemo()).ask("nobody")).status).toBe(401);
  });

  test("without a grammar an expression is an error, and says why", async () => {
    const { ask } = await openDemo({ grammar: () => Promise.reject(new Error("no grammar here")) });
    const answer = await ask("growth");
    expect([answer.status, await answer.json()]).toEqual([500, { statusCode: 500, message: "the sandbox failed: no grammar here" }]);
  });
});
