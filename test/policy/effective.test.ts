import { describe, expect, it } from "vitest";
import { openGateway } from "../../src/azure/gateway.ts";
import { readInventory, readPolicyTexts } from "../../src/gateway/inventory.ts";
import type { GatewayReader } from "../../src/gateway/ports.ts";
import { callTarget } from "../../src/gateway/targets.ts";
import { type EffectiveElement, effective } from "../../src/policy/effective.ts";
import { type CallPath, policyChain } from "../../src/policy/steps.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { neverAborted } from "../azure/wire.ts";
import { contents } from "./effective-gateways/contents.ts";
import { apiId, entities, globalId, operationId, productId, titles } from "./effective-gateways/names.ts";
import { scopes } from "./effective-gateways/scopes.ts";
import { workspaces } from "./effective-gateways/workspaces.ts";
import { documentsOf, fragment, inbound, type Shorthand, textsOf } from "./gateway-texts.ts";

const placed = ({ document, line }: EffectiveElement["place"]): string => `${titles[document] ?? document}:${line}`;

/** `inbound retry/forward-request global:3, in chat:4, if a and b`. */
function shown({ section, name, place, includedAt, within, conditions }: EffectiveElement): string {
  const included = includedAt === null ? "" : `, in ${placed(includedAt)}`;
  const condition = conditions.length === 0 ? "" : `, if ${conditions.join(" and ")}`;
  return `${section} ${[...within, name].join("/")} ${placed(place)}${included}${condition}`;
}

/** A reader of the sandbox's service with these policies, through the real adapter. */
function readerOf(gateway: Shorthand): GatewayReader {
  const { world, fetch, token } = createSandbox({ seed: "empty" });
  for (const [path, properties] of [...Object.entries(entities), ...documentsOf(gateway)]) world.put(path, properties);
  return openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch }).reader(neverAborted);
}

describe("the policies in effect on a service", () => {
  it.each([...scopes, ...contents, ...workspaces])("%s", async (_, gateway, names, expected) => {
    const reader = readerOf(gateway);
    const call = await callTarget(reader, names);
    const texts = await readPolicyTexts(reader, policyChain(call));
    expect(effective(texts, call).elements.map(shown)).toEqual(expected);
  });
});

const every: CallPath = { apiId: null, operationId: null, productId: null };

describe("effective", () => {
  it("finds documents whatever the case of their names", () => {
    const texts = textsOf({ policies: { "products/Gold/policies/policy": inbound("<p />") } });
    expect(effective(texts, { ...every, productId: "gold" }).elements.map(shown)).toEqual(["inbound p products/Gold/policies/policy:3"]);
  });

  it("puts named values in, partly and inside of content, and tells which it cannot", () => {
    const xml = inbound(
      '<set-header name="x-{{env}}"><value>{{key}}-{{env}}</value></set-header>',
      '<rate-limit calls="{{calls}}" renewal-period="{{none}}" />',
    );
    const { elements, unknownNamedValues } = effective(
      textsOf({ policies: { [globalId]: xml }, namedValues: { env: "prod", key: null, calls: "20" } }),
      every,
    );
    expect(elements).toMatchObject([
      { attributes: { name: "x-prod" }, content: [{ name: "value", text: "{{key}}-prod" }] },
      { attributes: { calls: "20", "renewal-period": "{{none}}" } },
    ]);
    expect(unknownNamedValues).toEqual(["key", "none"]);
  });

  it("takes policies nested as deeply as anyone may write them", () => {
    const deep = `${"<choose><otherwise>".repeat(20_000)}<a />${"</otherwise></choose>".repeat(20_000)}`;
    const content = `<set-body>${"<x>".repeat(20_000)}${"</x>".repeat(20_000)}</set-body>`;
    expect(
      effective(textsOf({ policies: { [globalId]: inbound(deep, content, "<b />") } }), every).elements.map(({ name }) => name),
    ).toEqual(["set-body", "b"]);
  });

  it("refuses what multiplies itself", () => {
    const bases = inbound("<base />".repeat(1_000), `<include-fragment fragment-id="f" />`.repeat(1_000));
    const texts = textsOf({
      policies: { [globalId]: bases, [productId]: bases, [apiId]: bases, [operationId]: bases },
      fragments: { f: fragment("<x />".repeat(1_000)) },
    });
    expect(() => effective(texts, { apiId: "chat", operationId: "ask", productId: "gold" })).toThrow(/more than 100000 elements/);
  });
});

describe("on the sandbox", () => {
  it("merges what the service has, for the calls of a team", async () => {
    const { fetch, token } = createSandbox({ seed: "demo" });
    const gateway = openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch });
    const inventory = await readInventory(gateway.reader(neverAborted));
    const call = { productId: "aoai", apiId: "azure-openai", operationId: "Embeddings_Create" };
    const { elements, unknownNamedValues } = effective(inventory, call);
    const source = ({ document, line }: EffectiveElement["place"]) => `${document}:${line}`;
    expect(
      elements.map(({ section, within, name, place, conditions }) => [section, [...within, name].join("/"), source(place), ...conditions]),
    ).toEqual([
      ["inbound", "rate-limit-by-key", "products/aoai/policies/policy:6", 'context.Subscription.Id == "prod-critical"'],
      ["inbound", "llm-token-limit", "products/aoai/policies/policy:7", 'context.Subscription.Id == "prod-critical"'],
      ["inbound", "llm-token-limit", "products/aoai/policies/policy:10", 'not (context.Subscription.Id == "prod-critical")'],
      ["inbound", "authentication-managed-identity", "policyFragments/aoai-auth:3"],
      ["inbound", "set-header", "policyFragments/aoai-auth:4"],
      ["inbound", "set-backend-service", "apis/azure-openai/policies/policy:5"],
      ["inbound", "llm-emit-token-metric", "apis/azure-openai/policies/policy:6"],
      ["backend", "retry", "apis/azure-openai/policies/policy:13"],
      ["backend", "retry/forward-request", "apis/azure-openai/policies/policy:14"],
    ]);
    expect(elements[3]).toMatchObject({ attributes: { resource: "https://cognitiveservices.azure.com" } });
    expect(unknownNamedValues).toEqual([]);
  });
});
