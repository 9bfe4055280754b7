import fc from "fast-check";
import { expect, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { api } from "./planning.ts";
import { inventoryOf, policy, single } from "./service.ts";

const csharp = await loadGrammar();

/** A policy as this test runs it itself. */
type Node =
  | { readonly set: string }
  | { readonly end: true }
  | { readonly whens: readonly (readonly [string, readonly Node[]])[]; readonly otherwise: readonly Node[] | null }
  | { readonly held: readonly Node[] };

const backends = ["a", "b", "c", "d"];
const flags = ["f0", "f1", "f2", "f3", "f4", "f5"];

const { nodes } = fc.letrec<{ nodes: readonly Node[]; node: Node }>((tie) => ({
  nodes: fc.array(tie("node"), { maxLength: 3, depthIdentifier: "policy" }),
  node: fc.oneof(
    { depthIdentifier: "policy", maxDepth: 3 },
    fc.record({ set: fc.constantFrom(...backends) }),
    fc.constant({ end: true as const }),
    fc.record({
      whens: fc.array(fc.tuple(fc.constantFrom(...flags), tie("nodes")), { minLength: 1, maxLength: 2 }),
      otherwise: fc.option(tie("nodes")),
    }),
    fc.record({ held: tie("nodes") }),
  ),
}));

const xml = (list: readonly Node[]): string =>
  list
    .map((node) => {
      if ("set" in node) return `<set-backend-service backend-id="${node.set}" />`;
      if ("end" in node) return "<return-response />";
      if ("held" in node) return `<limit-concurrency key="k" max-count="3">${xml(node.held)}</limit-concurrency>`;
      const whens = node.whens.map(([flag, inner]) => `<when condition="@(${flag})">${xml(inner)}</when>`);
      return `<choose>${whens.join("")}${node.otherwise === null ? "" : `<otherwise>${xml(node.otherwise)}</otherwise>`}</choose>`;
    })
    .join("");

/** Where one call goes; null where the policy answers it. */
function go(list: readonly Node[], start: string, set: ReadonlySet<string>): string | null {
  let at: string | null = start;
  for (const node of list) {
    if (at === null || "end" in node) return null;
    if ("set" in node) at = node.set;
    else if ("held" in node) at = go(node.held, at, set);
    else at = go(node.whens.find(([flag]) => set.has(flag))?.[1] ?? node.otherwise ?? [], at, set);
  }
  return at;
}

function holds(condition: string, set: ReadonlySet<string>): boolean {
  if (condition.includes("one of several conditions")) return true;
  const text = condition
    .replace(/f\d/g, (flag) => `${set.has(flag)}`)
    .replaceAll(" or ", " || ")
    .replaceAll(" and ", " && ")
    .replaceAll("not ", "!");
  expect(text).toMatch(/^[!()&| trufalse]+$/);
  return new Function(`return ${text}`)() === true;
}

test("every call goes to one of the routes, under its condition; a certain route is the only one", () => {
  fc.assert(
    fc.property(nodes, fc.subarray(flags), (list, on) => {
      const inventory = inventoryOf({
        policies: { [api]: policy(xml(list)) },
        backends: Object.fromEntries(backends.map((id) => [id, single(`https://${id}.example/`)])),
      });
      const { routes } = resolveRoutes(inventory, csharp, "chat");
      if (routes.some(({ certainty }) => certainty === "certain")) expect(routes).toHaveLength(1);
      const set = new Set(on);
      const target = go(list, "origin", set);
      if (target === null) return;
      const taken = routes.find(({ backendId }) => (backendId ?? "origin") === target);
      expect(taken).toBeDefined();
      if (taken?.condition != null) expect(holds(taken.condition, set)).toBe(true);
    }),
    {
      numRuns: 500,
      examples: [[[{ whens: [["f0", [{ whens: [["f0", []]], otherwise: [{ set: "a" }] }]]], otherwise: [{ end: true }] }], []]],
    },
  );
});

test("policies that nest and repeat are resolved at once", () => {
  const choice = (inner: string) => `<choose><when condition="@(f0)">${inner}</when><when condition="@(f1)">${inner}</when></choose>`;
  const nested = (depth: number): string => (depth === 0 ? '<set-backend-service backend-id="a" />' : choice(nested(depth - 1)));
  const guarded = (depth: number): string =>
    depth === 0
      ? '<set-backend-service backend-id="b" />'
      : `<choose><when condition="@(f2)"><return-response /></when><otherwise>${guarded(depth - 1)}</otherwise></choose>`;
  const inventory = inventoryOf({ policies: { [api]: policy(`${nested(8)}${nested(2).repeat(40)}${guarded(60)}`) }, backends: {} });
  expect(resolveRoutes(inventory, csharp, "chat").routes.map(({ backendId, certainty }) => [backendId, certainty])).toEqual([
    ["b", "certain"],
  ]);
});
