import { readdirSync } from "node:fs";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { listing } from "../src/mcp/listing.ts";
import { tools } from "../tools/index.ts";

/** What a model reads before it has called anything, in o200k tokens: names, descriptions and inputs, and the outputs apart. */
const surfaces = tools.map((tool) => {
  const { outputSchema, annotations, title, ...asked } = listing(tool);
  return {
    name: tool.name,
    tokens: { asked: countTokens(JSON.stringify(asked)), whole: countTokens(JSON.stringify(listing(tool))) },
    listing: listing(tool),
  };
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

test.for(surfaces)("$name is what was agreed: a change here is a change for every client", async (surface) => {
  const { name, ...committed } = surface;
  await expect(`${JSON.stringify(committed, null, 2)}\n`).toMatchFileSnapshot(`./surface/${name}.json`);
});

test("no tool is left over from before", () => {
  expect(readdirSync(new URL("surface", import.meta.url)).sort()).toEqual(surfaces.map(({ name }) => `${name}.json`).sort());
});

describe("the list is short", () => {
  test("names, descriptions and inputs: at most 3,000 tokens", () => {
    expect(sum(surfaces.map(({ tokens }) => tokens.asked))).toBeLessThanOrEqual(3000);
  });

  test("with outputs and annotations: at most 6,500 tokens", () => {
    expect(sum(surfaces.map(({ tokens }) => tokens.whole))).toBeLessThanOrEqual(6500);
  });
});

describe("every tool", () => {
  test.for(tools.map((tool) => ({ ...tool, listed: listing(tool) })))(
    "$name has a name, inputs and outputs as agreed",
    ({ name, listed, description }) => {
      expect(name).toMatch(/^(?:list|get|update|apply|undo|run|stop|diagnose)_[a-z_]+$|^recover$/);
      expect(description.length).toBeLessThanOrEqual(250);
      expect(listed.inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      // Each form of an answer stands alone, and says which service it is about.
      expect(listed.outputSchema).toMatchObject({
        type: "object",
        properties: { service: { type: "string" } },
        required: expect.arrayContaining(["service"]),
      });
    },
  );

  test("only apply_change writes, and stop_drill, which can only clean up", () => {
    expect(tools.filter(({ effect }) => effect === "write").map(({ name }) => name)).toEqual(["stop_drill", "apply_change"]);
  });
});
