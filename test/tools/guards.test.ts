import { describe, expect, it } from "vitest";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";

const api = { api_id: "azure-openai" };

describe("what a policy edit takes away", () => {
  it.each([
    [
      "the fragment that signs in to the backend",
      { ...api, edits: [{ select: "inbound/include-fragment", remove: true }] },
      "auth_removed",
      /fragment 'aoai-auth': <authentication-managed-identity> would no longer apply to every call of API 'azure-openai'/,
    ],
    [
      "the route to the backends",
      { ...api, edits: [{ select: "inbound/set-backend-service", remove: true }] },
      "no_backend_left",
      /^API 'azure-openai' would have no backend/,
    ],
    [
      "the backends that carry credentials, for a URL",
      { ...api, edits: [{ select: "inbound/set-backend-service", set: { "backend-id": null, "base-url": "https://elsewhere.example" } }] },
      "auth_removed",
      /^API 'azure-openai' would go to https:\/\/elsewhere\.example, without the credentials/,
    ],
    [
      "what an operation inherits, in its first policy",
      { ...api, operation_id: "Embeddings_Create", policy_xml: "<policies><inbound><cors /></inbound></policies>" },
      "auth_removed",
      /to every call of operation 'azure-openai\/Embeddings_Create'/,
    ],
  ])("blocks %s", async (_, input, guard, message) => {
    const { ask, documents } = await openHarness({ logs: false });
    const before = documents();
    const plan = await ask(applyPolicy, input);
    expect(plan.status).toBe("blocked");
    expect(plan.guards).toContainEqual({ name: guard, verdict: "blocked", message: expect.stringMatching(message) });
    expect(documents()).toEqual(before);
  });

  it("lets the fragment's content move into the policy", async () => {
    const { ask } = await openHarness({ logs: false });
    const replace = `<authentication-managed-identity resource="https://cognitiveservices.azure.com" output-token-variable-name="t" />
<set-header name="Authorization" exists-action="override"><value>@("Bearer " + (string)context.Variables["t"])</value></set-header>`;
    const plan = await ask(applyPolicy, { ...api, edits: [{ select: "inbound/include-fragment", replace: replace.split("\n")[0] }] });
    expect(plan.guards).toContainEqual(expect.objectContaining({ name: "auth_removed", verdict: "blocked" }));
    const whole = await ask(applyPolicy, {
      ...api,
      edits: [
        { select: "inbound/include-fragment", insert_before: replace.split("\n")[1] },
        { select: "inbound/include-fragment", replace: replace.split("\n")[0] },
      ],
    });
    expect(whole).toMatchObject({ status: "planned" });
    expect(whole.guards).toContainEqual(expect.objectContaining({ name: "auth_removed", verdict: "passed" }));
  });

  it("says which section goes with its policies, and passes", async () => {
    const { ask } = await openHarness({ logs: false });
    const first = await ask(applyPolicy, {
      product_id: "aoai-trial",
      edits: [{ select: "on-error", append: `<set-header name="x-error" exists-action="override"><value>1</value></set-header>` }],
    });
    expect(first.status).toBe("planned");
    const plan = await ask(applyPolicy, { ...api, edits: [{ select: "backend", remove: true }] });
    expect(plan.warnings).toContain(
      "API 'azure-openai' policy: <backend> goes, with the policies in it; what the scopes above say there is assumed to go on applying.",
    );
  });
});

describe("the key that a limit counts by", () => {
  const keyed = (key: string) => ({
    product_id: "aoai",
    edits: [{ select: "inbound/choose/otherwise/llm-token-limit", set: { "counter-key": key } }],
  });

  it.each(["@(Guid.NewGuid().ToString())", '@(context.Request.Headers.GetValueOrDefault("x-team", "none"))', "all"])(
    "does not change to %s",
    async (key) => {
      const { ask } = await openHarness({ logs: false });
      const plan = await ask(applyPolicy, keyed(key));
      expect(plan).toMatchObject({ status: "blocked", affected: expect.arrayContaining(["growth"]) });
      expect(plan.affected).not.toContain("prod-critical");
      expect(plan.guards.find(({ name }) => name === "limit_raise")).toMatchObject({
        verdict: "blocked",
        message: expect.stringContaining(
          `growth: the counter of its tpm limit goes from @(context.Subscription.Id) to ${key}; they are not both known to count per subscription.`,
        ),
      });
    },
  );

  it("changes to another that counts per subscription, with a warning", async () => {
    const { ask } = await openHarness({ logs: false });
    const plan = await ask(applyPolicy, keyed('@(context.Subscription.Id + "-" + context.Api.Id)'));
    expect(plan).toMatchObject({ status: "planned", affected: expect.arrayContaining(["growth"]) });
    expect(plan.warnings).toContain("The tpm of growth is counted anew, by another key.");
  });
});

