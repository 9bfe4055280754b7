import { describe, expect, it } from "vitest";
import { clouds, endpointOf } from "../../src/azure/clouds.ts";

describe("endpointOf", () => {
  it.each([
    [undefined, "https://management.azure.com", "https://management.azure.com"],
    ["https://arm.example.net", "https://arm.example.net", "https://arm.example.net"],
    ["https://arm.example.net:8443/", "https://arm.example.net:8443", "https://arm.example.net:8443"],
    ["http://127.0.0.1:4280", "https://127.0.0.1:4280", "http://127.0.0.1:4280"],
    ["http://[::1]:4280", "https://[::1]:4280", "http://[::1]:4280"],
    ["http://localhost:80", "https://localhost", "http://localhost"],
  ])("%s is told to the SDK as %s and called as %s", (override, sdk, network) => {
    expect(endpointOf(clouds.public, override)).toEqual({ sdk, network });
  });

  it.each([
    "http://arm.example.net",
    "http://127.0.0.1.example.net",
    "http://127.0.0.2",
    "https://arm.example.net/base",
    "https://user:pw@arm.example.net",
    "https://arm.example.net/?x=1",
    "ftp://127.0.0.1",
    "arm.example.net",
    "",
  ])("refuses %j", (override) => {
    expect(() => endpointOf(clouds.public, override)).toThrow(expect.objectContaining({ code: "not_configured" }));
  });
});
