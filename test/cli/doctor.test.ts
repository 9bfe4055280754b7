import { getEventListeners } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { doctor } from "../../src/cli/doctor.ts";
import { run } from "../../src/cli/run.ts";
import { readConfiguration } from "../../src/config.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { loadKql } from "../../src/kql.ts";
import { type MovableClock, movableClock } from "../../src/sandbox/clock.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { openSurface } from "../../src/surface.ts";

const timeout = 120_000;

/** Late in the evening: the demo's teams call little. */
const now = new Date("2026-11-20T23:00:00Z");

interface Seen {
  readonly status: number;
  readonly out: string;
  readonly progress: readonly string[];
}

/** The command as somebody types it, with nothing but these variables. */
async function typed(
  environment: Readonly<Record<string, string>>,
  {
    json = false,
    flags = {},
    operands = [] as readonly string[],
    program = "azure-ai-gateway-mcp",
    signal = new AbortController().signal,
  } = {},
): Promise<Seen> {
  const configuration = readConfiguration(flags, environment);
  const out: string[] = [];
  const progress: string[] = [];
  const status = await doctor({
    configuration,
    surface: openSurface(configuration, { environment, err: () => {}, now: () => now }),
    program,
    operands,
    json,
    colour: false,
    signal,
    out: (text) => out.push(text),
    progress: (text) => progress.push(text),
  });
  return { status, out: out.join(""), progress };
}

/** A served sandbox, and the variables that lead to it. */
async function served(
  earlierMs = 0,
): Promise<{ readonly sandbox: Sandbox; readonly environment: Readonly<Record<string, string>>; readonly clock: MovableClock }> {
  const clock = movableClock(new Date(now.getTime() - earlierMs));
  const sandbox = createSandbox({ clock, grammar: loadGrammar, kql: loadKql });
  const { ready, close } = await serveSandbox(sandbox, {});
  const state = await mkdtemp(join(tmpdir(), "aigw-doctor-"));
  onTestFinished(async () => {
    await close();
    await rm(state, { recursive: true, force: true });
  });
  const environment = {
    AIGW_ARM_ENDPOINT: ready.arm,
    AIGW_LOGS_ENDPOINT: ready.logs,
    AIGW_ACCESS_TOKEN: ready.token,
    AIGW_SERVICE: ready.service,
    AIGW_STATE: state,
  };
  return { sandbox, environment, clock };
}

const nextOf = (out: string): readonly string[] =>
  (out.split("\nNext\n")[1] ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => line.trim());

