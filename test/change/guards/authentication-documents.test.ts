import { describe, expect, test } from "vitest";
import type { Judged } from "../../../src/change/guards/index.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { auth, chat, global, guard, include, operation, product, signIn } from "./authenticated.ts";
import { change, document, fragment, identity, jwt, messageOf, policy, serviceOf, single, textOf, verdictOf } from "./judged.ts";

describe("one document, nothing known of the service", () => {
  test.each<[what: string, verdict: "passed" | "blocked" | "absent", change: Judged]>([
    ["authentication stays", "passed", document(product, policy(jwt), policy(`<base />${jwt}`))],
    ["authentication goes", "blocked", document(product, policy(jwt), policy("<base />"))],
    ["one of two checks goes", "blocked", document(product, policy(jwt + jwt), policy(jwt))],
    ["a check is commented out", "blocked", document(product, policy(jwt), policy(`<!-- ${jwt} -->`))],
    ["a policy with a check is deleted", "blocked", document(product, policy(`<ip-filter action="allow" />`), null)],
    ["a check moves behind the backend's answer", "blocked", document(product, policy(jwt), policy("", `<outbound>${jwt}</outbound>`))],
    ["a check moves before the backend's answer", "passed", document(product, policy("", `<outbound>${jwt}</outbound>`), policy(jwt))],
    [
      "a check moves behind a condition",
      "blocked",
      document(product, policy(jwt), policy(`<choose><when condition="@(x)">${jwt}</when></choose>`)),
    ],
    [
      "a check moves into every branch",
      "passed",
      document(product, policy(jwt), policy(`<choose><when condition="@(x)">${jwt}</when><otherwise>${jwt}</otherwise></choose>`)),
    ],
    [
      "a check moves out of every branch",
      "passed",
      document(product, policy(`<choose><when condition="@(x)">${jwt}</when><otherwise>${jwt}</otherwise></choose>`), policy(jwt)),
    ],
    [
      "a branch loses its check",
      "blocked",
      document(
        product,
        policy(`<choose><when condition="@(x)">${jwt}</when><when condition="@(y)">${jwt}</when></choose>`),
        policy(`<choose><when condition="@(x)">${jwt}</when><when condition="@(y)"><cors /></when></choose>`),
      ),
    ],
    ["a check moves into a retry", "passed", document(product, policy(signIn), policy(`<retry condition="@(x)">${signIn}</retry>`))],
    [
      "a check moves into a request of its own",
      "blocked",
      document(product, policy(signIn), policy(`<send-request mode="new">${signIn}</send-request>`)),
    ],
    [
      "a key in a header goes",
      "blocked",
      document(product, policy(`<set-header name="API-Key" exists-action="override"><value>{{k}}</value></set-header>`), policy("")),
    ],
    [
      "one policy that holds a sign-in of its own takes another's place",
      "blocked",
      document(
        product,
        policy(`<send-request mode="new">${signIn}</send-request>`),
        policy(`<send-request mode="new"><authentication-basic username="u" password="{{p}}" /></send-request>`),
      ),
    ],
    ["a header without a name goes", "absent", document(product, policy("<set-header />"), policy(""))],
    ["a variable called as a key goes", "absent", document(product, policy(`<set-variable name="api-key" value="1" />`), policy(""))],
    ["another header goes", "absent", document(product, policy(`<set-header name="x-team"><value>a</value></set-header>`), policy(""))],
    [
      "a header that only takes a key away goes",
      "absent",
      document(product, policy(`<set-header name="api-key" exists-action="delete" />`), policy("")),
    ],
    ["a fragment loses its check", "blocked", document(auth, fragment(jwt), fragment(""))],
    ["a fragment keeps its check", "passed", document(auth, fragment(jwt), fragment(`<cors />${jwt}`))],
    ["a fragment with a check is deleted", "blocked", document(auth, fragment(jwt), null)],
    ["a fragment that is not known goes", "blocked", document(product, policy(include), policy(""))],
    [
      "a fragment that is not known takes another's place",
      "blocked",
      document(product, policy(include), policy(`<include-fragment fragment-id="other" />`)),
    ],
    ["a fragment of a workspace loses its check", "blocked", document("workspaces/w/policyFragments/auth", fragment(jwt), fragment(""))],
    ["a fragment of a workspace keeps its check", "passed", document("workspaces/w/policyFragments/auth", fragment(jwt), fragment(jwt))],
    ["there was no authentication", "absent", document(product, policy("<base />"), policy(""))],
    ["authentication comes", "absent", document(product, policy("<base />"), policy(jwt))],

    ["a backend keeps its identity", "passed", document("backends/a", single(identity), single({ ...identity, url: "https://y" }))],
    ["a backend loses its identity", "blocked", document("backends/a", single(identity), single())],
    [
      "a backend's identity is emptied",
      "blocked",
      document("backends/a", single(identity), single({ credentials: { managedIdentity: {} } })),
    ],
    [
      "a backend loses one of two headers",
      "blocked",
      document(
        "backends/a",
        single({ credentials: { header: { "api-key": ["<secret:x>"], "x-team": ["a"] } } }),
        single({ credentials: { header: { "x-team": ["a"] } } }),
      ),
    ],
    [
      "one of two headers of a backend is emptied",
      "blocked",
      document(
        "backends/a",
        single({ credentials: { header: { k: ["v"], l: ["w"] } } }),
        single({ credentials: { header: { k: ["v"], l: [] } } }),
      ),
    ],
    [
      "a backend's header is emptied",
      "blocked",
      document("backends/a", single({ credentials: { header: { k: ["v"] } } }), single({ credentials: { header: { k: [] } } })),
    ],
    [
      "a backend loses its authorization",
      "blocked",
      document("backends/a", single({ credentials: { authorization: { scheme: "Bearer", parameter: "x" } } }), single({ credentials: {} })),
    ],
    [
      "a backend loses a key in its query",
      "blocked",
      document(
        "backends/a",
        single({ credentials: { query: { Code: ["v"], version: ["1"] } } }),
        single({ credentials: { query: { version: ["1"] } } }),
      ),
    ],
    [
      "a header of a backend is spelled otherwise",
      "passed",
      document(
        "backends/a",
        single({ credentials: { header: { "API-Key": ["v"] } } }),
        single({ credentials: { header: { "api-key": ["v"] } } }),
      ),
    ],
    [
      "a backend's authorization is emptied",
      "blocked",
      document(
        "backends/a",
        single({ credentials: { authorization: { scheme: "Bearer", parameter: "x" } } }),
        single({ credentials: { authorization: { scheme: "", parameter: null } } }),
      ),
    ],
    ["a backend with an identity is deleted", "absent", document("backends/a", single(identity), null)],
    ["a backend had none", "absent", document("backends/a", single({ credentials: { header: {} } }), single())],
  ])("%s: %s", (_, verdict, subject) => {
    expect(verdictOf(subject, guard)).toBe(verdict);
    expect(messageOf(subject, guard)).not.toBe("");
  });
});

