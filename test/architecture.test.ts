import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { violations } from "./import-rules.ts";

const sources = new Map(globSync("{src,tools}/**/*.ts").map((path) => [path.replaceAll("\\", "/"), readFileSync(path, "utf8")]));

test("no file imports what its layer must not", () => {
  expect(sources.size).toBeGreaterThan(50);
  expect(violations(sources)).toEqual([]);
});

describe("what would break a rule is named", () => {
  test.for([
    ["src/policy/lint.ts", 'import { openGateway } from "../azure/gateway.ts";', "policy must not import src/azure/gateway.ts"],
    ["src/policy/lint.ts", 'import { limits } from "../quota/limits.ts";', "policy must not import src/quota/limits.ts"],
    ["src/policy/lint.ts", 'import { readFile } from "node:fs/promises";', "policy must not import node:fs/promises"],
    ["src/policy/lint.ts", "const now = Date.now();", "uses Date.now("],
    ["src/policy/lint.ts", "const started = performance.now();", "uses performance.now("],
    ["src/quota/plan.ts", "const id = crypto.randomUUID();", "uses crypto."],
    ["src/pool/plan.ts", "const timer = setInterval(check, 1);", "uses setInterval("],
    ["src/change/plan.ts", "setImmediate(apply);", "uses setImmediate("],
    ["src/usage/kql.ts", "const { onLine } = navigator;", "uses navigator"],
    ["src/gateway/model.ts", "const request = new XMLHttpRequest();", "uses XMLHttpRequest"],
    ["tools/get-metrics.ts", "const socket = new WebSocket(url);", "uses WebSocket("],
    ["src/quota/plan.ts", 'import { routes } from "../pool/routes.ts";', "quota must not import src/pool/routes.ts"],
    ["src/tool.ts", 'import { isPlan } from "./change/types.ts";', "tool may import only types from src/change/types.ts"],
    ["src/usage/kql.ts", 'import { parse } from "../policy/document.ts";', "usage must not import src/policy/document.ts"],
    ["src/gateway/model.ts", 'export * from "../policy/document.ts";', "gateway must not import src/policy/document.ts"],
    ["src/change/plan.ts", 'import { writeFile } from "node:fs/promises";', "change must not import node:fs/promises"],
    [
      "src/change/plan.ts",
      'import { directoryStore } from "./directory-store.ts";',
      "change must not import src/change/directory-store.ts",
    ],
    ["src/change/plan.ts", 'import type { AnyTool } from "../tool.ts";', "change must not import src/tool.ts"],
    ["src/tool.ts", 'import { openChanges } from "./change/changes.ts";', "tool must not import src/change/changes.ts"],
    ["tools/get-metrics.ts", 'import { buildServer } from "../src/mcp/server.ts";', "a tool must not import src/mcp/server.ts"],
    ["tools/get-metrics.ts", 'import { listChanges } from "./list-changes.ts";', "a tool must not import tools/list-changes.ts"],
    [
      "tools/get-metrics.ts",
      'import { Server } from "@modelcontextprotocol/sdk/server/index.js";',
      "a tool must not import @modelcontextprotocol/sdk/server/index.js",
    ],
    ["tools/get-metrics.ts", 'const state = process.env["AIGW_STATE"];', "uses process."],
    ["src/azure/writer.ts", 'import type { Plan } from "../change/types.ts";', "azure must not import src/change/types.ts"],
    ["src/mcp/server.ts", 'const { openRuntime } = await import("../runtime.ts");', "mcp must not import src/runtime.ts"],
    [
      "src/mcp/server.ts",
      'import {\n  type Plan,\n  type Applier,\n} from "../change/types.ts";',
      "mcp must not import src/change/types.ts",
    ],
    [
      "src/sandbox/world.ts",
      'import { policyDocumentId } from "../gateway/documents.ts";',
      "sandbox may import only types from src/gateway/documents.ts",
    ],
    ["src/sandbox/world.ts", 'import { validate } from "../policy/validate.ts";', "sandbox must not import src/policy/validate.ts"],
    ["src/sandbox/world.ts", 'type Change = import("../change/types.ts").Plan;', "sandbox must not import src/change/types.ts"],
    [
      "src/cli/doctor.ts",
      'import { ApiManagementClient } from "@azure/arm-apimanagement";',
      "cli must not import @azure/arm-apimanagement",
    ],
    ["src/cli/doctor.ts", 'import { openChanges } from "../change/changes.ts";', "cli must not import src/change/changes.ts"],
    ["src/cli/doctor.ts", 'const { openGateway } = await import("../azure/gateway.ts");', "cli must not import src/azure/gateway.ts"],
    ["src/main.ts", 'import { openSurface } from "./surface.ts";', "main must not import src/surface.ts"],
    ["src/surface.ts", 'import { openGateway } from "./azure/gateway.ts";', "surface must not import src/azure/gateway.ts"],
    ["src/runtime.ts", 'import { tools } from "../tools/index.ts";', "runtime must not import tools/index.ts"],
    [
      "src/processes.ts",
      'import { recover } from "./change/recovery.ts";',
      "processes and audit log may import only types from src/change/recovery.ts",
    ],
    ["src/config.ts", 'import { openRuntime } from "./runtime.ts";', "config must not import src/runtime.ts"],
    ["src/helpers.ts", "", "belongs to no layer"],
    ["src/runtime.ts", "await import(nameOf(command));", "imports something computed"],
    ["src/utils/text.ts", "", "belongs to no layer"],
  ] as const)("%s: %s", ([path, source, reason]) => {
    expect(violations(new Map([[path, source]]))).toEqual([`${path}: ${reason}`]);
  });

  test("a circle", () => {
    const circle = new Map([
      ["src/pool/a.ts", 'import { b } from "./b.ts";'],
      ["src/pool/b.ts", 'import { c } from "./c.ts";'],
      ["src/pool/c.ts", 'import { a } from "./a.ts";'],
    ]);
    expect(violations(circle)).toEqual(["circle: src/pool/a.ts -> src/pool/b.ts -> src/pool/c.ts -> src/pool/a.ts"]);
  });
});

describe("what breaks none is not", () => {
  test.for([
    ["src/sandbox/world.ts", 'import { type Json, type JsonObject } from "../gateway/documents.ts";'],
    ["src/mcp/server.ts", '// import { openRuntime } from "../runtime.ts";\n/* import("../runtime.ts") */'],
    ["src/policy/lint.ts", 'export type Kind = "azure";\nexport interface X {\n  readonly from: "process.env";\n}'],
    ["src/policy/lint.ts", 'const fix = "set process.env and fetch(it)"; // Date.now()'],
    ["src/policy/lint.ts", 'const types = ["System.Net.WebSocket("]; const cryptography = "crypto.";'],
    ["src/change/directory-store.ts", 'import { open } from "node:fs/promises";'],
    ["src/change/plan.ts", 'import { randomUUID } from "node:crypto";'],
    ["src/cli/sandbox.ts", 'const { createSandbox } = await import("../sandbox/sandbox.ts");'],
    ["tools/index.ts", 'export { getMetrics } from "./get-metrics.ts";'],
  ] as const)("%s: %s", ([path, source]) => expect(violations(new Map([[path, source]]))).toEqual([]));
});
