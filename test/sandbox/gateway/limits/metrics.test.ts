import { describe, expect, test } from "vitest";
import { type Kit, openKit } from "../kit.ts";
import { as, chat, costing, teams } from "./service.ts";

const recordOf = ({ finished }: Kit, index = 0) => {
  const record = finished[index]?.call.record;
  if (record === undefined) throw new Error("no call has finished");
  return record;
};

describe("llm-emit-token-metric", () => {
  const emit = (dimensions: string, name = "llm-emit-token-metric", attributes = ""): string =>
    `<${name} ${attributes}>${dimensions}</${name}>`;

  test.each(["llm-emit-token-metric", "azure-openai-emit-token-metric"])(
    "%s: one record with the usage that the model states (documented)",
    async (name) => {
      const kit = openKit({ inbound: emit('<dimension name="API ID" />', name) });
      kit.backend.answers = [costing(42)];
      await kit.send(chat());
      expect(recordOf(kit).tokenMetrics).toEqual([
        {
          namespace: "API Management",
          usage: { prompt: 4, completion: 38, total: 42, exact: true },
          dimensions: new Map([["API ID", "echo"]]),
        },
      ]);
    },
  );

  test("the dimensions that need no value (documented), and those that have one", async () => {
    const kit = openKit({
      inbound: emit(
        ["API ID", "Operation ID", "Product ID", "User ID", "Subscription ID", "Location", "Gateway ID", "Backend ID"]
          .map((name) => `<dimension name="${name}" />`)
          .join("") +
          '<dimension name="Client" value="@(context.Request.Headers.GetValueOrDefault("client", "none"))" /><dimension name="@("Ten" + "ant")" value="t" />',
        "llm-emit-token-metric",
        'namespace="mine"',
      ),
      resources: teams,
    });
    kit.backend.answers = [costing(42)];
    await kit.send({ ...chat(), headers: { ...as(kit, "red").headers, client: "cli" } });
    const [metric] = recordOf(kit).tokenMetrics;
    expect(metric?.namespace).toBe("mine");
    expect(Object.fromEntries(metric?.dimensions ?? [])).toMatchObject({
      "API ID": "echo",
      "Operation ID": "POST",
      "Product ID": "",
      "Subscription ID": "red",
      Location: "East US",
      "Backend ID": "",
      Client: "cli",
      Tenant: "t",
    });
  });

  test("a stream without usage is estimated (documented), and says so", async () => {
    const kit = openKit({ inbound: emit('<dimension name="API ID" />') });
    const stream = 'data: {"choices":[{"delta":{"content":"twelve chars"}}]}\n\ndata: [DONE]\n\n';
    kit.backend.answers = [() => new Response(stream, { headers: { "content-type": "text/event-stream" } })];
    await kit.send(chat("12345678", { stream: true }));
    expect(recordOf(kit).tokenMetrics[0]?.usage).toMatchObject({ completion: 3, exact: false });
  });

  test("nothing for a call that no model has answered", async () => {
    const kit = openKit({ inbound: emit('<dimension name="API ID" />') });
    kit.backend.answers = [() => new Response("busy", { status: 503 })];
    await kit.send(chat());
    expect(recordOf(kit).tokenMetrics).toEqual([]);
  });

  test("a retry is charged for its last answer alone (assumed)", async () => {
    const kit = openKit({
      inbound: emit('<dimension name="API ID" />'),
      backend:
        '<retry condition="@(context.Response.StatusCode >= 500)" count="2" interval="0" first-fast-retry="true"><forward-request buffer-request-body="true" /></retry>',
    });
    kit.backend.answers = [() => new Response(null, { status: 500 }), costing(42)];
    await kit.send(chat());
    expect(recordOf(kit).tokenMetrics.map(({ usage }) => usage.total)).toEqual([42]);
  });
});

describe("emit-metric", () => {
  test.each<[what: string, policy: string, expected: object]>([
    [
      "a value of 1 unless one is given (documented)",
      '<emit-metric name="calls"><dimension name="API ID" /></emit-metric>',
      { name: "calls", value: 1, namespace: "API Management" },
    ],
    [
      "name, namespace, value and dimensions",
      '<emit-metric name="bytes" value="@(2.5)" namespace="mine"><dimension name="who" value="@("me")" /></emit-metric>',
      { name: "bytes", value: 2.5, namespace: "mine", dimensions: new Map([["who", "me"]]) },
    ],
  ])("%s", async (_, policy, expected) => {
    const kit = openKit({ inbound: policy });
    await kit.send();
    expect(recordOf(kit).metrics).toMatchObject([expected]);
  });
});
