import { describe, expect, test } from "vitest";
import { policyText } from "../../../src/gateway/documents.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { childElements, descendants, parse } from "../../../src/policy/document.ts";
import { testPath, testPathText } from "../../../src/pool/test-path/path.ts";
import { inventoryOf, policy, pool, single } from "../service.ts";

const csharp = await loadGrammar();
const operation = "apis/chat/operations/Ask/policies/policy";
const means = { revision: 3, operationId: "Ask", request: { method: "POST", path: "/chat;rev=3/ask", body: "{}" } };
const north = "https://north.example";

const inventory = (own: string | null) =>
  inventoryOf({
    apis: { chat: null },
    policies: {
      "apis/chat/policies/policy": policy('<set-backend-service backend-id="p" />'),
      ...(own === null ? {} : { [operation]: own }),
    },
    backends: { east: single("https://east.example"), p: pool([{ id: "/backends/east" }]) },
  });

const created = (backendId: string, more = {}) => ({ id: `backends/${backendId}`, before: null, after: { ...single(north), ...more } });

const request = (...ids: readonly string[]) => ({ api_id: "chat", backends: ids.map((backend_id) => ({ backend_id })) });

describe("the operation's policy on the path", () => {
  test.each<[string, string | null]>([
    ["none of its own", null],
    ["nothing in it", "<policies />"],
    ["one section", '<policies><inbound><base /><rewrite-uri template="/x" /></inbound></policies>'],
    [
      "without what it inherits",
      '<policies><inbound><rewrite-uri template="/x" /></inbound><outbound><set-header name="a" exists-action="delete" /></outbound></policies>',
    ],
    [
      "in Azure's layout",
      '<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t\t<rewrite-uri template="/x" />\r\n\t</inbound>\r\n\t<on-error />\r\n</policies>',
    ],
  ])("%s: all that was in it stays; keys go first, the member is selected last", (_, own) => {
    const { documents } = testPath(inventory(own), csharp, request("north"), [created("north")], means);
    const last = documents.at(-1);
    expect(last?.id).toBe("apis/chat;rev=3/operations/Ask/policies/policy");
    const text = policyText({ id: "", properties: last?.after ?? {} });
    const document = parse(text);
    expect(document.problems).toEqual([]);
    if (document.root === null) throw new Error("no root");
    const sections = new Map(childElements(document.root).map((section) => [section.name, childElements(section).map(({ name }) => name)]));
    const inbound = sections.get("inbound") ?? [];
    expect([inbound.slice(0, 2), inbound.at(-1)]).toEqual([["set-header", "set-header"], "choose"]);
    expect([sections.get("outbound")?.[0], sections.get("on-error")?.[0]]).toEqual(["set-header", "set-header"]);
    const before = parse(
      own ?? "<policies><inbound><base /></inbound><outbound><base /></outbound><on-error><base /></on-error></policies>",
    );
    for (const section of before.root === null ? [] : childElements(before.root)) {
      const kept = childElements(section).map(({ name }) => name);
      expect(sections.get(section.name)?.filter((name) => kept.includes(name)).length).toBeGreaterThanOrEqual(kept.length);
    }
    // A section that was not there inherits as before.
    for (const name of ["inbound", "outbound", "on-error"]) {
      if (!(own ?? "<inbound><outbound><on-error>").includes(`<${name}`)) expect(sections.get(name)).toContain("base");
    }
    expect([...descendants(document.root)].filter(({ name }) => name === "set-backend-service")).toHaveLength(1);
  });
});

describe("what stands for a new member", () => {
  test("is a copy without its breaker, or its own backend; each is asked for by name", () => {
    const known = inventory(null);
    const withSouth = { ...known, backends: [...known.backends, { id: "backends/South", properties: single("https://south.example") }] };
    const made = created("north", { circuitBreaker: { rules: [] }, credentials: { managedIdentity: { resource: "r" } }, azureRegion: "n" });
    const path = testPath(withSouth, csharp, request("north", "south", "east", "north"), [made], means);
    expect(path.members).toEqual([
      { backendId: "north", url: north },
      { backendId: "South", url: "https://south.example" },
    ]);
    expect(path.documents.map(({ id }) => id)).toEqual([
      "backends/test-north",
      "apis/chat;rev=3",
      "apis/chat;rev=3/operations/Ask/policies/policy",
    ]);
    expect(path.documents[0]?.after).toEqual({
      ...single(north),
      credentials: { managedIdentity: { resource: "r" } },
      azureRegion: "n",
      description: "A copy to be asked before the backend joins a pool ([id of the test]).",
    });
    const text = policyText({ id: "", properties: path.documents.at(-1)?.after ?? {} });
    expect(text).toMatch(/== "north"\)">\s*<set-backend-service backend-id="test-north" \/>/);
    expect(text).toMatch(/== "South"\)">\s*<set-backend-service backend-id="South" \/>/);
    expect(path.documents.every(({ before }) => before === null)).toBe(true);
    expect(testPathText(path)).toContain("unless all of them answer with 2xx");
  });

  test("one that moves without keys is asked where it is to be", () => {
    const known = inventory(null);
    const old = { id: "backends/north", properties: single("https://old.example") };
    const path = testPath(
      { ...known, backends: [...known.backends, old] },
      csharp,
      request("north"),
      [{ id: old.id, before: { ...old, etag: "e" }, after: single(north) }],
      means,
    );
    expect(path.members).toEqual([{ backendId: "north", url: north }]);
    expect(path.documents[0]).toMatchObject({ id: "backends/test-north", after: { url: north } });
  });

  test("has an id that fits", () => {
    const long = `n${"-x".repeat(39)}y`;
    const [copy] = testPath(inventory(null), csharp, request(long), [created(long)], means).documents;
    const id = copy?.id.replace("backends/", "") ?? "";
    expect(id.length).toBeLessThanOrEqual(80);
    expect(id).toMatch(/^[a-z\d][\w.-]*[a-z\d]$/i);
  });
});
