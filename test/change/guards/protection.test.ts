import { describe, expect, test } from "vitest";
import type { Protected } from "../../../src/change/guards/names.ts";
import {
  change,
  fragment,
  judged,
  messageOf,
  namedValue,
  policy,
  pool,
  protecting,
  route,
  serviceOf,
  single,
  textOf,
  verdictOf,
} from "./judged.ts";
import { ask, type Change, chat, free, global, gold, limit, mail, nv, service, teamLimits, when } from "./protected-service.ts";

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
