import type { GetTokenOptions } from "@azure/core-auth";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clouds } from "../../src/azure/clouds.ts";
import { credentialFor } from "../../src/azure/credentials.ts";
import { openGateway } from "../../src/azure/gateway.ts";
import { httpClientFor } from "../../src/azure/http-client.ts";
import { createReader } from "../../src/azure/management.ts";
import { metricsReaders } from "../../src/azure/monitor.ts";
import { type Connection, openArm } from "../../src/azure/pipeline.ts";
import { parseServiceId } from "../../src/azure/resource-ids.ts";
import { failureOf, gatewayOver, neverAborted, quickTiming, serviceId, wire } from "./wire.ts";

afterEach(() => vi.unstubAllEnvs());

describe("credentialFor", () => {
  it("gives a ready-made token as it is", async () => {
    expect(await credentialFor(clouds.public, "t").getToken("any")).toMatchObject({ token: "t" });
  });
});

describe("without a token", () => {
  it.each([
    ["EnvironmentCredential", "unauthenticated", "az login"],
    ["no-such-credential", "not_configured", "AzureCliCredential"],
  ])("AZURE_TOKEN_CREDENTIALS=%s: %s, and nothing is sent", async (value, code, hint) => {
    vi.stubEnv("AZURE_TOKEN_CREDENTIALS", value);
    for (const name of ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"]) vi.stubEnv(name, "");
    const { fetch, sent } = wire(() => ({ body: { value: [] } }));
    const gateway = openGateway({ resourceId: serviceId, cloud: "public", fetch }, quickTiming());
    for (const call of [
      () => gateway.reader(neverAborted).apis(),
      () => gateway.reader(neverAborted).backends(),
      () => gateway.writer.put("backends/b", {}, { ifNoneMatch: "*" }),
    ]) {
      expect(await failureOf(call())).toMatchObject({ code, hint: expect.stringContaining(hint) });
    }
    expect(sent).toEqual([]);
  });
});

describe("token scopes", () => {
  it.each(["public", "usgovernment", "china"] as const)("%s", async (name) => {
    const cloud = clouds[name];
    const scopes: unknown[] = [];
    const { fetch } = wire(() => ({ status: 200, body: { value: [] } }));
    const endpoint = { sdk: cloud.endpoint, network: cloud.endpoint };
    const connection: Connection = {
      endpoint,
      credential: {
        async getToken(asked: string | string[], __?: GetTokenOptions) {
          scopes.push(asked);
          return { token: "t", expiresOnTimestamp: Date.now() + 3_600_000 };
        },
      },
      scope: cloud.scope,
      httpClient: httpClientFor(endpoint, 1000, fetch),
      timing: quickTiming(),
    };
    const arm = openArm(connection, parseServiceId(serviceId));
    await createReader(arm, neverAborted).apis();
    await metricsReaders(
      connection,
      arm,
    )(neverAborted).platform({
      metrics: ["Requests"],
      since: new Date(0),
      until: new Date(60_000),
      interval: "PT1M",
      aggregations: ["total"],
      dimensions: {},
    });
    expect(scopes.flat()).toEqual([cloud.scope, cloud.scope]);
    expect(cloud.scope).toBe(`${cloud.endpoint}/.default`);
  });
});

describe("a token that is refused", () => {
  it("is named with what to do, and is not in the error", async () => {
    const { fetch, sent } = wire(() => ({
      status: 401,
      headers: { "www-authenticate": 'Bearer authorization_uri="https://login.windows.net/x", error="invalid_token"' },
      body: {
        error: { code: "ExpiredAuthenticationToken", message: "The access token expiry UTC time is earlier than current UTC time." },
      },
    }));
    const error = await failureOf(gatewayOver(fetch, { accessToken: "canary" }).reader(neverAborted).backends());
    expect(error).toMatchObject({ code: "unauthenticated", hint: expect.stringContaining("expired") });
    expect(JSON.stringify(error)).not.toContain("canary");
    expect(sent).toHaveLength(1);
  });
});
