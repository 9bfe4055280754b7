import { describe, expect, test } from "vitest";
import { type PoolEdit, planPool, poolDocuments } from "../../src/pool/plan.ts";
import { type Call, deploy } from "./deployed.ts";
import { api, csharp, expectFailure, to } from "./planning.ts";
import { inventoryOf, live, type Parts, policy, single } from "./service.ts";

const host = (id: string) => single(`https://${id}.example/`);
const backends = { e: host("e"), s: host("s"), w: host("w") };
const origin = { chat: "https://o.example/" };
const select = (id: string) => `<set-backend-service backend-id="${id}" />`;
const when = (header: string) => `<when condition="@(context.Request.Headers.ContainsKey("${header}"))">`;
const choose = (rare: string, usual: string) => `<choose>${when("x-s")}${rare}</when><otherwise>${usual}</otherwise></choose>`;
const inherits = policy("<base />");
const product = (id: string, xml: string) => ({ [`products/${id}/policies/policy`]: xml });
const fragment = '<include-fragment fragment-id="f" />';
const global = (inbound: string) => policy(inbound, "<forward-request />");
const operation = "apis/chat/operations/create/policies/policy";

interface Scenario extends Parts {
  readonly pool_id?: string;
  /** The new pool stands for these calls, and for no others. */
  readonly moved: readonly Call[];
  readonly stays?: readonly Call[];
  /** Documents besides backends that are written. */
  readonly writes: readonly string[];
}

const plain: Call = {};
const rare: Call = { headers: { "x-s": "1" } };
const [gold, silver] = [{ product: "gold" }, { product: "silver" }];
const other = (call: Call = {}): Call => ({ ...call, api: "other" });

function converted({ pool_id, moved: _, stays: __, writes: ___, ...over }: Scenario): { parts: Parts; edit: PoolEdit } {
  const parts: Parts = { backends, ...over, policies: { "policies/policy": policy("", "<forward-request />"), ...over.policies } };
  const inventory = inventoryOf(parts);
  const request = { api_id: "chat", ...(pool_id === undefined ? {} : { pool_id }), backends: [{ backend_id: "w", priority: 1 }] };
  const wanted = poolDocuments(inventory, csharp, request);
  const known = live([...inventory.backends, ...inventory.fragments].filter(({ id }) => wanted.includes(id)));
  return { parts, edit: planPool(inventory, csharp, known, request) };
}

/** The service with the documents of an edit in it. */
function written(parts: Parts, { documents }: PoolEdit): Parts {
  const of = (start: string) => documents.filter(({ id }) => id.startsWith(start));
  const texts = (start: string, cut = "") =>
    Object.fromEntries(of(start).map(({ id, after }) => [id.replace(cut, ""), String(after?.value)]));
  return {
    ...parts,
    backends: { ...parts.backends, ...Object.fromEntries(of("backends/").map(({ id, after }) => [id.slice(9), after ?? {}])) },
    policies: { ...parts.policies, ...texts("apis/"), ...texts("products/"), ...texts("policies/") },
    fragments: { ...parts.fragments, ...texts("policyFragments/", "policyFragments/") },
  };
}

/** Where twenty calls go: the hosts, each once. */
async function hostsOf(parts: Parts, call: Call): Promise<readonly string[]> {
  const { send } = deploy(parts);
  const hosts = new Set<string>();
  for (let index = 0; index < 20; index++) for (const one of (await send(call)).hosts) hosts.add(one);
  return [...hosts].toSorted();
}

