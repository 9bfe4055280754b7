import { describe, expect, test } from "vitest";
import { type Answer, type Kit, type KitOptions, message } from "../kit.ts";
import { chat, costing, held, openClassic, openTier, seen } from "./service.ts";

const limit = (attributes: string, name = "llm-token-limit"): string =>
  `<${name} counter-key="@(context.Request.Headers.GetValueOrDefault("team", "none"))" ${attributes} />`;
const perMinute = (tokens: number, attributes = 'estimate-prompt-tokens="false"'): string =>
  limit(`tokens-per-minute="${tokens}" remaining-tokens-header-name="left" tokens-consumed-header-name="consumed" ${attributes}`);
const quota = (tokens: number, period = "Hourly", attributes = 'estimate-prompt-tokens="false"'): string =>
  limit(`token-quota="${tokens}" token-quota-period="${period}" remaining-quota-tokens-header-name="left" ${attributes}`);

/** What calls get that cost so many tokens, one after the other: what is left, or how long they have to wait. */
async function costs(kit: Kit, calls: readonly { readonly tokens: number; readonly wait?: number }[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { tokens, wait = 0 } of calls) {
    await kit.clock.advance(wait);
    kit.backend.answers = [costing(tokens)];
    found.push(outcome(await kit.send(chat())));
  }
  return found;
}

const outcome = ({ status, headers }: Answer): string =>
  status === 200 ? `left ${headers.get("left")}` : `${status} after ${headers.get("retry-after")}`;

describe("tokens per minute", () => {
  test("a classic tier's window slides: 41, 0, two refusals, 0 (measured at TPM 100, within a second)", async () => {
    const kit = openClassic({ inbound: perMinute(100) });
    const calls = [59, 55, 59, 55, 55].map((tokens, index) => ({ tokens, wait: index === 0 ? 0 : 15_000 }));
    // Measured were 29 and 14 seconds.
    expect(await costs(kit, calls)).toEqual(["left 41", "left 0", "429 after 30", "429 after 15", "left 0"]);
  });

  test("a v2 tier's bucket goes below zero and is paid off: 38, 0, 429 with 41 seconds (measured at TPM 300)", async () => {
    const kit = openTier("StandardV2", { inbound: perMinute(300) });
    expect(await costs(kit, [{ tokens: 262 }, { tokens: 262, wait: 4000 }, { tokens: 262 }])).toEqual([
      "left 38",
      "left 0",
      "429 after 41",
    ]);
    expect(await costs(kit, [{ tokens: 1, wait: 40_000 }])).toEqual(["429 after 1"]);
    expect(await costs(kit, [{ tokens: 1, wait: 1000 }])).toEqual(["left 0"]);
  });

  test.each([
    ["Standard", "429 after 60"],
    ["StandardV2", "429 after 186"],
  ] as const)("%s: one call that costs four times the limit", async (sku, refused) => {
    const kit = openTier(sku, { inbound: perMinute(10) });
    expect(await costs(kit, [{ tokens: 40 }, { tokens: 1 }])).toEqual(["left 0", refused]);
  });

  test("429: body, Retry-After and context.LastError (measured)", async () => {
    const lastError = "@(context.LastError.Source + " + '" " + context.LastError.Reason)';
    const { send, backend } = openClassic({
      inbound: perMinute(10),
      onError: `<set-header name="error"><value>${lastError}</value></set-header>`,
    });
    backend.answers = [costing(10)];
    await send(chat());
    const refused = await send(chat());
    expect([refused.status, message(refused)]).toEqual([
      429,
      { statusCode: 429, message: "Token limit is exceeded. Try again in 1 minute." },
    ]);
    expect([refused.headers.get("retry-after"), refused.headers.get("error")]).toEqual(["60", "llm-token-limit OpenAITokenLimitExceeded"]);
    expect(backend.received).toHaveLength(1);
  });

  test("the call that goes over the limit is answered, the next ones are not (documented)", async () => {
    const kit = openClassic({ inbound: perMinute(100) });
    expect(await costs(kit, [{ tokens: 99 }, { tokens: 5000 }, { tokens: 5 }])).toEqual(["left 1", "left 0", "429 after 60"]);
  });

  test("keys are counted apart, llm- and azure-openai-token-limit together (assumed)", async () => {
    const names = ["llm-token-limit", "azure-openai-token-limit"].map(
      (name) =>
        `<when condition="@(context.Request.Headers.GetValueOrDefault("by", "") == "${name}")">${limit('tokens-per-minute="10" estimate-prompt-tokens="false"', name)}</when>`,
    );
    const { send, backend } = openClassic({ inbound: `<choose>${names.join("")}</choose>` });
    backend.answers = [costing(10), costing(10)];
    const by = (name: string, team: string) => send({ ...chat(), headers: { by: name, team } });
    expect((await by("llm-token-limit", "a")).status).toBe(200);
    expect((await by("llm-token-limit", "b")).status).toBe(200);
    expect((await by("azure-openai-token-limit", "a")).status).toBe(429);
  });

  test("two policies with one key count a call once (assumed)", async () => {
    const kit = openClassic({ inbound: perMinute(100) + perMinute(90) });
    expect(await costs(kit, [{ tokens: 50 }, { tokens: 50 }, { tokens: 50 }])).toEqual(["left 40", "left 0", "429 after 60"]);
  });

  test("the answer of a backend that states no usage costs nothing", async () => {
    const { send, backend } = openClassic({ inbound: perMinute(100) });
    backend.answers = [() => Response.json({ error: { code: "429" } }, { status: 429 }), () => new Response("not JSON")];
    expect([(await send(chat())).headers.get("left"), (await send(chat())).headers.get("left")]).toEqual(["100", "100"]);
  });

  test("what was consumed stands in its header, and in its variable before and behind the backend (documented)", async () => {
    const show = (header: string): string =>
      `<set-header name="${header}" exists-action="override"><value>@(((int)context.Variables["used"]).ToString())</value></set-header>`;
    const { send, backend } = openClassic({
      inbound: perMinute(1000, 'estimate-prompt-tokens="true" tokens-consumed-variable-name="used"') + show("before"),
      outbound: show("behind"),
    });
    backend.answers = [costing(42)];
    const { headers } = await send(chat("12345678"));
    expect([headers.get("consumed"), headers.get("behind"), backend.received[0]?.headers.get("before")]).toEqual(["42", "42", "5"]);
  });

  test("remaining tokens as a variable: what is left behind the estimate, then behind the answer", async () => {
    const show = (header: string): string =>
      `<set-header name="${header}" exists-action="override"><value>@(((int)context.Variables["left"]).ToString())</value></set-header>`;
    const { send, backend } = openClassic({
      inbound: limit('tokens-per-minute="100" estimate-prompt-tokens="true" remaining-tokens-variable-name="left"') + show("before"),
      outbound: show("behind"),
    });
    backend.answers = [costing(42)];
    const { headers } = await send(chat("12345678"));
    expect([backend.received[0]?.headers.get("before"), headers.get("behind")]).toEqual(["95", "58"]);
  });
});

