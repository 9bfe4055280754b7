import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overridableGuards } from "../src/change/guards/names.ts";
import { configurationTable } from "../src/config/table.ts";
import { type Target, target } from "../src/config/target.ts";
import { readConfiguration, settings } from "../src/config.ts";
import { GatewayError } from "../src/errors.ts";

const subscription = "11111111-2222-3333-4444-555555555555";
const resourceId = `/subscriptions/${subscription}/resourceGroups/rg-ai/providers/Microsoft.ApiManagement/service/apim-prod`;

const targetOf = (environment: Record<string, string>, flags: Record<string, string> = {}): Target =>
  target(readConfiguration(flags, environment));

function refusal(environment: Record<string, string>, flags: Record<string, string> = {}): GatewayError {
  try {
    targetOf(environment, flags);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("was not refused");
}

describe("the service", () => {
  test("is a whole ARM id, and then nothing else is needed", () => {
    expect(targetOf({ AIGW_SERVICE: resourceId })).toEqual({ kind: "azure", resourceId, cloud: "public" });
    expect(targetOf({ AIGW_SERVICE: resourceId.toLowerCase() })).toMatchObject({ resourceId: resourceId.toLowerCase() });
  });

  test("or a name in an Azure subscription and a resource group", () => {
    const environment = { AIGW_SERVICE: "apim-prod", AZURE_SUBSCRIPTION_ID: subscription, AZURE_RESOURCE_GROUP: "rg-ai" };
    expect(targetOf({ ...environment, AZURE_CLOUD: "china" })).toEqual({ kind: "azure", resourceId, cloud: "china" });
  });

  test("or the sandbox, whatever else is set", () => {
    expect(targetOf({ AIGW_SERVICE: "no/name", AZURE_CLOUD: "moon" }, { sandbox: "true" })).toEqual({ kind: "sandbox" });
  });

  test("an empty variable is one that is not set", () => {
    expect(targetOf({ AIGW_SERVICE: ` ${resourceId} `, AIGW_ARM_ENDPOINT: "", AZURE_CLOUD: " " })).toEqual({
      kind: "azure",
      resourceId,
      cloud: "public",
    });
  });
});

describe("missing configuration", () => {
  test("names each variable that is missing, and the command that finds its value", () => {
    const { code, details, hint } = refusal({ AZURE_RESOURCE_GROUP: "rg-ai" });
    expect(code).toBe("not_configured");
    expect(details).toEqual([
      expect.stringMatching(/^AIGW_SERVICE is not set: .* Find it with: az apim list --query "\[\]\.id" --output tsv$/),
      expect.stringMatching(/^AZURE_SUBSCRIPTION_ID is not set: .* Find it with: az account show --query id --output tsv$/),
    ]);
    expect(hint).toContain("--sandbox");
  });

  test.for([
    [{}, ["AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"]],
    [{ AZURE_SUBSCRIPTION_ID: subscription }, ["AZURE_RESOURCE_GROUP"]],
    [{ AZURE_RESOURCE_GROUP: "rg-ai" }, ["AZURE_SUBSCRIPTION_ID"]],
  ] as const)("a service's name beside %o: says that it is a name alone, and lacks %j", ([beside, lacking]) => {
    const { code, message, details } = refusal({ AIGW_SERVICE: "apim-prod", ...beside });
    expect([code, message]).toEqual([
      "not_configured",
      expect.stringMatching(/^AIGW_SERVICE is a name alone: it takes the whole ARM id, or /),
    ]);
    expect(details.map((detail) => detail.split(" ")[0])).toEqual(lacking);
  });

  test("every setting that Azure needs says how to find its value", () => {
    const needed = settings.filter(({ env }) =>
      ["AIGW_SERVICE", "AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AIGW_ACCESS_TOKEN"].includes(env ?? ""),
    );
    expect(needed.map(({ find }) => find?.split(" ")[0])).toEqual(["az", "az", "az", "az"]);
  });
});

describe("invalid values", () => {
  test.for([
    ["AZURE_SUBSCRIPTION_ID", "not-a-uuid", "must be a UUID"],
    ["AZURE_RESOURCE_GROUP", "a/b", "must be the name of a resource group"],
    ["AIGW_SERVICE", "/subscriptions/x/service/y", "must be the name of an API Management service or its whole ARM id"],
    ["AIGW_SERVICE", "9lives", "must be the name of an API Management service or its whole ARM id"],
    ["AIGW_SERVICE", `${resourceId}/../other`, "must be the name of an API Management service or its whole ARM id"],
    ["AZURE_CLOUD", "germany", "must be public, usgovernment or china"],
    ["AIGW_PRICES", "gpt-4o=cheap", 'must be MODEL=IN/OUT,... or JSON with {"MODEL": {"in": N, "out": N}}'],
    ["AIGW_READ_ONLY", "perhaps", "must be true or false"],
    ["AIGW_DIRECT", "perhaps", "must be true or false"],
    ...["base removed", "limit_cut,auth_remvoed", "protected", "too_large", "limit_cut,too_large"].map(
      (value) =>
        [
          "AIGW_ALLOW_OVERRIDE",
          value,
          "must be names of guards, separated by commas: policy_invalid, limit_cut, limit_raise, shared_document, no_backend_left, base_removed, auth_removed, all_traffic, credential_to_fault_origin (never protected or too_large)",
        ] as const,
    ),
    ...["chat", "team:growth", "api:", "api:a b", ":chat", "api:chat;product:gold:x", "api:chat,apis:mail", "backend:a/b"].map(
      (value) =>
        [
          "AIGW_PROTECT",
          value,
          "must be what is to be protected, separated by commas, each as one of api:ID, product:ID, subscription:ID, backend:ID",
        ] as const,
    ),
    ["AIGW_ACCESS_TOKEN", "two words", "must be a token without spaces"],
    ...["PT59S", "P1DT1S", "PT1441M", "P", "PT", "P1DT", "P1M", "P1W", "PT-5M", "PT0.5H", "30", "30m", "pt30m", "PT30M PT1M"].map(
      (value) => ["AIGW_PLAN_TTL", value, "must be an ISO 8601 duration from PT1M to P1D"] as const,
    ),
  ] as const)("%s=%s %s", ([name, value, reason]) => {
    const { code, details } = refusal({ AIGW_SERVICE: resourceId, [name]: value });
    expect(code).toBe("not_configured");
    expect(details).toEqual([expect.stringContaining(`${name} ${reason}.`)]);
  });

  test("a read-only setting that cannot be read is not off", () => {
    expect(readConfiguration({}, { AIGW_READ_ONLY: "perhaps" }).values.readOnly).toBeUndefined();
    expect(readConfiguration({}, {}).values.readOnly).toBe(false);
    expect(readConfiguration({}, { AIGW_READ_ONLY: "1" }).values.readOnly).toBe(true);
    expect(readConfiguration({ "read-only": "true" }, {}).values.readOnly).toBe(true);
  });

  test("the token is never repeated, however wrong the rest is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~ ]{20,60}$/), fc.boolean(), (token, serviceToo) => {
        fc.pre(token.trim().length >= 20);
        const error = refusal({ AIGW_ACCESS_TOKEN: token, ...(serviceToo ? { AIGW_SERVICE: "?" } : {}) });
        expect(JSON.stringify([error.message, error.details, error.hint])).not.toContain(token.trim());
      }),
    );
  });
});

