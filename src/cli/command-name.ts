import { existsSync } from "node:fs";
import { basename, delimiter, isAbsolute, join, relative } from "node:path";

const name = "azure-ai-gateway-mcp";

/** How a process was started, as far as it can tell. */
interface Started {
  /** The file that runs: `process.argv[1]`. */
  readonly script: string;
  readonly directory: string;
  /** Where the shell looks for commands. */
  readonly path: string;
  readonly exists?: (file: string) => boolean;
}

/** Directories that npm and npx put on the path of what they start; the user's own shell has them not. */
const ofNpm = /[\\/](?:_npx|node_modules|node-gyp-bin)(?:[\\/]|$)/;

/**
 * The program as its user can run it again: by its name where the shell finds that, through npx where npx or a package has started it
 * (https://docs.npmjs.com/cli/commands/npx: what is not installed is kept below `_npx`), else the file itself.
 */
export function commandName({ script, directory, path, exists = existsSync }: Started): string {
  const found = path
    .split(delimiter)
    .filter((folder) => folder !== "" && !ofNpm.test(folder))
    .some((folder) => [name, `${name}.cmd`].some((file) => exists(join(folder, file))));
  if (found && !/[\\/]_npx[\\/]/.test(script)) return name;
  if (ofNpm.test(script) || basename(script) === name) return `npx -y ${name}`;
  const below = relative(directory, script);
  return `node ${shellWord(below.startsWith("..") || isAbsolute(below) ? script : below)}`;
}

/** A text as one word of a POSIX shell. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
