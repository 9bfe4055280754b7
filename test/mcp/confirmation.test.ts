import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { serveStdio } from "../../src/mcp/stdio.ts";
import { openSurface } from "../../src/surface.ts";
import type { PlanOutput } from "../../src/tool.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openUser, type User, type UserOptions, yes } from "./user.ts";

const cut = { subscription_id: "growth", tpm: 100_000, dry_run: false };
const confirm = "sandbox: growth tpm 200000 -> 100000";

/** As `openUser`, without a forecast in every question. */
const openUserWithoutLogs = (options: UserOptions = {}): Promise<User> => openUser({ logs: false, ...options });

async function tpmOf({ ask }: User, team = "growth"): Promise<unknown> {
  const { subscriptions } = await ask(listSubscriptions, {});
  return subscriptions.find(({ subscription_id }) => subscription_id === team)?.tpm;
}

function planOf({ structured, text = "" }: { readonly structured: Record<string, unknown>; readonly text?: string }): PlanOutput {
  const { data: plan } = updateQuota.output.safeParse(structured);
  if (plan === undefined) throw new Error(`no plan: ${text}`);
  return plan;
}

describe("a client whose user can be asked", () => {
  test("shows the plan, and on a yes the change is applied", async () => {
    const user = await openUser();
    const answer = await user.call("update_quota", cut);
    const plan = planOf(answer);
    expect(plan).toMatchObject({ status: "applied", confirm, confirmed_by: "elicitation", next: "The plan is applied." });
    expect(plan.applied).toEqual({ change_id: plan.plan_id, status: "applied", next: expect.stringContaining("undo_change") });
    expect(answer.text).toMatch(/^\*\*applied\*\* on sandbox/);
    expect(answer.text).toContain(`confirmed by elicitation: \`${confirm}\``);
    expect(answer.text).not.toContain("apply_change");
    expect([await tpmOf(user), await tpmOf(user, "prod-critical")]).toEqual([100_000, 500_000]);

    expect(user.questions).toHaveLength(1);
    const { message, requestedSchema } = user.questions[0] ?? {};
    expect(message?.split("\n").slice(0, 3)).toEqual(["Apply this change to sandbox?", "", confirm]);
    expect(message).toContain('\n+\t\t\t<when condition="@(context.Subscription?.Id == "growth")">\n');
    expect(message).toContain('tokens-per-minute="100000"');
    expect(requestedSchema).toEqual({
      type: "object",
      properties: { apply: { type: "boolean", title: "Apply this change" } },
      required: ["apply"],
    });
  });

  test("is asked for an undo as for any other change", async () => {
    const user = await openUserWithoutLogs();
    const { applied } = planOf(await user.call("update_quota", cut));
    const undo = planOf(await user.call("undo_change", { change_id: applied?.change_id, dry_run: false }));
    expect(undo).toMatchObject({ confirmed_by: "elicitation", applied: { status: "applied" } });
    expect([user.questions.length, await tpmOf(user)]).toEqual([2, 200_000]);
  });

  test("is one that declares elicitation without a mode, too", async () => {
    const user = await openUserWithoutLogs({ elicitation: {} });
    expect(planOf(await user.call("update_quota", cut)).confirmed_by).toBe("elicitation");
  });

  test.for([
    ["only plans", { ...cut, dry_run: true }],
    ["says nothing of dry_run", { subscription_id: "growth", tpm: 100_000 }],
    ["would change nothing", { ...cut, tpm: 200_000 }],
    ["is blocked by a guard", { ...cut, tpm: 1000 }],
  ] as const)("is not asked where the call %s", async ([, input]) => {
    const user = await openUserWithoutLogs();
    const before = user.documents();
    const { applied, confirmed_by } = planOf(await user.call("update_quota", input));
    expect([user.questions.length, applied, confirmed_by]).toEqual([0, undefined, undefined]);
    expect(user.documents()).toEqual(before);
  });

  test("is not asked where nothing can be said of the call", async () => {
    const user = await openUserWithoutLogs();
    expect((await user.call("update_quota", { ...cut, subscription_id: "groth" })).isError).toBe(true);
    expect(user.questions).toEqual([]);
  });
});

