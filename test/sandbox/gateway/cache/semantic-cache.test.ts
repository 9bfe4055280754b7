import { describe, expect, test } from "vitest";
import { type ModelBackends, modelBackends } from "../../../../src/sandbox/models/model-backends.ts";
import { type Answer, type Kit, type KitOptions, openKit } from "../kit.ts";
import { as, chat, costing, teams } from "../limits/service.ts";

const embeddings = {
  type: "Single",
  url: "https://embeddings.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
  protocol: "http",
};

interface Lookup {
  readonly threshold?: string;
  readonly attributes?: string;
  readonly varyBy?: string;
}

const lookup = ({ threshold = "0.05", attributes = "", varyBy = "" }: Lookup = {}): string =>
  `<llm-semantic-cache-lookup score-threshold="${threshold}" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned" ${attributes}>${varyBy}</llm-semantic-cache-lookup>`;
const store = '<llm-semantic-cache-store duration="60" />';

interface SemanticKit extends Kit {
  readonly models: ModelBackends;
  /** Asks: which of the model's answers comes back, by its number. */
  ask(content: string, more?: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> }): Promise<string>;
}

/** A model that numbers its answers, behind a semantic cache. */
function open(options: KitOptions = {}): SemanticKit {
  const kit = openKit({
    inbound: lookup(),
    outbound: store,
    ...options,
    resources: [...teams, ["backends/embeddings", embeddings], ...(options.resources ?? [])],
  });
  const models = modelBackends(kit.world);
  kit.world.upstreams.push(models);
  kit.backend.answers = Array.from({ length: 20 }, (_, index) => () => Response.json({ answer: index }));
  const numberIn = ({ text }: Answer): string => String(JSON.parse(text).answer);
  return {
    ...kit,
    models,
    ask: async (content, { body = {}, headers = {} } = {}) => numberIn(await kit.send({ ...chat(content, body), headers })),
  };
}

const first = "Please tell me which region of the world has the most cats";

describe("what hits at 0.05, by the sandbox's lexical embeddings", () => {
  test.each<[what: string, prompt: string, hit: boolean]>([
    ["the same", first, true],
    ["in capitals", first.toUpperCase(), true],
    ["without a filler", first.replace("Please ", ""), true],
    ["negated", first.replace("has", "has not"), false],
    ["another word", first.replace("cats", "puppies"), false],
    ["something else", "What is the boiling point of water at sea level?", false],
  ])("%s: %s", async (_, prompt, hit) => {
    const { ask, finished } = open();
    await ask(first);
    expect(await ask(prompt)).toBe(hit ? "0" : "1");
    expect(finished.map(({ call }) => call.record.cache)).toEqual(["miss", hit ? "hit" : "miss"]);
  });

  test("a higher threshold is looser: what means something else hits, too (documented)", async () => {
    const { ask } = open({ inbound: lookup({ threshold: "0.5" }) });
    await ask(first);
    expect(await ask(first.replace("has", "has not"))).toBe("0");
  });

  test("the nearest of several is the answer", async () => {
    const { ask, models } = open({ inbound: lookup({ threshold: "0.5" }) });
    const axis = (angle: number): readonly number[] => [Math.cos(angle), Math.sin(angle)];
    const { vectors } = models.of("embeddings") ?? { vectors: new Map() };
    vectors.set("far", axis(0)).set("near", axis(1.2)).set("asked", axis(1));
    await ask("far");
    await ask("near");
    expect(await ask("asked")).toBe("1");
  });

  test.each([
    [0.049, true],
    [0.051, false],
  ])("a distance of %s (cosine, assumed)", async (distance, hit) => {
    const { ask, models } = open();
    const angle = Math.acos(1 - distance);
    const { vectors } = models.of("embeddings") ?? { vectors: new Map() };
    vectors.set("one", [1, 0]).set("other", [Math.cos(angle), Math.sin(angle)]);
    await ask("one");
    expect(await ask("other")).toBe(hit ? "0" : "1");
  });
});

describe("what a semantic cache keeps apart", () => {
  test("vary-by: subscriptions do not see one another's answers (documented)", async () => {
    const kit = open({ inbound: lookup({ varyBy: "<vary-by>@(context.Subscription.Id)</vary-by>" }) });
    const [red, blue] = [as(kit, "red"), as(kit, "blue")];
    const found: string[] = [];
    for (const who of [red, blue, red, blue]) found.push(await kit.ask(first, who));
    expect(found).toEqual(["0", "1", "0", "1"]);
  });

  test("without vary-by they do", async () => {
    const kit = open();
    expect([await kit.ask(first, as(kit, "red")), await kit.ask(first, as(kit, "blue"))]).toEqual(["0", "0"]);
  });

  test("several vary-by are one combination (documented)", async () => {
    const by = (name: string): string => `<vary-by>@(context.Request.Headers.GetValueOrDefault("${name}", ""))</vary-by>`;
    const { ask } = open({ inbound: lookup({ varyBy: by("a") + by("b") }) });
    const found: string[] = [];
    for (const headers of [
      { a: "1", b: "" },
      { a: "", b: "1" },
      { a: "1", b: "" },
    ])
      found.push(await ask(first, { headers }));
    expect(found).toEqual(["0", "1", "0"]);
  });

  test("entries end with their duration, on the sandbox's clock", async () => {
    const { ask, clock } = open();
    await ask(first);
    await clock.advance(59_999);
    expect(await ask(first)).toBe("0");
    await clock.advance(1);
    expect(await ask(first)).toBe("1");
  });
});

