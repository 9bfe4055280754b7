import { expect, test } from "vitest";
import { commandName } from "../../src/cli/command-name.ts";

const directory = "/home/ada/work";

test.each([
  [
    "installed, on the path",
    { script: "/usr/local/bin/azure-ai-gateway-mcp", path: "/usr/bin:/usr/local/bin", has: "/usr/local/bin/azure-ai-gateway-mcp" },
    "azure-ai-gateway-mcp",
  ],
  [
    "through npx, which puts its own directory on the path",
    {
      script: "/home/ada/.npm/_npx/0a1b/node_modules/.bin/azure-ai-gateway-mcp",
      path: "/home/ada/.npm/_npx/0a1b/node_modules/.bin:/usr/bin",
      has: "/home/ada/.npm/_npx/0a1b/node_modules/.bin/azure-ai-gateway-mcp",
    },
    "npx -y azure-ai-gateway-mcp",
  ],
  [
    "through npx beside another one that is installed",
    {
      script: "/home/ada/.npm/_npx/0a1b/node_modules/azure-ai-gateway-mcp/dist/main.js",
      path: "/usr/local/bin",
      has: "/usr/local/bin/azure-ai-gateway-mcp",
    },
    "npx -y azure-ai-gateway-mcp",
  ],
  [
    "in a project's packages",
    { script: "/home/ada/work/node_modules/.bin/azure-ai-gateway-mcp", path: "/home/ada/work/node_modules/.bin:/usr/bin", has: "" },
    "npx -y azure-ai-gateway-mcp",
  ],
  ["a file, from where it is", { script: "/home/ada/work/dist/main.js", path: "/usr/bin", has: "" }, "node dist/main.js"],
  ["a file elsewhere", { script: "/srv/ai gateway/dist/main.js", path: "", has: "" }, "node '/srv/ai gateway/dist/main.js'"],
])("%s", (_, { script, path, has }, command) => {
  expect(commandName({ script, directory, path, exists: (file) => file === has })).toBe(command);
});
