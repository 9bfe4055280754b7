import { describe, expect, it } from "vitest";
import { withPolicyText } from "../../src/gateway/documents.ts";
import { armId } from "../../src/sandbox/world.ts";
import { getPolicy } from "../../tools/get-policy.ts";
import { type Harness, openHarness } from "../harness.ts";

const team = "workspaces/team-a";

const policy = (...elements: readonly string[]) =>
  withPolicyText(null, `<policies>\n<inbound>\n${elements.join("\n")}\n</inbound>\n</policies>`);

/** The demo's gateway with two workspaces; one has an API with a product, and fragments and named values of the service's names. */
async function openWorkspaces(): Promise<Harness> {
  const harness = await openHarness();
  const { world } = harness.sandbox;
  world.put("policyFragments/limits", withPolicyText(null, "<fragment><service-limit /></fragment>"));
  world.put("namedValues/tpm", { displayName: "tpm", value: "1" });
  world.put("workspaces/team-b", { displayName: "Team B" });
  world.put(team, { displayName: "Team A" });
  world.put(`${team}/apis/chat`, { displayName: "Chat", path: "chat" });
  world.put(`${team}/apis/chat/operations/ask`, { displayName: "Ask", method: "POST", urlTemplate: "/ask" });
  world.put(`${team}/products/silver`, { displayName: "Silver" });
  world.put(`${team}/products/silver/apiLinks/one`, { apiId: armId(`${team}/apis/chat`) });
  world.put(`${team}/products/empty`, { displayName: "Empty" });
  world.put(`${team}/policyFragments/limits`, withPolicyText(null, '<fragment><team-limit tokens="{{tpm}}" /></fragment>'));
  world.put(`${team}/namedValues/tpm`, { displayName: "tpm", value: "2000" });
  world.put("policies/policy", policy('<include-fragment fragment-id="limits" />'));
  world.put(`${team}/policies/policy`, policy("<base />", "<team-wide />"));
  world.put(`${team}/products/silver/policies/policy`, policy("<base />", "<silver-only />"));
  world.put(`${team}/apis/chat/policies/policy`, policy("<base />", '<include-fragment fragment-id="limits" />'));
  world.put(`${team}/apis/chat/operations/ask/policies/policy`, policy("<base />", "<ask-only />"));
  return harness;
}

const chat = { api_id: `${team}/apis/chat` };

