import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { type Route, resolveRoutes } from "../../src/pool/routes.ts";
import { type Call, deploy } from "./deployed.ts";
import { inventoryOf, type Parts, policy, pool, single } from "./service.ts";

const csharp = await loadGrammar();

const backends = {
  ...Object.fromEntries(["east", "west", "north", "pool-gold", "pool-free"].map((id) => [id, single(`https://${id}.example/openai`)])),
  even: pool(["east", "west", "north"].map((id) => ({ id: `/backends/${id}` }))),
  weighted: pool([
    { id: "/backends/east", priority: 1, weight: 80 },
    { id: "/backends/west", priority: 1, weight: 20 },
  ]),
  standby: pool([
    { id: "/backends/east", priority: 1 },
    { id: "/backends/west", priority: 2 },
  ]),
  idle: pool([
    { id: "/backends/east", weight: 0 },
    { id: "/backends/north", weight: 3 },
    { id: "/backends/west", weight: 1 },
  ]),
};

const api = "apis/chat/policies/policy";
const to = (backendId: string) => `<set-backend-service backend-id="${backendId}" />`;
const toUrl = (url: string) => `<set-backend-service base-url="${url}" />`;
const variable = (name: string, value: string) => `<set-variable name="${name}" value="${value}" />`;
const choose = (...branches: string[]) => `<choose>${branches.join("")}</choose>`;
const when = (condition: string, steps: string) => `<when condition="${condition}">${steps}</when>`;
const tier = 'context.Request.Headers.GetValueOrDefault("x-tier", "")';
const gold = { headers: { "x-tier": "gold" } };
const free = { headers: { "x-tier": "free" } };

/** A configuration of pools by model, as large gateways keep it. */
const poolsByModel = `<fragment>
  <set-variable name="pools" value="@{
    var pools = new JArray();
    pools.Add(new JObject(new JProperty("model", "gold"), new JProperty("pool", "weighted")));
    pools.Add(new JObject(new JProperty("model", "free"), new JProperty("pool", "standby")));
    return pools;
  }" />
  <set-variable name="target" value="@{
    foreach (JObject entry in (JArray)context.Variables["pools"]) {
      if ((string)entry["model"] == ${tier}) { return (string)entry["pool"]; }
    }
    return "even";
  }" />
</fragment>`;

/** For each call the index of the route that it takes. */
type Calls = readonly (readonly [Call, number])[];
const any: Calls = [[{}, 0]];

