import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { type Client, messagesOf, openSandbox, origin } from "./client.ts";

const single = { url: "https://one.example/openai", protocol: "http" };
const stale = '"AAAAAAAAAAE="';

const etagOf = async (client: Client, path: string): Promise<string> => (await client.get(path)).headers.get("etag") ?? "";

describe("one resource", () => {
  test("201 for a create, 200 for an update, the resource in ARM's form", async () => {
    const client = openSandbox();
    const created = await client.put("backends/one", single);
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: `${sandboxService.resourceId}/backends/one`,
      type: "Microsoft.ApiManagement/service/backends",
      name: "one",
      properties: single,
    });
    expect((await client.put("backends/one", { ...single, title: "One" })).status).toBe(200);
    const read = await client.get("backends/one");
    expect(read.body.properties).toEqual({ ...single, title: "One" });
  });

  test("the ETag is quoted base64, stays on an identical PUT and changes with the content", async () => {
    const client = openSandbox();
    const first = (await client.put("backends/one", single)).headers.get("etag");
    expect(first).toMatch(/^"[A-Za-z0-9+/]{11}="$/);
    expect((await client.put("backends/one", { protocol: single.protocol, url: single.url })).headers.get("etag")).toBe(first);
    expect(await etagOf(client, "backends/one")).toBe(first);
    expect((await client.put("backends/one", { ...single, title: "x" })).headers.get("etag")).not.toBe(first);
    expect((await client.put("backends/one", single)).headers.get("etag")).not.toBe(first);
  });

  test("HEAD answers the ETag and nothing else", async () => {
    const client = openSandbox({ seed: "demo" });
    const head = await client.send("HEAD", "products/aoai/policies/policy");
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(head.headers.get("etag")).toBe(await etagOf(client, "products/aoai/policies/policy"));
    expect(await client.send("HEAD", "backends/none")).toMatchObject({ status: 404, text: "" });
    expect((await client.send("HEAD", "products/aoai/apis/azure-openai")).status).toBe(204);
    expect((await client.send("HEAD", "products/aoai/apis/none")).status).toBe(404);
  });

  test("PUT replaces, PATCH merges the top level", async () => {
    const client = openSandbox();
    await client.put("backends/one", { ...single, title: "One", tls: { validateCertificateChain: true, validateCertificateName: true } });
    const patched = await client.send(
      "PATCH",
      "backends/one",
      { properties: { title: null, tls: { validateCertificateChain: false } } },
      { "if-match": "*" },
    );
    expect(patched.status).toBe(200);
    expect(patched.body.properties).toEqual({ ...single, tls: { validateCertificateChain: false } });
    expect((await client.put("backends/one", single)).body.properties).toEqual(single);
  });

  test("unknown properties come back as they were sent, at any depth", async () => {
    const anyJson = fc.jsonValue({ maxDepth: 3 });
    const properties = fc.dictionary(
      fc.stringMatching(/^x[a-zA-Z]{1,8}$/),
      anyJson.filter((value) => value !== null),
    );
    await fc.assert(
      fc.asyncProperty(properties, async (extra) => {
        const client = openSandbox();
        // What JSON cannot carry (-0) is not ours to keep.
        const sent = JSON.parse(JSON.stringify({ ...extra, ...single, credentials: { managedIdentity: { resource: "r" }, deep: extra } }));
        const { headers } = await client.put("backends/one", sent);
        const read = await client.get("backends/one");
        expect(read.body.properties).toEqual(sent);
        const again = await client.put("backends/one", read.body.properties);
        expect(again.headers.get("etag")).toBe(headers.get("etag"));
      }),
    );
  });

  test("a pool is read with the members that it cannot have as null, and may be written back so", async () => {
    const client = openSandbox({ seed: "demo" });
    const { body, headers } = await client.get("backends/aoai-pool");
    expect(body.properties).toMatchObject({ type: "Pool", title: null, url: null, protocol: null });
    const again = await client.put("backends/aoai-pool", body.properties);
    expect(again.status).toBe(200);
    expect(again.headers.get("etag")).toBe(headers.get("etag"));
  });

  test("secrets go in and never come out", async () => {
    const client = openSandbox({ seed: "demo" });
    const keys = { primaryKey: "canary-1", secondaryKey: "canary-2" };
    await client.put("subscriptions/new", { displayName: "New", scope: "/products/aoai", ...keys });
    for (const path of [
      "subscriptions/new",
      "subscriptions",
      "products/aoai/subscriptions",
      "namedValues",
      "namedValues/partner-api-key",
    ]) {
      const { status, text } = await client.get(path);
      expect(status).toBe(200);
      expect(text).not.toMatch(/canary|not-a-real-key|Key"/);
    }
    expect((await client.get("namedValues/partner-api-key")).body.properties).toEqual({ displayName: "partner-api-key", secret: true });
    expect((await client.get("namedValues/openai-resource")).body.properties.value).toBe("cognitiveservices.azure.com");
  });

  test("a subscription's scope is read as a whole ARM id; state and date are the service's", async () => {
    const clock = movableClock(new Date("2026-03-04T05:06:07Z"));
    const client = openSandbox({ seed: "demo", clock });
    const { body } = await client.put("subscriptions/new", { displayName: "New", scope: "/products/aoai" });
    expect(body.properties).toEqual({
      displayName: "New",
      scope: `${sandboxService.resourceId}/products/aoai`,
      state: "submitted",
      createdDate: "2026-03-04T05:06:07.000Z",
    });
    const active = await client.send("PATCH", "subscriptions/new", { properties: { state: "active" } }, { "if-match": "*" });
    expect(active.body.properties).toEqual({ ...body.properties, state: "active" });
  });

  test("a missing resource is 404 ResourceNotFound, also below a missing parent", async () => {
    const client = openSandbox();
    const nouns = {
      "backends/x": "Backend",
      "policies/policy": "Policy",
      "policyFragments/x": "PolicyFragment",
      "apis/x/policies/policy": "Api",
    };
    for (const [path, noun] of Object.entries(nouns)) {
      const { status, body } = await client.get(path);
      expect(status).toBe(404);
      expect(body).toEqual({ error: { code: "ResourceNotFound", message: `${noun} not found.`, details: null } });
    }
    expect((await client.get("products/x/apis")).body.error.message).toBe("Product not found.");
    expect((await client.put("products/x/policies/policy", { value: "<policies />" })).status).toBe(404);
  });
});

