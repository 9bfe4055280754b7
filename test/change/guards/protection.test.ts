import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Protected } from "../../../src/change/guards/names.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import {
  change,
  fragment,
  identity,
  judged,
  messageOf,
  namedValue,
  policy,
  pool,
  protecting,
  serviceOf,
  single,
  verdictOf,
} from "./judged.ts";

const global = "policies/policy";
const gold = "products/gold/policies/policy";
const free = "products/free/policies/policy";
const chat = "apis/chat/policies/policy";
const ask = "apis/chat/operations/Ask/policies/policy";
const mail = "apis/mail/policies/policy";
const textOf = (properties: JsonObject): string => String(properties.value);
const limit = (tpm: number | string) =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;
const when = (team: string, content: string, access = "?.") =>
  `<when condition="@(context.Subscription${access}Id == "${team}")">${content}</when>`;
const teamLimits = (growth: number, others: number) =>
  policy(`<base /><choose>${when("growth", limit(growth))}<otherwise>${limit(others)}</otherwise></choose>`);
const route = (backend: string) => `<set-backend-service backend-id="${backend}" />`;

/** Product `gold` has the API `chat`, `free` has `mail`; the operation `Ask` cuts off what it inherits. */
const service = serviceOf(
  {
    apis: { chat: null, mail: "https://mail.example", dark: null },
    products: { gold: ["chat"], free: ["mail"] },
    policies: {
      [global]: textOf(policy("<cors />")),
      [gold]: textOf(policy(`<base />${limit(1_000)}`)),
      [chat]: textOf(policy(`<base /><include-fragment fragment-id="used" />${route("p")}`)),
      [mail]: textOf(policy(`<rewrite-uri template="{{path}}" /><set-header name="k"><value>{{secret}}</value></set-header>`)),
      "apis/dark/policies/policy": textOf(policy(`<base />${route('@((string)context.Variables["x"])')}`)),
    },
    fragments: { used: textOf(fragment("<cors />")), spare: textOf(fragment("<cors />")) },
    namedValues: { path: "/a", secret: null, spare: "1", "sku-of-b": "s" },
    backends: { a: single(), b: single({ title: "{{sku-of-b}}" }), c: single(identity), p: pool("a", "b"), q: pool("p") },
  },
  { growth: "gold", prod: "gold", labs: "free" },
);
const nv = { path: "namedValues/nv-0", secret: "namedValues/nv-1", spare: "namedValues/nv-2", sku: "namedValues/nv-3" };

type Change = Readonly<Record<string, JsonObject | null>>;