describe("an undo", () => {
  const allowing = () => openHarness({ logs: false, env: { AIGW_ALLOW_OVERRIDE: "limit_cut,limit_raise" } });

  it("of a cut warns of the raise that it is", async () => {
    const { ask, apply, documents } = await allowing();
    const before = documents();
    const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 1_000, override: ["limit_cut"] }));
    const undo = await ask(undoChange, { change_id: changeId });
    expect(undo.status).toBe("planned");
    expect(undo.warnings).toContain("growth: tpm 1000 -> 200000 raises the limit more than tenfold.");
    await apply(undo);
    expect(documents()).toEqual(before);
  });

  it("of a cut to half has nothing to warn of", async () => {
    const { ask, apply } = await allowing();
    const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 }));
    expect(await ask(undoChange, { change_id: changeId })).toMatchObject({ status: "planned", warnings: [] });
  });
});

describe("AIGW_PROTECT", () => {
  const protecting = (things: string) => openHarness({ logs: false, env: { AIGW_PROTECT: things } });

  it("lets one team's limit change beside a protected team, and undo it, but not the protected one's", async () => {
    const { ask, apply, documents } = await protecting("subscription:Prod-Critical");
    const before = documents();
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    expect(plan.guards).toContainEqual({ name: "protected", verdict: "passed", message: "Nothing that is protected is touched." });
    const changeId = await apply(plan);
    await apply(await ask(undoChange, { change_id: changeId }));
    expect(documents()).toEqual(before);
    const own = await ask(updateQuota, { subscription_id: "prod-critical", tpm: 400_000, override: ["protected"] });
    expect(own).toMatchObject({
      status: "blocked",
      guards: expect.arrayContaining([
        expect.objectContaining({
          name: "protected",
          verdict: "blocked",
          message:
            "subscription 'Prod-Critical' is protected (AIGW_PROTECT), and one of its limits or counters would change. This guard cannot be overridden.",
        }),
      ]),
    });
  });

  it.each([
    ["api:azure-openai", updateQuota, { subscription_id: "growth", tpm: 150_000 }, "product 'aoai' policy reaches it"],
    ["product:aoai", updateQuota, { subscription_id: "growth", tpm: 150_000 }, "the change is to product 'aoai' policy"],
    [
      "subscription:labs",
      applyPolicy,
      { ...api, edits: [{ select: "inbound/base", insert_after: `<set-variable name="a" value="b" />` }] },
      "API 'azure-openai' policy reaches it",
    ],
    [
      "backend:aoai-eastus",
      updateBackendPool,
      { ...api, backends: [{ backend_id: "aoai-westeurope", priority: 2 }] },
      "backend 'aoai-pool' holds it, and its members or settings would change",
    ],
  ])("%s blocks %o", async (things, tool, input, reason) => {
    const { ask } = await protecting(things);
    const plan = await ask(tool, input);
    expect(plan.status).toBe("blocked");
    expect(plan.guards.find(({ name }) => name === "protected")?.message).toContain(reason);
  });

  it("warns on every plan of what the service does not have", async () => {
    const { ask } = await protecting("api:azure-opnai");
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 150_000 });
    expect(plan).toMatchObject({
      status: "planned",
      warnings: expect.arrayContaining([expect.stringMatching(/AIGW_PROTECT names API 'azure-opnai'/)]),
    });
  });

  it.each([
    ["AIGW_PROTECT", "team:growth", /AIGW_PROTECT must be what is to be protected/],
    ["AIGW_ALLOW_OVERRIDE", "protected", /AIGW_ALLOW_OVERRIDE must be names of guards/],
  ])("%s=%s is refused before anything is read", async (name, value, words) => {
    const { sandbox, refuse } = await openHarness({ env: { [name]: value } });
    expect(await refuse("update_quota", { subscription_id: "growth", tpm: 1000 })).toMatch(words);
    expect(sandbox.world.requests).toEqual([]);
  });
});
