import { parseArgs } from "node:util";
import { type NamedSetting, settings } from "../config.ts";
import { GatewayError, nearest } from "../errors.ts";

/** The words that the command line begins with; `serve` is what no word means. */
export const commands = {
  serve: { synopsis: "", description: "MCP over stdio" },
  call: {
    synopsis: "call TOOL JSON",
    description: "One tool call; JSON is its input, or - to read it from stdin. Exit status 1 on a tool error",
  },
  doctor: {
    synopsis: "doctor",
    description: "Whether all is in place, and what to do next. Exit status 1 where something is wrong, 2 where it cannot be told",
  },
  recover: {
    synopsis: "recover",
    description: "Takes away what failover drills have left behind on the service. Exit status 1 where something is still left",
  },
  validate: {
    synopsis: "validate FILE...",
    description: "Checks policy documents without Azure; - is stdin. Exit status 1 on errors, 2 where a file cannot be read",
  },
  sandbox: {
    synopsis: "sandbox",
    description: "The sandbox alone, on loopback, until it is stopped; its address on stdout as one line of JSON",
  },
  demo: { synopsis: "demo", description: "A guided tour through the main job, on the embedded sandbox" },
} as const satisfies Record<string, { readonly synopsis: string; readonly description: string }>;

export type Command = keyof typeof commands;

const words = Object.keys(commands) as Command[];

interface Invocation {
  readonly command: Command;
  /** What follows the command. */
  readonly operands: readonly string[];
  /** Values as text, by flag; `"true"` for a flag without value. */
  readonly flags: Readonly<Record<string, string>>;
}

/** Commands that open a service, and so know its flags. */
const onService: readonly string[] = ["serve", "call", "doctor", "recover"];

type FlagSetting = NamedSetting & { readonly flag: string };

const flagSettings = settings.filter((setting): setting is FlagSetting => setting.flag !== undefined);

/** Whether a command knows a flag: `--help` and `--version` stand alone and are known everywhere. */
const knowsFlag = (command: Command, { commands: owners = onService }: NamedSetting): boolean =>
  owners.length === 0 || owners.includes(command);

/** Reads the command line; throws `invalid_input` that names the nearest known flag or command. */
export function parseCommandLine(argv: readonly string[]): Invocation {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      flagSettings.map(({ flag, short, placeholder }) => [
        flag,
        { type: placeholder === undefined ? ("boolean" as const) : ("string" as const), ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === "option").map((token) => ({ ...token, setting: knownFlag(token) }));
  const [word, ...operands] = positionals;
  const command = word === undefined ? "serve" : knownCommand(word);
  return { command, operands, flags: Object.fromEntries(given.map((token) => [token.setting.flag, flagValue(command, token)])) };
}

function knownCommand(word: string): Command {
  const known = words.filter((name) => commands[name].synopsis !== "");
  const command = known.find((name) => name === word);
  if (command !== undefined) return command;
  throw misuse(`Unknown command '${word}'.`, nearest(word, known));
}

function knownFlag({ name, rawName }: { readonly name: string; readonly rawName: string }): FlagSetting {
  const setting = flagSettings.find(({ flag }) => flag === name);
  if (setting !== undefined) return setting;
  const near = nearest(
    name,
    flagSettings.map(({ flag }) => flag),
  );
  throw misuse(
    `Unknown flag '${rawName}'.`,
    near.map((flag) => `--${flag}`),
  );
}

interface GivenFlag {
  readonly setting: FlagSetting;
  readonly rawName: string;
  readonly value: string | undefined;
}

function flagValue(command: Command, { setting, rawName, value }: GivenFlag): string {
  if (!knowsFlag(command, setting)) throw misuse(`The flag '${rawName}' has no meaning for '${command}'.`);
  if (setting.placeholder === undefined && value !== undefined) throw misuse(`The flag '${rawName}' takes no value.`);
  if (setting.placeholder !== undefined && value === undefined)
    throw misuse(`The flag '${rawName}' needs a value: ${rawName} ${setting.placeholder}.`);
  return value ?? "true";
}

/** A command line that cannot be understood: exit status 2. */
export function misuse(message: string, near: readonly string[] = []): GatewayError {
  const hint =
    near.length === 0
      ? "--help shows every command and flag."
      : `Did you mean ${near.map((name) => `'${name}'`).join(" or ")}? --help shows all.`;
  return new GatewayError("invalid_input", message, { hint });
}
