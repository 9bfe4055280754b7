import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { BreakerInput, PoolRequest } from "../../src/pool/request.ts";
import { api, parts, plan, to } from "./planning.ts";
import { breaker, type Parts, policy, pool, single } from "./service.ts";

describe("warnings", () => {
  const bare = { backends: { ...parts.backends, east: single("https://east.example/openai") } };

  test("a breaker asked for on the standby alone names the corrected call, which has no such warning", () => {
    const circuit_breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
    const [warning = "", ...more] = plan({ backends: [{ backend_id: "west", priority: 2, circuit_breaker }] }, bare).warnings;
    expect(more).toEqual([]);
    expect(warning).toContain("'east' (priority 1)");
    const call: PoolRequest = JSON.parse(warning.slice(warning.indexOf("{")));
    expect(call).toEqual({
      api_id: "chat",
      backends: [
        { backend_id: "west", priority: 2, circuit_breaker },
        { backend_id: "east", circuit_breaker },
      ],
    });
    expect(plan(call, bare).warnings).toEqual([]);
  });

  test("all at one priority", () => {
    expect(plan({ backends: [{ backend_id: "west", priority: 1 }] }).warnings).toEqual([expect.stringContaining("none stands by")]);
  });

  test("a backend that other pools and APIs use", () => {
    const shared: Parts = {
      apis: { chat: null, batch: null, direct: null },
      backends: { ...parts.backends, other: pool([{ id: "/backends/east" }]) },
      policies: { [api]: to("aoai"), "apis/batch/policies/policy": to("aoai"), "apis/direct/policies/policy": to("east") },
    };
    const edit = plan({ backends: [{ backend_id: "east", circuit_breaker: { failure_count: 9 } }] }, shared);
    expect(edit.affected).toEqual(["API 'chat'", "API 'batch'", "API 'direct'"]);
    expect(edit.warnings).toEqual([
      "Backend 'east' is also used by pool 'other', API 'batch', API 'direct': the change applies there too.",
    ]);
    expect(plan({ backends: [{ backend_id: "west", priority: 2 }] }, shared).affected).toEqual(["API 'chat'", "API 'batch'"]);
  });
});

describe("warnings of what is left and what is not taken over", () => {
  const two = pool([{ id: "/backends/east" }, { id: "/backends/west" }]);
  const both = { backends: { ...parts.backends, aoai: two } };

  test("a pool that is left with one member", () => {
    expect(plan({ remove: ["west"] }, both).warnings).toContain("'east' is the only member left: nothing takes over when it fails.");
    expect(plan({ backends: [{ backend_id: "east", weight: 2 }] }).warnings).toEqual([]);
  });

  test("a credential beside the managed identity", () => {
    const credentials = { managedIdentity: { resource: "https://r/" }, header: { "x-key": ["{{k}}"] } };
    const added = (of: JsonObject) =>
      plan(
        { backends: [{ backend_id: "new", url: "https://new.openai.azure.com/", priority: 2 }] },
        { backends: { ...parts.backends, east: single("https://east.openai.azure.com/", { credentials: of }) } },
      ).warnings.join();
    expect(added(credentials)).toContain("'new' does not send what other members do besides, header x-key");
    expect(added({ managedIdentity: credentials.managedIdentity })).not.toContain("besides");
  });
});

describe("warnings of breakers", () => {
  const breakerPlan = (circuit_breaker: BreakerInput, over: Parts = bareEast) =>
    plan({ backends: [{ backend_id: "east", circuit_breaker }] }, over);
  const bareEast: Parts = { backends: { ...parts.backends, east: single("https://east.example/openai") } };

  test("that open on any answer for a day, on the only member", () => {
    expect(breakerPlan({ failure_count: 1, trip_duration: "P1D", status_codes: ["200-599"] }).warnings).toEqual([
      "The breaker of 'east' stays open for P1D, and no other member takes over: calls fail with 503 while it is open.",
      "The breaker of 'east' opens on successful answers (200-599): after 1 of them in PT1M it gets no traffic for P1D.",
    ]);
  });

  test.each<[string[], string | null]>([
    [["200"], "200"],
    [["429", "302", "399-400"], "302, 399-400"],
    [["400"], null],
    [["429", "500-599"], null],
  ])("on %j", (status_codes, named) => {
    const { warnings } = breakerPlan({ status_codes });
    expect(warnings).toEqual(named === null ? [] : [expect.stringContaining(`successful answers (${named})`)]);
  });

  test("on a share of answers, and none for a breaker that stays as it is", () => {
    expect(breakerPlan({ failure_percent: 50, status_codes: ["200-599"] }).warnings.join()).toContain("after 50% of all answers in PT1M");
    const odd = single("https://east.example/", breaker({ failureCondition: { count: 1, statusCodeRanges: [{ min: 200, max: 599 }] } }));
    expect(plan({ backends: [{ backend_id: "east", weight: 2 }] }, { backends: { ...parts.backends, east: odd } }).warnings).toEqual([]);
  });

  test.each<[string, boolean]>([
    ["PT1H", true],
    ["PT60M", true],
    ["PT3600S", true],
    ["P1D", true],
    ["PT59M59S", false],
    ["PT5M", false],
  ])("that stay open for %s", (trip_duration, long) => {
    expect(breakerPlan({ trip_duration }).warnings.length).toBe(long ? 1 : 0);
    const alone: Parts = { backends: { east: single("https://east.example/openai") }, policies: { [api]: to("east") } };
    expect(breakerPlan({ trip_duration }, alone).warnings.length).toBe(long ? 1 : 0);
  });

  test("that stay open long matter only where no other priority takes over", () => {
    const east = { backend_id: "east", circuit_breaker: { trip_duration: "PT2H" } };
    const withWest = (priority: number) => plan({ backends: [east, { backend_id: "west", priority }] }, bareEast).warnings.join();
    expect(withWest(1)).toContain("no other priority takes over");
    expect(withWest(2)).not.toContain("takes over");
    const long = { backends: { ...parts.backends, east: single("https://east.example/", breaker({ tripDuration: "PT2H" })) } };
    expect(plan({ policies: { circuit_breaker: null } }, long).warnings).toEqual([]);
  });
});

