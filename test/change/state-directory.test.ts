import { homedir } from "node:os";
import { describe, expect, test } from "vitest";
import { defaultStateDirectory } from "../../src/change/state-directory.ts";

describe("defaultStateDirectory", () => {
  test.each<[what: string, env: Record<string, string>, platform: NodeJS.Platform, path: string]>([
    ["Linux", { HOME: "/home/ada" }, "linux", "/home/ada/.local/state/azure-ai-gateway-mcp"],
    ["XDG", { HOME: "/home/ada", XDG_STATE_HOME: "/var/ada" }, "linux", "/var/ada/azure-ai-gateway-mcp"],
    [
      "XDG, relative and so ignored",
      { HOME: "/home/ada", XDG_STATE_HOME: "state" },
      "linux",
      "/home/ada/.local/state/azure-ai-gateway-mcp",
    ],
    ["XDG, empty", { HOME: "/home/ada", XDG_STATE_HOME: "" }, "freebsd", "/home/ada/.local/state/azure-ai-gateway-mcp"],
    ["no HOME", {}, "linux", `${homedir()}/.local/state/azure-ai-gateway-mcp`],
    ["macOS", { HOME: "/Users/ada" }, "darwin", "/Users/ada/Library/Application Support/azure-ai-gateway-mcp"],
    ["Windows", { LOCALAPPDATA: "C:\\Users\\ada\\AppData\\Local" }, "win32", "C:\\Users\\ada\\AppData\\Local\\azure-ai-gateway-mcp"],
    ["Windows without LOCALAPPDATA", { USERPROFILE: "C:\\Users\\ada" }, "win32", "C:\\Users\\ada\\AppData\\Local\\azure-ai-gateway-mcp"],
  ])("%s", (_, env, platform, path) => {
    expect(defaultStateDirectory(env, platform)).toBe(path);
  });
});
