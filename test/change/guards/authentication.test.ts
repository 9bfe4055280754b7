import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { Parts } from "../../pool/service.ts";
import { auth, chat, global, guard, include, operation, product, signIn } from "./authenticated.ts";
import {
  change,
  fragment,
  identity,
  jwt,
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

describe("as calls meet it", () => {
  const parts = {
    apis: { chat: null, mail: "https://mail.example" },
    products: { aoai: ["chat"], trial: ["chat", "mail"] },
    policies: {
      [global]: textOf(policy(`<ip-filter action="allow" />`)),
      [product]: textOf(policy("<base />")),
      [chat]: textOf(policy(`<base />${include}${route("p")}`)),
      "apis/mail/policies/policy": textOf(policy(`<base /><include-fragment fragment-id="{{sign-in}}" />`)),
    },
    fragments: {
      auth: textOf(fragment(signIn)),
      other: textOf(fragment(signIn)),
      empty: textOf(fragment("")),
      spare: textOf(fragment(signIn)),
    },
    namedValues: { "sign-in": "other" },
    backends: { a: single(identity), b: single(), p: pool("a") },
  } satisfies Parts;
  const service = serviceOf(parts);

  test.each<[what: string, verdict: "passed" | "blocked", after: Record<string, JsonObject | null>, message?: string]>([
    [
      "an include goes",
      "blocked",
      { [chat]: policy(`<base />${route("p")}`) },
      "fragment 'auth': <authentication-managed-identity> would no longer apply to every call of API 'chat', API 'chat' with product 'aoai', API 'chat' with product 'trial'.",
    ],
    ["an included fragment is emptied", "blocked", { [auth]: fragment("<cors />") }],
    ["an included fragment is deleted", "blocked", { [auth]: null }],
    ["a fragment that no policy includes, without any, is changed", "passed", { "policyFragments/empty": fragment("<cors />") }],
    [
      "a fragment that no policy includes is emptied",
      "blocked",
      { "policyFragments/spare": fragment("<cors />") },
      "fragment 'spare': <authentication-managed-identity> would be removed.",
    ],
    [
      "an API's policy goes, which one of two products has",
      "blocked",
      { "apis/mail/policies/policy": policy("<base />") },
      "every call of API 'mail', API 'mail' with product 'trial'.",
    ],
    [
      "another fragment with the same is included",
      "passed",
      { [chat]: policy(`<base /><include-fragment fragment-id="other" />${route("p")}`) },
    ],
    ["a fragment without it is included", "blocked", { [chat]: policy(`<base /><include-fragment fragment-id="empty" />${route("p")}`) }],
    ["the fragment's content moves into the policy", "passed", { [auth]: fragment(""), [chat]: policy(`<base />${signIn}${route("p")}`) }],
    [
      "it moves into the policy for all but another",
      "blocked",
      { "policyFragments/other": fragment(""), [chat]: policy(`<base />${include}${signIn}${route("p")}`) },
    ],
    [
      "it moves to the global policy",
      "passed",
      { [chat]: policy(`<base />${route("p")}`), [global]: policy(`<ip-filter action="allow" />${signIn}`) },
    ],
    [
      "it moves to one product of two",
      "blocked",
      { [chat]: policy(`<base />${route("p")}`), [product]: policy(`<base />${signIn}`) },
      "every call of API 'chat', API 'chat' with product 'trial'.",
    ],
    [
      "it moves from the global policy to one API",
      "blocked",
      { [global]: policy(""), [chat]: policy(`<base />${include}<ip-filter action="allow" />${route("p")}`) },
    ],
    ["what is inherited is cut off", "blocked", { [chat]: policy(`${include}${route("p")}`) }],
    ["what is inherited is cut off in a new document", "blocked", { [operation]: policy("<cors />") }],
    ["a new document inherits", "passed", { [operation]: policy("<base />") }],
    ["a section is left out, and so inherits", "passed", { [product]: { value: "<policies />" } }],
    ["a named value names a fragment without it", "blocked", { "namedValues/nv-0": namedValue("sign-in", "empty") }],
    ["a named value names a fragment with it", "passed", { "namedValues/nv-0": namedValue("sign-in", "auth") }],

    [
      "the API goes to a backend without credentials",
      "blocked",
      { [chat]: policy(`<base />${include}${route("b")}`) },
      "API 'chat' would go to backend 'b', without the credentials that its backend carries now.",
    ],
    [
      "the API goes there in one case",
      "blocked",
      { [chat]: policy(`<base />${include}${route("p")}<choose><when condition="@(x)">${route("b")}</when></choose>`) },
    ],
    ["the API goes to a URL", "blocked", { [chat]: policy(`<base />${include}<set-backend-service base-url="https://z.example" />`) }],
    [
      "the API goes to a backend that does not exist, which is another guard's",
      "passed",
      { [chat]: policy(`<base />${include}${route("gone")}`) },
    ],
    [
      "the API goes to where an expression says",
      "blocked",
      { [chat]: policy(`<base />${include}${route("@(context.Variables[1])")}`) },
      "API 'chat' would go to what @(context.Variables[1]) says, without the credentials that its backend carries now.",
    ],
    ["the API goes to a member alone", "passed", { [chat]: policy(`<base />${include}${route("a")}`) }],
    ["a member without credentials comes", "passed", { "backends/p": pool("a", "b") }],
    [
      "a member without credentials takes the place of the one with them",
      "blocked",
      { "backends/p": pool("b") },
      "API 'chat' would go to backend 'p', without the credentials that its backend carries now.",
    ],
    [
      "an API without credentials goes elsewhere",
      "passed",
      { "apis/mail/policies/policy": policy(`<base /><include-fragment fragment-id="other" />${route("b")}`) },
    ],
  ])("%s: %s", (_, verdict, after, message) => {
    const subject = change(service, after);
    expect(verdictOf(subject, guard) === "blocked").toBe(verdict === "blocked");
    if (message !== undefined) expect(messageOf(subject, guard)).toContain(message);
  });

  test("an API that goes nowhere yet may go anywhere", () => {
    const idle = serviceOf({ apis: { idle: null }, policies: {}, backends: parts.backends });
    expect(verdictOf(change(idle, { "apis/idle/policies/policy": policy(route("b")) }), guard)).toBe("absent");
  });

  test("nothing is judged of calls that meet none, whatever others meet", () => {
    const subject = change(service, { "products/empty/policies/policy": policy("") });
    const open = serviceOf({ ...parts, policies: { ...parts.policies, [global]: textOf(policy("")) } });
    expect(verdictOf(subject, guard)).toBe("blocked");
    expect(verdictOf(change(open, { "products/empty/policies/policy": policy("") }), guard)).toBe("absent");
  });

  test("an API that goes without credentials in one case may do so in another", () => {
    const [one, two] = [
      `<choose><when condition="@(x)">${route("b")}</when></choose>`,
      `<choose><when condition="@(y)">${route("c")}</when></choose>`,
    ];
    const half = serviceOf({
      ...parts,
      policies: { [chat]: textOf(policy(`<base />${route("p")}${one}`)) },
      backends: { ...parts.backends, c: single() },
    });
    expect(verdictOf(change(half, { [chat]: policy(`<base />${route("p")}${one}${two}`) }), guard)).toBe("passed");
  });

  describe("members of unequal credentials", () => {
    const mixed = serviceOf({ ...parts, backends: { ...parts.backends, c: single(), d: single(identity), p: pool("a", "b") } });
    const to = (backend: string) => policy(`<base />${include}${route(backend)}`);
    test.each<[what: string, verdict: "passed" | "blocked", after: Record<string, JsonObject | null>]>([
      ["the one with credentials goes", "passed", { "backends/p": pool("b") }],
      ["the one without them goes", "passed", { "backends/p": pool("a") }],
      ["the API goes to a pool without it", "passed", { "backends/q": pool("b"), [chat]: to("q") }],
      ["the API goes to the one without them alone", "passed", { [chat]: to("b") }],
      ["all go, which is another guard's", "passed", { "backends/p": pool() }],
      ["one comes that has none, and the one with credentials goes", "blocked", { "backends/p": pool("b", "c") }],
      ["another without takes the place of both", "blocked", { "backends/p": pool("c") }],
      ["the API goes to another without", "blocked", { [chat]: to("c") }],
      ["the API goes to a URL", "blocked", { [chat]: policy(`<base />${include}<set-backend-service base-url="https://z.example" />`) }],
      ["the one with credentials loses them", "blocked", { "backends/a": single() }],
      ["it loses them and goes", "blocked", { "backends/a": single(), "backends/p": pool("b") }],
    ])("%s: %s", (_, verdict, after) => {
      expect(verdictOf(change(mixed, after), guard) === "blocked").toBe(verdict === "blocked");
    });

    describe("that no policy signs in for", () => {
      const bare = (xml: string) => policy(`<base />${xml}`);
      const placed = (...members: readonly (readonly [string, number, number])[]): JsonObject => ({
        type: "Pool",
        pool: { services: members.map(([name, priority, weight]) => ({ id: `/backends/${name}`, priority, weight })) },
      });
      const unsigned = (members: JsonObject) =>
        serviceOf({
          ...parts,
          policies: { [chat]: textOf(bare(route("p"))) },
          backends: { ...parts.backends, c: single(), d: single(identity), p: members },
        });
      const equal = unsigned(pool("a", "b"));
      const standby = unsigned(placed(["a", 1, 1], ["b", 2, 1]));
      const alone = unsigned(pool("a", "d"));
      test.each<
        [what: string, verdict: "passed" | "blocked", service: typeof equal, after: Record<string, JsonObject | null>, said?: string]
      >([
        [
          "the one with credentials goes",
          "blocked",
          equal,
          { "backends/p": pool("b") },
          "API 'chat' would send 100 % of its calls to backend 'p' on to 'b', without credentials and signed in by no policy; now it is 50 %.",
        ],
        ["the one without them goes", "passed", equal, { "backends/p": pool("a") }],
        ["the one with credentials goes, and the standby has none", "blocked", standby, { "backends/p": placed(["b", 2, 1]) }],
        ["the standby goes", "passed", standby, { "backends/p": placed(["a", 1, 1]) }],
        [
          "the standby comes to share",
          "blocked",
          standby,
          { "backends/p": placed(["a", 1, 1], ["b", 1, 1]) },
          "50 % of its calls to backend 'p' on to 'b'",
        ],
        ["the standby takes the first place", "blocked", standby, { "backends/p": placed(["a", 2, 1], ["b", 1, 1]) }],
        ["its weight rises", "blocked", equal, { "backends/p": placed(["a", 1, 1], ["b", 1, 2]) }],
        ["its weight falls", "passed", equal, { "backends/p": placed(["a", 1, 2], ["b", 1, 1]) }],
        ["one that has none stands by from now on", "passed", alone, { "backends/p": placed(["a", 1, 1], ["c", 2, 1]) }],
        ["one that has none comes to share", "blocked", alone, { "backends/p": pool("a", "d", "c") }],
        ["one that has some comes to share", "passed", equal, { "backends/p": pool("a", "b", "d") }],
        ["one of several with credentials goes", "passed", alone, { "backends/p": pool("a") }],
        ["the API goes to a pool of the one without alone", "blocked", equal, { "backends/q": pool("b"), [chat]: bare(route("q")) }],
        [
          "some calls go to it for a time",
          "blocked",
          standby,
          { "backends/q": pool("b"), [chat]: bare(`${route("p")}<choose><when condition="@(x)">${route("q")}</when></choose>`) },
        ],
        [
          "a policy comes to sign in every call",
          "passed",
          standby,
          { "backends/p": placed(["b", 1, 1]), [chat]: bare(`${signIn}${route("p")}`) },
        ],
        [
          "a policy comes to sign in some",
          "blocked",
          standby,
          { "backends/p": placed(["b", 1, 1]), [chat]: bare(`<choose><when condition="@(x)">${signIn}</when></choose>${route("p")}`) },
        ],
        [
          "a policy signs in or answers",
          "passed",
          standby,
          {
            "backends/p": placed(["b", 1, 1]),
            [chat]: bare(`<choose><when condition="@(x)">${signIn}</when><otherwise><return-response /></otherwise></choose>${route("p")}`),
          },
        ],
        ["one that is not there comes to share", "passed", standby, { "backends/p": placed(["a", 1, 1], ["gone", 1, 1]) }],
      ])("%s: %s", (_, verdict, service, after, said) => {
        const subject = change(service, after);
        expect(verdictOf(subject, guard) === "blocked").toBe(verdict === "blocked");
        if (said !== undefined) expect(messageOf(subject, guard)).toContain(said);
      });
    });

    test("what is sent away from one of them for a time goes to the other", () => {
      const leaving = `<choose><when condition="@(x)">${route("q")}</when></choose>`;
      const after = { "backends/q": pool("b"), [chat]: policy(`<base />${include}${route("p")}${leaving}`) };
      expect(verdictOf(change(mixed, after), guard)).toBe("passed");
    });
  });

  test("a new policy of an operation must not cut off what only a product brings", () => {
    const sold = serviceOf({
      apis: { chat: null },
      products: { aoai: ["chat"] },
      policies: { [product]: textOf(policy(`<base />${jwt}`)), [operation]: textOf(policy("<base />")) },
    });
    const subject = change(sold, { [operation]: policy("") });
    expect(messageOf(subject, guard)).toBe(
      "product 'aoai' policy: <validate-jwt> would no longer apply to every call of operation 'chat/Ask' with product 'aoai'.",
    );
  });

  test("policies that are too much to be followed are not let through", () => {
    const huge = serviceOf({
      apis: { chat: null },
      policies: { [chat]: textOf(policy("<base />")), [global]: textOf(policy(include.repeat(150))) },
      fragments: { auth: textOf(fragment("<cors />".repeat(1_000))) },
    });
    const subject = change(huge, { [chat]: policy(`<base />${jwt}`) });
    expect(messageOf(subject, guard)).toMatch(/^This cannot be judged: .* come to more than 100000 elements/);
    expect(verdictOf(change(huge, { [global]: policy("") }), "protected", protecting("product:x"))).toBe("blocked");
  });

  test("a route taken away leads to the service URL without credentials", () => {
    const served = serviceOf({ ...parts, apis: { chat: "https://chat.example" } });
    const subject = change(served, { [chat]: policy(`<base />${include}`) });
    expect(messageOf(subject, guard)).toBe(
      "API 'chat' would go to https://chat.example, without the credentials that its backend carries now.",
    );
  });

  test("a branch that leads past the route to a backend with credentials leads to the service URL without them", () => {
    const choosing = (branch: string) => `<base />${include}<choose>${branch}<otherwise>${route("p")}</otherwise></choose>`;
    const served = serviceOf({ ...parts, apis: { chat: "https://chat.example" }, policies: { [chat]: textOf(policy(choosing(""))) } });
    const subject = change(served, { [chat]: policy(choosing(`<when condition="@(x)"><cors /></when>`)) });
    expect(messageOf(subject, guard)).toBe(
      "API 'chat' would go to https://chat.example, without the credentials that its backend carries now.",
    );
  });
});
