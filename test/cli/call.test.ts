import { describe, expect, test } from "vitest";
import { type CallOptions, call } from "../../src/cli/call.ts";
import { version } from "../../src/version.ts";
import { surfaceOf } from "../mcp/tools.ts";

async function called(operands: readonly string[], changed: Partial<CallOptions> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await call({
    surface: surfaceOf(),
    lookedAfter: async () => [],
    operands,
    json: false,
    signal: new AbortController().signal,
    readInput: async () => "",
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    ...changed,
  });
  return { status, out: out.join(""), err: err.join("") };
}

test("prints the text, or with --json the structured answer", async () => {
  expect(await called(["echo", '{"text": "hello"}'])).toEqual({ status: 0, out: "```\nhello\n```\n", err: "" });
  const { status, out } = await called(["echo", '{"text": "hello"}'], { json: true });
  expect([status, JSON.parse(out)]).toEqual([0, { service: "apim-test", text: "hello" }]);
});

test("reads the input from stdin for -", async () => {
  expect(await called(["echo", "-"], { readInput: async () => '{"text": "from stdin"}' })).toMatchObject({
    status: 0,
    out: "```\nfrom stdin\n```\n",
  });
});

test("an error of the tool goes to stderr, or with --json as an object to stdout", async () => {
  expect(await called(["fail", '{"as": "guarded"}'])).toEqual({
    status: 1,
    out: "",
    err: "Error guarded: It is guarded.\n- base_removed\nNext: Ask the operator.\n",
  });
  const { status, out, err } = await called(["fail", '{"as": "guarded"}'], { json: true });
  expect([status, err]).toEqual([1, ""]);
  expect(JSON.parse(out)).toEqual({
    error: { code: "guarded", message: "It is guarded.", hint: "Ask the operator.", retryable: false, details: ["base_removed"] },
  });
});

test("a signal is answered at once, and once; what runs comes to its end", async () => {
  const interrupt = new AbortController();
  const printed: string[] = [];
  const seen: number[] = [];
  const surface = surfaceOf();
  const { status } = await called(["echo", '{"text": "hello"}'], {
    surface: {
      ...surface,
      contexts: async (opening) => {
        interrupt.abort();
        seen.push(printed.length);
        return surface.contexts(opening);
      },
    },
    signal: interrupt.signal,
    err: (text) => printed.push(text),
  });
  expect([status, seen]).toEqual([0, [1]]);
  expect(printed).toEqual([
    expect.stringMatching(/^Cancelled: .*Once more ends this process at once; 'azure-ai-gateway-mcp recover' then cleans up\.\n$/),
  ]);
});

test("the audit names the command line as the client", async () => {
  const surface = surfaceOf();
  await called(["echo", '{"text": "hello"}'], { surface });
  expect(surface.lines).toMatchObject([{ client: { name: "cli", version }, tool: "echo", verdict: "ok" }]);
});

test("an unknown tool is an error of the call", async () => {
  expect(await called(["ecko", "{}"])).toMatchObject({ status: 1, err: expect.stringContaining("Did you mean echo?") });
});

describe("is misused", () => {
  test.for([
    ["without a tool", []],
    ["without an input", ["echo"]],
    ["with too many operands", ["echo", "{}", "{}"]],
    ["with an input that is no JSON", ["echo", "{text: hello}"]],
  ] as const)("%s", async ([, operands]) => {
    await expect(called(operands)).rejects.toMatchObject({ name: "GatewayError", code: "invalid_input" });
  });
});