describe("from nothing to the first call", () => {
  test("without any variable: what to run, in its order", async () => {
    const { status, out } = await typed({});
    expect(status).toBe(2);
    expect(out).toContain("x No API Management service is configured.");
    expect(nextOf(out)).toEqual([
      "az login",
      'az apim list --query "[].id" --output tsv',
      "export AIGW_SERVICE=<one of these ids>",
      "azure-ai-gateway-mcp doctor",
      "azure-ai-gateway-mcp demo  # without Azure",
    ]);
  });

  test("with a variable that cannot be right: which, and where its value is found", async () => {
    const { status, out } = await typed({ AIGW_SERVICE: "my-apim", AZURE_SUBSCRIPTION_ID: "the first" });
    expect(status).toBe(2);
    expect(out).toContain("AZURE_SUBSCRIPTION_ID must be a UUID. Find it with: az account show --query id --output tsv");
    expect(nextOf(out)).toEqual([
      "az account show --query id --output tsv",
      "export AZURE_SUBSCRIPTION_ID=<UUID>  # must be a UUID",
      "azure-ai-gateway-mcp doctor",
    ]);
  });

  test("with half of an address: the other half", async () => {
    const { status, out } = await typed({ AIGW_SERVICE: "my-apim" });
    expect(status).toBe(2);
    expect(out).toContain("AZURE_SUBSCRIPTION_ID is not set");
    expect(out).toContain("AZURE_RESOURCE_GROUP is not set");
    expect(out).toContain("x AIGW_SERVICE is a name alone");
    expect(nextOf(out)).toEqual([
      `az apim list --query "[?name=='my-apim'].id" --output tsv`,
      "export AIGW_SERVICE=<this id>",
      "azure-ai-gateway-mcp doctor",
    ]);
  });

  test("with an id that is none: how to find one", async () => {
    const { out } = await typed({ AIGW_SERVICE: "/subscriptions/xx/foo" }, { program: "npx -y azure-ai-gateway-mcp" });
    expect(nextOf(out)).toEqual([
      'az apim list --query "[].id" --output tsv',
      expect.stringMatching(/^export AIGW_SERVICE=<\S+> {2}# must be the name of an API Management service or its whole ARM id$/),
      "npx -y azure-ai-gateway-mcp doctor",
    ]);
  });

  test("on the sandbox all is well, and the first call is one to be copied", { timeout }, async () => {
    const { status, out, progress } = await typed({}, { flags: { sandbox: "true" } });
    expect(out).toContain("+ access");
    expect(out).toContain("Nothing stands out: 1 failed of 91 calls");
    expect(status).toBe(0);
    expect(nextOf(out)[0]).toBe("azure-ai-gateway-mcp call list_subscriptions '{}' --sandbox");
    expect(progress).toEqual(["Reading the configuration", "Asking Azure for sandbox, its policies, backends, logs and metrics"]);
  });

  test("on a service: every variable stands in the client's command, and no secret", { timeout }, async () => {
    const { environment } = await served();
    const [, , subscription = "", , group = ""] = (environment.AIGW_SERVICE ?? "").split("/");
    const { status, out } = await typed({
      ...environment,
      AIGW_SERVICE: "sandbox",
      AZURE_SUBSCRIPTION_ID: subscription,
      AZURE_RESOURCE_GROUP: group,
      AIGW_STATE: `${environment.AIGW_STATE}/a 'state'`,
      AIGW_READ_ONLY: "true",
      AIGW_PROTECT: "api:azure-openai",
    });
    expect(status).toBe(0);
    const command = nextOf(out)[1] ?? "";
    expect(command.match(/ --env /g)).toHaveLength(9);
    for (const part of [
      "claude mcp add azure-ai-gateway --env AIGW_SERVICE=sandbox ",
      ` --env AZURE_SUBSCRIPTION_ID=${subscription} `,
      ` --env AZURE_RESOURCE_GROUP=${group} `,
      ' --env AIGW_ACCESS_TOKEN="$AIGW_ACCESS_TOKEN" ',
      ` --env AIGW_ARM_ENDPOINT=${environment.AIGW_ARM_ENDPOINT} `,
      ` --env AIGW_LOGS_ENDPOINT=${environment.AIGW_LOGS_ENDPOINT}`,
      String.raw` --env AIGW_STATE='${environment.AIGW_STATE}/a '\''state'\''' `,
      ' --env AIGW_PROTECT="$AIGW_PROTECT" ',
      " --env AIGW_READ_ONLY=true -- npx -y azure-ai-gateway-mcp",
    ]) {
      expect(command).toContain(part);
    }
    expect(out).not.toContain(environment.AIGW_ACCESS_TOKEN);
  });
});

describe("a service that cannot be looked at", () => {
  test("a token that is refused", { timeout }, async () => {
    const { environment } = await served();
    const { status, out } = await typed({ ...environment, AIGW_ACCESS_TOKEN: "not-the-token" });
    expect(status).toBe(1);
    expect(out).toContain("x access  Azure refused the credential: The access token is invalid.");
    expect(out).toContain("az login");
    expect(out).not.toContain("not-the-token");
    expect(nextOf(out)).toEqual(["azure-ai-gateway-mcp doctor"]);
  });

  test("an endpoint that nobody listens on", { timeout }, async () => {
    const { environment } = await served();
    const { status, out } = await typed({
      ...environment,
      AIGW_ARM_ENDPOINT: "http://127.0.0.1:9",
      AIGW_LOGS_ENDPOINT: "http://127.0.0.1:9",
    });
    expect(status).toBe(1);
    expect(out).toContain("AIGW_ARM_ENDPOINT=http://127.0.0.1:9");
    expect(out).toContain("the connection was refused");
    expect(out).toContain("check the network");
  });

  test("a service of another name", { timeout }, async () => {
    const { environment } = await served();
    const { status, out } = await typed({ ...environment, AIGW_SERVICE: `${environment.AIGW_SERVICE}`.replace(/sandbox$/, "other") });
    expect(status).toBe(1);
    expect(nextOf(out)).toEqual([
      'az apim list --query "[].id" --output tsv',
      "export AIGW_SERVICE=<one of these ids>",
      "azure-ai-gateway-mcp doctor",
    ]);
  });
});

test("a right that is missing: the checks that need it, the command, and status 2", { timeout }, async () => {
  const { sandbox, environment } = await served();
  const body = { error: { code: "AuthorizationFailed", message: "No." } };
  sandbox.world.faults.add({ path: /\/backends$/, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403, body } });
  const { status, out } = await typed(environment);
  expect(status).toBe(2);
  expect(out).toContain("? cache-pair, cache-embeddings");
  expect(out).toContain(`No right to Microsoft.ApiManagement/service/backends/read on ${environment.AIGW_SERVICE}.`);
  expect(out).toContain(
    `az role assignment create --assignee <object id> --role "API Management Service Reader Role" --scope "${environment.AIGW_SERVICE}"`,
  );
});

