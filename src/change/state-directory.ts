import { mkdir, open, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, posix, win32 } from "node:path";

const directoryName = "azure-ai-gateway-mcp";

/** For its user alone. */
export const directoryMode = 0o700;
const writableByOthers = 0o022;

/**
 * Where the journal stands unless the user says otherwise: `$XDG_STATE_HOME` or `~/.local/state`
 * (https://specifications.freedesktop.org/basedir-spec/latest/), `~/Library/Application Support` on macOS,
 * `%LOCALAPPDATA%` on Windows.
 */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  if (platform === "win32") {
    const local = env.LOCALAPPDATA || win32.join(env.USERPROFILE || homedir(), "AppData", "Local");
    return win32.join(local, directoryName);
  }
  const home = env.HOME || homedir();
  if (platform === "darwin") return posix.join(home, "Library", "Application Support", directoryName);
  // The specification has relative paths ignored.
  const state =
    env.XDG_STATE_HOME !== undefined && posix.isAbsolute(env.XDG_STATE_HOME) ? env.XDG_STATE_HOME : posix.join(home, ".local", "state");
  return posix.join(state, directoryName);
}

/** Makes the directory, and those above it that are missing, for this user alone. Rejects where it cannot be made or is not safe to use. */
export async function makeStateDirectory(path: string): Promise<void> {
  for (const made of await makeDirectories(path)) await syncDirectory(dirname(made));
  await requireOwn(path);
}

/**
 * Rejects a directory in which others may write: they could put a plan of their own in the place of one that was shown.
 * A directory that others may only look into is no risk, since all that stands in it is the user's alone. One that is
 * missing is none either.
 */
export async function requireOwn(path: string): Promise<void> {
  // Windows keeps rights in lists; a user's own directories are the user's alone by inheritance.
  if (process.platform === "win32") return;
  const found = await stat(path).catch(missing);
  if (found === null || (found.mode & writableByOthers) === 0) return;
  throw new Error(`others may write to it (mode ${(found.mode & 0o777).toString(8)}); run: chmod go-w '${path}'`);
}

/** Makes what has been linked or made in a directory survive a power failure. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directories; NTFS journals names by itself.
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * The directories that it has made, outermost first. Step by step and each tried twice at most: Node's own recursion never
 * ends where a directory that exists takes no entries and says that it is missing, as /proc does.
 */
async function makeDirectories(path: string): Promise<readonly string[]> {
  try {
    return await makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    return [...(await makeDirectories(above)), ...(await makeOne(path))];
  }
}

async function makeOne(path: string): Promise<readonly string[]> {
  try {
    await mkdir(path, { mode: directoryMode });
    return [path];
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (!(await stat(path)).isDirectory()) throw new Error(`${path} is not a directory`);
    return [];
  }
}

function missing(error: unknown): null {
  if (codeOf(error) === "ENOENT") return null;
  throw error;
}

/** `ENOENT` and its like; undefined where an error is not of the system. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
