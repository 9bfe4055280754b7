import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../src/cli/arguments.ts";
import { GatewayError } from "../../src/errors.ts";

test.for([
  [[], { command: "serve", operands: [], flags: {} }],
  [["--sandbox", "--read-only"], { command: "serve", operands: [], flags: { sandbox: "true", "read-only": "true" } }],
  [
    ["call", "get_metrics", '{"api_id": "a"}', "--json"],
    { command: "call", operands: ["get_metrics", '{"api_id": "a"}'], flags: { json: "true" } },
  ],
  [["call", "--sandbox", "get_metrics", "-"], { command: "call", operands: ["get_metrics", "-"], flags: { sandbox: "true" } }],
  [["sandbox", "--port", "8080"], { command: "sandbox", operands: [], flags: { port: "8080" } }],
  [["sandbox", "--port=8080"], { command: "sandbox", operands: [], flags: { port: "8080" } }],
  [
    ["sandbox", "--instances", "2", "--regions=East US,West Europe", "--clock", "manual"],
    { command: "sandbox", operands: [], flags: { instances: "2", regions: "East US,West Europe", clock: "manual" } },
  ],
  [["demo"], { command: "demo", operands: [], flags: {} }],
  [["-h"], { command: "serve", operands: [], flags: { help: "true" } }],
  [["call", "--version"], { command: "call", operands: [], flags: { version: "true" } }],
] as const)("%j", ([argv, invocation]) => {
  expect(parseCommandLine(argv)).toEqual(invocation);
});

describe("what cannot be understood names what is near", () => {
  test.for([
    [["--sandbx"], "Unknown flag '--sandbx'.", "Did you mean '--sandbox'?"],
    [["--readonly"], "Unknown flag '--readonly'.", "'--read-only'"],
    [["--prot", "80"], "Unknown flag '--prot'.", "'--port'"],
    [["-x"], "Unknown flag '-x'.", "--help"],
    [["--no-json"], "Unknown flag '--no-json'.", "'--json'"],
    [["--constructor"], "Unknown flag '--constructor'.", "--help"],
    [["sandbx"], "Unknown command 'sandbx'.", "Did you mean 'sandbox'?"],
    [["serve"], "Unknown command 'serve'.", "--help"],
    [["--json"], "The flag '--json' has no meaning for 'serve'.", "--help"],
    [["sandbox", "--sandbox"], "The flag '--sandbox' has no meaning for 'sandbox'.", "--help"],
    [["--clock", "manual"], "The flag '--clock' has no meaning for 'serve'.", "--help"],
    [["sandbox", "--port"], "The flag '--port' needs a value: --port N.", "--help"],
    [["--sandbox=no"], "The flag '--sandbox' takes no value.", "--help"],
  ] as const)("%j", ([argv, message, hint]) => {
    let thrown: unknown;
    try {
      parseCommandLine(argv);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(GatewayError);
    expect(thrown).toMatchObject({ code: "invalid_input", message, hint: expect.stringContaining(hint) });
  });
});
