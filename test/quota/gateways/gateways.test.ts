import { describe, expect, test } from "vitest";
import { movableClock } from "../../../src/sandbox/clock.ts";
import type { World } from "../../../src/sandbox/world.ts";
import { applyChange } from "../../../tools/apply-change.ts";
import { listSubscriptions } from "../../../tools/list-subscriptions.ts";
import { undoChange } from "../../../tools/undo-change.ts";
import { updateQuota } from "../../../tools/update-quota.ts";
import { type Harness, openHarness } from "../../harness.ts";
import { withoutMark } from "../gateway-under-test.ts";
import type { Caller, Edit, ExpectedLimit, GatewayCase } from "./case.ts";
import { deploy } from "./gateway.ts";
import { gateways } from "./table.ts";

const guards = "limit_cut,limit_raise,shared_document";

/** The gateway of a case on a clock of the test's own, with somebody who calls it. */
async function open({ gateway: written }: GatewayCase) {
  const clock = movableClock(new Date("2026-03-01T12:00:00Z"));
  const harness = await openHarness({ seed: "empty", clock, env: { AIGW_ALLOW_OVERRIDE: guards } });
  const { sandbox } = harness;
  deploy(sandbox.world, written);
  const [gateway, { models }] = await Promise.all([sandbox.gateway(), sandbox.dataPlane()]);
  const model = models.of("model");
  if (model === undefined) throw new Error("no model");

  /** How many calls of so many tokens pass before one is refused; at most `most`. */
  const passing = async (caller: Caller, tokens: number, most: number) => {
    const { team, api = "chat", deployment = "gpt-4o", path = "chat/completions", headers = {}, each = [{}] } = caller;
    model.script.clear();
    model.script.add({ behaviour: { kind: "answer", usage: { prompt: tokens, completion: 0 } } });
    const url = `https://sandbox.azure-api.net/${api}/deployments/${deployment}/${path}?api-version=2024-10-21`;
    const body = JSON.stringify({ messages: [{ role: "user", content: "Hi" }], input: "Hi" });
    for (let passed = 0; passed < most; passed++) {
      const key = sandbox.keys()[team] ?? "";
      const answering = gateway.fetch(
        new Request(url, {
          method: "POST",
          headers: { "api-key": key, "content-type": "application/json", ...headers, ...each[passed % each.length] },
          body,
        }),
      );
      await clock.advance(1);
      const { status, ...answer } = await answering;
      if (status === 429 || status === 403) return passed;
      if (status !== 200) throw new Error(`${team}: ${status} ${JSON.stringify(answer)}`);
    }
    return most;
  };
  /** Empty counters: windows of five minutes are the longest. */
  const rest = () => clock.advance(301_000);
  return { ...harness, passing, rest };
}

/** What one caller has left for another that comes at once behind it. */
async function spends({ passing, rest }: Opened, pairs: NonNullable<GatewayCase["spending"]> = []): Promise<void> {
  for (const [first, second, together] of pairs) {
    await rest();
    await passing(first, 1_000_000, 2);
    const left = await passing(second, 1_000_000, 1);
    expect([first.team, second.team, left === 0]).toEqual([first.team, second.team, together]);
  }
}

type Opened = Awaited<ReturnType<typeof open>>;

/** A fifth of the limit a call: a limit that differs by a fifth lets another number of calls through. */
const parts = 5;

async function meets({ passing, rest }: Opened, callers: readonly Caller[] = []): Promise<void> {
  for (const caller of callers) {
    await rest();
    const { team, tpm, rpm } = caller;
    if (tpm === null) expect([team, await passing(caller, 1_000_000, 10)]).toEqual([team, 10]);
    else if (tpm !== undefined) expect([team, tpm, await passing(caller, tpm / parts, parts * 2)]).toEqual([team, tpm, parts]);
    if (rpm === undefined) continue;
    await rest();
    expect([team, rpm, await passing(caller, 1, rpm * 2)]).toEqual([team, rpm, rpm]);
  }
}

const listed = async ({ ask }: Harness) => {
  const { subscriptions } = await ask(listSubscriptions, { detail: true, limit: 200 });
  return new Map(subscriptions.map((row) => [row.subscription_id, row]));
};

type Row = Awaited<ReturnType<typeof listed>> extends Map<string, infer R> ? R : never;

/** A limit as the answer has it, as far as the table says something of it. */
function seen(expected: ExpectedLimit, found: Readonly<Record<string, unknown>>): unknown {
  const told: Record<string, unknown> = {
    ...found,
    conditional: Array.isArray(found.conditions) && found.conditions.length > 0,
    accounting: found.accounting ?? false,
  };
  return Object.fromEntries(Object.keys(expected).map((name) => [name, told[name]]));
}

