import { expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { type FindingCode, findingsOf } from "../../src/pool/findings.ts";
import { planPool } from "../../src/pool/plan.ts";
import type { PoolRequest } from "../../src/pool/request.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { breakerOfFive } from "../two-regions.ts";
import { api, csharp } from "./planning.ts";
import { inventoryOf, live, type Parts, policy, pool, single } from "./service.ts";

const rule = (more: JsonObject = {}, condition: JsonObject = {}): JsonObject => ({ circuitBreaker: breakerOfFive(more, condition) });

const retry = (count: string, condition = "@(context.Response.StatusCode == 429 || context.Response.StatusCode >= 500)", buffer = "true") =>
  `<retry condition="${condition}" count="${count}" interval="0"><forward-request buffer-request-body="${buffer}" /></retry>`;
const toPool = (backend = retry("1")) => policy('<set-backend-service backend-id="aoai" />', backend);
const twoAt = (...priorities: number[]) => pool(priorities.map((priority, index) => ({ id: `/backends/${"ab"[index]}`, priority })));

/** Nothing to find: two regions, one behind the other, each with a breaker that opens, and a retry. */
const healthy: Parts & { readonly backends: Readonly<Record<string, JsonObject>> } = {
  backends: { a: single("https://a.example/", rule()), b: single("https://b.example/", rule()), aoai: twoAt(1, 2) },
  policies: { [api]: toPool() },
};
const withBackends = (over: Readonly<Record<string, JsonObject>>): Parts => ({ ...healthy, backends: { ...healthy.backends, ...over } });
const withRetry = (backend: string): Parts => ({ ...healthy, policies: { [api]: toPool(backend) } });
const identity: JsonObject = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
const signIn = '<authentication-managed-identity resource="https://cognitiveservices.azure.com" />';
const signed = (xml: string): Parts => ({
  ...healthy,
  policies: { [api]: policy(`<set-backend-service backend-id="aoai" />${xml}`, retry("1")) },
});
const many = Array.from({ length: 31 }, (_, index) => `m${index}`);

const found = (parts: Parts) => {
  const inventory = inventoryOf(parts);
  return findingsOf(resolveRoutes(inventory, csharp, "chat"), inventory.service.tier);
};

test.each<[string, Parts, FindingCode[], string]>([
  ["a healthy pool", healthy, [], ""],
  ["one member", withBackends({ aoai: twoAt(1) }), ["one_member"], "aoai has one member, a"],
  ["a backend alone", { ...healthy, policies: { [api]: policy('<set-backend-service backend-id="a" />') } }, ["one_member"], "no pool"],
  [
    "a backend alone that another stands in for",
    {
      ...healthy,
      policies: {
        [api]: policy(
          '<choose><when condition="@(x)"><set-backend-service backend-id="a" /></when><otherwise><set-backend-service backend-id="b" /></otherwise></choose>',
        ),
      },
    },
    [],
    "",
  ],
  ["no breaker on the primary", withBackends({ a: single("https://a.example/") }), ["no_breaker_on_primary"], "priority 2 is never used"],
  ["no breaker on the last", withBackends({ b: single("https://b.example/") }), [], ""],
  [
    "all at one priority, one without a breaker",
    withBackends({ aoai: twoAt(1, 1), b: single("https://b.example/") }),
    ["one_priority"],
    "b keeps",
  ],
  ["all at one priority, each with a breaker", withBackends({ aoai: twoAt(1, 1) }), [], ""],
  [
    "a breaker for 429 alone",
    withBackends({ a: single("https://a.example/", rule({}, { statusCodeRanges: [{ min: 429, max: 429 }] })) }),
    ["breaker_ignores_server_errors"],
    "of a.",
  ],
  [
    "a breaker of status codes alone",
    withBackends({ b: single("https://b.example/", rule({}, { errorReasons: [] })) }),
    ["breaker_ignores_connection_failures"],
    "of b.",
  ],
  [
    "a Retry-After that decides",
    withBackends({ a: single("https://a.example/", rule({ acceptRetryAfter: true })) }),
    ["long_retry_after"],
    "86400",
  ],
  [
    "a member without credentials beside one that has some",
    withBackends({ a: single("https://a.example/", { ...rule(), ...identity }) }),
    ["unequal_credentials"],
    "b of aoai sends no credential, a does",
  ],
  ["members without credentials, all of them", healthy, [], ""],
  [
    "a policy that signs in for all of them",
    { ...signed(signIn), backends: { ...healthy.backends, a: single("https://a.example/", { ...rule(), ...identity }) } },
    [],
    "",
  ],
  [
    "a policy that signs in some calls",
    {
      ...signed(`<choose><when condition="@(x)">${signIn}</when></choose>`),
      backends: { ...healthy.backends, a: single("https://a.example/", { ...rule(), ...identity }) },
    },
    ["unequal_credentials"],
    "no policy signs in every call",
  ],
  ["no retry", withRetry("<forward-request />"), ["retry_too_small"], "Nothing retries"],
  ["no retry of 5xx", withRetry(retry("2", "@(context.Response.StatusCode == 429)")), ["retry_too_small"], "does not retry 5xx"],
  [
    "a retry where there is no answer, or 429",
    withRetry(retry("2", "@(context.Response == null || context.Response.StatusCode == 429)")),
    ["retry_too_small"],
    "does not retry 5xx",
  ],
  ["a retry of every answer", withRetry(retry("1", "@(context.Response != null && context.Response.StatusCode != 200)")), [], ""],
  ["a retry as often as a named value says", { ...withRetry(retry("{{tries}}")), namedValues: { tries: "1" } }, [], ""],
  ["a retry as often as an expression says", withRetry(retry("@(context.Request.Method.Length)")), [], ""],
  ["a retry that loses the body", withRetry(retry("1", "@(context.Response.StatusCode >= 500)", "false")), ["retry_without_body"], "POST"],
  [
    "one retry for three equal members, of which the next is asked then",
    withBackends({ c: single("https://c.example/", rule()), aoai: pool(["a", "b", "c"].map((id) => ({ id: `/backends/${id}` }))) }),
    [],
    "",
  ],
  [
    "no retry: what one leaves",
    withRetry("<forward-request />"),
    ["retry_too_small"],
    "up to 5 before a breaker opens; 1 retry leaves at most 2, 5 none.",
  ],
  [
    "no retry, and breakers that open at once",
    {
      ...withBackends({ a: single("https://a.example/", rule({}, { count: 1 })), b: single("https://b.example/", rule({}, { count: 1 })) }),
      policies: { [api]: toPool("<forward-request />") },
    },
    ["retry_too_small"],
    "up to 1 before a breaker opens; 1 retry leaves none.",
  ],
  [
    "a member that does not exist",
    withBackends({ aoai: pool([{ id: "/backends/a" }, { id: "/backends/b" }, { id: "/backends/gone" }]) }),
    ["missing_backend", "one_priority"],
    "Backend 'gone' does not exist",
  ],
  [
    "a backend that does not exist",
    { ...healthy, policies: { [api]: policy('<set-backend-service backend-id="gone" />') } },
    ["missing_backend"],
    "API 'chat' goes to it",
  ],
  [
    "a pool in a pool, whose members have breakers",
    withBackends({ inner: twoAt(1, 1), aoai: pool([{ id: "/backends/a" }, { id: "/backends/inner" }]) }),
    ["pool_in_pool"],
    "(a, b)",
  ],
  [
    "31 members",
    {
      ...withRetry(retry("2")),
      backends: {
        ...Object.fromEntries(many.map((id) => [id, single(`https://${id}.example/`, rule())])),
        aoai: pool(many.map((id) => ({ id: `/backends/${id}` }))),
      },
    },
    ["too_many_members"],
    "31 members",
  ],
  ["a tier without breakers", { ...healthy, sku: "Consumption" }, ["tier_without_breakers"], "never used"],
  [
    "a tier without breakers, one priority",
    { ...withBackends({ aoai: twoAt(1, 1) }), sku: "Consumption" },
    ["tier_without_breakers"],
    "keeps its share",
  ],
])("finds %s", (_, parts, codes, text) => {
  const findings = found(parts);
  expect(findings.map(({ code }) => code)).toEqual(codes);
  for (const { code, severity } of findings) expect(severity).toBe(code === "one_member" ? "advice" : "problem");
  expect(findings.map((finding) => finding.text).join()).toContain(text);
});

test.each<[string, Parts]>([
  ["no breaker on the primary", withBackends({ a: single("https://a.example/") })],
  ["all at one priority", withBackends({ aoai: twoAt(1, 1), a: single("https://a.example/"), b: single("https://b.example/") })],
  [
    "a breaker that does not open",
    withBackends({
      a: single("https://a.example/", rule({ acceptRetryAfter: true }, { statusCodeRanges: [{ min: 429, max: 429 }], errorReasons: [] })),
    }),
  ],
  ["no retry", withRetry("<forward-request />")],
])("the fix of %s is a call that mends it", (_, parts) => {
  const fixes = found(parts).map(({ fix }) => fix);
  expect(fixes).not.toEqual([]);
  let { backends, policies } = parts;
  for (const fix of fixes) {
    const request: PoolRequest = JSON.parse(fix.replace("update_backend_pool ", ""));
    const inventory = inventoryOf({ ...parts, backends: backends ?? {}, policies: policies ?? {} });
    for (const { id, after } of planPool(inventory, csharp, live(inventory.backends), request).documents) {
      if (id.startsWith("backends/")) backends = { ...backends, [id.replace("backends/", "")]: after ?? {} };
      else policies = { ...policies, [id]: String(after?.value) };
    }
  }
  expect(found({ ...parts, backends: backends ?? {}, policies: policies ?? {} })).toEqual([]);
});