describe("estimates", () => {
  const long = "x".repeat(400);

  test("estimate-prompt-tokens: a prompt that does not fit reaches no backend (documented)", async () => {
    const { send, backend } = openClassic({ inbound: perMinute(100, 'estimate-prompt-tokens="true"') });
    expect((await send(chat(long))).status).toBe(429);
    expect(backend.received).toHaveLength(0);
    expect((await send(chat("short"))).status).toBe(200);
  });

  test("without it the prompt goes through, and the next one is refused (documented)", async () => {
    const { send, backend } = openClassic({ inbound: perMinute(100) });
    backend.answers = [costing(103)];
    expect((await send(chat(long))).status).toBe(200);
    expect((await send(chat("short"))).status).toBe(429);
  });

  test("streamed prompts are always estimated (documented)", async () => {
    const { send } = openClassic({ inbound: perMinute(100) });
    expect((await send(chat(long, { stream: true }))).status).toBe(429);
  });

  test("an estimate is held while the model works, and made right by its answer (assumed)", async () => {
    const { send, backend } = openClassic({ inbound: perMinute(100, 'estimate-prompt-tokens="true"') });
    const working = held();
    backend.answers = [working.answer, costing(10), costing(10)];
    const first = send(chat("x".repeat(240)));
    await working.arrived;
    expect((await send(chat("x".repeat(240)))).status).toBe(429);
    working.release(costing(10)());
    expect((await first).headers.get("left")).toBe("90");
    expect((await send(chat("x".repeat(240)))).headers.get("left")).toBe("80");
  });

  test("of many prompts that come together those pass that fit", async () => {
    const { send } = openClassic({ inbound: perMinute(100, 'estimate-prompt-tokens="true"') });
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(chat("x".repeat(120)))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  });

  test.each<[what: string, stream: string, left: number]>([
    [
      "the usage that it states",
      'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\ndata: [DONE]\n\n',
      990,
    ],
    ["an estimate of prompt and text", 'data: {"choices":[{"delta":{"content":"twelve chars"}}]}\n\ndata: [DONE]\n\n', 992],
  ])("a stream costs %s", async (_, stream, left) => {
    const { send, backend } = openClassic({ inbound: perMinute(1000) });
    backend.answers = [() => new Response(stream, { headers: { "content-type": "text/event-stream" } }), costing(0)];
    await send(chat("12345678", { stream: true }));
    expect((await send(chat())).headers.get("left")).toBe(String(left));
  });

  test("a stream that the client gives up costs what has come so far", async () => {
    const { gateway, backend, send } = openClassic({ inbound: perMinute(1000), backend: '<forward-request buffer-response="false" />' });
    const piece = new TextEncoder().encode(`data: {"choices":[{"delta":{"content":"${"x".repeat(40)}"}}]}\n\n`);
    backend.answers = [
      () => {
        const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(piece) });
        return new Response(endless, { headers: { "content-type": "text/event-stream" } });
      },
      costing(0),
    ];
    const request = new Request("http://gateway/echo/x", chat("12345678", { stream: true }));
    const reader = (await gateway.fetch(request)).body?.getReader();
    await reader?.read();
    await reader?.read();
    await reader?.cancel();
    // Five of the prompt, ten of each piece.
    expect((await send(chat())).headers.get("left")).toBe("975");
  });
});

