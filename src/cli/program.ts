import { text } from "node:stream/consumers";
import { serveStdio } from "../mcp/stdio.ts";
import { openSurface } from "../surface.ts";
import { version } from "../version.ts";
import { type Command, misuse } from "./arguments.ts";
import { type Runner, runProcess } from "./run.ts";

/**
 * What each command runs. Only what a client waits for, the server and its list of tools, is imported above: it is one
 * file of the bundle, and everything else is loaded when it is needed.
 */
const runners: Record<Command, Runner> = {
  async serve(_, configuration, { err }) {
    const served = { ...openSurface(configuration, { environment: process.env, err, announce: err, resumes: true }), version };
    await serveStdio(served, { stdin: process.stdin, stdout: process.stdout, stop: stopSignal() });
    return 0;
  },
  async call(operands, configuration, output) {
    const { call } = await import("./call.ts");
    const json = configuration.values.json === true;
    const readInput = () => text(process.stdin);
    const surface = openSurface(configuration, { environment: process.env, err: output.err, wait });
    return call({ surface, lookedAfter: surface.lookedAfter, operands, json, signal: stopSignal(), readInput, ...output });
  },
  async doctor(operands, configuration, { out, err }) {
    const [{ doctor }, { wantsColour }, { commandName }] = await Promise.all([
      import("./doctor.ts"),
      import("./terminal.ts"),
      import("./command-name.ts"),
    ]);
    const started = { script: process.argv[1] ?? "", directory: process.cwd(), path: process.env.PATH ?? "" };
    const surface = openSurface(configuration, { environment: process.env, err });
    const progress = (text: string): void => (process.stderr.isTTY === true ? err(`${text} ...\n`) : undefined);
    const json = configuration.values.json === true;
    const colour = wantsColour(process.stdout);
    const signal = stopSignal();
    return doctor({ configuration, surface, program: commandName(started), operands, json, colour, signal, out, progress });
  },
  async recover(operands, configuration, { out, err }) {
    const { recover } = await import("./recover.ts");
    const surface = openSurface(configuration, { environment: process.env, err });
    return recover({ surface, operands, json: configuration.values.json === true, signal: stopSignal(), out });
  },
  async validate(...given) {
    const { runValidate } = await import("./validator.ts");
    return runValidate(...given);
  },
  async sandbox(operands, { values }, { out }) {
    refuseOperands("sandbox", operands);
    const { runSandbox } = await import("./sandbox.ts");
    await runSandbox(values, { out, stop: stopSignal() });
    return 0;
  },
  async demo(operands, _, { out }) {
    refuseOperands("demo", operands);
    const [{ demo }, { wantsColour }] = await Promise.all([import("./demo.ts"), import("./terminal.ts")]);
    await demo({ colour: wantsColour(process.stdout), write: out });
    return 0;
  },
};

/** The whole program. */
export const start = (): Promise<never> => runProcess((command) => runners[command]);

/** Keeps the process alive meanwhile. */
const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

function refuseOperands(command: Command, operands: readonly string[]): void {
  if (operands.length > 0) throw misuse(`'${command}' takes no operand, but got '${operands[0]}'.`);
}

/** Aborted by the first SIGINT or SIGTERM, which lets what runs come to its end; a second one ends the process. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
