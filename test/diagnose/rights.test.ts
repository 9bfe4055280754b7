import { describe, expect, test } from "vitest";
import { sandboxService } from "../../src/sandbox/service.ts";
import { openService, type Service, timeout } from "./kit.ts";

const service = sandboxService.resourceId;
const objectId = "5a11db0c-0000-4000-8000-00000000f6f6";

/** ARM's refusal: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting */
const refusal = (action: string, scope: string) =>
  `The client 'reader@contoso.example' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;

const serving = ["models", "failover-backends", "failover-members", "failover-breakers", "failover-retry", "policies", "lints"];
const caching = ["cache-pair", "cache-embeddings", "cache-redis", "cache-threshold", "cache-vary-by", "cache-streaming", "cache-hits"];
const logged = ["limits", "quotas", "keys", "backend-access", "refusals", "addresses", "requests", "latency", "cache-hits"];
const counted = ["deployments", "backend-errors", "backend-connection", "breakers", "policy-failures", "unexplained-errors", "clients"];

/** A right that is taken away: the requests that are refused, and the checks that nobody can make then. */
const rights: readonly {
  readonly action: string;
  readonly path: RegExp;
  readonly role: string;
  readonly unknown: readonly string[];
}[] = [
  {
    action: "Microsoft.ApiManagement/service/read",
    path: /\/service\/sandbox$/,
    role: "API Management Service Reader Role",
    unknown: ["access", ...serving, ...caching, ...logged, ...counted, "logging", "certificates", "platform"],
  },
  ...(
    [
      ["apis/read", /\/service\/sandbox\/apis$/, [...serving, ...caching]],
      ["products/read", /\/service\/sandbox\/products$/, [...serving, ...caching]],
      ["policyFragments/read", /\/policyFragments$/i, [...serving, ...caching]],
      ["namedValues/read", /\/namedValues$/i, [...serving, ...caching]],
      ["backends/read", /\/backends$/, [...serving, ...caching]],
      ["apis/policies/read", /\/apis\/[^/]+\/policies\/policy$/, [...serving, ...caching]],
      ["subscriptions/read", /\/service\/sandbox\/subscriptions$/, ["keys"]],
      // Without a semantic cache no check needs to know of Redis.
      ["caches/read", /\/caches$/, []],
      ["certificates/read", /\/certificates$/, ["certificates"]],
    ] as const
  ).map(([name, path, unknown]) => ({
    action: `Microsoft.ApiManagement/service/${name}`,
    path,
    role: "API Management Service Reader Role",
    unknown,
  })),
  {
    action: "Microsoft.Insights/diagnosticSettings/read",
    path: /\/diagnosticSettings$/i,
    role: "Monitoring Reader",
    unknown: ["logging"],
  },
  {
    action: "Microsoft.Insights/eventtypes/values/read",
    path: /\/eventtypes\/management\/values$/i,
    role: "Monitoring Reader",
    unknown: ["changes"],
  },
  // Metrics are asked for what the logs do not say.
  { action: "Microsoft.Insights/metrics/read", path: /\/metrics$/i, role: "Monitoring Reader", unknown: [] },
];

describe("a right that is missing", () => {
  test.for(rights)(
    "$action: what needs it is unknown, nothing else is, and the command says who is to be granted what",
    { timeout },
    async ({ action, path, role, unknown }) => {
      const { world, diagnose, send, clock } = await openService();
      await send("prod-critical", 2);
      await clock.advance(60_000);
      const scope = `${service}/${path.source}`;
      const body = { error: { code: "AuthorizationFailed", message: refusal(action, service) } };
      world.faults.add({ method: "GET", path, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403, body } });
      const { unknown: all, ...found } = await diagnose();
      expect(found.problems, scope).toEqual([]);
      expect([...new Set(all.flatMap(({ checks }) => checks))].toSorted()).toEqual([...new Set(unknown)].toSorted());
      for (const { why, do: todo } of all) {
        expect(why).toBe(`No right to ${action} on ${service}.`);
        expect(todo).toBe(`az role assignment create --assignee ${objectId} --role "${role}" --scope "${service}"`);
      }
      const ok = found.ok.split(/, (?![^(]*\))/);
      for (const check of unknown) expect(ok).not.toContain(check);
    },
  );

  test("logs: what metrics tell too stays known", { timeout }, async () => {
    const { world, diagnose, send, clock } = await openService();
    await send("prod-critical", 2);
    await clock.advance(180_000);
    const body = {
      error: {
        code: "InsufficientAccessError",
        message: "The provided credentials have insufficient access to perform the requested operation",
      },
    };
    world.faults.add({ path: /^\/v1\//, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403, body } });
    const { problems, unknown, verdict } = await diagnose();
    expect(problems).toEqual([]);
    expect(unknown).toMatchObject([
      {
        why: expect.stringContaining("No right to Microsoft.OperationalInsights/workspaces/query/read"),
        do: expect.stringContaining('--role "Log Analytics Reader"'),
      },
    ]);
    expect(unknown.flatMap(({ checks }) => checks)).toEqual(["logging"]);
    // Metrics know no subscriptions: what they count is nothing that could be said of one team.
    const ofTeam = await diagnose({ subscription_id: "labs" });
    expect(ofTeam.problems).toEqual([]);
    expect(ofTeam.unknown.flatMap(({ checks }) => checks).toSorted()).toEqual([...logged, ...counted, "logging"].toSorted());
    expect(verdict).toMatch(/^Nothing failed: 2 calls, .* UTC, by platform metrics \(Azure Monitor\)\.$/);
  });

  test("logs and metrics: nothing is known of the calls", { timeout }, async () => {
    const { world, diagnose, send, clock } = await openService();
    await send("prod-critical", 2);
    await clock.advance(180_000);
    const body = { error: { code: "AuthorizationFailed", message: "No." } };
    for (const path of [/^\/v1\//, /\/metrics$/i]) {
      world.faults.add({ path, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403, body } });
    }
    const { problems, unknown, verdict, failed } = await diagnose();
    expect({ problems, failed }).toEqual({ problems: [], failed: undefined });
    expect([...new Set(unknown.flatMap(({ checks }) => checks))].toSorted()).toEqual([...logged, ...counted, "logging"].toSorted());
    expect(unknown.map(({ do: todo }) => todo)).toEqual(expect.arrayContaining([expect.stringContaining('--role "Monitoring Reader"')]));
    expect(verdict).toMatch(/^How calls ended is unknown/);
  });
});

const west = "aoai-westeurope.openai.azure.com";
const accounts = `/subscriptions/${service.split("/")[2]}/resourceGroups/${service.split("/")[4]}/providers/Microsoft.CognitiveServices/accounts`;
const ofAccount = `$(az cognitiveservices account list --query "[?contains(to_string(properties), '${west}')].id | [0]" -o tsv)`;
const reader = (scope: string) => `az role assignment create --assignee ${objectId} --role "Reader" --scope "${scope}"`;

describe("a right that is missing at the models' accounts", () => {
  test.for([
    [
      "an account that cannot be seen",
      ({ model }: Service) => {
        model("aoai-westeurope").isReadable = false;
      },
      `No right to Microsoft.CognitiveServices/accounts/read on the account that answers at ${west}.`,
      ofAccount,
    ],
    [
      "deployments that cannot be listed",
      ({ world }: Service) => refuse(world, /\/accounts\/aoai-westeurope\/deployments/i),
      `No right to Microsoft.CognitiveServices/accounts/deployments/read on ${accounts}/aoai-westeurope.`,
      `${accounts}/aoai-westeurope`,
    ],
    [
      "accounts that cannot be searched for",
      ({ world }: Service) => refuse(world, /\/Microsoft\.ResourceGraph\/resources/i),
      `No right to Microsoft.CognitiveServices/accounts/read on the account that answers at ${west}.`,
      ofAccount,
    ],
  ] as const)("%s: which model a silent member has is unknown", { timeout }, async ([, take, why, scope]) => {
    const opened = await openService();
    take(opened);
    await opened.send("prod-critical", 2);
    await opened.clock.advance(60_000);
    const { problems, unknown, ok } = await opened.diagnose();
    expect(problems).toEqual([]);
    expect(unknown).toEqual([{ checks: ["models"], why, do: expect.stringMatching(/^az role assignment create --assignee \S+/) }]);
    expect(unknown[0]?.do.replace(/--assignee (?:<object id>|\S+)/, `--assignee ${objectId}`)).toBe(reader(scope));
    expect(ok.split(", ")).not.toContain("models");
  });

  test("metrics of an account: that it refuses is known, its own numbers are not", { timeout }, async () => {
    const opened = await openService();
    for (const id of ["aoai-eastus", "aoai-westeurope"]) {
      opened.model(id).script.add({ behaviour: { kind: "throttle", retryAfterSeconds: 1 } });
    }
    refuse(opened.world, /\/accounts\/[^/]+\/providers\/Microsoft\.Insights\/metrics/i);
    await opened.send("growth", 8);
    await opened.clock.advance(60_000);
    const { problems, unknown } = await opened.diagnose({ symptom: "429" });
    expect(problems).toMatchObject([{ check: "deployments", means: expect.not.stringContaining("has counted") }]);
    expect(unknown.map(({ checks }) => checks)).toEqual([["deployment-limits"], ["deployment-limits"]]);
    for (const { why, do: todo } of unknown) {
      expect(why).toMatch(
        /^No right to Microsoft\.Insights\/metrics\/read on \/subscriptions\/.+\/accounts\/aoai-(?:eastus|westeurope)\.$/,
      );
      expect(todo).toContain('--role "Reader" --scope "/subscriptions/');
    }
  });
});

function refuse(world: Service["world"], path: RegExp): void {
  const body = { error: { code: "AuthorizationFailed", message: "No." } };
  world.faults.add({ path, times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status: 403, body } });
}

test.for([
  ["a token that is none", 401, { code: "InvalidAuthenticationToken", message: "The access token is invalid." }, "az login"],
  [
    "a service that is not there",
    404,
    {
      code: "ResourceNotFound",
      message: "The Resource 'Microsoft.ApiManagement/service/sandbox' under resource group 'sandbox' was not found.",
    },
    "az apim list",
  ],
] as const)("%s is the one problem", { timeout }, async ([, status, error, todo]) => {
  const { world, diagnose } = await openService();
  world.faults.add({ times: Number.POSITIVE_INFINITY, outcome: { kind: "answer", status, body: { error } } });
  const { problems, unknown, ok, verdict } = await diagnose();
  expect(problems).toMatchObject([{ check: "access", do: expect.stringContaining(todo) }]);
  expect({ unknown, ok }).toEqual({ unknown: [], ok: "" });
  expect(verdict).toBe("Nothing could be looked at: the service cannot be read.");
});
