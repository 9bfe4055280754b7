#!/usr/bin/env node
import { type Output, run } from "./cli/run.ts";
import { GatewayError } from "./errors.ts";
import { failed } from "./mcp/result.ts";

const streams = [process.stdout, process.stderr];
const output: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** Says what went wrong; status 2 for a command line that cannot be understood, else 1. */
function failure(error: unknown): number {
  if (!(error instanceof GatewayError)) {
    output.err(`${error instanceof Error ? error.stack : error}\n`);
    return 1;
  }
  output.err(`${failed(error).text}\n`);
  return error.code === "invalid_input" ? 2 : 1;
}

// A reader that goes away (a closed pipe) is no error of ours.
for (const stream of streams) stream.on("error", () => {});
const status = await run(process.argv.slice(2), output).catch(failure);
// What was written has to leave before the exit, and idle connections must not hold it up.
for (const stream of streams) await new Promise((resolve) => stream.write("", resolve));
process.exit(status);
