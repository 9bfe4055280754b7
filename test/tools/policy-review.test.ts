import { describe, expect, it } from "vitest";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { openHarness } from "../harness.ts";

const policy = (inbound: string, backend = "<base />") =>
  `<policies>\n  <inbound>\n    <base />\n    ${inbound}\n  </inbound>\n  <backend>${backend}</backend>\n  <outbound><base /></outbound>\n  <on-error><base /></on-error>\n</policies>`;

const target = { api_id: "azure-openai", operation_id: "Embeddings_Create" };

/** What the live service, its tier or its C# would refuse. */
const refused: readonly (readonly [what: string, code: string, xml: string])[] = [
  ["a backend that does not exist", "missing-backend", policy(`<set-backend-service backend-id="aoai-nowhere" />`)],
  ["a fragment that does not exist", "missing-fragment", policy(`<include-fragment fragment-id="aoai-aut" />`)],
  ["a named value that does not exist", "missing-named-value", policy(`<set-variable name="x" value="{{openai-resorce}}" />`)],
  ["a parameter that the operation's URL does not have", "unknown-template-parameter", policy(`<rewrite-uri template="/x/{model}" />`)],
  ["a policy in the wrong section", "wrong-section", policy('<cache-store duration="60" />')],
  ["an attribute that does not exist", "unknown-attribute", policy(`<set-variable name="x" value="y" scope="z" />`)],
  ["an expression that does not compile", "expression-syntax", policy(`<set-variable name="x" value="@(context.Request.Headers.)" />`)],
  ["a member that context does not have", "expression-member", policy(`<set-variable name="x" value="@(context.Subscripton.Id)" />`)],
];

describe("apply_policy against the live service", () => {
  it.each(refused)("blocks %s, on its line, and says what to write", async (_, code, policy_xml) => {
    const { ask, documents } = await openHarness();
    const before = documents();
    const plan = await ask(applyPolicy, { ...target, policy_xml });
    expect(plan.status).toBe("blocked");
    expect(plan.diagnostics.filter(({ severity }) => severity === "error")).toEqual([expect.objectContaining({ code, line: 4 })]);
    expect(documents()).toEqual(before);
  });

  it("lets an operator's override through to the service, which refuses by itself; nothing is written", async () => {
    const { ask, refuse, documents } = await openHarness({ env: { AIGW_ALLOW_OVERRIDE: "policy_invalid, no_backend_left" } });
    const before = documents();
    const policy_xml = policy(`<set-backend-service backend-id="aoai-nowhere" />`);
    const plan = await ask(applyPolicy, { ...target, policy_xml, override: ["policy_invalid", "no_backend_left"] });
    expect(plan).toMatchObject({ status: "planned", confirm: expect.stringContaining("[override: policy_invalid, no_backend_left]") });
    expect(await refuse("apply_change", { plan_id: plan.plan_id, confirm: plan.confirm })).toMatch(
      /policy_invalid[\s\S]*Backend with id 'aoai-nowhere' could not be found/,
    );
    expect(documents()).toEqual(before);
  });

  it("warns of poor practice that the document did not have, once", async () => {
    const { ask, apply } = await openHarness();
    const first = policy("", `<retry condition="@(context.Response.StatusCode == 429)" count="1" interval="0"><forward-request /></retry>`);
    const plan = await ask(applyPolicy, { ...target, policy_xml: first });
    expect(plan.diagnostics.map(({ severity, code }) => `${severity} ${code}`)).toContain("warning retry-without-buffered-body");
    await apply(plan);
    const again = await ask(applyPolicy, { ...target, edits: [{ select: "backend/retry", set: { count: 2 } }] });
    expect(again.diagnostics.map(({ code }) => code)).not.toContain("retry-without-buffered-body");
  });

  it("says whose limits a policy changes, and blocks a cut by more than half", async () => {
    const { ask } = await openHarness();
    const cut = await ask(applyPolicy, {
      product_id: "aoai-trial",
      edits: [{ select: "inbound/llm-token-limit", set: { "tokens-per-minute": 5000 } }],
    });
    expect(cut.affected).toEqual(["product 'aoai-trial'", "labs"]);
    expect(cut.guards).toContainEqual(expect.objectContaining({ name: "limit_cut", verdict: "blocked" }));
    expect(cut.documents[0]?.diff.match(/^[+-]\s/gm)).toHaveLength(2);
  });
});