/** Answers as a client of our SDK cannot: with a result that is not what the protocol says. */
function answering(result: object): (client: Client) => ElicitResult {
  return (client) => {
    const { transport } = client;
    if (transport === undefined) throw new Error("not connected");
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send("result" in message ? { ...message, result: { ...result } } : message, options);
    return { action: "cancel" };
  };
}

describe("without a clear yes nothing is written", () => {
  const dismissed = "The user dismissed the question.";
  const unclear = "The user was asked, and no clear answer came.";
  test.for<[string, (client: Client) => ElicitResult, string]>([
    ["decline", () => ({ action: "decline" }), "The user declined."],
    ["cancel", () => ({ action: "cancel" }), dismissed],
    ["decline with a filled form", () => ({ action: "decline", content: { apply: true } }), "The user declined."],
    ["accept with a no", () => ({ action: "accept", content: { apply: false } }), "The user declined."],
    ["accept without a form", () => ({ action: "accept" }), unclear],
    ["accept with an empty form", () => ({ action: "accept", content: {} }), unclear],
    ["accept with a yes in words", () => ({ action: "accept", content: { apply: "true" } }), unclear],
    ["accept with a yes to something else", () => ({ action: "accept", content: { apply: true, all: true } }), unclear],
    ["an unknown action", answering({ action: "sure", content: { apply: true } }), unclear],
    ["no action", answering({ content: { apply: true } }), unclear],
    ["nothing", answering({}), unclear],
    [
      "an error",
      () => {
        throw new Error("cannot show forms now");
      },
      unclear,
    ],
  ])("%s", async ([, answer, words]) => {
    const user = await openUserWithoutLogs({ answer });
    const before = user.documents();
    const { text, structured } = await user.call("update_quota", cut);
    const plan = planOf({ structured });
    expect(user.questions).toHaveLength(1);
    expect(user.documents()).toEqual(before);
    expect(plan).toMatchObject({ status: "planned", confirm });
    expect([plan.applied, plan.confirmed_by]).toEqual([undefined, undefined]);
    const call = `apply_change ${JSON.stringify({ plan_id: plan.plan_id, confirm })}`;
    expect(plan.next).toBe(`${words} Nothing was written; the plan stays open. Once they agree: ${call}`);
    expect(text).toContain(plan.next);
    expect(await user.apply(plan)).toBe(plan.plan_id);
    expect(await tpmOf(user)).toBe(100_000);
  });

  test("no answer within five minutes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const user = await openUserWithoutLogs({
      answer: () => {
        vi.advanceTimersByTime(5 * 60 * 1000);
        return new Promise(() => {});
      },
    });
    // The client gives a call a minute of its own, unless it is told otherwise.
    const { structuredContent } = await user.chat.callTool({ name: "update_quota", arguments: cut }, undefined, { timeout: 3_600_000 });
    expect(updateQuota.output.parse(structuredContent).next).toContain(unclear);
    expect(await tpmOf(user)).toBe(200_000);
  });

  test("somebody else has edited the document while the question stood", async () => {
    const user: User = await openUserWithoutLogs({
      answer: async () => {
        const plan = await user.ask(updateQuota, { subscription_id: "growth", tpm: 150_000 });
        await user.apply(plan);
        return yes;
      },
    });
    const { isError, text } = await user.call("update_quota", cut);
    expect(isError).toBe(true);
    expect(text).toMatch(/^Error conflict: Changed since it was planned: .* Nothing was written\./);
    expect(await tpmOf(user)).toBe(150_000);
  });
});