const routings: readonly [string, Parts, readonly string[], Calls][] = [
  ["the API's service URL", {}, ["certain url https://origin.example/"], any],
  ["a literal", { policies: { [api]: policy(to("east")) } }, ["certain backend east"], any],
  ["a pool without weights", { policies: { [api]: policy(to("even")) } }, ["certain pool even"], any],
  ["a weighted pool", { policies: { [api]: policy(to("weighted")) } }, ["certain pool weighted"], any],
  ["a pool with a standby", { policies: { [api]: policy(to("standby")) } }, ["certain pool standby"], any],
  ["a member without weight", { policies: { [api]: policy(to("idle")) } }, ["certain pool idle"], any],
  [
    "a named value",
    { policies: { [api]: policy(to("{{primary}}")) }, namedValues: { primary: "weighted" } },
    ["certain pool weighted"],
    any,
  ],
  [
    "a part of a named value",
    { policies: { [api]: policy(to("{{half}}by")) }, namedValues: { half: "stand" } },
    ["certain pool standby"],
    any,
  ],
  [
    "a variable that is always the same",
    { policies: { [api]: policy(`${variable("p", "even")}${to('@((string)context.Variables["p"])')}`) } },
    ["certain pool even"],
    any,
  ],
  [
    "a variable that a branch sets",
    {
      policies: {
        [api]: policy(
          `${variable("p", "east")}${choose(when(`@(${tier} == "gold")`, variable("p", "west")))}${to('@((string)context.Variables["p"])')}`,
        ),
      },
    },
    ["dynamic backend west", "dynamic backend east"],
    [
      [gold, 0],
      [free, 1],
    ],
  ],
  [
    "an array of JSON in a fragment",
    {
      policies: { [api]: policy(`<include-fragment fragment-id="pools" />${to('@((string)context.Variables["target"])')}`) },
      fragments: { pools: poolsByModel },
    },
    ["dynamic pool even", "dynamic pool weighted", "dynamic pool standby"],
    [
      [{}, 0],
      [gold, 1],
      [free, 2],
    ],
  ],
  [
    "several in choose",
    {
      policies: {
        [api]: policy(
          choose(
            when(`@(${tier} == "gold")`, to("east")),
            when(`@(${tier} == "free")`, to("weighted")),
            `<otherwise>${to("north")}</otherwise>`,
          ),
        ),
      },
    },
    ["conditional backend east", "conditional pool weighted", "conditional backend north"],
    [
      [gold, 0],
      [free, 1],
      [{}, 2],
    ],
  ],
  [
    "one in choose, without otherwise",
    { policies: { [api]: policy(choose(when(`@(${tier} == "gold")`, to("standby")))) } },
    ["conditional pool standby", "conditional url https://origin.example/"],
    [
      [gold, 0],
      [free, 1],
    ],
  ],
  [
    "a choose that the API decides",
    { policies: { [api]: policy(choose(when('@(context.Api.Id == "chat")', to("west")), `<otherwise>${to("east")}</otherwise>`)) } },
    ["certain backend west"],
    any,
  ],
  [
    "a base URL that a backend has",
    { policies: { [api]: policy(toUrl("https://east.example/openai/")) } },
    ["certain url https://east.example/openai/ = east"],
    any,
  ],
  [
    "a base URL of a named value",
    { policies: { [api]: policy(toUrl("{{host}}/v1")) }, namedValues: { host: "https://far.example" } },
    ["certain url https://far.example/v1"],
    any,
  ],
  [
    "a ternary",
    { policies: { [api]: policy(to(`@(${tier} == "gold" ? "east" : "north")`)) } },
    ["dynamic backend east", "dynamic backend north"],
    [
      [gold, 0],
      [free, 1],
    ],
  ],
  [
    "a name made of a header",
    { policies: { [api]: policy(to(`@("pool-" + ${tier})`)) } },
    ["dynamic backend pool-gold", "dynamic backend pool-free"],
    [
      [gold, 0],
      [free, 1],
    ],
  ],
  [
    "an operation of its own",
    { policies: { [api]: policy(to("even")), "apis/chat/operations/create/policies/policy": policy(`<base />${to("north")}`) } },
    ["certain pool even", "certain backend north of create"],
    [
      [{}, 0],
      [{ path: "create" }, 1],
    ],
  ],
  [
    "a product's policy",
    { products: { gold: ["chat"] }, policies: { [api]: policy("<base />"), "products/gold/policies/policy": policy(to("west")) } },
    ["conditional url https://origin.example/", "conditional backend west"],
    [
      [{}, 0],
      [{ product: "gold" }, 1],
    ],
  ],
  ["the global policy", { policies: { "policies/policy": policy(to("weighted"), "<forward-request />") } }, ["certain pool weighted"], any],
  [
    "base last",
    { policies: { "policies/policy": policy(to("north"), "<forward-request />"), [api]: policy(`${to("east")}<base />`) } },
    ["certain backend north"],
    any,
  ],
  [
    "the backend section",
    {
      policies: {
        [api]: policy(
          to("east"),
          `<retry condition="@(false)" count="1" interval="0">${choose(when(`@(${tier} == "gold")`, to("west")))}<forward-request /></retry>`,
        ),
      },
    },
    ["conditional backend west", "conditional backend east"],
    [
      [gold, 0],
      [free, 1],
    ],
  ],
  [
    "calls that are answered otherwise",
    { policies: { [api]: policy(`${choose(when(`@(${tier} == "bad")`, "<return-response />"))}${to("idle")}`) } },
    ["certain pool idle"],
    any,
  ],
  [
    "a condition on who calls",
    {
      products: { gold: ["chat"] },
      policies: {
        [api]: policy(choose(when('@(context.Subscription?.Id == "of-gold")', to("east")), `<otherwise>${to("west")}</otherwise>`)),
      },
    },
    ["conditional backend east", "conditional backend west"],
    [
      [{ product: "gold" }, 0],
      [{}, 1],
    ],
  ],
  [
    "a condition on whether there is a subscription",
    {
      products: { gold: ["chat"] },
      policies: { [api]: policy(choose(when("@(context.Subscription == null)", to("west")), `<otherwise>${to("east")}</otherwise>`)) },
    },
    ["conditional backend west", "conditional backend east"],
    [
      [{}, 0],
      [{ product: "gold" }, 1],
    ],
  ],
];

const shown = ({ certainty, kind, backendId, url, operationId, sameUrlAs }: Route): string =>
  `${certainty} ${kind} ${backendId ?? url ?? "?"}${sameUrlAs === null ? "" : ` = ${sameUrlAs}`}${operationId === null ? "" : ` of ${operationId}`}`;

const hostOf = (url: string): string => new URL(url).hostname.replace(".example", "");

/** What a route says of the hosts that get its traffic. */
const sharesOf = ({ members, url }: Route): ReadonlyMap<string, number> =>
  new Map(
    url === null
      ? members.filter(({ share }) => share > 0).map((member) => [hostOf(member.url ?? ""), member.share])
      : [[hostOf(url), 100]],
  );

describe("the gateway goes where the routes say", () => {
  test("there are fifteen routings and more", () => expect(routings.length).toBeGreaterThanOrEqual(15));

  test.each(routings)("%s", { timeout: 60_000 }, async (_, given, expected, calls) => {
    const parts = { backends, ...given };
    const { routes } = resolveRoutes(inventoryOf(parts), csharp, "chat");
    expect(routes.map(shown)).toEqual(expected);
    const { send } = deploy(parts);
    for (const [call, index] of calls) {
      const route = routes[index];
      if (route === undefined) throw new Error(`no route ${index}`);
      const counts = new Map<string, number>();
      const shares = sharesOf(route);
      const requests = shares.size > 1 ? Math.ceil(1000 / calls.length) : 50;
      for (let sent = 0; sent < requests; sent++) {
        for (const host of (await send(call)).hosts) counts.set(host, (counts.get(host) ?? 0) + 1);
      }
      expect([...counts.keys()].toSorted()).toEqual([...shares.keys()].toSorted());
      for (const [host, share] of shares) expect(Math.abs((counts.get(host) ?? 0) - (requests * share) / 100)).toBeLessThanOrEqual(2);
    }
  });
});
