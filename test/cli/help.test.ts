import { expect, test } from "vitest";
import { commands } from "../../src/cli/arguments.ts";
import { helpText } from "../../src/cli/help.ts";
import { settings } from "../../src/config.ts";

test("names every command, flag and variable", () => {
  const help = helpText();
  for (const { synopsis } of Object.values(commands)) expect(help).toContain(`  azure-ai-gateway-mcp ${synopsis}`.trimEnd());
  for (const { flag, env } of settings) expect(help).toContain(env ?? `--${flag}`);
});

test("fits into a terminal of 160 columns", () => {
  expect(
    helpText()
      .split("\n")
      .filter((line) => line.length > 160),
  ).toEqual([]);
});