describe("a client that goes away while the question stands", () => {
  test.for<[string, (client: Client, call: AbortController) => unknown]>([
    ["is gone", (client) => client.close()],
    ["cancels its call", (_, call) => call.abort("enough")],
  ])("%s: nothing is written", async ([, leave]) => {
    const call = new AbortController();
    const user = await openUserWithoutLogs({
      async answer(client) {
        await leave(client, call);
        return yes;
      },
    });
    const before = user.documents();
    await expect(user.call("update_quota", cut, call.signal)).rejects.toThrow();
    await vi.waitFor(() => expect(user.audit).toHaveLength(1));
    expect(user.audit[0]).toMatchObject({ effect: "plan", asked: "unanswered", verdict: "cancelled", writes: [], change_id: null });
    expect(user.documents()).toEqual(before);
  });

  test("over stdio: the server ends, and answers with the plan who may still read", async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough({ encoding: "utf8" })];
    const surface = openSurface(readConfiguration({ sandbox: "true" }, {}), { environment: {}, err: () => {} });
    const served = serveStdio({ ...surface, version: "1" }, { stdin, stdout, stop: new AbortController().signal });
    const send = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    const hello = { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo: { name: "chat", version: "1" } };
    send({ id: 1, method: "initialize", params: hello });
    send({ id: 2, method: "tools/call", params: { name: "update_quota", arguments: cut } });
    let output = "";
    stdout.on("data", (text: string) => {
      output += text;
      if (output.includes("elicitation/create")) stdin.end();
    });
    await served;
    const answer = output.split("\n").find((line) => line.includes('"id":2') && line.includes('"result"'));
    expect(planOf({ structured: JSON.parse(answer ?? "{}").result.structuredContent }).next).toContain("no clear answer");
  });

  test("a change whose write has begun is carried through", async () => {
    const call = new AbortController();
    const user = await openUserWithoutLogs();
    const policy = "products/aoai/policies/policy";
    const outcome = {
      kind: "answer_after_apply" as const,
      /** Read when the service has stored the document and answers: this is when the client goes. */
      get status() {
        call.abort("enough");
        return 500;
      },
    };
    user.sandbox.world.faults.add({ method: "PUT", path: policy, outcome });
    await expect(user.call("update_quota", cut, call.signal)).rejects.toThrow("enough");
    await vi.waitFor(() => expect(user.audit).toHaveLength(1));
    const writes = [{ id: policy, answer: "unavailable", correlation_id: expect.any(String) }];
    expect(user.audit[0]).toMatchObject({ effect: "write", confirmed_by: "elicitation", verdict: "ok", writes });
    expect(await tpmOf(user)).toBe(100_000);
  });
});

describe("a client whose user cannot be asked", () => {
  test.for([
    ["declares nothing", null],
    ["opens URLs only", { url: {} }],
  ] as const)("%s: the plan, and the call that applies it", async ([, elicitation]) => {
    const user = await openUserWithoutLogs({ elicitation });
    const before = user.documents();
    const plan = planOf(await user.call("update_quota", cut));
    const call = `apply_change ${JSON.stringify({ plan_id: plan.plan_id, confirm })}`;
    expect(plan.next).toBe(`Not applied: this client cannot ask the user. Once they agree: ${call}`);
    expect([plan.applied, user.questions]).toEqual([undefined, []]);
    expect(user.documents()).toEqual(before);
  });
});

describe("--direct", () => {
  const direct = { env: { AIGW_DIRECT: "true" } };

  test.for<[string, Record<string, unknown>]>([
    ["update_quota", cut],
    ["update_backend_pool", { api_id: "azure-openai", backends: [{ backend_id: "aoai-westeurope", priority: 2 }], dry_run: false }],
    [
      "apply_policy",
      { api_id: "azure-openai", edits: [{ select: "inbound", append: '<set-variable name="a" value="b" />' }], dry_run: false },
    ],
  ])("%s with dry_run: false applies without a question, and so does its undo", async ([tool, input]) => {
    const user = await openUserWithoutLogs(direct);
    const before = user.documents();
    const answer = planOf(await user.call(tool, input));
    expect(answer).toMatchObject({ status: "applied", confirmed_by: "direct", applied: { status: "applied" } });
    expect(user.documents()).not.toEqual(before);
    const undo = planOf(await user.call("undo_change", { change_id: answer.applied?.change_id, dry_run: false }));
    expect(undo).toMatchObject({ confirmed_by: "direct", applied: { change_id: undo.plan_id } });
    expect(user.documents()).toEqual(before);
    expect(user.questions).toEqual([]);
  });

  test("plans where the call says nothing else", async () => {
    const user = await openUserWithoutLogs(direct);
    const { next, applied } = planOf(await user.call("update_quota", { ...cut, dry_run: true }));
    expect([next.startsWith("apply_change {"), applied, await tpmOf(user)]).toEqual([true, undefined, 200_000]);
  });

  test("guards hold", async () => {
    const user = await openUserWithoutLogs(direct);
    expect(planOf(await user.call("update_quota", { ...cut, tpm: 1000 }))).toMatchObject({ status: "blocked" });
    expect(await tpmOf(user)).toBe(200_000);
  });

  test("tools that plan are shown as tools that write", async () => {
    const { chat } = await openUserWithoutLogs(direct);
    const writing = (await chat.listTools()).tools.filter(({ annotations }) => annotations?.readOnlyHint === false);
    expect(writing.map(({ name }) => name)).toEqual([
      "update_quota",
      "update_backend_pool",
      "run_failover_drill",
      "stop_drill",
      "apply_policy",
      "apply_change",
      "undo_change",
    ]);
  });
});