describe("a new pool takes the place of what it is made of, and no other call goes elsewhere", () => {
  test.each<[string, Scenario]>([
    [
      "products, each with its own backend: where the product says so",
      {
        products: { gold: ["chat"], silver: ["chat"] },
        policies: { [api]: inherits, ...product("gold", to("e")), ...product("silver", to("s")) },
        pool_id: "e",
        moved: [gold],
        stays: [silver, plain],
        writes: ["products/gold/policies/policy"],
      },
    ],
    [
      "a product that has another API too: for the product's calls of this one",
      {
        apis: { chat: "https://o.example/", other: "https://o.example/" },
        products: { gold: ["chat", "other"], silver: ["chat"] },
        policies: { [api]: inherits, ...product("gold", to("e")), ...product("silver", to("s")) },
        pool_id: "e",
        moved: [gold],
        stays: [silver, plain, other(gold)],
        writes: [api],
      },
    ],
    [
      "all but a product",
      {
        apis: { chat: "https://o.example/", other: "https://o.example/" },
        products: { gold: ["chat"] },
        policies: {
          "policies/policy": global(select("e")),
          [api]: inherits,
          ...product("gold", to("<base />s")),
          ...product("gold", to("s")),
        },
        pool_id: "e",
        moved: [plain],
        stays: [gold, other()],
        writes: [api],
      },
    ],
    [
      "a fragment that chooses, of this API alone: in the fragment",
      {
        policies: { [api]: policy(fragment) },
        fragments: { f: `<fragment>${choose(select("s"), select("e"))}</fragment>` },
        pool_id: "e",
        moved: [plain],
        stays: [rare],
        writes: ["policyFragments/f"],
      },
    ],
    [
      "a product's backend beside the service URL of all others",
      {
        apis: origin,
        products: { gold: ["chat"], plain: ["chat"] },
        policies: { [api]: inherits, ...product("gold", to("s")) },
        pool_id: "s",
        moved: [gold],
        stays: [plain, { product: "plain" }],
        writes: ["products/gold/policies/policy"],
      },
    ],
    [
      "the service URL beside a product's backend: before what the API inherits",
      {
        apis: origin,
        products: { gold: ["chat"], plain: ["chat"] },
        policies: { [api]: inherits, ...product("gold", to("s")) },
        pool_id: "https://o.example",
        moved: [plain, { product: "plain" }],
        stays: [gold],
        writes: [api],
      },
    ],
    [
      "an operation's own backend: in its policy",
      {
        policies: { [api]: to("e"), [operation]: to("s") },
        pool_id: "s",
        moved: [{ path: "create" }],
        stays: [{ path: "other" }],
        writes: [operation],
      },
    ],
    [
      "the usual one beside an operation's, without a word",
      {
        policies: { [api]: to("e"), [operation]: to("s") },
        moved: [{ path: "other" }],
        stays: [{ path: "create" }],
        writes: [api],
      },
    ],
    [
      "a branch of the backend section in a fragment",
      {
        policies: { [api]: policy("<base />", fragment) },
        fragments: { f: `<fragment>${choose(select("s"), select("e"))}<forward-request /></fragment>` },
        pool_id: "e",
        moved: [plain],
        stays: [rare],
        writes: ["policyFragments/f"],
      },
    ],
    [
      "a product's, before the API's own place for it",
      {
        apis: origin,
        products: { gold: ["chat"] },
        policies: { [api]: policy(`${select("e")}<base />`), ...product("gold", to("s")) },
        pool_id: "e",
        moved: [plain],
        stays: [gold],
        writes: [api],
      },
    ],
  ])("%s", async (_, scenario) => {
    const { parts, edit } = converted(scenario);
    expect(edit.documents.map(({ id }) => id).filter((id) => !id.startsWith("backends/"))).toEqual(scenario.writes);
    expect(edit.documents.every(({ id, before }) => id.startsWith("backends/") || before !== null)).toBe(true);
    const then = written(parts, edit);
    for (const call of scenario.moved) {
      const [was = "", ...more] = await hostsOf(parts, call);
      expect(more).toEqual([]);
      expect(await hostsOf(then, call)).toEqual([was, "w"].toSorted());
    }
    for (const call of scenario.stays ?? []) expect([call, await hostsOf(then, call)]).toEqual([call, await hostsOf(parts, call)]);
  });

  const shared: Omit<Scenario, "moved" | "writes"> = {
    apis: { chat: null, other: null },
    policies: { [api]: policy(fragment), "apis/other/policies/policy": policy(fragment) },
    fragments: { f: `<fragment>${choose(select("s"), select("e"))}</fragment>` },
    pool_id: "e",
  };

  test("or it is refused, and names whom it would move", () => {
    expectFailure(() => converted({ ...shared, moved: [], writes: [] }), "unsupported", "policyFragments/f, line 1", "API 'other'");
  });
});

describe("several places, and the call says none", () => {
  test.each<[string, Parts, readonly string[]]>([
    [
      "a backend for some and the service URL for all others",
      { apis: origin, policies: { [api]: policy(`<choose>${when("x-s")}${select("s")}</when></choose>`) } },
      ["s", "https://o.example/"],
    ],
    ["two branches", { policies: { [api]: policy(choose(select("s"), select("e"))) } }, ["s", "e"]],
    [
      "two URLs",
      {
        policies: {
          [api]: policy(
            choose('<set-backend-service base-url="https://a.example" />', '<set-backend-service base-url="https://b.example" />'),
          ),
        },
      },
      ["https://a.example", "https://b.example"],
    ],
    [
      "a backend and what an expression says",
      {
        policies: {
          [api]: policy(choose(select("e"), '<set-backend-service backend-id="@(context.Request.Headers.GetValueOrDefault("b"))" />')),
        },
      },
      ["e", "expression"],
    ],
  ])("%s: it asks", (_, parts, candidates) => {
    expectFailure(() => converted({ ...parts, moved: [], writes: [] }), "invalid_input", "pool_id", ...candidates);
  });

  test("the one that all but an operation's calls go to is meant, and named", () => {
    const { edit } = converted({ policies: { [api]: to("e"), [operation]: to("s") }, moved: [], writes: [] });
    expect(edit.summary).toContain("Only the route to e changes (the usual route); to s all goes as before.");
  });

  test("of what an expression says the reason is told", () => {
    const dynamic = policy('<set-backend-service backend-id="@(context.Subscription.Id == "g" ? "s" : "e")" />');
    expectFailure(
      () => converted({ policies: { [api]: dynamic }, pool_id: "e", moved: [], writes: [] }),
      "unsupported",
      "An expression says where API 'chat' goes (apis/chat/policies/policy, line 3)",
    );
  });
});
