import { describe, expect, test } from "vitest";
import { openService, timeout } from "../kit.ts";
import { type Claim, holds } from "./claims.ts";

const claims: readonly Claim[] = [
  {
    name: "a service that takes no calls of this program's API version",
    async plant({ world }) {
      const properties = { ...world.service.properties, apiVersionConstraint: { minApiVersion: "2027-01-01" } };
      world.service = { ...world.service, properties };
    },
    problems: { platform: /before 2027-01-01.*asks with 2024-05-01/ },
  },
  {
    name: "a certificate that Key Vault does not renew, and whom it is shown to",
    async plant({ world, clock, change }) {
      const expirationDate = new Date(clock.now().getTime() + 90 * 24 * 3_600_000).toISOString();
      const keyVault = {
        secretIdentifier: "https://kv.vault.azure.net/secrets/client",
        lastStatus: { code: "AccessDenied", message: "No." },
      };
      world.put("certificates/client", { subject: "CN=gw", thumbprint: "AA11", expirationDate, keyVault });
      change("backends/aoai-westeurope", {
        credentials: { certificate: ["aa11"], managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
      });
    },
    problems: { certificates: /'client' \(shown to aoai-westeurope\), Key Vault says: No\./ },
  },
  {
    name: "an authority that is trusted and ends",
    async plant({ world, clock }) {
      const expiry = new Date(clock.now().getTime() + 5 * 24 * 3_600_000).toISOString();
      const certificates = [{ storeName: "Root", certificate: { expiry, thumbprint: "B1", subject: "CN=contoso-root" } }];
      world.service = { ...world.service, properties: { ...world.service.properties, certificates } };
    },
    problems: { certificates: /'CN=contoso-root' expires in 4 days/ },
  },
];

describe("what ends", () => {
  holds(claims);
});

test("every certificate that ends is named", { timeout }, async () => {
  const { world, clock, diagnose } = await openService();
  const at = (days: number) => new Date(clock.now().getTime() + days * 24 * 3_600_000).toISOString();
  const hostnameConfigurations = [-3, 10].map((days, index) => ({
    ...{ type: "Proxy", hostName: `ai${index}.contoso.example` },
    certificate: { expiry: at(days), thumbprint: `A${index}`, subject: "CN=ai" },
  }));
  world.service = { ...world.service, properties: { ...world.service.properties, hostnameConfigurations } };
  const { problems } = await diagnose();
  expect(problems).toMatchObject([{ check: "certificates", seen: expect.stringMatching(/'ai0\..*has expired.*'ai1\..*expires in/) }]);
});