describe("what is protected", () => {
  test.each<[thing: `${Protected["kind"]}:${string}`, verdict: "passed" | "blocked", what: string, after: Change, reason?: string]>([
    ["api:chat", "blocked", "its policy", { [chat]: policy("<base />") }, "the change is to API 'chat' policy"],
    ["api:CHAT", "blocked", "its policy, in another spelling", { [chat]: null }],
    ["api:chat", "blocked", "the policy of an operation", { [ask]: policy("<base />") }, "the change is to operation 'chat/Ask' policy"],
    ["api:chat", "blocked", "the policy of another revision", { "apis/chat;rev=2/policies/policy": policy("<base />") }],
    ["api:chat", "blocked", "the policy of a much later revision", { "apis/chat;rev=12/policies/policy": policy("<base />") }],
    ["api:chat;rev=3", "blocked", "what reaches its current revision", { [gold]: policy("") }, "product 'gold' policy reaches it"],
    ["api:chat", "blocked", "the global policy", { [global]: policy("") }, "global policy reaches it"],
    ["api:mail", "passed", "the global policy, which its own does not inherit there", { [global]: policy("") }],
    [
      "api:mail",
      "blocked",
      "the global policy in a section that it inherits",
      { [global]: policy("<cors />", "<outbound><cors /></outbound>") },
    ],
    ["api:chat", "blocked", "the policy of a product that has it", { [gold]: teamLimits(500, 1_000) }, "product 'gold' policy reaches it"],
    ["api:mail", "passed", "the policy of a product that has it not", { [gold]: policy("") }],
    ["api:chat", "blocked", "a fragment that it includes", { "policyFragments/used": fragment("") }, "fragment 'used' reaches it"],
    ["api:chat", "passed", "a fragment that it does not include", { "policyFragments/spare": fragment("") }],
    ["api:chat", "passed", "another API's policy", { [mail]: policy("<base />") }],
    ["api:mail", "blocked", "a named value that it holds", { [nv.path]: namedValue("path", "/b") }, "named value 'nv-0' reaches it"],
    [
      "api:mail",
      "blocked",
      "a secret that it holds",
      { [nv.secret]: { displayName: "secret", secret: true, tags: ["x"] } },
      "named value 'nv-1' may reach it: its value, or where it is used, is secret",
    ],
    ["api:chat", "passed", "a secret that it does not hold", { [nv.secret]: { displayName: "secret", secret: true, tags: ["x"] } }],
    ["api:mail", "passed", "a named value that it does not hold", { [nv.spare]: namedValue("spare", "2") }],
    ["api:chat", "blocked", "its pool", { "backends/p": pool("a") }, "backend 'p' reaches it"],
    ["api:chat", "blocked", "a member of its pool", { "backends/b": single({ url: "https://y" }) }],
    ["api:chat", "passed", "a backend that it does not go to", { "backends/c": single() }],
    ["api:chat", "passed", "a new backend", { "backends/d": single() }],
    ["api:dark", "blocked", "any backend, where an expression decides", { "backends/c": single() }, "backend 'c' reaches it"],
    [
      "api:chat",
      "blocked",
      "a document that is not well-formed",
      { [global]: { value: "<policies><inbound><cors />" } },
      "global policy is not well-formed: whether the change reaches it cannot be told",
    ],
    [
      "api:chat",
      "blocked",
      "a section that is none",
      { [global]: { value: "<policies><inbound><cors /></inbound><inbund /></policies>" } },
      "other sections than a policy has",
    ],
    [
      "api:chat",
      "blocked",
      "a second section of a name",
      { [global]: { value: "<policies><inbound><cors /></inbound><inbound /></policies>" } },
    ],
    [
      "api:chat",
      "blocked",
      "a document too deep to be followed",
      { [global]: policy(`<cors />${"<wait>".repeat(300)}${"</wait>".repeat(300)}`) },
      "nested too deeply",
    ],
    [
      "api:chat",
      "blocked",
      "two documents that reach it, and one that does not",
      { "policyFragments/used": fragment(""), [global]: policy("<trace />"), [mail]: policy("<base />") },
      "fragment 'used', global policy may reach it",
    ],
    ["api:chat", "passed", "a branch with nothing in it", { [global]: policy(`<cors /><choose><when condition="@(x)"></when></choose>`) }],
    ["api:chat", "passed", "comments and indentation", { [global]: policy("\n  <cors/>\n  <!-- x -->\n") }],

    [
      "api:chat",
      "blocked",
      "a fragment that is not well-formed, beside what can be read of it",
      { "policyFragments/used": { value: "<fragment><cors /></fragment><x" } },
      "fragment 'used' is not well-formed",
    ],
    ["product:gold", "blocked", "its policy", { [gold]: null }, "the change is to product 'gold' policy"],
    ["product:gold", "blocked", "the global policy", { [global]: policy("") }],
    ["product:gold", "passed", "another product's policy", { [free]: policy("<base />") }],
    ["product:gold", "passed", "the policy of an API in it", { [chat]: policy(route("p")) }],
    ["product:free", "passed", "a fragment that it does not include", { "policyFragments/used": fragment("") }],

    ["product:free", "passed", "the policy of an API of its name", { "apis/free/policies/policy": policy("") }],
    ["backend:spare", "passed", "a fragment of its name", { "policyFragments/spare": fragment("") }],
    ["backend:west-eu", "blocked", "its creation", { "backends/west-eu": single() }, "the change is to backend 'west-eu'"],
    ["backend:west-eu", "blocked", "one of its name in a workspace", { "workspaces/w/backends/west-eu": single() }],
    ["backend:west-eu", "passed", "a named value, while it does not exist", { [nv.sku]: namedValue("sku-of-b", "t") }],
    ["backend:a", "blocked", "its document", { "backends/a": single({ url: "https://y" }) }, "the change is to backend 'a'"],
    ["backend:a", "blocked", "its deletion", { "backends/a": null }],
    ["backend:d", "blocked", "its creation", { "backends/d": single() }],
    [
      "backend:a",
      "blocked",
      "a member beside it",
      { "backends/p": pool("a", "b", "c") },
      "backend 'p' holds it, and its members or settings would change",
    ],
    ["backend:a", "blocked", "a pool that loses it", { "backends/p": pool("b") }],
    ["backend:c", "blocked", "a pool that takes it in", { "backends/p": pool("a", "b", "c") }],
    ["backend:a", "blocked", "a pool of pools that holds it", { "backends/q": pool("p", "c") }],
    ["backend:a", "passed", "a description of its pool", { "backends/p": { ...pool("a", "b"), description: "x" } }],
    ["backend:c", "passed", "a pool that holds it not", { "backends/p": pool("a") }],
    ["backend:b", "blocked", "a named value in it", { [nv.sku]: namedValue("sku-of-b", "t") }, "named value 'nv-3' may stand in it"],
    ["backend:a", "passed", "a named value that is not in it", { [nv.sku]: namedValue("sku-of-b", "t") }],
    ["backend:a", "passed", "a policy that goes elsewhere", { [chat]: policy(`<base />${route("c")}`) }],

    ["subscription:prod", "passed", "a branch for another team", { [gold]: teamLimits(500, 1_000) }],
    [
      "subscription:growth",
      "blocked",
      "a branch of its own",
      { [gold]: teamLimits(500, 1_000) },
      "one of its limits or counters would change",
    ],
    [
      "subscription:GROWTH",
      "blocked",
      "a branch of its own, which it is spelled otherwise in",
      { [gold]: policy(`<base />${limit(1_000)}<choose>${when("growth", "<trace />")}</choose>`) },
    ],
    ["subscription:prod", "blocked", "the number of all", { [gold]: policy(`<base />${limit(500)}`) }],
    [
      "subscription:prod",
      "blocked",
      "what is no limit",
      { [gold]: policy(`<base />${limit(1_000)}<cors />`) },
      "product 'gold' policy reaches it",
    ],
    [
      "subscription:prod",
      "blocked",
      "a branch of which it cannot be told whose it is",
      { [gold]: policy(`<base />${limit(1_000)}<choose><when condition="@(context.User.Id == "1")"><cors /></when></choose>`) },
    ],
    ["subscription:chat", "passed", "the API of its name", { [chat]: policy("") }],
    ["product:growth", "passed", "a limit of the subscription of its name", { [gold]: teamLimits(500, 1_000) }],
    ["subscription:labs", "passed", "the product of others", { [gold]: policy("") }],
    ["subscription:labs", "blocked", "the policy of an API in its product", { [mail]: policy("<base />") }],
    ["subscription:prod", "blocked", "the pool of an API in its product", { "backends/p": pool("a") }],
    ["subscription:prod", "blocked", "a new policy of its product's API", { [ask]: policy("<base /><cors />") }],
    ["subscription:growth", "passed", "a new policy that only inherits", { [ask]: policy("<base />") }],
    ["subscription:nobody", "passed", "everything, where it does not exist", { [global]: policy("") }],
  ])("%s %s: %s", (thing, verdict, _, after, reason) => {
    const protect = protecting(thing);
    const subject = change(service, after);
    expect(verdictOf(subject, "protected", protect)).toBe(verdict);
    expect(messageOf(subject, "protected", protect)).not.toBe("");
    if (reason !== undefined) expect(messageOf(subject, "protected", protect)).toContain(reason);
    expect(verdictOf(subject, "protected")).toBe("absent");
    expect(verdictOf(change(service, {}), "protected", protect)).toBe("absent");
  });

  test("what is not well-formed is in the way of what it holds, and of nothing else", () => {
    const broken = "<policies><inbound><cors /></inbound>";
    const live = serviceOf({
      apis: { chat: null, mail: null },
      policies: { [global]: textOf(policy("<cors />")), [mail]: broken },
      backends: { a: single() },
    });
    const comment = { [global]: policy("<cors /><!-- x -->") };
    expect(verdictOf(change(live, comment), "protected", protecting("api:chat"))).toBe("passed");
    expect(verdictOf(change(live, { [chat]: policy("<trace />") }), "protected", protecting("api:mail"))).toBe("passed");
    const told = "is not well-formed: whether the change reaches it cannot be told.";
    expect(messageOf(change(live, comment), "protected", protecting("api:mail"))).toBe(
      `API 'mail' is protected (AIGW_PROTECT), and API 'mail' policy ${told}`,
    );
    expect(messageOf(change(live, { [global]: { value: broken } }), "protected", protecting("api:chat", "product:gold"))).toBe(
      `API 'chat' is protected (AIGW_PROTECT), and global policy ${told} product 'gold' is protected (AIGW_PROTECT), and global policy ${told}`,
    );
  });

  test("a product's own policy decides what reaches it", () => {
    const live = (own: string) =>
      serviceOf({
        products: { gold: ["chat"] },
        policies: { [global]: textOf(policy("<cors />")), [gold]: textOf(policy(own)) },
        fragments: { used: textOf(fragment("<cors />")) },
      });
    const included = live(`<include-fragment fragment-id="used" />`);
    expect(verdictOf(change(included, { "policyFragments/used": fragment("") }), "protected", protecting("product:gold"))).toBe("blocked");
    expect(verdictOf(change(included, { [global]: policy("") }), "protected", protecting("product:gold"))).toBe("passed");
  });

  test("policies that hold others are followed into", () => {
    const retrying = (inner: string, count = "{{count}}") => `<retry condition="@(x)" count="${count}">${inner}</retry>`;
    const inner = `<include-fragment fragment-id="used" />${route("A")}<choose>${when("growth", "<cors />")}</choose>`;
    const live = serviceOf(
      {
        apis: { chat: null },
        products: { gold: ["chat"] },
        policies: { [chat]: textOf(policy(retrying(inner))) },
        fragments: { used: textOf(fragment("<cors />")) },
        namedValues: { count: "1", hidden: null },
        backends: { a: single(), b: single() },
      },
      { growth: "gold", prod: "gold" },
    );
    const verdict = (after: Change) => verdictOf(change(live, after), "protected", protecting("subscription:prod"));
    expect(verdict({ "policyFragments/used": fragment("<trace />") })).toBe("blocked");
    expect(verdict({ "namedValues/nv-0": namedValue("count", "2") })).toBe("blocked");
    expect(verdict({ "backends/a": single({ url: "https://y" }) })).toBe("blocked");
    expect(verdict({ "backends/b": single({ url: "https://y" }) })).toBe("passed");
    expect(verdict({ [chat]: policy(retrying(inner.replace("<cors />", "<trace />"))) })).toBe("passed");
    expect(verdict({ [chat]: policy(retrying(inner, "1")) })).toBe("passed");
    expect(verdict({ [chat]: policy(retrying(inner, "3")) })).toBe("blocked");
    expect(verdict({ [chat]: policy(retrying(inner, "{{hidden}}")) })).toBe("blocked");
    expect(verdict({ [chat]: policy(`<limit-concurrency key="k" max-count="1">${inner}</limit-concurrency>`) })).toBe("blocked");
  });

  test("a team's counter that others come to share is its own matter", () => {
    const counted = (key: string, content = "") =>
      policy(`<base /><choose>${when("prod", limitBy("all"))}${when("growth", limitBy(key))}</choose>${content}`);
    const limitBy = (key: string) => `<llm-token-limit counter-key="${key}" tokens-per-minute="100" estimate-prompt-tokens="true" />`;
    const before = serviceOf(
      { apis: { chat: null }, products: { gold: ["chat"] }, policies: { [gold]: textOf(counted("own")) } },
      { growth: "gold", prod: "gold" },
    );
    const subject = change(before, { [gold]: counted("all") });
    expect(messageOf(subject, "protected", protecting("subscription:prod"))).toContain("one of its limits or counters would change");
    expect(verdictOf(change(before, { [gold]: counted("third") }), "protected", protecting("subscription:prod"))).toBe("passed");
  });

  test("a call that fails for want of a subscription is no branch of a team", () => {
    const before = serviceOf(
      {
        apis: { chat: null },
        products: { gold: ["chat"] },
        policies: { [gold]: textOf(policy(`<choose>${when("growth", "<cors />", ".")}</choose>`)) },
      },
      { growth: "gold", prod: "gold" },
    );
    const subject = change(before, { [gold]: policy(`<choose>${when("growth", "<trace />", ".")}</choose>`) });
    expect(verdictOf(subject, "protected", protecting("subscription:prod"))).toBe("passed");
    expect(verdictOf(subject, "protected", protecting("subscription:growth"))).toBe("blocked");
  });

  test("behind a branch that is a team's own, and behind one that fails, nothing is its", () => {
    const chooses = (last: string, ...whens: string[]) => policy(`<choose>${whens.join("")}<otherwise>${last}</otherwise></choose>`);
    const unknown = `<when condition="@(context.User.Id == "1")"><cors /></when>`;
    const inProduct = `<when condition="@(context.Product.Id == "gold")"><cors /></when>`;
    const touched = (team: string, ...whens: string[]) => {
      const live = serviceOf(
        { apis: { chat: null }, products: { gold: ["chat"] }, policies: { [chat]: textOf(chooses("<cors />", ...whens)) } },
        { prod: "gold", every: "apis" },
      );
      return verdictOf(change(live, { [chat]: chooses("<trace />", ...whens) }), "protected", protecting(`subscription:${team}`));
    };
    expect(touched("prod", unknown, when("prod", "<cors />"))).toBe("passed");
    expect(touched("prod", unknown, when("growth", "<cors />"))).toBe("blocked");
    expect(touched("prod", inProduct)).toBe("passed");
    const asOtherwise = serviceOf(
      {
        apis: { chat: null },
        products: { gold: ["chat"] },
        policies: { [chat]: textOf(policy(`<choose>${unknown}${when("prod", "<trace />")}</choose>`)) },
      },
      { prod: "gold" },
    );
    const sameForIt = change(asOtherwise, { [chat]: chooses("<trace />", unknown) });
    expect(verdictOf(sameForIt, "protected", protecting("subscription:prod"))).toBe("passed");
    expect(touched("every", inProduct)).toBe("passed");
    expect(touched("every", unknown)).toBe("blocked");
  });

  test("a backend that a secret names may be any", () => {
    const live = serviceOf({
      apis: { chat: null },
      policies: { [chat]: textOf(policy(route("{{where}}"))) },
      namedValues: { where: null },
      backends: { a: single() },
    });
    expect(verdictOf(change(live, { "backends/a": single({ url: "https://y" }) }), "protected", protecting("api:chat"))).toBe("blocked");
  });

  test("a backend that hides what it holds may hold any named value", () => {
    const hiding = serviceOf({
      apis: { chat: null },
      policies: { [chat]: textOf(policy(route("a"))) },
      namedValues: { key: null },
      backends: { a: single({ credentials: { header: { "api-key": ["<secret:credentials.header.api-key.0>"] } } }) },
    });
    const subject = change(hiding, { "namedValues/nv-0": { displayName: "key", secret: true, tags: ["x"] } });
    expect(verdictOf(subject, "protected", protecting("api:chat"))).toBe("blocked");
    expect(verdictOf(subject, "protected", protecting("backend:a"))).toBe("blocked");
    const commented = change(hiding, { [global]: policy("<!-- x -->") });
    expect(verdictOf(commented, "protected", protecting("api:chat"))).toBe("passed");
    expect(verdictOf(commented, "protected", protecting("backend:a"))).toBe("passed");
  });

  test("each protected thing is named, with one reason", () => {
    expect(
      messageOf(change(service, { [gold]: policy("") }), "protected", protecting("api:mail", "product:gold", "subscription:prod")),
    ).toBe(
      "product 'gold' is protected (AIGW_PROTECT), and the change is to product 'gold' policy. subscription 'prod' is protected (AIGW_PROTECT), and one of its limits or counters would change.",
    );
  });

  test("without the service nothing can be told", () => {
    const subject = { ...change(service, { "policyFragments/spare": fragment("") }), service: null };
    expect(messageOf(subject, "protected", protecting("api:chat"))).toContain("what the change reaches was not read");
  });

  test("what the service does not have is warned of on every plan", () => {
    const protect = protecting("api:chta", "api:chat;rev=3", "product:gold", "subscription:Growth", "backend:A", "backend:x");
    expect(judged(change(service, {}), protect).warnings).toEqual([
      "AIGW_PROTECT names API 'chta', which the service does not have: it protects nothing.",
      "AIGW_PROTECT names backend 'x', which the service does not have: it protects nothing.",
    ]);
  });
});

