import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Judged } from "../../../src/change/guards/index.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { Parts } from "../../pool/service.ts";
import {
  change,
  document,
  fragment,
  identity,
  jwt,
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
const product = "products/aoai/policies/policy";
const chat = "apis/chat/policies/policy";
const operation = "apis/chat/operations/Ask/policies/policy";
const auth = "policyFragments/auth";
const include = `<include-fragment fragment-id="auth" />`;
const signIn = `<authentication-managed-identity resource="https://cognitiveservices.azure.com" />`;
const route = (backend: string) => `<set-backend-service backend-id="${backend}" />`;
const textOf = (properties: JsonObject): string => String(properties.value);

const guard = "auth_removed";

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
    expect(verdictOf(change(half, { [chat]: policy(`<base />${route("p")}${one}${two}`) }), guard)).toBe("absent");
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

describe("properties", () => {
  const leaf = fc.constantFrom(
    jwt,
    signIn,
    `<ip-filter action="allow" />`,
    "<cors />",
    `<set-header name="authorization"><value>x</value></set-header>`,
    "<base />",
  );
  const content: fc.Arbitrary<string> = fc.letrec<{ parts: string; node: string }>((tie) => ({
    parts: fc.array(tie("node"), { maxLength: 3 }).map((parts) => parts.join("")),
    node: fc.oneof(
      { maxDepth: 3, depthIdentifier: "policy" },
      leaf,
      fc
        .tuple(tie("parts"), tie("parts"))
        .map(([a, b]) => `<choose><when condition="@(x)">${a}</when><otherwise>${b}</otherwise></choose>`),
      tie("parts").map((inner) => `<choose><when condition="@(y)">${inner}</when></choose>`),
      tie("parts").map((inner) => `<retry condition="@(z)">${inner}</retry>`),
    ),
  })).parts;

  /** Each piece of the section is either there itself or in a fragment of its own. */
  const pieces = fc.array(
    fc.tuple(
      content.map((text) => text.replaceAll("<base />", "")),
      fc.boolean(),
    ),
    { maxLength: 4 },
  );
  const inline = (parts: readonly (readonly [string, boolean])[]) => parts.map(([text]) => text).join("");
  const indirect = (side: string, parts: readonly (readonly [string, boolean])[]) => ({
    text: parts.map(([text, apart], index) => (apart ? `<include-fragment fragment-id="${side}${index}" />` : text)).join(""),
    fragments: Object.fromEntries(parts.map(([text], index) => [`${side}${index}`, textOf(fragment(text))])),
  });

  test("a fragment in between never changes the verdict", () => {
    fc.assert(
      fc.property(pieces, pieces, fc.constantFrom(global, product, chat), (was, is, id) => {
        const [before, after] = [indirect("was", was), indirect("is", is)];
        const world = (text: string, fragments: Record<string, string>) =>
          serviceOf({ apis: { chat: null }, products: { aoai: ["chat"] }, policies: { [id]: textOf(policy(text)) }, fragments });
        const plain = change(world(inline(was), {}), { [id]: policy(inline(is)) });
        const apart = change(world(before.text, { ...before.fragments, ...after.fragments }), { [id]: policy(after.text) });
        expect(verdictOf(apart, guard)).toBe(verdictOf(plain, guard));
      }),
      { numRuns: 300 },
    );
  });

  test("changing the fragments is judged as changing the policies that include them", () => {
    fc.assert(
      fc.property(content, content, (was, is) => {
        const [before, after] = [was, is].map((text) => text.replaceAll("<base />", ""));
        const service = serviceOf({
          apis: { chat: null },
          policies: { [chat]: textOf(policy(`<base />${include}`)) },
          fragments: { auth: textOf(fragment(before ?? "")) },
        });
        const plain = serviceOf({ apis: { chat: null }, policies: { [chat]: textOf(policy(`<base />${before}`)) } });
        expect(verdictOf(change(service, { [auth]: fragment(after ?? "") }), guard)).toBe(
          verdictOf(change(plain, { [chat]: policy(`<base />${after}`) }), guard),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("adding never blocks, and taking a check that always runs away always does", () => {
    fc.assert(
      fc.property(content, content, fc.constantFrom(jwt, signIn), (before, more, check) => {
        const clean = before.replaceAll("<base />", "");
        expect(verdictOf(document(chat, policy(clean), policy(`${clean}${more}`)), guard)).not.toBe("blocked");
        expect(verdictOf(document(chat, policy(`${clean}${check}`), policy(clean)), guard)).toBe("blocked");
      }),
      { numRuns: 300 },
    );
  });
});
