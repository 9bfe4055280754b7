import { describe, expect, it, test } from "vitest";
import { descendants, parse } from "../../src/policy/document.ts";
import { applyEdits } from "../../src/policy/edit.ts";
import { type ShadowNumbers, shadowEdits } from "../../src/quota/shadow-text.ts";
import { rowsOf } from "../../src/sandbox/gateway/logs/rows.ts";
import { type Kit, policyDocument } from "../sandbox/gateway/kit.ts";
import { as, chat, costing, openTier, teams } from "../sandbox/gateway/limits/service.ts";

const limit = (tpm: number, more = 'estimate-prompt-tokens="false"'): string =>
  `<llm-token-limit counter-key="@(context.Subscription?.Id ?? "none")" tokens-per-minute="${tpm}" ${more} />`;

const red = (proposed: number, enforced = 300): ShadowNumbers => ({ subscription: { id: "red" }, enforced: String(enforced), proposed });

/** A gateway under a limit that carries shadows. */
function openShadowed(sku: "Standard" | "StandardV2", inbound: string, ...shadows: readonly ShadowNumbers[]): Kit {
  const kit = openTier(sku, { resources: teams });
  const texts = shadows.reduce(
    (text, numbers) => {
      const parsed = parse(text);
      const [element] = [...(parsed.root === null ? [] : descendants(parsed.root))].filter(({ name }) => name === "llm-token-limit");
      if (element === undefined) throw new Error("no limit");
      return applyEdits(text, shadowEdits(parsed, element, numbers));
    },
    String(policyDocument({ inbound }).value),
  );
  kit.world.put("apis/echo/policies/policy", { format: "rawxml", value: texts });
  return kit;
}

/** Sends calls of a team, each with what it costs and how long it comes after the last: the status, and what shadows have recorded. */
async function sent(kit: Kit, calls: readonly (readonly [tokens: number, wait?: number])[], team: "red" | "blue" = "red", prompt?: string) {
  const found: string[] = [];
  for (const [tokens, wait = 0] of calls) {
    await kit.clock.advance(wait);
    kit.backend.answers = [costing(tokens)];
    const { status } = await kit.send({ ...chat(prompt), headers: as(kit, team).headers });
    const { traces } = kit.finished.at(-1)?.call.record ?? { traces: [] };
    found.push([status, ...traces.map(({ metadata }) => `${metadata.get("subscription")} ${metadata.get("proposed-tpm")}`)].join(" "));
  }
  return found;
}

describe("a shadow limit of 100 under an enforced one of 300", () => {
  it("records calls that come once more than that were used within the minute, and not those before or later", async () => {
    const kit = openShadowed("Standard", limit(300), red(100));
    const calls = [[60], [40, 10_000], [10, 10_000], [10, 10_000], [10, 29_000], [5, 10_000], [5, 60_000]] as const;
    // Used within the minute when they come: 0, 60, 100, 110, 120, 70 (as the first is over a minute ago), 5.
    expect(await sent(kit, calls)).toEqual(["200", "200", "200", "200 red 100", "200 red 100", "200", "200"]);
  });

  it("leaves the enforced limit as it is: what that refuses comes to no shadow", async () => {
    const kit = openShadowed("Standard", limit(300), red(100));
    expect(await sent(kit, [[299], [1], [1], [1, 60_000]])).toEqual(["200", "200 red 100", "429", "200"]);
    expect(kit.backend.received).toHaveLength(3);
  });

  it("counts an estimated prompt with what was used", async () => {
    const kit = openShadowed("Standard", limit(300, 'estimate-prompt-tokens="true"'), red(100));
    const long = "x".repeat(600);
    expect(await sent(kit, [[10], [10]])).toEqual(["200", "200"]);
    expect(await sent(kit, [[10]], "red", long)).toEqual(["200 red 100"]);
  });

  it("is of one team; another's calls and those without a subscription are not looked at", async () => {
    const kit = openShadowed("Standard", limit(300), red(100));
    expect(await sent(kit, [[200], [10]], "blue")).toEqual(["200", "200"]);
    kit.backend.answers = [costing(200), costing(1)];
    expect([(await kit.send(chat())).status, (await kit.send(chat())).status]).toEqual([200, 200]);
    expect(kit.finished.flatMap(({ call }) => call.record.traces)).toEqual([]);
  });

  it("stands beside another team's", async () => {
    const kit = openShadowed("Standard", limit(300), red(100), { subscription: { id: "blue" }, enforced: "300", proposed: 20 });
    expect(await sent(kit, [[50], [50], [1], [1]])).toEqual(["200", "200", "200", "200 red 100"]);
    expect(await sent(kit, [[21], [1]], "blue")).toEqual(["200", "200 blue 20"]);
  });

  it("records bursts alone where the limit is a bucket", async () => {
    const burst = openShadowed("StandardV2", limit(300), red(100));
    expect(await sent(burst, [[150], [1], [1, 30_000]])).toEqual(["200", "200 red 100", "200"]);
    const steady = openShadowed("StandardV2", limit(300), red(100));
    // 200 a minute: twice the proposed limit.
    expect(await sent(steady, [[50], ...Array.from({ length: 8 }, () => [50, 15_000] as const)])).toEqual(Array(9).fill("200"));
  });

  it("writes a trace that its verbosity lets through, and a metric", async () => {
    const kit = openShadowed("Standard", limit(300), red(100));
    await sent(kit, [[101], [1]]);
    const rows = kit.finished.flatMap(rowsOf);
    const of = (table: string) => rows.filter((row) => row.table === table).map(({ row }) => row);
    expect(of("ApiManagementGatewayLogs").map(({ TraceRecords }) => TraceRecords)).toEqual([
      [],
      [
        {
          source: "shadow:token-rate-limit",
          severity: "information",
          message: "A limit of 100 tokens per minute would have refused this call. It was let through.",
          metadata: { subscription: "red", "proposed-tpm": "100" },
        },
      ],
    ]);
    expect(of("AppMetrics")).toMatchObject([
      { Name: "shadow-token-rate-limit", Sum: 1, Properties: { "Subscription ID": "red", "Proposed TPM": "100" } },
    ]);
  });
});

test.each([
  ["is not set", ""],
  ["is no number", '<set-variable name="shadow-remaining-tokens" value="@("many")" />'],
  ["is null", '<set-variable name="shadow-remaining-tokens" value="@((string)null)" />'],
  ["is a text of a number", '<set-variable name="shadow-remaining-tokens" value="@("10")" />'],
  ["is a fraction", '<set-variable name="shadow-remaining-tokens" value="@(10.5)" />'],
])("a call goes through where the variable %s", async (_, setVariable) => {
  const kit = openShadowed("Standard", limit(300), red(100));
  const text = String(kit.world.get("apis/echo/policies/policy")?.properties.value);
  kit.world.put("apis/echo/policies/policy", { format: "rawxml", value: text.replace(/<llm-token-limit[^>]*\/>/, setVariable) });
  const [answer] = await sent(kit, [[10]]);
  expect(answer).toBe(setVariable.includes('"10"') ? "200 red 100" : "200");
});
