import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { gateway, own, rateLimit, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();

/** A counter key, and what it comes to for a team on an API. */
interface Key {
  readonly text: string;
  readonly of: (team: string, product: string | null, api: string) => string;
}

const keys: readonly Key[] = [
  { text: own, of: (team) => team },
  { text: "all", of: () => "all" },
  { text: '@("al" + "l")', of: () => "all" },
  { text: '@(context.Product?.Id ?? "none")', of: (_, product) => product ?? "none" },
  { text: "@(context.Api.Id)", of: (_, __, api) => api },
  { text: '@(context.Subscription.Id + "-" + context.Api.Id)', of: (team, _, api) => `${team}-${api}` },
  { text: '@(context.Subscription.Id == "t0" ? "first" : "others")', of: (team) => (team === "t0" ? "first" : "others") },
];

interface Written {
  readonly family: "tokens" | "calls";
  readonly key: Key;
}

const written = fc.record({ family: fc.constantFrom<Written["family"]>("tokens", "calls"), key: fc.constantFrom(...keys) });
const apiIds = ["chat", "images", "search"];

/** A gateway of which it is known without reading its policies who is counted on what. */
const model = fc.record({
  products: fc.array(fc.subarray(apiIds, { minLength: 1 }), { minLength: 1, maxLength: 3 }),
  teams: fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }),
  global: fc.array(written, { maxLength: 1 }),
  ofProducts: fc.array(fc.array(written, { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  ofApis: fc.array(fc.array(written, { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
});

type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

const xml = (limits: readonly Written[]): string =>
  `<base />\n${limits.map(({ family, key }) => (family === "tokens" ? tokenLimit(5, key.text) : rateLimit(5, 60, key.text))).join("\n")}`;

/** The scope of a team: one of the products, an API, or all of them. */
function scopeOf({ products }: Model, number: number): { readonly product: number | null; readonly apis: readonly string[] } {
  const apis = products[number];
  if (apis !== undefined) return { product: number, apis };
  return { product: null, apis: number === 3 ? ["chat"] : [...new Set(products.flat())].toSorted() };
}

function shorthandOf(all: Model): Shorthand {
  const teams = all.teams.map((number, index): [string, string] => {
    const { product } = scopeOf(all, number);
    return [`t${index}`, product !== null ? `p${product}` : number === 3 ? "api:chat" : "apis"];
  });
  return {
    teams: Object.fromEntries(teams),
    products: Object.fromEntries(all.products.map((apis, index) => [`p${index}`, apis])),
    inbound: {
      global: xml(all.global),
      ...Object.fromEntries(all.products.map((_, index) => [`product:p${index}`, xml(all.ofProducts[index] ?? [])])),
      ...Object.fromEntries(apiIds.map((api, index) => [`api:${api}`, xml(all.ofApis[index] ?? [])])),
    },
  };
}

/** Of each team and limit: the limit's place, and the counters that the team is counted on by it. */
function countersOf(all: Model): readonly (readonly (readonly [string, ReadonlySet<string>])[])[] {
  return all.teams.map((number, index) => {
    const { product, apis } = scopeOf(all, number);
    const found = new Map<string, Set<string>>();
    for (const api of apis) {
      const met = [
        ...all.global.map((limit, at) => ({ limit, place: `global/${at}` })),
        ...(product === null ? [] : (all.ofProducts[product] ?? []).map((limit, at) => ({ limit, place: `p${product}/${at}` }))),
        ...(all.ofApis[apiIds.indexOf(api)] ?? []).map((limit, at) => ({ limit, place: `${api}/${at}` })),
      ];
      for (const { limit, place } of met) {
        const counters = found.get(place) ?? new Set();
        found.set(place, counters.add(`${limit.family}:${limit.key.of(`t${index}`, product === null ? null : `p${product}`, api)}`));
      }
    }
    return [...found];
  });
}

describe("who shares a counter", () => {
  test("is what comparing every two teams says, and says the same of both", () => {
    fc.assert(
      fc.property(model, (all) => {
        const teams = teamLimits(gateway(shorthandOf(all)), csharp);
        const counters = countersOf(all);
        const ofTeam = counters.map((limits) => new Set(limits.flatMap(([, ids]) => [...ids])));
        const expected = counters.map((limits, index) =>
          limits
            .map(([, ids]) =>
              ofTeam.flatMap((others, other) => (other === index || [...ids].some((id) => others.has(id)) ? [`t${other}`] : [])).join(),
            )
            .toSorted(),
        );
        expect(teams.map(({ limits }) => limits.map(({ counterGroup }) => [...counterGroup].toSorted().join()).toSorted())).toEqual(
          expected,
        );
        for (const { subscription, limits } of teams) {
          for (const other of limits.flatMap(({ counterGroup }) => [...counterGroup])) {
            const their = teams.find((team) => team.subscription.id === other)?.limits ?? [];
            expect(their.some(({ counterGroup }) => counterGroup.has(subscription.id))).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("many teams", () => {
  const apis = Array.from({ length: 50 }, (_, index) => `api${index}`);
  const products = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`p${index}`, Array.from({ length: 4 }, (_, at) => apis[(index + at) % 50] ?? "")]),
  );
  const large = (count: number): Shorthand => ({
    teams: Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, index % 50 === 0 ? "apis" : `p${index % 500}`])),
    products,
    inbound: {
      global: tokenLimit(50_000_000, "all"),
      ...Object.fromEntries(
        Object.keys(products).map((id) => [`product:${id}`, `<base />\n${tokenLimit(10)}\n${rateLimit(9, 60, "@(context.Product.Id)")}`]),
      ),
      ...Object.fromEntries(
        apis.map((id) => [`api:${id}`, `<base />\n${rateLimit(8, 60, "@(context.Subscription.Id + context.Api.Id)")}`]),
      ),
    },
  });

  /** How often anything is put into a set or a map, or looked up in one. */
  function work(run: () => void): number {
    let calls = 0;
    const { add } = Set.prototype;
    const { get, set } = Map.prototype;
    try {
      Set.prototype.add = function (value) {
        calls++;
        return add.call(this, value);
      };
      Map.prototype.get = function (key) {
        calls++;
        return get.call(this, key);
      };
      Map.prototype.set = function (key, value) {
        calls++;
        return set.call(this, key, value);
      };
      run();
    } finally {
      Object.assign(Set.prototype, { add });
      Object.assign(Map.prototype, { get, set });
    }
    return calls;
  }

  test("take work and memory as they are many, whoever shares what", () => {
    const [few, many] = [gateway(large(2_000)), gateway(large(10_000))];
    let teams: ReturnType<typeof teamLimits> = [];
    const [least, most] = [work(() => teamLimits(few, csharp)), work(() => (teams = teamLimits(many, csharp)))];
    expect(most / least).toBeLessThan(5.5);
    expect(teams).toHaveLength(10_000);
    const groups = new Set(teams.flatMap(({ limits }) => limits.flatMap(({ counterGroup, numberGroup }) => [counterGroup, numberGroup])));
    const names = [...groups].reduce((sum, { size }) => sum + size, 0);
    const limits = teams.reduce((sum, team) => sum + team.limits.length, 0);
    expect(names).toBeLessThan(2 * limits + 20_000);
  });

  test("read each expression once", () => {
    const parses = (count: number): number => {
      let parsed = 0;
      const counting: typeof csharp = {
        parse(...parameters) {
          parsed++;
          return csharp.parse(...parameters);
        },
      };
      teamLimits(gateway(large(count)), counting);
      return parsed;
    };
    expect(parses(1_000)).toBe(parses(500));
  });
});
