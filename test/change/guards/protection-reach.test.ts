import { describe, expect, test } from "vitest";
import { change, fragment, messageOf, namedValue, policy, protecting, route, serviceOf, single, textOf, verdictOf } from "./judged.ts";
import { type Change, chat, global, gold, when } from "./protected-service.ts";

describe("what is protected", () => {
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