describe("get_policy for an API of a workspace", () => {
  it("merges global, workspace, product, API and operation", async () => {
    const { ask } = await openWorkspaces();
    expect(await ask(getPolicy, { ...chat, operation_id: "ask", product_id: "silver", view: "effective" })).toEqual({
      service: "sandbox",
      target: "workspace 'team-a' operation 'chat/ask' with product 'silver'",
      documents: [
        `${team}/apis/chat/operations/ask/policies/policy`,
        `${team}/apis/chat/policies/policy`,
        `${team}/products/silver/policies/policy`,
        `${team}/policies/policy`,
        "policies/policy",
      ],
      view: "effective",
      left_out: 0,
      notes: [],
      text: [
        "inbound",
        "  policyFragments/limits (included at policies/policy:3)",
        "    2 service-limit",
        `  ${team}/policies/policy`,
        "    4 team-wide",
        `  ${team}/products/silver/policies/policy`,
        "    4 silver-only",
        `  ${team}/policyFragments/limits (included at ${team}/apis/chat/policies/policy:4)`,
        '    2 team-limit tokens="2000"',
        `  ${team}/apis/chat/operations/ask/policies/policy`,
        "    4 ask-only",
      ].join("\n"),
    });
  });

  it("says which products of the workspace bring more", async () => {
    const { ask } = await openWorkspaces();
    const { notes, text } = await ask(getPolicy, { ...chat, view: "effective" });
    expect(notes).toEqual([expect.stringContaining("product_id silver.")]);
    expect(text).not.toContain("silver-only");
  });

  it.each([
    [chat, "workspace 'team-a' API 'chat'", `${team}/apis/chat/policies/policy`],
    [{ api_id: "Workspaces/TEAM-A/APIs/Chat" }, "workspace 'team-a' API 'chat'", `${team}/apis/chat/policies/policy`],
    [{ ...chat, operation_id: "ASK" }, "workspace 'team-a' operation 'chat/ask'", `${team}/apis/chat/operations/ask/policies/policy`],
    [{ product_id: `${team}/products/silver` }, "workspace 'team-a' product 'silver'", `${team}/products/silver/policies/policy`],
    [{ api_id: team }, "workspace 'team-a'", `${team}/policies/policy`],
  ])("shows one document of it: %j", async (names, target, id) => {
    const { ask } = await openWorkspaces();
    expect(await ask(getPolicy, names)).toMatchObject({ target, documents: [id], text: expect.stringContaining("  3 base") });
    expect(await ask(getPolicy, { ...names, view: "document" })).toMatchObject({ documents: [id] });
  });

  it("shows what all calls to a workspace meet", async () => {
    const { ask } = await openWorkspaces();
    expect(await ask(getPolicy, { api_id: team, view: "effective" })).toMatchObject({
      target: "every call to workspace 'team-a'",
      documents: [`${team}/policies/policy`, "policies/policy"],
      notes: [],
    });
  });

  it("names the workspace of an API that the service itself does not have", async () => {
    const { refuse } = await openWorkspaces();
    expect(await refuse("get_policy", { api_id: "chat" })).toMatch(/not_found[\s\S]*no API 'chat'[\s\S]*workspaces\/team-a\/apis\/chat/);
  });

  it.each([
    [{ api_id: "workspaces/team-c/apis/chat" }, /Unknown workspace 'team-c'[\s\S]*'team-[ab]'/],
    [{ api_id: `${team}/apis/chta` }, /Unknown API 'chta'[\s\S]*'chat'/],
    [{ api_id: `${team}/chat` }, /'workspaces\/team-a\/chat' is no name of an API[\s\S]*workspaces\/<workspace>\/apis\/<name>/],
    [{ api_id: team, operation_id: "ask" }, /is no name of an API/],
    [{ product_id: `${team}/apis/chat` }, /is no name of a product/],
    [{ ...chat, operation_id: "tell" }, /Unknown operation of API 'chat' 'tell'/],
    [{ ...chat, product_id: "aoai", view: "effective" }, /Unknown product 'aoai'/],
    [{ ...chat, product_id: "empty", view: "effective" }, /'empty' does not have the API 'chat'[\s\S]*It is in silver/],
    [{ ...chat, product_id: "workspaces/team-b/products/x", view: "effective" }, /The API is not in workspace 'team-b'/],
    [{ api_id: "azure-openai", product_id: `${team}/products/silver`, view: "effective" }, /The API is not in workspace 'team-a'/],
  ])("refuses %j", async (input, words) => {
    const { refuse } = await openWorkspaces();
    expect(await refuse("get_policy", input)).toMatch(words);
  });
});

describe("a service without workspaces", () => {
  const workspaceReads = ({ sandbox }: Harness) => sandbox.world.requests.filter(({ path }) => path.includes("/workspaces"));

  it("is not asked for any", async () => {
    const harness = await openHarness();
    await harness.ask(getPolicy, { api_id: "azure-openai", product_id: "aoai", view: "effective" });
    await harness.ask(getPolicy, { api_id: "azure-openai" });
    expect(workspaceReads(harness)).toEqual([]);
  });

  it.each([400, 403, 404, 405])("says that an API is unknown, whatever its tier answers about workspaces: %i", async (status) => {
    const harness = await openHarness();
    const body = { error: { code: "MethodNotAllowed", message: "no workspaces" } };
    harness.sandbox.world.faults.add({ method: "GET", path: "workspaces", outcome: { kind: "answer", status, body } });
    expect(await harness.refuse("get_policy", { api_id: "azure-opnai" })).toMatch(/Unknown API[\s\S]*Did you mean 'azure-openai'/);
    expect(workspaceReads(harness)).toHaveLength(1);
  });
});

describe("apply_policy", () => {
  it.each([chat, { api_id: team }, { product_id: `${team}/products/silver` }])("plans no change in a workspace: %j", async (names) => {
    const harness = await openWorkspaces();
    const before = harness.documents();
    const refusal = await harness.refuse("apply_policy", { ...names, edits: [{ select: "inbound/base", remove: true }] });
    expect(refusal).toMatch(/unsupported[\s\S]*workspace 'team-a'/);
    expect(harness.documents()).toEqual(before);
  });
});