describe("token quotas", () => {
  test("403 with the time until the period is over (measured)", async () => {
    const { send, backend, clock } = openClassic({ inbound: quota(100) });
    backend.answers = [costing(101)];
    await clock.advance((38 * 60 + 27) * 1000);
    expect((await send(chat())).headers.get("left")).toBe("0");
    const refused = await send(chat());
    expect([refused.status, message(refused), refused.headers.get("retry-after")]).toEqual([
      403,
      { statusCode: 403, message: "Token quota is exceeded. Try again in 21 minutes and 33 seconds." },
      "1293",
    ]);
  });

  test("context.LastError (measured)", async () => {
    const lastError = "@(context.LastError.Source + " + '" " + context.LastError.Reason)';
    const { send, backend } = openClassic({
      inbound: quota(10),
      onError: `<set-header name="error"><value>${lastError}</value></set-header>`,
    });
    backend.answers = [costing(11)];
    await send(chat());
    expect((await send(chat())).headers.get("error")).toBe("llm-token-limit OpenAITokenQuotaExceeded");
  });

  test("a quota that is exactly used up does not refuse, one that is exceeded does (measured)", async () => {
    const kit = openClassic({ inbound: quota(100) });
    expect(await costs(kit, [{ tokens: 100 }, { tokens: 1 }, { tokens: 1 }])).toEqual(["left 0", "left 0", "403 after 3600"]);
  });

  test.each([
    ["Hourly", 3600],
    ["Daily", 14 * 3600],
    ["Weekly", (14 + 48) * 3600],
    ["Monthly", (14 + 240) * 3600],
    ["Yearly", (14 + 240 + 31 * 24) * 3600],
  ] as const)("%s: ends in UTC (documented), and counts anew", async (period, seconds) => {
    const kit = openClassic({ inbound: quota(10, period) });
    expect(await costs(kit, [{ tokens: 11 }, { tokens: 1 }])).toEqual(["left 0", `403 after ${seconds}`]);
    expect(await costs(kit, [{ tokens: 1, wait: (seconds - 1) * 1000 }])).toEqual(["403 after 1"]);
    expect(await costs(kit, [{ tokens: 1, wait: 1000 }])).toEqual(["left 9"]);
  });

  test("a rate and a quota in one policy: the rate is judged first (assumed)", async () => {
    const both = limit('tokens-per-minute="10" token-quota="15" token-quota-period="Daily" estimate-prompt-tokens="false"');
    const kit = openClassic({ inbound: both });
    expect((await costs(kit, [{ tokens: 10 }, { tokens: 10 }]))[1]).toBe("429 after 60");
    expect((await costs(kit, [{ tokens: 10, wait: 60_000 }, { tokens: 10 }]))[1]).toBe("429 after 60");
    await kit.clock.advance(60_000);
    expect(seen(await kit.send(chat()))[0]).toBe(403);
  });

  test("periods of one key are counted apart (assumed)", async () => {
    const kit = openClassic({ inbound: quota(100, "Hourly") + quota(150, "Daily") });
    expect(await costs(kit, [{ tokens: 100 }])).toEqual(["left 50"]);
    expect(await costs(kit, [{ tokens: 60, wait: 3_600_000 }, { tokens: 1 }])).toEqual(["left 0", "403 after 46800"]);
  });

  test("every instance counts by itself (documented)", async () => {
    const options: KitOptions = { inbound: quota(10), regions: ["East US", "West Europe"] };
    const { gateway, backend } = openClassic(options);
    backend.answers = [costing(11), costing(11)];
    const statuses: number[] = [];
    for (let call = 0; call < 4; call++) statuses.push((await gateway.fetch(new Request("http://gateway/echo/x", chat()))).status);
    expect(statuses).toEqual([200, 200, 403, 403]);
  });
});
