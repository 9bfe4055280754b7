import { describe, expect, test } from "vitest";
import type { Judged } from "../../../src/change/guards/index.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { change, csharp, judged, limits, messageOf, policy, pool, serviceOf, single, to, verdictOf } from "./judged.ts";

const product = "products/aoai/policies/policy";
const chat = "apis/chat/policies/policy";

describe("shared_document, of a call that names no team", () => {
  const service = serviceOf({
    apis: { chat: "https://o.example/", images: "https://o.example/" },
    products: { gold: ["chat", "images"], silver: ["chat"] },
    backends: { e: single(), s: single() },
    policies: {
      "products/gold/policies/policy": String(to("e").value),
      "products/silver/policies/policy": String(to("s").value),
      "apis/chat/policies/policy": String(policy("<base />").value),
    },
  });
  const warned = (after: Parameters<typeof change>[1]) =>
    judged(change(service, after)).warnings.filter((warning) => warning.startsWith("Calls that come to go elsewhere"));

  test.each<[string, Parameters<typeof change>[1], string | null]>([
    [
      "a product's backend, for each of its APIs",
      { "products/gold/policies/policy": to("s") },
      "API 'chat' through product 'gold'; API 'images' through product 'gold'.",
    ],
    [
      "some of an API's calls in its own policy",
      { "apis/chat/policies/policy": to("s") },
      "API 'chat' without a product; API 'chat' through product 'gold'.",
    ],
    ["all of an API's calls in its own policy", { "apis/chat/policies/policy": to("new") }, null],
    ["an operation's first policy that chooses nothing", { "apis/chat/operations/ask/policies/policy": policy("<base />") }, null],
    [
      "an operation's first policy that chooses",
      { "apis/chat/operations/ask/policies/policy": to("e") },
      "API 'chat', operation 'ask', without a product; API 'chat', operation 'ask', through product 'silver'.",
    ],
    ["no backend", { "products/gold/policies/policy": policy('<base /><!-- x --><set-backend-service backend-id="e" />') }, null],
  ])("%s", (_, after, named) => {
    expect(warned(after)).toEqual(named === null ? [] : [`Calls that come to go elsewhere: ${named}`]);
  });
});

describe("shared_document, of a call that names teams", () => {
  const limit = (tpm: number, key = "@(context.Subscription.Id)") =>
    `<llm-token-limit counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;
  const when = (team: string, content: string) => `<when condition="@(context.Subscription?.Id == "${team}")">${content}</when>`;
  const service = serviceOf(
    {
      apis: { chat: null },
      products: { aoai: ["chat"] },
      policies: { [product]: String(policy(`<base />${limit(1_000)}`).value), [chat]: String(to("a").value) },
      backends: { a: single(), b: single(), p: pool("a") },
    },
    { growth: "aoai", prod: "aoai" },
  );
  const naming = (after: Record<string, JsonObject | null>): Judged => ({ ...change(service, after), teams: ["growth"] });
  const branches = (growth: string, others: string) =>
    policy(`<base /><choose>${when("growth", growth)}<otherwise>${others}</otherwise></choose>`);

  test.each<[what: string, verdict: "passed" | "blocked", change: Judged, message?: string]>([
    ["a branch for the team", "passed", naming({ [product]: branches(limit(500), limit(1_000)) })],
    [
      "the number of all",
      "blocked",
      naming({ [product]: policy(`<base />${limit(500)}`) }),
      "prod, which the call does not name, would be limited or counted in another way.",
    ],
    ["the counter of another", "blocked", naming({ [product]: branches(limit(1_000), limit(1_000, "all")) })],
    ["a counter that the team comes to share with another", "blocked", naming({ [product]: branches(limit(1_000), `<cors />`) })],
    [
      "a route for the team",
      "passed",
      naming({
        [chat]: policy(
          `<base /><set-backend-service backend-id="a" /><choose>${when("growth", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
    ],
    [
      "a route for the team, and another policy for all",
      "passed",
      naming({
        [chat]: policy(
          `<base /><cors /><wait><trace /></wait><set-backend-service backend-id="a" /><choose>${when("growth", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
    ],
    [
      "the number of all, of a call that names them all",
      "passed",
      { ...naming({ [product]: policy(`<base />${limit(500)}`) }), teams: ["prod", "growth"] },
    ],
    [
      "a route for others",
      "blocked",
      naming({
        [chat]: policy(
          `<base /><set-backend-service backend-id="a" /><choose>${when("prod", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
      "prod, which the call does not name, would be sent to other backends.",
    ],
    [
      "a route for all, in a policy that holds others",
      "blocked",
      naming({ [chat]: policy('<base /><wait><set-backend-service backend-id="b" /></wait>') }),
    ],
    ["the backend of all", "blocked", naming({ "backends/a": single({ url: "https://y.example" }) })],
    ["a backend that nobody is sent to", "passed", naming({ "backends/p": pool("a", "b") })],
  ])("%s: %s", (_, verdict, subject, message) => {
    expect(verdictOf(subject, "shared_document")).toBe(verdict);
    if (message !== undefined) expect(messageOf(subject, "shared_document")).toBe(message);
    expect(verdictOf({ documents: subject.documents, service: { inventory: service, csharp } }, "shared_document")).toBe("absent");
  });

  test("a route in a policy that holds others is one", () => {
    const held = (backend: string) => policy(`<base /><wait><set-backend-service backend-id="${backend}" /></wait>`);
    const live = { ...service, policies: new Map([...service.policies, [chat, { id: chat, etag: "", properties: held("a") }]]) };
    expect(messageOf({ ...change(live, { [chat]: held("b") }), teams: ["growth"] }, "shared_document")).toBe(
      "prod, which the call does not name, would be sent to other backends.",
    );
  });

  test("a limit that is told by its numbers is not told twice", () => {
    const subject = {
      ...naming({ [product]: policy(`<base />${limit(500)}`) }),
      ...limits({ subscriptionId: "prod", after: 500, intended: false }),
    };
    const both = { ...subject, documents: naming({ [product]: policy(`<base />${limit(500)}`) }).documents };
    expect(messageOf(both, "shared_document")).toBe("prod, which the call does not name, would go from tpm 1000 to 500.");
  });

  test("a counter that changes under the same number is told", () => {
    const subject = naming({ [product]: branches(limit(1_000), limit(1_000, "all")) });
    const same = { subscriptionId: "prod", kind: "tpm", before: 1_000, after: 1_000, intended: false } as const;
    expect(messageOf({ ...subject, limits: [same] }, "shared_document")).toBe(
      "prod, which the call does not name, would be limited or counted in another way.",
    );
  });
});
