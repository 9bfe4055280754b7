import { describe, expect, test } from "vitest";
import { descendants, type Element, parse } from "../../src/policy/document.ts";
import { reformat } from "../../src/sandbox/policy-text.ts";
import { holdsPolicy } from "../../src/sandbox/world.ts";
import { openSandbox } from "./client.ts";
import { fixture, fixtureNote, hasFixtures } from "./fixtures.ts";

const policies = () =>
  openSandbox({ seed: "demo" })
    .sandbox.world.all()
    .filter(({ path }) => holdsPolicy(path))
    .map(({ path, properties }) => [path, String(properties.value)] as const);

test("the demo: four teams and the all-access subscription, one region in the pool, one API", async () => {
  const client = openSandbox({ seed: "demo" });
  const scopes = (await client.get("subscriptions")).body.value.map(({ name, properties }) => [
    name,
    String(properties.scope).replace(/^.*\/service\/sandbox/, ""),
  ]);
  expect(scopes).toEqual([
    ["master", "/"],
    ["growth", "/products/aoai"],
    ["prod-critical", "/products/aoai"],
    ["analytics", "/products/aoai"],
    ["labs", "/products/aoai-trial"],
  ]);
  const pool = (await client.get("backends/aoai-pool")).body.properties;
  expect(JSON.stringify(pool)).toContain("/backends/aoai-eastus");
  expect(JSON.stringify(pool)).not.toContain("westeurope");
  expect((await client.get("backends/aoai-westeurope")).body.properties.circuitBreaker).toBeUndefined();
  expect((await client.get("apis/azure-openai")).body.properties).toMatchObject({
    path: "openai",
    subscriptionRequired: true,
    subscriptionKeyParameterNames: { header: "api-key" },
  });
});

test("the limits stand in the policies as literals", () => {
  const numbers = policies().flatMap(([, text]) =>
    [...text.matchAll(/(tokens-per-minute|calls)="(\d+)"/g)].map(([, name, value]) => [name, Number(value)]),
  );
  expect(numbers).toEqual([
    ["calls", 3000],
    ["tokens-per-minute", 500_000],
    ["tokens-per-minute", 200_000],
    ["tokens-per-minute", 20_000],
  ]);
});

test("every resource is stored as the service would store it, and accepted by the service's own checks", async () => {
  const client = openSandbox({ seed: "demo" });
  const { world } = client.sandbox;
  for (const { path, properties, rowVersion } of world.all()) {
    if (holdsPolicy(path)) expect(reformat(String(properties.value)), path).toBe(properties.value);
    const put = await client.send("PUT", path, { properties });
    expect([200, 202], `${path}: ${put.text}`).toContain(put.status);
    expect(world.get(path)?.properties, path).toEqual(properties);
    expect(world.get(path)?.rowVersion, path).toBe(rowVersion);
  }
});

test("an empty sandbox has the service and nothing else", async () => {
  const client = openSandbox({ seed: "empty" });
  expect(client.sandbox.world.all()).toEqual([]);
  expect((await client.get("")).status).toBe(200);
  expect((await client.get("subscriptions")).body).toEqual({ value: [], count: 0, nextLink: "" });
});

interface PolicyFacts {
  readonly sections: readonly string[];
  readonly attributes: Readonly<Record<string, { readonly required: string }>>;
  readonly xsd_only_attributes: Readonly<Record<string, unknown>>;
}

describe.skipIf(!hasFixtures)(`the demo's policies against the reference${fixtureNote}`, () => {
  const facts = hasFixtures ? fixture<{ policies: Record<string, PolicyFacts> }>("policy-facts.json").policies : {};
  const sectionOf = (element: Element): string => {
    for (let at: Element | null = element; at !== null; at = at.parent) if (at.parent?.name === "policies") return at.name;
    return "";
  };

  test.each(policies())("%s", (_, text) => {
    const document = parse(text);
    expect(document.problems).toEqual([]);
    if (document.root === null) throw new Error("no root");
    for (const element of descendants(document.root)) {
      const known = facts[element.name];
      if (known === undefined) {
        expect([
          "policies",
          "fragment",
          "inbound",
          "backend",
          "outbound",
          "on-error",
          "base",
          "when",
          "otherwise",
          "dimension",
          "value",
        ]).toContain(element.name);
        continue;
      }
      const section = sectionOf(element);
      if (section !== "") expect(known.sections, `${element.name} in ${section}`).toContain(section);
      const allowed = [...Object.keys(known.attributes), ...Object.keys(known.xsd_only_attributes)];
      for (const { name } of element.attributes) expect(allowed, `${element.name}/@${name}`).toContain(name);
      const required = Object.entries(known.attributes).filter(([, { required }]) => required === "Yes");
      for (const [name] of required)
        expect(
          element.attributes.map((attribute) => attribute.name),
          element.name,
        ).toContain(name);
    }
  });
});