function expectLimits(team: string, row: Row | undefined, expected: readonly ExpectedLimit[]): void {
  const found = (row?.limits ?? []) as readonly Readonly<Record<string, unknown>>[];
  const left = [...found];
  const matched = expected.map((one) => {
    const index = left.findIndex((candidate) => JSON.stringify(seen(one, candidate)) === JSON.stringify(one));
    return index < 0 ? { missing: one } : left.splice(index, 1) && "found";
  });
  expect({ team, matched, unexpected: left, all: found.map(({ limit_id }) => limit_id) }).toMatchObject({
    team,
    matched: expected.map(() => "found"),
    unexpected: [],
  });
}

/** What the list says of teams but for the one that is edited: nothing of it may change with an edit. */
const ofOthers = (rows: ReadonlyMap<string, Row>, edited: unknown): unknown =>
  [...rows.values()]
    .filter(({ subscription_id, display_name }) => subscription_id !== edited && display_name !== edited)
    .map(({ subscription_id, tpm, rpm, limits = [] }) => [
      subscription_id,
      tpm,
      rpm,
      limits
        .map(({ limit_id: _, line: __, document: ___, scope: ____, editable: _____, reason: ______, ...limit }: Record<string, unknown>) =>
          JSON.stringify(limit),
        )
        .toSorted(),
    ]);

/** Documents to the byte, but for the order in which the service keeps their members. */
const texts = (world: World) =>
  new Map(world.all().map(({ path, properties }) => [path, JSON.stringify(Object.entries(properties).toSorted(byName))]));
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => a.localeCompare(b);

/** The whole id of the limit that is meant. */
function limitIdIn(rows: ReadonlyMap<string, Row>, { subscription_id, limit_id }: Edit["ask"]): Edit["ask"] {
  if (limit_id === undefined) return {};
  const limits = rows.get(String(subscription_id))?.limits ?? [];
  return { limit_id: limits.find((one) => withoutMark(one.limit_id) === limit_id)?.limit_id ?? String(limit_id) };
}

async function edited(opened: Opened, { ask, documents, binds, texts: hold = [], override = [], refused }: Edit): Promise<string | null> {
  const before = await listed(opened);
  const input: Edit["ask"] = { ...ask, ...limitIdIn(before, ask) };
  if (refused !== undefined) {
    const content = texts(opened.sandbox.world);
    const answer = await opened.client.call("update_quota", { ...input, override });
    expect(answer.isError || answer.structured.status === "blocked").toBe(true);
    expect(answer.text).toMatch(refused);
    expect(texts(opened.sandbox.world)).toEqual(content);
    return null;
  }
  const plan = await opened.ask(updateQuota, { ...input, override });
  expect(plan).toMatchObject({ status: "planned" });
  if (documents !== undefined) expect(plan.documents.map(({ id }) => id).toSorted()).toEqual([...documents].toSorted());
  const { change_id } = await opened.ask(applyChange, { plan_id: plan.plan_id, confirm: plan.confirm });
  const after = await listed(opened);
  expect(ofOthers(after, input.subscription_id)).toEqual(ofOthers(before, input.subscription_id));
  const row = [...after.values()].find((one) => [one.subscription_id, one.display_name].includes(String(input.subscription_id)));
  if (binds !== undefined) expect(row).toMatchObject(binds);
  for (const text of hold) {
    expect(plan.documents.map(({ id }) => JSON.stringify(opened.sandbox.world.get(id)?.properties)).join("\n")).toContain(
      JSON.stringify(text).slice(1, -1),
    );
  }
  return change_id;
}

describe.each(gateways)("$name", (written) => {
  test("its limits are found", async () => {
    const opened = await open(written);
    const rows = await listed(opened);
    for (const [team, limits] of Object.entries(written.limits)) expectLimits(team, rows.get(team), limits);
    for (const [team, binding] of Object.entries(written.binding)) expect({ team, ...rows.get(team) }).toMatchObject({ team, ...binding });
    for (const [team, note] of Object.entries(written.notes ?? {})) expect(`${team}: ${rows.get(team)?.note ?? ""}`).toMatch(note);
  });

  test("traffic meets them", async () => {
    const opened = await open(written);
    await meets(opened, written.calls);
    await spends(opened, written.spending);
    expect(written.calls?.length ?? 0).toBeGreaterThan(written.gateway.resources === undefined ? 0 : -1);
  });

  test("edits change the team's and nobody else's, traffic meets what was asked, and undo gives back the bytes", async () => {
    const opened = await open(written);
    const content = texts(opened.sandbox.world);
    const changes: string[] = [];
    for (const edit of written.edits) {
      const change = await edited(opened, edit);
      if (change !== null) changes.push(change);
    }
    await meets(opened, written.callsAfter);
    for (const change_id of changes.toReversed()) await opened.apply(await opened.ask(undoChange, { change_id }));
    expect(texts(opened.sandbox.world)).toEqual(content);
  });
});