test("a refusal that names neither action nor scope: the service that was asked for, and each command once", { timeout }, async () => {
  const { sandbox, environment } = await served();
  sandbox.world.faults.add({ path: /./, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403 } });
  const { status, out } = await typed(environment);
  expect(status).toBe(2);
  expect(out).not.toContain("<ARM id of the service>");
  expect(out).toContain(`--role "API Management Service Reader Role" --scope "${environment.AIGW_SERVICE}"`);
  const commands = out.match(/az role assignment create .*/g) ?? [];
  expect(new Set(commands).size).toBe(commands.length);
  expect(nextOf(out)).toEqual(["azure-ai-gateway-mcp doctor"]);
  expect(out).toMatch(/No right to Microsoft\.ApiManagement\/service\/\S+, Microsoft\.ApiManagement\/service\/\S+, /);
});

describe("where changes are written down", () => {
  test("is tried, and nothing is left there", { timeout }, async () => {
    const { environment } = await served();
    const state = environment.AIGW_STATE ?? "";
    for (const directory of [state, join(state, "not", "made")]) {
      const { status, out } = await typed({ ...environment, AIGW_STATE: directory });
      expect({ status, journal: out.includes("+ journal") }).toEqual({ status: 0, journal: true });
    }
    expect(await readdir(state)).toEqual([]);
  });

  test.each<[string, (state: string) => Promise<string>]>([
    [
      "a file",
      async (state) => {
        await writeFile(join(state, "file"), "");
        return join(state, "file");
      },
    ],
    ["a place where nothing can be made", async () => "/proc/nope"],
    [
      "a directory that others may write to",
      async (state) => {
        await chmod(state, 0o777);
        return state;
      },
    ],
  ])("%s will not do: status 1, and the variable", { timeout }, async (_, spoil) => {
    const { environment } = await served();
    const state = await spoil(environment.AIGW_STATE ?? "");
    const { status, out } = await typed({ ...environment, AIGW_STATE: state });
    expect(status).toBe(1);
    expect(out).toContain(`x journal  The journal in ${state} cannot be used: `);
    expect(out).toContain("Do: Set AIGW_STATE to a directory that this user can write to.");
    const readOnly = await typed({ ...environment, AIGW_STATE: state, AIGW_READ_ONLY: "true" });
    expect(readOnly.out).not.toContain("x journal");
  });
});

test("requests side by side are no leak: nothing is warned of, and none listens on", { timeout }, async () => {
  const warned: string[] = [];
  const hear = (warning: Error): void => void warned.push(warning.name);
  process.on("warning", hear);
  onTestFinished(() => void process.off("warning", hear));
  const { environment } = await served();
  const { signal } = new AbortController();
  await typed(environment, { signal });
  await new Promise((done) => setImmediate(done));
  expect({ warned, listening: getEventListeners(signal, "abort").length }).toEqual({ warned: [], listening: 0 });
});

test("something that is wrong: status 1; --json has the same for a program", { timeout }, async () => {
  const { sandbox, environment } = await served();
  sandbox.world.put("policyFragments/broken", {
    value: '<fragment><rate-limit calls="ten" renewal-period="60" /></fragment>',
    format: "rawxml",
  });
  const text = await typed(environment);
  expect(text.status).toBe(1);
  expect(text.out).toContain("x policies  fragment 'broken', line 2:");
  const { status, out } = await typed(environment, { json: true });
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    service: "sandbox",
    diagnosis: {
      problems: [{ check: "policies", status: "problem" }],
      unknown: [],
      cause: { failed: { backend: 1, gateway: 0, client: 0 } },
    },
    next: [expect.stringContaining("call list_subscriptions"), expect.stringContaining("claude mcp add")],
  });
});

test("failed calls of which nobody knows whose doing they were: what that means", { timeout }, async () => {
  const { sandbox, environment, clock } = await served(180_000);
  sandbox.world.delete("apis/azure-openai/operations/ChatCompletions_Create");
  const gateway = await sandbox.gateway();
  const headers = { "api-key": sandbox.keys().growth ?? "", "content-type": "application/json" };
  const url = "https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
  for (let sent = 0; sent < 8; sent++) await gateway.fetch(new Request(url, { method: "POST", headers, body: "{}" }));
  await clock.advance(180_000);
  const { out } = await typed(environment);
  expect(out).toContain("x addresses");
  expect(out).toContain("Not clear whose: neither logs nor metrics say");
});

test("takes no operand, and its flags are known", async () => {
  await expect(typed({}, { operands: ["now"] })).rejects.toMatchObject({ code: "invalid_input" });
  const seen: string[] = [];
  const output = { out: () => {}, err: () => {} };
  const status = await run(["doctor", "--json", "--sandbox"], output, (command) => async (_, { values }) => {
    seen.push(command, `${values.json} ${values.sandbox}`);
    return 0;
  });
  expect([status, seen]).toEqual([0, ["doctor", "true true"]]);
});
