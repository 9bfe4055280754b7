import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { ListedDocument } from "../../src/gateway/documents.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { parse } from "../../src/policy/document.ts";
import type { TeamLimits } from "../../src/quota/limit.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { planQuota, type QuotaRequest } from "../../src/quota/plan.ts";
import { changed, choose, gateway, own, rateLimit, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();
const names = ["growth", "core", "batch", "search", "lab", "ops"];
const number = fc.integer({ min: 1000, max: 900_000 });
const keys = [own, '@("a-" + context.Subscription.Id)', "all", "@(context.Product.Id)"];

/** One limit as gateways write it: its XML, and what else the service needs for it. */
interface Written {
  readonly xml: string;
  readonly fragments?: Readonly<Record<string, string>>;
  readonly namedValues?: Readonly<Record<string, string>>;
}

const is = (team: string): string => `@(context.Subscription.Id == "${team}")`;
const variable = (value: number | string): string => `<set-variable name="tpm" value="${value}" />`;
const readsVariable = '@(int.Parse((string)context.Variables["tpm"]))';
const readsMap =
  '@{ var all = JObject.Parse((string)context.Variables["tpm"]); return (all[context.Subscription.Id] ?? all["default"]).Value<int>(); }';
const branches = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), number), { selector: ([name]) => name, maxLength: 3 });

const forms: readonly fc.Arbitrary<Written>[] = [
  fc.tuple(number, fc.constantFrom(...keys)).map(([tpm, key]) => ({ xml: tokenLimit(tpm, key) })),
  fc.tuple(number, branches).map(([tpm, teams]) => ({
    xml:
      teams.length === 0
        ? tokenLimit(tpm)
        : choose(...teams.map(([team, value]) => [is(team), tokenLimit(value)] as const), [null, tokenLimit(tpm)]),
  })),
  fc.tuple(number, branches).map(([tpm, teams]) => ({
    xml: `${teams.length === 0 ? variable(tpm) : choose(...teams.map(([team, value]) => [is(team), variable(value)] as const), [null, variable(tpm)])}\n${tokenLimit(readsVariable)}`,
  })),
  fc.tuple(number, fc.constantFrom(...keys)).map(([tpm, key]) => ({ xml: tokenLimit("{{nv}}", key), namedValues: { nv: String(tpm) } })),
  fc.tuple(number, branches).map(([tpm, teams]) => ({
    xml: `${variable("{{map}}")}\n${tokenLimit(readsMap)}`,
    namedValues: { map: JSON.stringify({ ...Object.fromEntries(teams), default: tpm }) },
  })),
  fc.tuple(number, fc.constantFrom(...keys)).map(([tpm, key]) => ({
    xml: '<include-fragment fragment-id="limits" />',
    fragments: { limits: tokenLimit(tpm, key) },
  })),
  fc.constant({ xml: "" }),
  number.map((calls) => ({ xml: `<rate-limit calls="${calls}" renewal-period="60" />` })),
  fc.tuple(number, fc.constantFrom(...keys)).map(([calls, key]) => ({ xml: rateLimit(calls, 30, key) })),
  number.map((quota) => ({
    xml: `<llm-token-limit counter-key="@("q-" + context.Subscription.Id)" token-quota="${quota}" token-quota-period="Monthly" estimate-prompt-tokens="false" />`,
  })),
];

const noise = fc.subarray([
  '<set-variable name="a" value="@("x" + (1 < 2))" />',
  "<!-- limits -->",
  '<set-backend-service backend-id="b" />',
]);
const sections = fc.record({
  limits: fc.array(fc.oneof(...forms), { maxLength: 2 }),
  noise,
  base: fc.constantFrom("first", "last"),
  around: fc.constantFrom(null, '<limit-concurrency key="k" max-count="3">', '<retry condition="@(false)" count="1" interval="1">'),
});