describe("preconditions", () => {
  type Row = readonly [name: string, method: string, path: string, headers: (etag: string) => Record<string, string>, status: number];
  const rows: readonly Row[] = [
    ["PUT without any", "PUT", "one", () => ({}), 200],
    ["PUT with the ETag", "PUT", "one", (etag) => ({ "if-match": etag }), 200],
    ["PUT with *", "PUT", "one", () => ({ "if-match": "*" }), 200],
    ["PUT with an old ETag", "PUT", "one", () => ({ "if-match": stale }), 412],
    ["PUT with the ETag unquoted", "PUT", "one", (etag) => ({ "if-match": etag.replaceAll('"', "") }), 412],
    ["PUT that must create", "PUT", "one", () => ({ "if-none-match": "*" }), 412],
    ["PUT that creates", "PUT", "two", () => ({ "if-none-match": "*" }), 201],
    ["PUT with an ETag where nothing is", "PUT", "two", () => ({ "if-match": stale }), 412],
    ["PUT with * where nothing is, as in ARM's examples", "PUT", "two", () => ({ "if-match": "*" }), 201],
    ["PUT with If-None-Match of an ETag", "PUT", "one", (etag) => ({ "if-none-match": etag }), 400],
    ["PATCH without any", "PATCH", "one", () => ({}), 400],
    ["PATCH with the ETag", "PATCH", "one", (etag) => ({ "if-match": etag }), 200],
    ["PATCH with an old ETag", "PATCH", "one", () => ({ "if-match": stale }), 412],
    ["PATCH of nothing", "PATCH", "two", () => ({ "if-match": "*" }), 404],
    ["DELETE without any", "DELETE", "one", () => ({}), 400],
    ["DELETE with the ETag", "DELETE", "one", (etag) => ({ "if-match": etag }), 200],
    ["DELETE with *", "DELETE", "one", () => ({ "if-match": "*" }), 200],
    ["DELETE with an old ETag", "DELETE", "one", () => ({ "if-match": stale }), 412],
    ["DELETE of nothing", "DELETE", "two", () => ({ "if-match": "*" }), 204],
  ];
  test.each(rows)("%s", async (_, method, name, headers, status) => {
    const client = openSandbox();
    await client.put("backends/one", single);
    const etag = await etagOf(client, "backends/one");
    const body = method === "DELETE" ? undefined : { properties: { ...single, title: "changed" } };
    const answer = await client.send(method, `backends/${name}`, body, headers(etag));
    expect(answer.status).toBe(status);
    const after = await client.get("backends/one");
    if (status >= 400) expect(after.headers.get("etag")).toBe(etag);
    if (status === 412) {
      expect(answer.body).toEqual({
        error: { code: "ValidationError", message: "Resource was modified since last retrieval.", details: null },
      });
    }
    if (method === "DELETE" && status === 200) expect(after.status).toBe(404);
  });
});