describe("what counts as authentication", () => {
  test.each([
    `<authentication-basic username="u" password="{{p}}" />`,
    `<authentication-certificate thumbprint="t" />`,
    signIn,
    `<check-header name="x" failed-check-httpcode="401" failed-check-error-message="m" ignore-case="true" />`,
    `<get-authorization-context provider-id="p" authorization-id="a" context-variable-name="c" />`,
    `<ip-filter action="allow" />`,
    `<validate-azure-ad-token tenant-id="t" />`,
    `<validate-client-certificate />`,
    jwt,
    ...["Authorization", "api-key", "X-API-Key", "x-functions-key", "Ocp-Apim-Subscription-Key", " api-key "].map(
      (name) => `<set-header name="${name}" exists-action="override"><value>{{k}}</value></set-header>`,
    ),
  ])("%s", (element) => {
    expect(verdictOf(document(product, policy(element), policy("")), guard)).toBe("blocked");
    expect(verdictOf(document(product, policy(element), policy(`<cors />${element}`)), guard)).toBe("passed");
  });
});

describe("what is lost is named, and for which calls", () => {
  const key = `<set-header name="API-Key" exists-action="override"><value>{{k}}</value></set-header>`;
  test.each<[id: string, before: JsonObject, message: string]>([
    [global, policy(jwt), "global policy: <validate-jwt> would no longer apply to every call of every API."],
    [product, policy(jwt), "product 'aoai' policy: <validate-jwt> would no longer apply to every call of product 'aoai'."],
    [chat, policy(key), `API 'chat' policy: <set-header name="api-key"> would no longer apply to every call of API 'chat'.`],
    [
      operation,
      policy(include),
      `operation 'chat/Ask' policy: <include-fragment fragment-id="auth"> would no longer apply to every call of operation 'chat/Ask'.`,
    ],
    [
      "workspaces/w/policies/policy",
      policy(jwt),
      "workspace 'w' policy: <validate-jwt> would no longer apply to every call of workspace 'w'.",
    ],
    [
      "workspaces/w/apis/chat/policies/policy",
      policy(`<send-request mode="new">${signIn}</send-request>`),
      "workspace 'w' API 'chat' policy: <authentication-managed-identity> in <send-request> would no longer apply to every call of workspace 'w' API 'chat'.",
    ],
    [auth, fragment(jwt), "fragment 'auth': <validate-jwt> would be removed."],
    ["workspaces/w/policyFragments/auth", fragment(jwt), "workspace 'w' fragment 'auth': <validate-jwt> would be removed."],
    [
      "backends/a",
      single({ ...identity, credentials: { header: { "X-Key": ["v"] }, query: { code: ["v"] } } }),
      "backend 'a': its credentials (header x-key, query code) would be removed.",
    ],
  ])("%s", (id, before, message) => {
    const after = id.includes("backends/") ? single() : id.includes("policyFragments/") ? fragment("") : policy("");
    expect(messageOf(document(id, before, after), guard)).toBe(message);
  });

  test("of two documents with the same check it is the one that loses it; both where neither has lost its own", () => {
    const service = serviceOf({
      apis: { chat: null },
      policies: { [global]: textOf(policy(jwt)), [chat]: textOf(policy(`<base />${jwt}`)) },
    });
    const lost = "<validate-jwt> would no longer apply to every call of API 'chat'.";
    expect(messageOf(change(service, { [chat]: policy("<base />") }), guard)).toBe(`API 'chat' policy: ${lost}`);
    const behindConditions = {
      [global]: policy(`<choose><when condition="@(x)">${jwt}</when></choose>`),
      [chat]: policy(`<base /><choose><when condition="@(y)">${jwt}</when></choose>`),
    };
    expect(messageOf(change(service, behindConditions), guard)).toContain(`API 'chat' policy: ${lost}`);
    expect(messageOf(change(service, behindConditions), guard)).toContain(
      "global policy: <validate-jwt> would no longer apply to every call of API 'chat', every API.",
    );
  });
});
