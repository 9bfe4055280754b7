import { homedir } from "node:os";
import { posix, win32 } from "node:path";

const directoryName = "azure-ai-gateway-mcp";

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