describe("--read-only", () => {
  test.for([
    ["a client whose user could be asked", {}],
    ["--direct", { AIGW_DIRECT: "true" }],
  ] as const)("outranks %s: the plan says how it can be applied", async ([, env]) => {
    const user = await openUserWithoutLogs({ env: { AIGW_READ_ONLY: "true", ...env } });
    const before = user.documents();
    for (const dry_run of [true, false]) {
      const plan = planOf(await user.call("update_quota", { ...cut, dry_run }));
      expect(plan.status).toBe("planned");
      expect(plan.next).toBe(
        `Nothing was written: this server is read-only. A process on the same state directory without --read-only can apply the plan until ${plan.expires_at}: apply_change ${JSON.stringify({ plan_id: plan.plan_id, confirm })}`,
      );
      expect([plan.applied, user.questions]).toEqual([undefined, []]);
      expect((await user.call("apply_change", { plan_id: plan.plan_id, confirm })).text).toMatch(/^Error read_only/);
    }
    expect(user.documents()).toEqual(before);
    expect((await user.chat.listTools()).tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
  });

  test("a blocked plan says what blocks it", async () => {
    const user = await openUserWithoutLogs({ env: { AIGW_READ_ONLY: "true" } });
    expect(planOf(await user.call("update_quota", { ...cut, tpm: 1000 })).next).toMatch(/^Change the call so that the guards pass/);
  });

  test("plans of a sandbox inside the server end with it, and say so", async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough({ encoding: "utf8" })];
    const surface = openSurface(readConfiguration({ sandbox: "true", "read-only": "true" }, {}), { environment: {}, err: () => {} });
    const served = serveStdio({ ...surface, version: "1" }, { stdin, stdout, stop: new AbortController().signal });
    stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "update_quota", arguments: cut } })}\n`);
    const [text] = await once(stdout, "data");
    expect(planOf({ structured: JSON.parse(text).result.structuredContent }).next).toBe(
      "Nothing was written: this server is read-only. Its plans end with it, so this one cannot be applied: start the sandbox without --read-only and plan again.",
    );
    stdin.end();
    await served;
    await nextTurn();
  });
});

describe("the question", () => {
  test("is bounded, keeps its line whole and hides nothing", async () => {
    const hostile = Array(200).fill(`<!-- \u202e\u200b${"x".repeat(400)}\rApply this change? -->`);
    const user = await openUserWithoutLogs({ answer: () => ({ action: "decline" }) });
    const plan = planOf(
      await user.call("apply_policy", {
        api_id: "azure-openai",
        edits: [{ select: "inbound", append: `${hostile.join("\n")}\n<set-variable name="a" value="b" />` }],
        dry_run: false,
      }),
    );
    const message = user.questions[0]?.message ?? "";
    expect(message.length).toBeLessThan(6500);
    expect(message.split("\n")[2]).toBe(plan.confirm);
    expect(message).toMatch(/\n\d+ more lines are not shown: decline, and the plan has them all\.$/);
    expect(message).not.toMatch(/[\u202e\u200b]/);
    const diff = message.slice(message.indexOf("\n--- ")).trim().split("\n").slice(0, -1);
    expect(diff.filter((line) => !/^(?:[-+ @\\=]|$)/.test(line))).toEqual([]);
  });
});

test("the schema of the answer has what apply_change answers", () => {
  expect(Object.keys(updateQuota.output.shape.applied.unwrap().shape)).toEqual(["change_id", "status", "next"]);
  for (const name of ["change_id", "status", "next"]) expect(Object.keys(applyChange.output.shape)).toContain(name);
  expect(undoChange.output.shape.applied).toBe(updateQuota.output.shape.applied);
});
