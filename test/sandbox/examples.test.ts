import { describe, expect, test } from "vitest";
import { resourceTypes } from "../../src/sandbox/arm/resource-types.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { armId, nameOf, type World } from "../../src/sandbox/world.ts";
import { type Body, openSandbox } from "./client.ts";
import { fixture, fixtureNote, hasFixtures } from "./fixtures.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly statusCodes: readonly string[];
  readonly lro: boolean;
  readonly ifMatch: "none" | "optional" | "required";
  readonly examples: readonly string[];
}

interface Example {
  readonly parameters: Readonly<Record<string, string>> & {
    readonly parameters: { readonly properties: Readonly<Record<string, unknown>> };
  };
  readonly responses: Readonly<Record<string, { readonly body: Body }>>;
}

const serviceTemplate = /^.*\/service\/\{serviceName\}/;
const operations = hasFixtures ? fixture<Operation[]>("arm-examples/operations-2024-05-01.json") : [];
const belowService = operations
  .filter(({ path }) => serviceTemplate.test(path))
  .map((operation) => ({ ...operation, segments: operation.path.replace(serviceTemplate, "").split("/").slice(1) }));

const creates = [
  "2024-05-01/ApiManagementCreateApiDiagnostic",
  "2024-05-01/ApiManagementCreateApiOperationPolicy",
  "2024-05-01/ApiManagementCreateApiPolicy",
  "2024-05-01/ApiManagementCreateApiPolicyNonXmlEncoded",
  "2024-05-01/ApiManagementCreateBackendProxyBackend",
  "2024-05-01/ApiManagementCreateDiagnostic",
  "2024-05-01/ApiManagementCreateNamedValue",
  "2024-05-01/ApiManagementCreateNamedValueWithKeyVault",
  "2024-05-01/ApiManagementCreatePolicy",
  "2024-05-01/ApiManagementCreatePolicyFragment",
  "2024-05-01/ApiManagementCreateProductPolicy",
  "2024-05-01/ApiManagementCreateSubscription",
  "2024-05-01/ApiManagementCreateWorkspaceApiPolicy",
  "2026-09-01-preview/ApiManagementCreateBackendWithSimpleLoadBalancer",
  "2026-09-01-preview/ApiManagementCreateBackendWithCarbonAwareLoadBalancer",
];

/** What the examples take for granted. */
function prepare(world: World): void {
  for (const id of ["5600b57e7e8880006a040001", "57d1f7558aa04f15146d9d8a"]) world.put(`apis/${id}`, { path: id });
  world.put("workspaces/wks1", { displayName: "wks1" });
  world.put("workspaces/wks1/apis/5600b57e7e8880006a040001", { path: "w" });
  world.put("apis/5600b57e7e8880006a040001/operations/5600b57e7e8880006a080001", { displayName: "o" });
  for (const id of ["5702e97e5157a50f48dce801", "5600b59475ff190048060002"]) world.put(`products/${id}`, { displayName: id });
  world.put("namedValues/call-count", { displayName: "call-count", value: "20" });
  world.put("loggers/16", { loggerType: "azureEventHub" });
  for (const id of ["backend-1", "backend-2", "proxybackend", "sustainable-backend-europe-north"])
    world.put(`backends/${id}`, { url: "https://x.example", protocol: "http" });
}