test("of many writes with one ETag exactly one is done", async () => {
  const client = openSandbox();
  await client.put("backends/one", single);
  const etag = await etagOf(client, "backends/one");
  const writes = Array.from({ length: 8 }, (_, index) =>
    client.put("backends/one", { ...single, title: String(index) }, { "if-match": etag }),
  );
  const statuses = (await Promise.all(writes)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
});

describe("lists", () => {
  test("items without ETags, count and an empty nextLink", async () => {
    const client = openSandbox({ seed: "demo" });
    const { body, headers } = await client.get("products");
    expect(body.value.map(({ name }) => name)).toEqual(["aoai", "aoai-trial"]);
    expect(body).toMatchObject({ count: 2, nextLink: "" });
    expect(JSON.stringify(body)).not.toContain("etag");
    expect(headers.get("etag")).toBeNull();
  });

  test.each([1, 2, 3, 100])("pages of %i show each item once, in order", async (pageSize) => {
    const client = openSandbox({ seed: "demo" });
    client.sandbox.world.settings.pageSize = pageSize;
    const names: string[] = [];
    for (let next = "subscriptions"; next !== ""; ) {
      const { status, body } = await client.get(next);
      expect(status).toBe(200);
      expect(body.value.length).toBeLessThanOrEqual(pageSize);
      expect(body.count).toBe(5);
      names.push(...body.value.map(({ name }) => name));
      next = body.nextLink;
      expect(next === "" || next.startsWith(origin)).toBe(true);
    }
    expect(names).toEqual(["master", "growth", "prod-critical", "analytics", "labs"]);
  });

  test("$top and $skip", async () => {
    const client = openSandbox({ seed: "demo" });
    const { body } = await client.get("subscriptions?$top=2&$skip=1");
    expect(body.value.map(({ name }) => name)).toEqual(["growth", "prod-critical"]);
    const next = await client.get(body.nextLink);
    expect(next.body.value.map(({ name }) => name)).toEqual(["analytics", "labs"]);
    expect(next.body.nextLink).toBe("");
  });

  const filters: readonly (readonly [path: string, names: readonly string[]])[] = [
    ["apis?$filter=isCurrent eq true", ["azure-openai"]],
    ["apis?$filter=isCurrent eq false", []],
    ["subscriptions?$filter=name eq 'growth'", ["growth"]],
    ["subscriptions?$filter=name ne 'growth' and state eq 'active' and startswith(displayName, 'L')", ["labs"]],
    ["subscriptions?$filter=displayName eq 'Growth and more'", []],
    ["subscriptions?$filter=contains(scope,'/products/aoai-')", ["labs"]],
    ["subscriptions?$filter=substringof('rod-crit', name)", ["prod-critical"]],
    ["subscriptions?$filter=endswith(name,'s')", ["analytics", "labs"]],
    ["backends?$filter=startswith(url,'https://aoai-west')", ["aoai-westeurope"]],
  ];
  test.each(filters)("%s", async (path, names) => {
    const { status, body } = await openSandbox({ seed: "demo" }).get(path);
    expect(status).toBe(200);
    expect(body.value.map(({ name }) => name)).toEqual(names);
  });

  test.each([
    "subscriptions?$filter=name eq growth",
    "subscriptions?$filter=name eq 'a' or name eq 'b'",
    "subscriptions?$filter=primaryKey eq 'x'",
    "subscriptions?$filter=",
    "caches?$filter=name eq 'x'",
    "subscriptions?$orderby=name",
    "subscriptions?$expand=user",
    "subscriptions?$top=0",
    "subscriptions?$top=many",
    "subscriptions?$skip=-1",
  ])("%s is refused, never ignored", async (path) => {
    expect((await openSandbox({ seed: "demo" }).get(path)).status).toBe(400);
  });

  test("links and subscriptions of a product, products of an API, all policies", async () => {
    const client = openSandbox({ seed: "demo" });
    const idsOf = async (path: string) => (await client.get(path)).body.value.map(({ id }) => id.slice(sandboxService.resourceId.length));
    expect(await idsOf("products/aoai/apis")).toEqual(["/products/aoai/apis/azure-openai"]);
    expect(await idsOf("apis/azure-openai/products")).toEqual([
      "/apis/azure-openai/products/aoai",
      "/apis/azure-openai/products/aoai-trial",
    ]);
    expect(await idsOf("products/aoai-trial/subscriptions")).toEqual(["/products/aoai-trial/subscriptions/labs"]);
    const { body } = await client.get("allPolicies");
    const referenced = body.value.map(({ properties }) => String(properties.referencePolicyId).slice(sandboxService.resourceId.length + 1));
    expect(referenced).toEqual([
      "policies/policy",
      "apis/azure-openai/policies/policy",
      "products/aoai/policies/policy",
      "products/aoai-trial/policies/policy",
    ]);
  });

  test("an API that was loaded without more is listed as a current one", async () => {
    const client = openSandbox();
    client.sandbox.world.put("apis/two", { path: "two" });
    client.sandbox.world.put("apis/two;rev=2", { path: "two", apiRevision: "2", isCurrent: false });
    expect((await client.get("apis?$filter=isCurrent eq true")).body.value.map(({ name }) => name)).toEqual(["two"]);
    expect((await client.get("apis/two%3Brev=2")).body.properties).toMatchObject({ apiRevision: "2", isCurrent: false });
  });

  test("linking an API to a product and back", async () => {
    const client = openSandbox({ seed: "demo" });
    await client.put("apis/two", { displayName: "Two", path: "two" });
    expect((await client.send("PUT", "products/aoai/apis/two")).status).toBe(201);
    expect((await client.send("PUT", "products/aoai/apis/two")).status).toBe(200);
    expect((await client.send("PUT", "products/aoai/apis/none")).status).toBe(404);
    expect((await client.get("apis/two/products")).body.count).toBe(1);
    expect((await client.send("DELETE", "products/aoai/apis/two")).status).toBe(200);
    expect((await client.send("DELETE", "products/aoai/apis/two")).status).toBe(204);
    expect((await client.get("apis/two/products")).body.count).toBe(0);
  });
});

describe("deletes", () => {
  test("what is below a resource goes with it", async () => {
    const client = openSandbox({ seed: "demo" });
    await client.send("DELETE", "apis/azure-openai", undefined, { "if-match": "*" });
    expect(client.sandbox.world.all().filter(({ path }) => path.startsWith("apis/"))).toEqual([]);
  });

  const used = [
    ["backends/aoai-pool", "The Backend 'aoai-pool' is used by the following entities:\r\n/apis/azure-openai/policies/policy\r\n"],
    ["backends/aoai-eastus", "The Backend 'aoai-eastus' is used by the following entities:\r\n/backends/aoai-pool\r\n"],
    [
      "policyFragments/aoai-auth",
      "The Policy Fragment 'aoai-auth' is used by the following entities:\r\n/apis/azure-openai/policies/policy\r\n",
    ],
    [
      "namedValues/openai-resource",
      "The NamedValue 'openai-resource' is used by the following entities:\r\n/policyFragments/aoai-auth\r\n",
    ],
    ["products/aoai", "Product 'aoai' cannot be deleted while it has subscriptions."],
  ] as const;
  test.each(used)("%s is in use and stays", async (path, message) => {
    const client = openSandbox({ seed: "demo" });
    const answer = await client.send("DELETE", path, undefined, { "if-match": "*" });
    expect(answer.status).toBe(400);
    expect(messagesOf(answer)).toEqual([message]);
    expect((await client.get(path)).status).toBe(200);
  });

  test("a product goes with its subscriptions where that is asked for", async () => {
    const client = openSandbox({ seed: "demo" });
    const answer = await client.send("DELETE", "products/aoai?deleteSubscriptions=true", undefined, { "if-match": "*" });
    expect(answer.status).toBe(200);
    expect((await client.get("subscriptions")).body.value.map(({ name }) => name)).toEqual(["master", "labs"]);
  });
});
