import { describe } from "vitest";
import type { Service } from "../kit.ts";
import { type Claim, holds, inbound, withoutBreakers } from "./claims.ts";

/** A second API beside the demo's, with the same operations left out. */
const secondApi = ({ world }: Service) =>
  void world.put("apis/internal", { displayName: "Internal", path: "internal", protocols: ["https"], subscriptionRequired: true });

const claims: readonly Claim[] = [
  {
    name: "a policy that answers 503 is named, not breakers that do not exist",
    async plant(service) {
      withoutBreakers(service);
      inbound(service, '<return-response><set-status code="503" reason="Maintenance" /></return-response>');
      await service.send("growth", 8);
    },
    verdict: /answered 503 by a policy, API 'azure-openai' policy, line \d+ \(return-response\)/,
    problems: { "unexplained-errors": /A policy answers these calls itself, with 503: API 'azure-openai' policy, line \d+/ },
    never: /breakers were open/,
  },
  {
    name: "a fragment that is missing explains the 500s",
    async plant(service) {
      service.world.delete("policyFragments/aoai-auth");
      await service.send("growth", 8);
    },
    problems: { "unexplained-errors": /a policy that is wrong explains them: .*'aoai-auth'/, policies: /aoai-auth/ },
    never: /Azure support/,
  },
  {
    name: "a policy that throws, in one of several APIs: which API, and the line",
    async plant(service) {
      secondApi(service);
      inbound(
        service,
        '<set-variable name="plain" value="text" /><set-variable name="tier" value="@(context.Request.Headers.GetValueOrDefault("x-tier", "").Substring(50))" />',
      );
      await service.send("growth", 7);
    },
    problems: {
      "policy-failures":
        /for API 'azure-openai'.*; it stands in API 'azure-openai' policy, line \d+\..*get_policy \{"api_id":"azure-openai","view":"effective"\}/,
      "failover-backends": /'internal'/,
    },
    never: /and the API's id|"\.\.\."/,
  },
];

describe("policies", () => {
  holds(claims);
});