describe.for(["AIGW_ARM_ENDPOINT", "AIGW_LOGS_ENDPOINT"])("%s", (name) => {
  const [property, path] = name === "AIGW_ARM_ENDPOINT" ? (["armEndpoint", ""] as const) : (["logsEndpoint", "/v1"] as const);

  test.for([
    ["https://management.example.com", "https://management.example.com"],
    ["https://management.example.com:8443/", "https://management.example.com:8443"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://[::1]:8080/", "http://[::1]:8080"],
  ] as const)("takes %s", ([given, origin]) => {
    expect(targetOf({ AIGW_SERVICE: resourceId, [name]: given })).toMatchObject({ [property]: `${origin}${path}` });
  });

  test.for([
    ["management.example.com", "is not a URL"],
    ["ftp://127.0.0.1", "must be an https URL"],
    ["http://management.example.com", "must be https: a token is sent there"],
    ["http://127.0.0.1.example.com:80", "must be https: a token is sent there"],
    ["http://localhost.example.com", "must be https: a token is sent there"],
    ["http://0.0.0.0:8080", "must be https: a token is sent there"],
    ["http://127.0.0.1@example.com", "must not hold a user name or password"],
    ["https://user:secret@example.com", "must not hold a user name or password"],
    ["https://example.com/tenant", "without a path"],
    ["https://example.com/..", "without a path"],
    ["https://example.com?api=1", "without a path"],
    ["https://exam\tple.com", "without a path"],
    ["https://example.com/#x", "without a path"],
    ["https://example.com\\@127.0.0.1", "without a path"],
  ] as const)("refuses %s: %s", ([given, reason]) => {
    const { code, details } = refusal({ AIGW_SERVICE: resourceId, [name]: given });
    expect(code).toBe("not_configured");
    expect(details[0]).toContain(`${name} `);
    expect(details[0]).toContain(reason);
    expect(details[0]).not.toContain("secret");
  });
});

test("the path of the log query API may stand in its endpoint, and in no other", () => {
  const endpoint = "http://127.0.0.1:8080/v1";
  expect(targetOf({ AIGW_SERVICE: resourceId, AIGW_LOGS_ENDPOINT: endpoint })).toMatchObject({ logsEndpoint: endpoint });
  expect(refusal({ AIGW_SERVICE: resourceId, AIGW_ARM_ENDPOINT: endpoint }).details).toHaveLength(1);
});

describe("the documentation", () => {
  test("has a row for each variable, none of which is documented twice", () => {
    const variables = settings.flatMap(({ env }) => env ?? []);
    const rows = configurationTable().split("\n").slice(2);
    expect(rows.map((row) => /^\| `([A-Z_]+)`/.exec(row)?.[1])).toEqual(variables);
    expect(new Set(variables).size).toBe(variables.length);
  });

  test("no secret has a flag", () => {
    expect(settings.filter(({ secret }) => secret).map(({ env, flag }) => [env, flag])).toEqual([
      ["AIGW_ACCESS_TOKEN", undefined],
      ["AIGW_PROBE_KEY", undefined],
    ]);
  });
});

test.each([
  [{}, 30],
  [{ AIGW_PLAN_TTL: "PT1M" }, 1],
  [{ AIGW_PLAN_TTL: "PT60S" }, 1],
  [{ AIGW_PLAN_TTL: "PT2H30M" }, 150],
  [{ AIGW_PLAN_TTL: "PT24H" }, 24 * 60],
  [{ AIGW_PLAN_TTL: "P1D" }, 24 * 60],
])("a plan lasts as long as %o says: %i minutes", (environment, minutes) => {
  expect(readConfiguration({}, environment).values.planTtl).toBe(minutes * 60_000);
});

test.each([
  [{}, []],
  [{ AIGW_PROTECT: " , " }, []],
  [
    { AIGW_PROTECT: "api:azure-openai, Product:Gold ,subscription:5f0e1,backend:aoai_east.us,api:chat;rev=2" },
    [
      { kind: "api", name: "azure-openai" },
      { kind: "product", name: "Gold" },
      { kind: "subscription", name: "5f0e1" },
      { kind: "backend", name: "aoai_east.us" },
      { kind: "api", name: "chat;rev=2" },
    ],
  ],
])("what is protected: %j", (environment, things) => {
  expect(readConfiguration({}, environment).values.protect).toEqual(things);
});

test("every guard that can be overridden can be allowed", () => {
  const { values, problems } = readConfiguration({}, { AIGW_ALLOW_OVERRIDE: overridableGuards.join(" , ") });
  expect(problems).toEqual([]);
  expect(values.allowOverride).toEqual(overridableGuards);
});