describe("warnings of who gets the requests", () => {
  const identity = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
  const token = "the gateway's token for https://cognitiveservices.azure.com";
  const recipients = (backend_id: string, url: string, more: JsonObject = {}, inbound = "") => {
    const policies = { [api]: policy(`${inbound}<set-backend-service backend-id="aoai" />`) };
    const backends = { ...parts.backends, east: single("https://east.openai.azure.com/openai", more) };
    return plan({ backends: [{ backend_id, url }] }, { backends, policies }).warnings.filter((warning) => warning.includes(" go to "));
  };

  test.each([
    ["https://evil.example.com/openai", "evil.example.com"],
    ["https://x.openai.azure.com.evil.example/", "x.openai.azure.com.evil.example"],
    ["https://x.openai.azure.evil/", "x.openai.azure.evil"],
    ["https://evilopenai.azure.com/", "evilopenai.azure.com"],
    ["https://evil.example:8443/x.openai.azure.com/", "evil.example:8443"],
  ])("a new backend at %s", (url, host) => {
    expect(recipients("evil", url, identity)).toEqual([
      `Backend 'evil': requests, and ${token}, go to ${host}, which is not an Azure model host.`,
    ]);
    expect(recipients("evil", url)).toEqual([`Backend 'evil': requests go to ${host}, which is not an Azure model host.`]);
  });

  test.each([
    "n.openai.azure.com",
    "N.OpenAI.Azure.US",
    "n.openai.azure.cn",
    "n.cognitiveservices.azure.com",
    "n.services.ai.azure.com",
    "n.eastus.models.ai.azure.com",
    "n.inference.ai.azure.com",
  ])("a model host of Azure is as expected for a new backend, and named for one that moves: %s", (host) => {
    expect(recipients("new", `https://${host}/`, identity)).toEqual([]);
    expect(recipients("east", `https://${host}/`, identity)).toEqual([
      `Backend 'east': requests, and ${token}, go to the new host ${host.toLowerCase()} from now on.`,
    ]);
  });

  test("an existing backend at a foreign host that joins the pool", () => {
    const far = single("https://far.example/", { credentials: { header: { "api-key": ["{{key}}"] } } });
    const joined = (backend_id: string) =>
      plan(
        { backends: [{ backend_id, priority: 2 }] },
        { backends: { ...parts.backends, far, near: single("https://n.openai.azure.com/") } },
      );
    expect(joined("far").warnings).toEqual([
      "Backend 'far': requests, and the backend's header 'api-key', go to far.example, which is not an Azure model host.",
    ]);
    expect(joined("near").warnings).toEqual([]);
    expect(joined("east").warnings).toEqual([]);
  });

  test("another path at the same host is no other recipient", () => {
    expect(recipients("east", "https://EAST.openai.azure.com/v1", identity)).toEqual([]);
  });

  const toVariable = `<authentication-managed-identity resource="https://r/" output-token-variable-name="t" />`;
  const fromVariable = `<set-header name="Authorization" exists-action="override"><value>@("Bearer " + (string)context.Variables["t"])</value></set-header>`;
  test.each<[string, JsonObject, string, string]>([
    ["a key of the backend", { credentials: { header: { "api-key": ["{{key}}"] }, query: {} } }, "", "the backend's header 'api-key'"],
    ["a certificate of the backend", { credentials: { certificateIds: ["c"] } }, "", "the backend's certificateIds credentials"],
    ["a token by policy", {}, `<authentication-managed-identity resource="https://r/" />`, "the gateway's token for https://r/"],
    [
      "a token through a variable",
      {},
      toVariable + fromVariable,
      "the gateway's token for https://r/ and the Authorization header that the policy sets",
    ],
    ["a password by policy", {}, `<authentication-basic username="u" password="p" />`, "the user name and password that the policy sets"],
  ])("name %s, without its value", (_, more, inbound, words) => {
    expect(recipients("east", "https://evil.example/", more, inbound)).toEqual([
      `Backend 'east': requests, and ${words}, go to the new host evil.example from now on, which is not an Azure model host.`,
    ]);
  });

  test.each([
    ["a token that no header takes", toVariable],
    ["what a request of the policy's own sends", `<send-request mode="new"><set-url>https://x/</set-url>${fromVariable}</send-request>`],
    ["a header taken away", `<set-header name="Authorization" exists-action="delete" />`],
    ["another header", `<set-header name="x-team" exists-action="override"><value>a</value></set-header>`],
  ])("do not name %s", (_, inbound) => {
    expect(recipients("east", "https://evil.example/", {}, inbound)).toEqual([
      "Backend 'east': requests go to the new host evil.example from now on, which is not an Azure model host.",
    ]);
  });
});
