import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { callTool } from "../../src/mcp/call.ts";
import { sanitize, visible } from "../../src/mcp/sanitize.ts";
import { anyTool, defineTool, planOutput } from "../../src/tool.ts";
import { surfaceOf } from "./tools.ts";

describe("visible", () => {
  test.for([
    ["control characters", "a\u0000b\u001b[31mc\u007fd\u0085e", "ab[31mcde"],
    ["carriage returns", "a\r\nb", "a\nb"],
    ["bidirectional controls", "a\u202eb\u2066c\u2069d\u200fe\u061cf", "abcdef"],
    ["zero-width characters", "a\u200bb\u200dc\u2060d\ufeffe", "abcde"],
    ["tag characters", `a${String.fromCodePoint(0xe0001, 0xe0069, 0xe007f)}b`, "ab"],
    ["variation selectors", "a\ufe0fb\u{e0101}c", "abc"],
    ["line and paragraph separators", "a\u2028b\u2029c", "abc"],
    ["soft hyphens and fillers", "a\u00adb\u3164c", "abc"],
  ] as const)("takes out %s", ([, text, clean]) => expect(visible(text)).toBe(clean));

  test("leaves what a person can see", () => {
    const text = 'Zürich, Ελλάδα, 東京, عربى, हिन्दी\t<set-header name="x">\n  🚀 “quoted” – …';
    expect(visible(text)).toBe(text);
  });

  test("once is enough", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void expect(visible(visible(text))).toBe(visible(text))));
  });
});

describe("sanitize", () => {
  test("reaches every string and key, and leaves everything else", () => {
    expect(sanitize({ "a\u200b": ["b\u202e", { c: "d\u0007", e: null, f: 1, g: true }] })).toEqual({
      a: ["b", { c: "d", e: null, f: 1, g: true }],
    });
  });

  test("leaves no hidden character in any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        expect(JSON.stringify(sanitize(value))).not.toMatch(/\\u00[01]|[\u0080-\u009f\u200b-\u200f\u202a-\u202e\u{e0000}-\u{e007f}]/u);
      }),
    );
  });

  test("leaves no key in clear, also one that a hidden character cuts in two, and leaves ids", () => {
    const id = "0123456789abcdef0123456789abcdef";
    expect(sanitize({ url: "https://x/?si\u200bg=can\u200bary", id, count: 1 })).toEqual({
      url: "https://x/?sig=[redacted]",
      id,
      count: 1,
    });
  });
});

test("a question to the user shows no key", async () => {
  const plan = defineTool({
    name: "plan_key",
    title: "Plan",
    description: "Plans.",
    effect: "plan",
    toolset: "changes",
    input: z.strictObject({ dry_run: z.boolean() }),
    output: planOutput,
    handler: async ({ service }) => ({
      status: "planned" as const,
      plan_id: "chg-1",
      confirm: "yes",
      service,
      summary: "sig=canary-1",
      documents: [{ id: "policies/policy", action: "update" as const, diff: "+ AccountKey=canary-2" }],
      affected: [],
      warnings: ["sig=canary-3"],
      guards: [],
      next: "",
    }),
    render: () => "",
  });
  const questions: string[] = [];
  const outcome = await callTool(
    { ...surfaceOf(), tools: [anyTool(plan)] },
    {
      tool: "plan_key",
      input: { dry_run: false },
      signal: new AbortController().signal,
      client: { name: "chat", version: "1" },
      ask: async (question) => {
        questions.push(question);
        return "declined";
      },
    },
  );
  expect(questions).toEqual([expect.stringContaining("AccountKey=[redacted]")]);
  expect(JSON.stringify([questions, outcome])).not.toContain("canary");
});