describe("what is compared", () => {
  const system = { role: "system", content: "You are a helpful assistant for a company that sells a great many different things" };
  const messages = (...more: object[]): { readonly body: object } => ({ body: { messages: [...more, { role: "user", content: first }] } });

  test("system messages are part of the prompt, unless ignore-system-messages says otherwise (documented)", async () => {
    const heard = open();
    await heard.ask(first);
    expect(await heard.ask(first, messages(system))).toBe("1");
    const ignored = open({ inbound: lookup({ attributes: 'ignore-system-messages="true"' }) });
    await ignored.ask(first);
    expect(await ignored.ask(first, messages(system))).toBe("0");
  });

  test("max-message-count: longer dialogues are neither looked up nor stored (documented)", async () => {
    const { ask, finished } = open({ inbound: lookup({ attributes: 'max-message-count="1"' }) });
    const long = messages({ role: "user", content: "Hello" });
    expect([await ask(first, long), await ask(first, long)]).toEqual(["0", "1"]);
    expect(finished[0]?.call.record.cache).toBe("none");
    expect([await ask(first), await ask(first)]).toEqual(["2", "2"]);
  });

  test("streams are neither looked up nor stored (assumed)", async () => {
    const { ask } = open();
    const stream = { body: { stream: true } };
    expect([await ask(first, stream), await ask(first, stream), await ask(first)]).toEqual(["0", "1", "2"]);
  });

  test("an answer that is no 200 is not stored (assumed)", async () => {
    const { ask, backend } = open();
    backend.answers = [() => Response.json({ answer: "no" }, { status: 429 }), () => Response.json({ answer: "yes" })];
    expect([await ask(first), await ask(first), await ask(first)]).toEqual(["no", "yes", "yes"]);
  });
});

describe("the embeddings backend", () => {
  test("is asked over HTTP, with the service's identity", async () => {
    const { ask, models } = open();
    await ask(first);
    expect(models.of("embeddings")?.received).toBe(1);
  });

  test.each([
    ["refuses connections", { kind: "refuse" }],
    ["answers 500", { kind: "status", status: 500 }],
    ["answers 429", { kind: "throttle", retryAfterSeconds: 10 }],
  ] as const)("that %s is a miss without an error (documented)", async (_, behaviour) => {
    const { ask, models, finished } = open();
    await ask(first);
    models.of("embeddings")?.script.add({ behaviour, times: 1 });
    expect(await ask(first)).toBe("1");
    expect(await ask(first)).toBe("0");
    expect(finished.map(({ call }) => call.record.cache)).toEqual(["miss", "miss", "hit"]);
  });

  test("that does not exist is a miss, too", async () => {
    const { ask } = open({ inbound: lookup().replace('embeddings-backend-id="embeddings"', 'embeddings-backend-id="nowhere"') });
    expect([await ask(first), await ask(first)]).toEqual(["0", "1"]);
  });
});

describe("a hit", () => {
  const limited = `<llm-token-limit counter-key="k" tokens-per-minute="100" estimate-prompt-tokens="false" remaining-tokens-header-name="left" tokens-consumed-header-name="consumed" />${lookup()}`;

  test("charges no tokens, and the headers say so (measured)", async () => {
    const { send, backend } = open({ inbound: limited });
    backend.answers = [costing(60)];
    const shown = ({ headers }: Answer) => [headers.get("consumed"), headers.get("left")];
    expect(shown(await send(chat(first)))).toEqual(["60", "40"]);
    expect(shown(await send(chat(first)))).toEqual(["0", "40"]);
    expect(shown(await send(chat(first)))).toEqual(["0", "40"]);
  });

  test("emits no token metric (assumed)", async () => {
    const { send, backend, finished } = open({
      inbound: `<llm-emit-token-metric><dimension name="API ID" /></llm-emit-token-metric>${lookup()}`,
    });
    backend.answers = [costing(60)];
    await send(chat(first));
    await send(chat(first));
    expect(finished.map(({ call }) => call.record.tokenMetrics.length)).toEqual([1, 0]);
  });

  test("asks no backend, and goes on behind the store", async () => {
    const { send, backend } = open({
      outbound: `${store}<set-header name="x-behind"><value>yes</value></set-header>`,
    });
    await send(chat(first));
    expect((await send(chat(first))).headers.get("x-behind")).toBe("yes");
    expect(backend.received).toHaveLength(1);
  });
});

test("the azure-openai- twins share the cache with the llm- policies", async () => {
  const { ask } = open({
    inbound: `<choose><when condition="@(context.Request.Headers.GetValueOrDefault("twin", "") == "yes")">${lookup().replaceAll("llm-", "azure-openai-")}</when><otherwise>${lookup()}</otherwise></choose>`,
    outbound: store.replace("llm-", "azure-openai-"),
  });
  await ask(first, { headers: { twin: "yes" } });
  expect(await ask(first)).toBe("0");
});
