import { existsSync, readFileSync } from "node:fs";
import { createHttpHeaders, RestError } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "vitest";
import { jsonObject } from "../../src/azure/arm-response.ts";
import { type Attempt, armError, isMissingService, thrownError } from "../../src/azure/errors.ts";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";

const read: Attempt = { what: "read of backends", writes: false };
const write: Attempt = { what: "write of backend 'b'", writes: true, kind: "backend" };
const policyWrite: Attempt = { what: "write of API 'a' policy", writes: true, kind: "policy" };

const response = (status: number, body: JsonObject | null, headers: Record<string, string> = {}) => ({
  status,
  headers: createHttpHeaders(headers),
  body,
});

const failed = (code: string, message: string, details?: JsonObject[]): JsonObject => ({
  error: { code, message, details: details ?? null },
});

describe("armError", () => {
  it.each<[string, number, JsonObject | null, Attempt, Partial<GatewayError>]>([
    [
      "two details of a policy",
      400,
      failed("ValidationError", "One or more fields contain incorrect values:", [{ message: "line one" }, { message: "line two" }]),
      policyWrite,
      { code: "policy_invalid", message: "Azure rejected the write of API 'a' policy: line one", details: ["line one", "line two"] },
    ],
    [
      "a policy without details",
      400,
      failed("ValidationError", "Data at the root level is invalid. Line 1, position 1."),
      policyWrite,
      { code: "policy_invalid", details: ["Data at the root level is invalid. Line 1, position 1."] },
    ],
    [
      "details inside details",
      400,
      failed("ValidationError", "top", [{ message: "middle", details: [{ message: "inner" }] }]),
      policyWrite,
      { code: "policy_invalid", details: ["inner"] },
    ],
    [
      "a backend's field",
      400,
      failed("ValidationError", "One or more fields contain incorrect values:", [
        { target: "url", message: "Url is not supported for backend pool." },
      ]),
      write,
      { code: "invalid_input", message: "Azure rejected the write of backend 'b': Url is not supported for backend pool." },
    ],
    [
      "the tier",
      400,
      failed("MethodNotAllowedInPricingTier", "Method not allowed in Consumption pricing tier"),
      read,
      { code: "unsupported" },
    ],
    ["a lock", 409, failed("ScopeLocked", "The scope is locked."), write, { code: "forbidden", retryable: false }],
    ["404", 404, failed("ResourceNotFound", "Backend not found."), read, { code: "not_found", hint: undefined }],
    [
      "404 of the group",
      404,
      failed("ResourceGroupNotFound", "Resource group 'rg' could not be found."),
      read,
      { code: "not_found", hint: "Check AZURE_RESOURCE_GROUP." },
    ],
    [
      "409",
      409,
      failed("PessimisticConcurrencyConflict", "Operation on the API is in progress"),
      write,
      { code: "conflict", retryable: true },
    ],
    ["422", 422, failed("ManagementApiRequestFailed", "Failed."), write, { code: "conflict", retryable: true }],
    ["412", 412, failed("PreconditionFailed", "Modified."), write, { code: "conflict", retryable: false }],
    [
      "412 with a code of 400",
      412,
      failed("ValidationError", "Resource was modified since last retrieval."),
      policyWrite,
      { code: "conflict" },
    ],
    ["500 on a read", 500, failed("InternalServerError", "Oops."), read, { code: "unavailable", retryable: true }],
    ["500 on a write", 500, failed("InternalServerError", "Oops."), write, { code: "unavailable", retryable: false }],
    [
      "a proxy's page",
      502,
      null,
      read,
      { code: "unavailable", message: "Azure is unavailable for the read of backends: HTTP 502, no reason given" },
    ],
    ["Azure Monitor's envelope", 400, { code: "BadRequest", message: "Metric: X does not exist." }, read, { code: "invalid_input" }],
    ["a redirect", 307, null, read, { code: "internal" }],
  ])("%s", (_, status, body, attempt, expected) => {
    expect(armError(response(status, body), attempt)).toMatchObject(expected);
  });

  it("says that the outcome of a write is unknown where it is", () => {
    expect(armError(response(503, null), write).message).toMatch(/^The outcome of the write of backend 'b' is unknown: HTTP 503/);
    expect(armError(response(412, null), write).message).not.toMatch(/unknown/);
  });

  it("names action, scope and the command for a missing permission", () => {
    const scope = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim";
    const message = (action: string) =>
      `The client 'me@x' with object id '1111-22' does not have authorization to perform action '${action}' over scope '${scope}/apis/a/policies/policy' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
    const hint = (action: string) => armError(response(403, failed("AuthorizationFailed", message(action))), write).hint;
    expect(hint("Microsoft.ApiManagement/service/apis/policies/write")).toContain(
      `Missing action: Microsoft.ApiManagement/service/apis/policies/write on ${scope}/apis/a/policies/policy.`,
    );
    expect(hint("Microsoft.ApiManagement/service/apis/policies/write")).toContain(
      `az role assignment create --assignee 1111-22 --role "API Management Service Contributor" --scope "${scope}"`,
    );
    expect(hint("Microsoft.ApiManagement/service/apis/read")).toContain('--role "API Management Service Reader Role"');
    expect(hint("Microsoft.Insights/metrics/read")).toContain('--role "Monitoring Reader"');
  });

  it.each([
    ["Microsoft.CognitiveServices/accounts/deployments/read", "/deployments/gpt-4o", "Reader"],
    ["Microsoft.Insights/metrics/read", "/providers/Microsoft.Insights", "Monitoring Reader"],
  ])("names the account of a model for %s", (action, below, role) => {
    const account = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/a";
    const message = `The client 'x' with object id '1111-22' does not have authorization to perform action '${action}' over scope '${account}${below}' or the scope is invalid.`;
    const { hint } = armError(response(403, failed("AuthorizationFailed", message)), read);
    expect(hint).toContain(`--role "${role}" --scope "${account}"`);
  });

  it.each([
    ["The access token expiry UTC time '11/20/2026' is earlier than current UTC time.", "az account get-access-token"],
    ["The access token has been obtained for wrong audience or resource 'x'.", "--resource https://management.azure.com"],
    ["The access token is from the wrong issuer 'https://sts.windows.net/x/'. It must match the tenant.", "az login --tenant"],
    ["Authentication failed.", "az login"],
  ])("tells what to do about a token: %s", (message, hint) => {
    const error = armError(response(401, failed("InvalidAuthenticationToken", message)), read);
    expect(error.code).toBe("unauthenticated");
    expect(error.hint).toContain(hint);
  });

  it.each<[Record<string, string>, string, string]>([
    [{ "retry-after": "17" }, "", "after 17 s"],
    [{ "retry-after-ms": "1500" }, "", "after 2 s"],
    [{}, "Please try again after '1' seconds after additional tokens are available.", "after 1 s"],
    [{}, "Too many requests.", "in a minute"],
  ])("names the seconds of a throttled call: %j %s", (headers, message, hint) => {
    const error = armError(response(429, failed("SubscriptionRequestsThrottled", message), headers), write);
    expect(error).toMatchObject({ code: "throttled", retryable: true });
    expect(error.hint).toContain(hint);
  });

  it("keeps Azure's correlation id for what only Azure can explain", () => {
    expect(armError(response(500, null, { "x-ms-correlation-request-id": "c-1" }), read).details).toEqual(["Azure correlation id: c-1"]);
  });
});

describe("isMissingService", () => {
  it.each([
    ["ResourceNotFound", "The Resource 'Microsoft.ApiManagement/service/apim' under resource group 'rg' was not found.", true],
    ["ResourceGroupNotFound", "Resource group 'rg' could not be found.", true],
    ["SubscriptionNotFound", "The subscription 's' could not be found.", true],
    ["ResourceNotFound", "Policy not found.", false],
    ["ResourceNotFound", "API not found.", false],
  ])("%s %s", (code, message, missing) => {
    expect(isMissingService(response(404, failed(code, message)))).toBe(missing);
  });
});

describe("thrownError", () => {
  const named = (name: string, message: string, errors?: Error[]) => Object.assign(new Error(message), { name, ...(errors && { errors }) });

  it.each<[string, unknown, Partial<GatewayError>]>([
    [
      "a name that cannot be resolved",
      new RestError("getaddrinfo ENOTFOUND x", { code: "ENOTFOUND" }),
      { code: "unavailable", retryable: true },
    ],
    ["an answer that is no JSON", new RestError("parse - {canary}", { code: "PARSE_ERROR", statusCode: 200 }), { code: "unavailable" }],
    ["our own error", new GatewayError("throttled", "wait"), { code: "throttled", message: "wait" }],
    ["something that is no error", "canary", { code: "internal" }],
    ["a bug", new TypeError("x is undefined"), { code: "internal" }],
    [
      "no credential at all",
      named("AggregateAuthenticationError", "ChainedTokenCredential authentication failed.\nAzure CLI could not be found.", [
        named("CredentialUnavailableError", "EnvironmentCredential is unavailable. No underlying credential could be used.\nmore"),
        named("CredentialUnavailableError", "Azure CLI could not be found."),
      ]),
      {
        code: "unauthenticated",
        details: ["EnvironmentCredential is unavailable. No underlying credential could be used.", "Azure CLI could not be found."],
        hint: expect.stringContaining("'az' itself is not on the PATH"),
      },
    ],
    [
      "not signed in",
      named("CredentialUnavailableError", "Please run 'az login' from a command prompt to authenticate before using this credential."),
      { code: "unauthenticated", hint: expect.stringContaining("az login") },
    ],
    [
      "a wrong secret",
      named(
        "AuthenticationError",
        "EnvironmentCredential authentication failed. Status code: 400\n invalid_client: 7000215 - AADSTS7000215: Invalid client secret provided. Ensure it is right. Trace ID: abc",
      ),
      {
        code: "unauthenticated",
        message: "Entra refused the credential: AADSTS7000215: Invalid client secret provided. Ensure it is right.",
        hint: expect.stringContaining("AZURE_CLIENT_SECRET"),
      },
    ],
    [
      "an unknown tenant",
      named("AuthenticationError", "x: AADSTS90002: Tenant 't' not found."),
      { hint: expect.stringContaining("AZURE_TENANT_ID") },
    ],
    [
      "an unknown application",
      named("AuthenticationError", "x: AADSTS700016: Application not found."),
      { hint: expect.stringContaining("AZURE_CLIENT_ID") },
    ],
    ["a setting of no meaning", new Error("Invalid value for AZURE_TOKEN_CREDENTIALS = canary. Valid values"), { code: "not_configured" }],
  ])("%s", (_, error, expected) => {
    const mapped = thrownError(error, read);
    expect(mapped).toMatchObject(expected);
    expect(JSON.stringify({ ...mapped, message: mapped.message, cause: mapped.cause })).not.toContain("canary");
  });

  it("leaves the outcome of a write open where no answer came", () => {
    const lost = thrownError(new RestError("socket hang up", { code: "ECONNRESET" }), write);
    expect(lost).toMatchObject({ code: "unavailable", retryable: false });
    expect(lost.message).toContain("unknown");
  });

  it("is cancelled where the caller has gone, whatever else was thrown", () => {
    const controller = new AbortController();
    controller.abort();
    expect(thrownError(new RestError("x", { code: "ECONNRESET" }), read, controller.signal).code).toBe("cancelled");
  });
});

const recorded = new URL("../../../shared/fixtures/arm-examples/recorded/", import.meta.url);
const present = existsSync(recorded);
const fixture = (name: string) => JSON.parse(readFileSync(new URL(name, recorded), "utf8"));

describe.skipIf(!present)(present ? "recorded errors" : "recorded errors (skipped: ../shared/fixtures is absent)", () => {
  const catalogue: { message: string; element: string | null; kind: string }[] = present
    ? fixture("policy-error-catalogue.json").errors
    : [];

  it.each(catalogue.map(({ message, element }) => [message, element] as const))("policy: %s", (message, element) => {
    const body =
      element === null
        ? failed("ValidationError", message)
        : failed("ValidationError", "One or more fields contain incorrect values:", [
            { code: "ValidationError", target: element, message },
          ]);
    expect(armError(response(400, body), policyWrite)).toMatchObject({ code: "policy_invalid", details: [message] });
  });

  const codes: Readonly<Record<number, string>> = {
    400: "policy_invalid",
    403: "forbidden",
    409: "conflict",
    412: "conflict",
    429: "throttled",
  };
  const exchanges: { name: string; response: { status: number; body: unknown } }[] = present
    ? fixture("real-exchanges.json").exchanges
    : [];

  it.each(exchanges.filter(({ response: { status } }) => status >= 400).map((exchange) => [exchange.name, exchange.response] as const))(
    "%s",
    (_, { status, body }) => {
      const error = armError(response(status, jsonObject(JSON.stringify(body))), policyWrite);
      expect(error.code).toBe(codes[status]);
      expect(error.message.length).toBeGreaterThan(20);
    },
  );
});
