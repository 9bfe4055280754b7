import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesRoutes, reachesFurther } from "../../../src/change/guards/further.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { fragment, identity, jwt, namedValue, policy, pool, proposed, single } from "./judged.ts";

const chat = "apis/chat/policies/policy";
const route = `<set-backend-service backend-id="a" />`;
const limit = (tpm: number) => `<llm-token-limit counter-key="x" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;
const when = (content: string) => `<choose><when condition="@(x)">${content}</when></choose>`;
const choose = (...branches: readonly string[]) => `<choose>${branches.join("")}</choose>`;
const taken = (content: string) => `<when condition="@(y)">${content}</when>`;
const other = (content: string) => `<otherwise>${content}</otherwise>`;
const deep = (content: string) => `${"<wait>".repeat(250)}${content}${"</wait>".repeat(250)}`;
const breaker: JsonObject = { circuitBreaker: { rules: [{ name: "r" }] } };

describe("what has to be known of the service", () => {
  test.each<[what: string, further: boolean, routed: boolean, id: string, before: JsonObject | null, after: JsonObject | null]>([
    ["a limit", false, false, chat, policy(`<base />${limit(1)}`), policy(`<base />${limit(2)}`)],
    ["a limit in a branch of its own", false, false, chat, policy(`${jwt}${limit(1)}`), policy(`${jwt}${when(limit(2))}`)],
    ["a check", true, false, chat, policy(jwt), policy("")],
    ["a check behind a condition", true, false, chat, policy(jwt), policy(when(jwt))],
    ["another condition of a check", true, false, chat, policy(when(jwt)), policy(when(jwt).replace("x", "y"))],
    ["a check in another section", true, true, chat, policy(jwt), policy("", `<outbound>${jwt}</outbound>`)],
    ["a route", true, true, chat, policy(route), policy("")],
    ["another route", true, true, chat, policy(route), policy(route.replace('"a"', '"b"'))],
    ["a base", true, true, chat, policy("<base />"), policy("")],
    ["a section that inherits", true, true, chat, policy("<base />"), policy("<base />", "<outbound />")],
    ["a section that no longer inherits", true, true, chat, policy("<base />", ""), policy("<base />", "<outbound />")],
    [
      "a branch that comes before one with a check",
      true,
      false,
      chat,
      policy(choose(other(jwt))),
      policy(choose(taken("<cors />"), other(jwt))),
    ],
    [
      "a branch that comes before one with a route",
      true,
      true,
      chat,
      policy(choose(other(route))),
      policy(choose(taken(""), other(route))),
    ],
    ["a branch beside limits", false, false, chat, policy(choose(other(limit(1)))), policy(choose(taken(limit(2)), other(limit(1))))],
    ["a limit too deep to be followed", true, true, chat, policy(deep(limit(1))), policy(deep(limit(2)))],
    ["a new policy", true, true, chat, null, policy("")],
    ["a policy that goes", true, true, chat, policy(""), null],
    ["what cannot be read", true, true, chat, policy(limit(1)), policy(`${limit(1)}<`)],
    ["an include", true, true, chat, policy(""), policy(`<include-fragment fragment-id="f" />`)],
    ["a fragment's limit", false, false, "policyFragments/f", fragment(`${jwt}${limit(1)}`), fragment(`${jwt}${limit(2)}`)],
    ["a fragment's check", true, false, "policyFragments/f", fragment(jwt), fragment("")],
    ["a policy in a fragment", false, false, "policyFragments/f", fragment(jwt), fragment(`<cors />${jwt}`)],
    ["a named value", true, true, "namedValues/v", namedValue("v", "1"), namedValue("v", "2")],
    ["a named value that is called otherwise", true, true, "namedValues/v", namedValue("v", "1"), namedValue("w", "1")],
    ["a breaker", false, true, "backends/a", single(identity), single({ ...identity, ...breaker })],
    ["a backend's credentials", true, true, "backends/a", single(identity), single()],
    ["a new backend", true, true, "backends/a", null, single()],
    ["a pool's members", true, true, "backends/p", pool("a"), pool("a", "b")],
  ])("%s: %s, of routes: %s", (_, further, routed, id, before, after) => {
    expect(reachesFurther([proposed(id, before, after)])).toBe(further);
    expect(reachesFurther([proposed(chat, policy(limit(1)), policy(limit(2))), proposed(id, before, after)])).toBe(further);
    expect(changesRoutes([proposed(id, before, after)])).toBe(routed);
    expect(changesRoutes([proposed(chat, policy(limit(1)), policy(limit(2))), proposed(id, before, after)])).toBe(routed);
  });

  test("nothing else that a policy holds is decisive, wherever it stands", () => {
    const decisive = fc.constantFrom(jwt, route, "<base />", when(jwt), `<retry condition="@(x)">${route}</retry>`);
    const other = fc.constantFrom(
      limit(1),
      "<cors />",
      "<!-- x -->",
      "\n",
      when("<cors />"),
      `<set-header name="x"><value>1</value></set-header>`,
    );
    fc.assert(
      fc.property(fc.array(decisive), fc.infiniteStream(fc.array(other)), (parts, streams) => {
        const around = (): JsonObject => policy(parts.map((part) => `${streams.next().value.join("")}${part}`).join(""));
        expect(reachesFurther([proposed(chat, around(), around())])).toBe(false);
      }),
    );
  });
});
