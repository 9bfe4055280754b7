import { describe, expect, it } from "vitest";
import { choose, gateway, rateLimit, tokenLimit } from "../gateway-under-test.ts";
import { both, type Case, core, growth, newLimit, plan, takesAndRepeats } from "./kit.ts";

const check = '<check-header name="x" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true" />';

const cases: readonly Case[] = [
  [
    "adds a limit where none is, behind authentication and caches, before routing",
    {
      teams: both,
      inbound: {
        "product:aoai": [
          "<base />",
          check,
          '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="e" embeddings-backend-auth="system-assigned" />',
          '<set-header name="a" exists-action="delete" />',
          '<set-backend-service backend-id="b" />',
          '<authentication-managed-identity resource="r" />',
        ].join("\n"),
      },
    },
    { tpm: 6 },
    "product:aoai",
    [
      "<base />",
      check,
      '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="e" embeddings-backend-auth="system-assigned" />',
      choose([growth, newLimit(6)]),
      '<set-header name="a" exists-action="delete" />',
      '<set-backend-service backend-id="b" />',
      '<authentication-managed-identity resource="r" />',
    ].join("\n"),
  ],
  [
    "adds it to the API where that authenticates",
    { teams: both, inbound: { "api:openai": `<base />\n${check}\n<set-backend-service backend-id="b" />` } },
    { tpm: 6 },
    "api:openai",
    `<base />\n${check}\n${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />`,
  ],
  [
    "adds it behind a fragment that authenticates",
    {
      teams: both,
      fragments: { auth: check },
      inbound: { "api:openai": '<base />\n<include-fragment fragment-id="auth" />\n<set-backend-service backend-id="b" />' },
    },
    { tpm: 6 },
    "api:openai",
    `<base />\n<include-fragment fragment-id="auth" />\n${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />`,
  ],
  [
    "adds it before routing where <base /> is last",
    { teams: both, inbound: { "product:aoai": '<set-backend-service backend-id="b" />\n<base />' } },
    { tpm: 6 },
    "product:aoai",
    `${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />\n<base />`,
  ],
  [
    "adds the element that the service uses, to one API",
    {
      teams: both,
      products: { aoai: ["openai", "b"] },
      inbound: { "api:b": tokenLimit(5).replace("llm-", "azure-openai-"), "api:openai": "<base />" },
    },
    { tpm: 6, apiId: "openai" },
    "api:openai",
    `<base />\n${choose([growth, newLimit(6, '@("own-tpm:" + context.Subscription.Id)').replace("llm-", "azure-openai-").replace('"false"', '"true"')])}`,
  ],
  [
    "adds calls beside another team's",
    { teams: both, inbound: { "product:aoai": `<base />\n${choose([core, rateLimit(5, 60)])}` } },
    { rpm: 6 },
    "product:aoai",
    `<base />\n${choose([core, rateLimit(5, 60)], [growth, rateLimit(6, 60)])}`,
  ],
];

describe("planQuota", () => {
  takesAndRepeats(cases);

  it("puts a quota for one API there, not beside a limit that holds on others", () => {
    const inventory = gateway({
      teams: both,
      products: { aoai: ["a", "b"] },
      inbound: { "product:aoai": choose([growth, tokenLimit(50)]), "api:a": "<base />" },
    });
    const edit = plan(inventory, { tokenQuota: 6000, period: "Daily", apiId: "a" });
    expect(edit.documents.map(({ id }) => id)).toEqual(["apis/a/policies/policy"]);
  });
});
