import { type Configuration, readConfiguration } from "../config.ts";
import { GatewayError } from "../errors.ts";
import { failed } from "../mcp/result.ts";
import { version } from "../version.ts";
import { type Command, misuse, parseCommandLine } from "./arguments.ts";
import { helpText } from "./help.ts";

/** Where a command writes. */
interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs a command to its exit status. */
export type Runner = (operands: readonly string[], configuration: Configuration, output: Output) => Promise<number>;

/** Runs this process's command line and ends the process. */
export async function runProcess(runnerOf: (command: Command) => Runner): Promise<never> {
  const streams = [process.stdout, process.stderr];
  const output: Output = {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
  // A reader that goes away (a closed pipe) is no error of ours.
  for (const stream of streams) stream.on("error", () => {});
  const status = await run(process.argv.slice(2), output, runnerOf).catch((error) => failure(error, output));
  // What was written has to leave before the exit, and idle connections must not hold it up.
  for (const stream of streams) await new Promise((resolve) => stream.write("", resolve));
  process.exit(status);
}

/** Runs a command line to its exit status; rejects with `invalid_input` where it cannot be understood. */
export async function run(argv: readonly string[], output: Output, runnerOf: (command: Command) => Runner): Promise<number> {
  const { command, operands, flags } = parseCommandLine(argv);
  const configuration = readConfiguration(flags, process.env);
  const badFlag = configuration.problems.find(({ setting }) => setting.env === undefined);
  if (badFlag !== undefined) throw misuse(`The flag '--${badFlag.setting.flag}' ${badFlag.reason}.`);
  if (configuration.values.help === true) {
    output.out(`${helpText()}\n`);
    return 0;
  }
  if (configuration.values.version === true) {
    output.out(`${version}\n`);
    return 0;
  }
  return runnerOf(command)(operands, configuration, output);
}

/** Says what went wrong; status 2 for a command line that cannot be understood, else 1. */
function failure(error: unknown, { err }: Output): number {
  if (!(error instanceof GatewayError)) {
    err(`${error instanceof Error ? error.stack : error}\n`);
    return 1;
  }
  err(`${failed(error).text}\n`);
  return error.code === "invalid_input" ? 2 : 1;
}
