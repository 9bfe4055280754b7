import { expect, test } from "vitest";
import { findingsOf } from "../../src/pool/findings.ts";
import { modelFindingsOf } from "../../src/pool/model-findings.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { memberModels, unknownText } from "../../src/pool/served.ts";
import { type Accounts, account, deployment, forbidden, servedBy } from "./accounts.ts";
import { api, csharp, to } from "./planning.ts";
import { inventoryOf, pool, single } from "./service.ts";

/** API `chat` goes to a pool of these backends, in this order of priority. */
function routesTo(urls: Readonly<Record<string, string>>) {
  const backends = Object.fromEntries(Object.entries(urls).map(([id, url]) => [id, single(url)]));
  const members = Object.keys(urls).map((id, index) => ({ id: `/backends/${id}`, priority: index + 1 }));
  const inventory = inventoryOf({ backends: { ...backends, aoai: pool(members) }, policies: { [api]: to("aoai") } });
  return { inventory, routes: resolveRoutes(inventory, csharp, "chat") };
}

const found = (urls: Readonly<Record<string, string>>, accounts: Accounts) => modelFindingsOf(routesTo(urls).routes, servedBy(accounts));

const url = (name: string, path = "") => `https://${name}.openai.azure.com/openai${path}`;
const two = { a: url("east"), b: url("west") };
const pinned = (ofEast: string, ofWest: string) => ({
  a: url("east", `/deployments/${ofEast}`),
  b: url("west", `/deployments/${ofWest}`),
});
const older = { version: "2024-08-06" };
const mini = { model: "gpt-4o-mini", version: "2024-07-18" };

test.each<[string, Readonly<Record<string, string>>, Accounts, [string, string][]]>([
  ["the same models", two, { east: [deployment("gpt-4o")], west: [deployment("gpt-4o", { sku: "Standard", tokensPerMinute: 1 })] }, []],
  ["names and models in another case", two, { east: [deployment("GPT-4o")], west: [deployment("gpt-4o", { model: "GPT-4O" })] }, []],
  [
    "another version",
    two,
    { east: [deployment("gpt-4o")], west: [deployment("gpt-4o", older)] },
    [["problem different_models", "deployment 'gpt-4o' is gpt-4o 2024-11-20 at a, gpt-4o 2024-08-06 at b"]],
  ],
  [
    "another model under the same name",
    two,
    { east: [deployment("chat")], west: [deployment("chat", mini)] },
    [["problem different_models", "deployment 'chat' is gpt-4o 2024-11-20 at a, gpt-4o-mini 2024-07-18 at b"]],
  ],
  ["a version that Azure does not say", two, { east: [deployment("gpt-4o")], west: [deployment("gpt-4o", { version: null })] }, []],
  [
    "another model, of a version that Azure does not say",
    two,
    { east: [deployment("chat")], west: [deployment("chat", { ...mini, version: null })] },
    [["problem different_models", "gpt-4o-mini at b"]],
  ],
  [
    "a deployment that one has",
    two,
    { east: [deployment("gpt-4o"), deployment("o3")], west: [deployment("gpt-4o")] },
    [["advice missing_deployment", "b has no deployment 'o3', which another member has"]],
  ],
  [
    "each its own deployments",
    two,
    { east: [deployment("x")], west: [deployment("y")] },
    [["problem missing_deployment", "a has no deployment 'y'; b has no deployment 'x'"]],
  ],
  [
    "an account without any",
    two,
    { east: Array.from({ length: 7 }, (_, index) => deployment(`d${index}`)), west: [] },
    [["problem missing_deployment", "'d0', 'd1', 'd2', 'd3', 'd4', 2 more"]],
  ],
  ["an account that is not seen", two, { east: [deployment("gpt-4o")], west: "unseen" }, []],
  ["an account that is refused", two, { east: [deployment("gpt-4o")], west: forbidden }, []],
  ["nothing read", two, {}, []],
  ["one account behind both", { a: url("east"), b: url("east") }, { east: [deployment("x"), deployment("y", mini)] }, []],
  [
    "pinned deployments of one model; what else there is does not matter",
    pinned("x", "y"),
    { east: [deployment("x"), deployment("y", older), deployment("z")], west: [deployment("y")] },
    [],
  ],
  [
    "pinned deployments of other models",
    pinned("x", "y"),
    { east: [deployment("x")], west: [deployment("y", mini)] },
    [["problem different_models", "'x' is gpt-4o 2024-11-20 at a, 'y' is gpt-4o-mini 2024-07-18 at b"]],
  ],
  [
    "a pinned deployment that is not there",
    pinned("x", "gone"),
    { east: [deployment("x")], west: [deployment("x")] },
    [["problem missing_deployment", "b goes to deployment 'gone', which account 'west' does not have"]],
  ],
  [
    "one that pins beside one that does not",
    { a: url("east", "/deployments/x"), b: url("west") },
    { east: [deployment("x")], west: [deployment("x", mini), deployment("y")] },
    [],
  ],
  ["a single member", { a: url("east") }, { east: [deployment("x")] }, []],
  [
    "a single member that pins what is not there",
    { a: url("east", "/deployments/gone") },
    { east: [deployment("x")] },
    [["problem missing_deployment", "'gone'"]],
  ],
])("finds %s", (_, urls, accounts, expected) => {
  const findings = found(urls, accounts);
  expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(expected.map(([code]) => code));
  for (const [index, [, text]] of expected.entries()) expect(findings[index]?.text).toContain(text);
});