const services = fc.record({
  teams: fc.integer({ min: 1, max: names.length }),
  scopes: fc.array(fc.constantFrom("aoai", "trial", "api:openai", "apis"), { minLength: names.length, maxLength: names.length }),
  product: sections,
  api: sections,
  two: fc.boolean(),
  v2: fc.boolean(),
  open: fc.boolean(),
  lineEnding: fc.constantFrom("\n", "\r\n"),
});

type Section = typeof sections extends fc.Arbitrary<infer T> ? T : never;
type Service = typeof services extends fc.Arbitrary<infer T> ? T : never;

function sectionOf({ limits, noise: others, base, around }: Section): string {
  const xml = [...others, ...limits.map((limit) => limit.xml)].filter((text) => text !== "").join("\n");
  const wrapped =
    around === null || xml === "" ? xml : `${around}\n    ${xml.replaceAll("\n", "\n    ")}\n</${around.slice(1).split(" ")[0]}>`;
  return (base === "first" ? ["<base />", wrapped] : [wrapped, "<base />"]).filter((text) => text !== "").join("\n");
}

function serviceOf({ teams, scopes, product, api, two, v2, open, lineEnding }: Service): Inventory {
  const written = [...product.limits, ...api.limits];
  const inventory = gateway({
    teams: { ...Object.fromEntries(names.slice(0, teams).map((name, index) => [name, scopes[index] ?? "aoai"])), master: "service" },
    products: { aoai: two ? ["openai", "other"] : ["openai"], trial: ["openai"] },
    inbound: { "product:aoai": sectionOf(product), "api:openai": sectionOf(api) },
    fragments: Object.assign({}, ...written.map(({ fragments }) => fragments)),
    namedValues: Object.assign({}, ...written.map(({ namedValues }) => namedValues)),
    ...(open ? { open: ["openai"] } : {}),
    ...(v2 ? { sku: { name: "StandardV2", tier: "v2" as const } } : {}),
  });
  return withLineEnding(inventory, lineEnding);
}

function withLineEnding(inventory: Inventory, lineEnding: string): Inventory {
  const converted = <D extends ListedDocument>(document: D): D => ({
    ...document,
    properties: { ...document.properties, value: String(document.properties.value).replaceAll("\n", lineEnding) },
  });
  const policies = [...inventory.policies].map(([id, document]) => [id, converted(document)] as const);
  return { ...inventory, policies: new Map(policies), fragments: inventory.fragments.map(converted) };
}

const texts = ({ policies, fragments, namedValues }: Inventory): ReadonlyMap<string, string> =>
  new Map([...policies.values(), ...fragments, ...namedValues].map(({ id, properties }) => [id, String(properties.value)]));

/** All that limits a team, without where it stands. */
const seen = ({ limits }: TeamLimits): readonly string[] =>
  limits
    .map(({ kind, amount, period, conditions, deployment, counterKey, counterGroup, apiIds, operationsOnly }) =>
      JSON.stringify([
        kind,
        amount.status,
        amount.status === "value" ? amount.value : amount.status === "several" ? amount.values : null,
        period,
        conditions.map(({ text }) => text),
        deployment,
        counterKey,
        [...counterGroup].toSorted(),
        apiIds,
        operationsOnly,
      ]),
    )
    .toSorted();

const others = (teams: readonly TeamLimits[], team: string): readonly unknown[] =>
  teams.filter(({ subscription }) => subscription.id !== team).map((one) => [one.subscription.id, seen(one)]);

const ofTeam = (teams: readonly TeamLimits[], team: string): TeamLimits => {
  const found = teams.find(({ subscription }) => subscription.id === team);
  if (found === undefined) throw new Error(team);
  return found;
};

type Asked = Omit<QuotaRequest, "subscriptionId">;

const asked = fc.oneof(
  { weight: 3, arbitrary: number.map((tpm): Asked => ({ tpm })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 999 }).map((tpm): Asked => ({ tpm })) },
  number.map((rpm): Asked => ({ rpm: rpm * 2 })),
  number.map((tokenQuota): Asked => ({ tokenQuota, period: "Monthly" })),
  fc.constantFrom<Asked>({ tpm: null }, { rpm: null }, { tokenQuota: null }),
);

