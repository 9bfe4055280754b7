#!/usr/bin/env node
import { text } from "node:stream/consumers";
import { type Command, type Invocation, misuse, parseCommandLine } from "./cli/arguments.ts";
import { type Configuration, readConfiguration } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { jsonLog } from "./log.ts";
import type { Surface } from "./mcp/call.ts";
import { failed } from "./mcp/result.ts";
import { openRuntime } from "./runtime.ts";
import { version } from "./version.ts";

const out = (line: string): void => void process.stdout.write(line);
const err = (line: string): void => void process.stderr.write(line);
const log = jsonLog(err, () => new Date());

/** What each command runs; resolves with the exit status. */
const runners: Record<Command, (operands: readonly string[], configuration: Configuration) => Promise<number>> = {
  async serve(_, configuration) {
    const [{ serveStdio }, served] = await Promise.all([import("./mcp/stdio.ts"), surface(configuration)]);
    await serveStdio({ ...served, version }, { stdin: process.stdin, stdout: process.stdout, stop: stopSignal() });
    return 0;
  },
  async call(operands, configuration) {
    const [{ call }, called] = await Promise.all([import("./cli/call.ts"), surface(configuration)]);
    const json = configuration.values.json === true;
    return call({ surface: called, operands, json, signal: stopSignal(), readInput: () => text(process.stdin), out, err });
  },
  async sandbox(operands, { values: { port = 0 } }) {
    refuseOperands("sandbox", operands);
    const { runSandbox } = await import("./cli/sandbox.ts");
    await runSandbox({ port, out, stop: stopSignal() });
    return 0;
  },
  async demo(operands) {
    refuseOperands("demo", operands);
    const [{ demo }, { wantsColour }] = await Promise.all([import("./cli/demo.ts"), import("./cli/terminal.ts")]);
    await demo({ script: process.argv[1] ?? "", colour: wantsColour(process.stdout), write: out });
    return 0;
  },
};

async function run(argv: readonly string[]): Promise<number> {
  const { command, operands, flags }: Invocation = parseCommandLine(argv);
  const configuration = readConfiguration(flags, process.env);
  const badFlag = configuration.problems.find(({ setting }) => setting.env === undefined);
  if (badFlag !== undefined) throw misuse(`The flag '--${badFlag.setting.flag}' ${badFlag.reason}.`);
  if (configuration.values.help === true) {
    const { helpText } = await import("./cli/help.ts");
    out(`${helpText()}\n`);
    return 0;
  }
  if (configuration.values.version === true) {
    out(`${version}\n`);
    return 0;
  }
  return runners[command](operands, configuration);
}

/** The tools on the configured service. A read-only setting that cannot be read counts as set. */
async function surface(configuration: Configuration): Promise<Surface> {
  const { tools } = await import("../tools/index.ts");
  return {
    tools,
    contexts: openRuntime(configuration, process.env).contexts,
    readOnly: configuration.values.readOnly !== false,
    report: (message, details) => log("error", message, details),
  };
}

function refuseOperands(command: Command, operands: readonly string[]): void {
  if (operands.length > 0) throw misuse(`'${command}' takes no operand, but got '${operands[0]}'.`);
}

/** Aborted by the first SIGINT or SIGTERM, which lets what runs come to its end; a second one ends the process. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Says what went wrong; status 2 for a command line that cannot be understood, else 1. */
function exitStatus(error: unknown): number {
  if (!(error instanceof GatewayError)) {
    err(`${error instanceof Error ? error.stack : error}\n`);
    return 1;
  }
  err(`${failed(error).text}\n`);
  return error.code === "invalid_input" ? 2 : 1;
}

// A reader that goes away (a closed pipe) is no error of ours.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const status = await run(process.argv.slice(2)).catch(exitStatus);
// What was written has to leave before the exit, and idle connections must not hold it up.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
process.exit(status);