/** The examples' own service, replaced by the sandbox's. */
const addressed = <T>(value: T): T =>
  JSON.parse(
    JSON.stringify(value).replace(
      /\/subscriptions\/[^/"]+\/resourceGroups\/rg1\/providers\/Microsoft.ApiManagement\/service\/apimService1/g,
      sandboxService.resourceId,
    ),
  );

function pathOf(name: string, { parameters }: Example, verb = "PUT"): string {
  const file = nameOf(name);
  const template = belowService.find(({ method, examples }) => method === verb && examples.includes(`${file}.json`))?.segments ?? [
    "backends",
    "{backendId}",
  ];
  return template.map((segment) => (segment.startsWith("{") ? parameters[segment.slice(1, -1)] : segment)).join("/");
}

const withoutSpace = (text: unknown): string => String(text).replace(/\s+/g, "");

describe.skipIf(!hasFixtures)(`Microsoft's examples${fixtureNote}`, () => {
  test.each(creates)("%s", async (name) => {
    const example = addressed(fixture<Example>(`arm-examples/${name}.json`));
    const version = String(example.parameters["api-version"]);
    const sent = example.parameters.parameters.properties;
    const expected = example.responses["201"]?.body;
    const client = openSandbox();
    prepare(client.sandbox.world);
    const path = `${pathOf(name, example)}?api-version=${version}`;
    const ifMatch = example.parameters["If-Match"];
    const put = await client.put(path, sent, ifMatch === undefined ? {} : { "if-match": ifMatch });
    const location = put.headers.get("location");
    const created = location === null ? put : await client.get(location);
    expect(created.text).not.toContain("error");
    expect([200, 201]).toContain(created.status);

    const { status, body } = await client.get(path);
    expect(status).toBe(200);
    // Where an example's answer is another resource than its request, only the members of its properties are compared.
    if (!name.includes("NonXmlEncoded")) expect(body).toMatchObject({ id: expected?.id, type: expected?.type, name: expected?.name });
    const transient = ["provisioningState", "createdDate"];
    expect(Object.keys(body.properties)).toEqual(
      expect.arrayContaining(Object.keys(expected?.properties ?? {}).filter((key) => !transient.includes(key))),
    );
    const { value, format: _, ...rest } = sent;
    expect(body.properties).toMatchObject(rest);
    if (value !== undefined) expect(withoutSpace(body.properties.value)).toBe(withoutSpace(value));

    const again = await client.put(path, sent);
    expect([200, 202]).toContain(again.status);
  });

  test.each([
    ["ApiManagementCreatePolicyRestriction", "is none of the sandbox's, and it says so", "SandboxRouteNotFound"],
    ["ApiManagementCreateApiRevisionFromExistingApi", "needs the API that it is made from", "ResourceNotFound"],
  ])("%s %s", async (name, _, code) => {
    const example = fixture<Example>(`arm-examples/2024-05-01/${name}.json`);
    const { status, body } = await openSandbox().put(pathOf(name, example), example.parameters.parameters.properties);
    expect(status).toBe(404);
    expect(body.error.code).toBe(code);
  });

  test("the methods of each resource are those of the management API", () => {
    for (const { collection, methods } of resourceTypes) {
      const names = collection.split("/");
      const published = belowService.filter(
        ({ segments }) => segments.length === names.length * 2 && names.every((name, index) => segments[index * 2] === name),
      );
      // Reading a fragment's references and the like are actions below a resource, not methods of it.
      expect([...methods].sort(), collection).toEqual(published.map(({ method }) => method).sort());
    }
  });

  test.each([
    "ApiManagementUpdateBackend",
    "ApiManagementUpdateNamedValue",
    "ApiManagementUpdateSubscription",
    "ApiManagementUpdateApiDiagnostic",
  ])("%s keeps what it does not mention", async (name) => {
    const example = addressed(fixture<Example>(`arm-examples/2024-05-01/${name}.json`));
    const client = openSandbox();
    const path = pathOf(name, example, "PATCH");
    const before = { displayName: "before", kept: { unknown: true }, url: "https://x.example", protocol: "http", scope: "/apis" };
    client.sandbox.world.put("apis/echo-api", { path: "echo" });
    client.sandbox.world.put(path, before);
    const sent = example.parameters.parameters.properties;
    const patched = await client.send("PATCH", path, { properties: sent }, { "if-match": "*" });
    expect([200, 202]).toContain(patched.status);
    expect((await client.get(path)).body.properties).toMatchObject({ kept: before.kept, ...sent });
  });

  test("an ETag is required exactly where the management API requires one", async () => {
    const client = openSandbox({ seed: "demo" });
    const collectionOf = (segments: readonly string[]): string => segments.filter((_, index) => index % 2 === 0).join("/");
    const conditional = belowService
      .filter(({ method, ifMatch }) => method === "DELETE" && ifMatch === "required")
      .map(({ segments }) => collectionOf(segments));
    for (const { path } of client.sandbox.world.all()) {
      const { status } = await client.send("DELETE", path);
      expect(status, path).toBe(conditional.includes(collectionOf(path.split("/"))) ? 400 : 200);
    }
  });
});

test("ids of resources are whole ARM ids", () => {
  expect(armId("backends/x")).toBe(`${sandboxService.resourceId}/backends/x`);
});