/** The plan, or null where it says why there is none. */
function planned(inventory: Inventory, team: string, request: Asked) {
  try {
    return planQuota(inventory, csharp, { subscriptionId: team, ...request });
  } catch (error) {
    if (error instanceof GatewayError && ["unsupported", "invalid_input"].includes(error.code)) return null;
    throw error;
  }
}

const later = (inventory: Inventory, team: string): readonly string[] => {
  const like = ofTeam(teamLimits(inventory, csharp), team).subscription;
  const teams = teamLimits(
    { ...inventory, subscriptions: [...inventory.subscriptions, { ...like, id: "later", displayName: "Later" }] },
    csharp,
  );
  return seen(ofTeam(teams, "later")).map((line) => line.replaceAll(/\[[^[\]]*"later"[^[\]]*\]/g, "group"));
};

const tally = { planned: 0, refused: 0, removed: 0 };

describe("planQuota, for any gateway and any edits", () => {
  it("changes the named team's limit to exactly the value and nothing of any other team's", () => {
    const edits = fc.array(fc.tuple(fc.nat(names.length - 1), asked), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(services, edits, (service, requests) => {
        let inventory = serviceOf(service);
        const written = texts(inventory);
        for (const [pick, request] of requests) {
          const team = names[pick % service.teams] ?? "growth";
          const before = teamLimits(inventory, csharp);
          const edit = planned(inventory, team, request);
          if (edit === null) {
            tally.refused++;
            continue;
          }
          tally.planned++;
          const next = changed(inventory, edit);
          const after = teamLimits(next, csharp);
          expect(others(after, team)).toEqual(others(before, team));
          for (const { id, after: properties } of edit.documents) {
            const text = String(properties.value);
            if (id.startsWith("namedValues/")) continue;
            expect(parse(text).problems).toEqual([]);
            if (written.has(id)) expect(text.replaceAll(service.lineEnding, "")).not.toMatch(/[\r\n]/);
            for (const line of text.split(/\r?\n/)) expect(/^ */.exec(line)?.[0].length ?? 1).toSatisfy((width: number) => width % 4 === 0);
          }
          expectAsked(ofTeam(after, team), request);
          if (!edit.warnings.some((warning) => /created later/.test(warning))) expect(later(next, team)).toEqual(later(inventory, team));
          expectRemovable(inventory, next, team, request);
          inventory = next;
        }
      }),
      { numRuns: 60 },
    );
    // A property that refuses everything holds as well.
    expect(tally.planned).toBeGreaterThan(tally.refused / 3);
    expect(tally.removed).toBeGreaterThan(10);
  });
});

function expectAsked(team: TeamLimits, { tpm, rpm, tokenQuota }: Asked): void {
  for (const [kind, value] of [
    ["tpm", tpm],
    ["rpm", rpm],
    ["token_quota", tokenQuota],
  ] as const) {
    if (typeof value !== "number") continue;
    // Where not all calls are limited, those that are.
    const { status, parts } = team.binding[kind];
    if (status !== "several") expect([kind, team.binding[kind].value]).toEqual([kind, value]);
    else expect([kind, parts.flatMap(({ values }) => values)]).toEqual([kind, expect.arrayContaining([value])]);
  }
}

/** What the plan has put there for the team alone goes again to the byte. */
function expectRemovable(before: Inventory, after: Inventory, team: string, request: Asked): void {
  const [kind] = Object.keys(request).filter((name) => name !== "period");
  if (Object.values(request).includes(null) || kind === undefined) return;
  const [was, is] = [texts(before), texts(after)];
  const put = [...is].filter(([id, text]) => was.get(id) !== text);
  const isNew = put.every(([id, text]) => was.has(id) && count(text, team) > count(was.get(id) ?? "", team));
  const edit = isNew ? planned(after, team, { [kind]: null }) : null;
  if (edit === null || put.length === 0) return;
  tally.removed++;
  expect([...texts(changed(after, edit))]).toEqual([...was]);
}

const count = (text: string, team: string): number => text.split(`context.Subscription?.Id == "${team}"`).length;