const id = (name: string) => account(name).resourceId;

test.each<[string, Readonly<Record<string, string>>, Accounts, string]>([
  [
    "of another version gives the standby that of the first, and leaves the deployment's other settings",
    two,
    { east: [deployment("gpt-4o")], west: [deployment("gpt-4o", older)] },
    `az resource update --ids '${id("west")}/deployments/gpt-4o' --api-version 2025-06-01 --set 'properties.model.version=2024-11-20'`,
  ],
  [
    "of another model takes the member out meanwhile",
    two,
    { east: [deployment("chat")], west: [deployment("chat", mini)] },
    `Deploy gpt-4o 2024-11-20 in account 'west' in place of it; until then update_backend_pool {"api_id":"chat","pool_id":"aoai","remove":["b"]}`,
  ],
  [
    "of a missing deployment makes one like the other",
    two,
    { east: [deployment("o'3")], west: [] },
    [
      "az cognitiveservices account deployment create --subscription 's2' --resource-group 'models' --name 'west' --deployment-name 'o'\\''3'",
      `--model-format "$(az resource show --ids '${id("east")}/deployments/o'\\''3' --api-version 2025-06-01 --query properties.model.format -o tsv)"`,
      "--model-name 'gpt-4o' --model-version '2024-11-20' --sku-name 'GlobalStandard'",
      `--sku-capacity "$(az resource show --ids '${id("east")}/deployments/o'\\''3' --api-version 2025-06-01 --query sku.capacity -o tsv)"`,
    ].join(" "),
  ],
])("the fix %s", (_, urls, accounts, fix) => {
  expect(found(urls, accounts).map((finding) => finding.fix)).toEqual([fix]);
});

test("what is not known has its reason and what mends it, those of one reason together", () => {
  const { routes } = routesTo({
    a: url("east"),
    b: url("west"),
    c: url("north"),
    d: "https://far.example/v1",
    e: "https://far.example/v2",
  });
  const [route] = routes.routes;
  const served = servedBy({ east: [deployment("x")], west: "unseen", north: forbidden });
  const members = route?.members ?? [];
  expect(unknownText(members, new Map([...served, ["far.example", { kind: "unseen" as const }]]))).toEqual([
    "of b: no account that this server may read is at west.openai.azure.com. az role assignment create --assignee '<identity of this server>' --role Reader --scope '<resource id of the account behind west.openai.azure.com>'",
    `of c: account 'north' cannot be read (forbidden). az role assignment create --assignee '<identity of this server>' --role Reader --scope '${id("north")}'`,
    "of d, e: far.example is no Azure model host",
  ]);
  expect(members.map((member) => memberModels(member, served).kind)).toEqual(["read", "unknown", "unknown", "unknown", "unknown"]);
});

test("the findings of the documents are not those of the models", () => {
  const { inventory, routes } = routesTo(two);
  const codes = findingsOf(routes, inventory.service.tier).map(({ code }) => code);
  expect(codes).not.toContain("different_models");
  expect(codes).not.toContain("missing_deployment");
});