describe("a variable that a policy sets", () => {
  test.each([
    ["a branch that asks whether it is set", 'context.Variables.ContainsKey("tier")'],
    ["a branch that asks what it is", '(string)context.Variables["tier"] == "gold"'],
  ])("%s may be anyone's", (_, condition) => {
    const branch = (inner: string) =>
      policy(`<base /><set-variable name="tier" value="gold" /><choose><when condition="@(${condition})">${inner}</when></choose>`);
    const live = serviceOf(
      { apis: { chat: null }, products: { gold: ["chat"] }, policies: { [gold]: textOf(branch("<cors />")) } },
      { growth: "gold", prod: "gold" },
    );
    expect(verdictOf(change(live, { [gold]: branch("<trace />") }), "protected", protecting("subscription:prod"))).toBe("blocked");
  });
});

describe("properties", () => {
  const own: readonly (readonly [`${Protected["kind"]}:${string}`, readonly string[]])[] = [
    ["api:chat", [chat, ask, "apis/CHAT/policies/policy", "apis/chat;rev=7/policies/policy"]],
    ["product:gold", [gold, "products/Gold/policies/policy"]],
    ["backend:a", ["backends/a", "backends/A"]],
  ];
  const anything = fc.oneof(
    fc.constantFrom<JsonObject | null>(null, policy("<base />"), policy(limit(1)), single(), pool("a"), pool()),
    fc.string().map((value): JsonObject => ({ value })),
  );

  test("no change of its own documents ever passes, whatever else is in the change", () => {
    const cases = own.flatMap(([thing, ids]) => ids.map((id) => [thing, id] as const));
    const others = fc.dictionary(fc.constantFrom(mail, free, "policyFragments/spare", "backends/c"), anything, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...cases), anything, others, ([thing, id], after, more) => {
        expect(verdictOf(change(service, { ...more, [id]: after }), "protected", protecting(thing))).toBe("blocked");
      }),
    );
  });

  const piece = fc.constantFrom("<cors />", limit(1_000), limit(500), "<trace />", '<include-fragment fragment-id="used" />', "");
  const team = fc.constantFrom("growth", "labs", "nobody");

  test("a branch for others never touches a team, and a policy beside it always does", () => {
    fc.assert(
      fc.property(piece, fc.array(fc.tuple(team, piece, piece)), (common, branches) => {
        const choose = (column: 1 | 2) =>
          branches.length === 0
            ? ""
            : `<choose>${branches.map((branch) => when(branch[0], branch[column])).join("")}<otherwise>${common}</otherwise></choose>`;
        const live = serviceOf(
          {
            apis: { chat: null },
            products: { gold: ["chat"] },
            policies: { [gold]: textOf(policy(`<base />${choose(1)}`)) },
            fragments: { used: textOf(fragment("<cors />")) },
          },
          { growth: "gold", prod: "gold" },
        );
        const protect = protecting("subscription:prod");
        expect(verdictOf(change(live, { [gold]: policy(`<base />${choose(2)}`) }), "protected", protect)).toBe("passed");
        expect(verdictOf(change(live, { [gold]: policy(`<base />${choose(2)}<mock-response />`) }), "protected", protect)).toBe("blocked");
      }),
    );
  });

  test("what is touched inline is touched in a fragment, and the other way round", () => {
    fc.assert(
      fc.property(piece, piece, fc.constantFrom(chat, gold, global), (was, is, id) => {
        const clean = (text: string) => text.replace(/<include.*/, "");
        const world = (inbound: string) =>
          serviceOf(
            {
              apis: { chat: null },
              products: { gold: ["chat"] },
              policies: { [chat]: textOf(policy("<base />")), [id]: textOf(policy(inbound)) },
              fragments: { f: textOf(fragment(clean(was))) },
            },
            { prod: "gold" },
          );
        const apart = world(`<base /><include-fragment fragment-id="f" />`);
        const touched = verdictOf(
          change(apart, { "policyFragments/f": fragment(clean(is)) }),
          "protected",
          protecting("subscription:prod"),
        );
        expect(touched).toBe(clean(was) === clean(is) ? "passed" : "blocked");
      }),
    );
  });
});
