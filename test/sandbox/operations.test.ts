import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import type { OperationShape } from "../../src/sandbox/world.ts";
import { type Client, openSandbox, origin } from "./client.ts";

const good = { format: "rawxml", value: '<fragment><set-backend-service backend-id="aoai-pool" /></fragment>' };
const bad = { format: "rawxml", value: '<fragment>\n\t\t<set-backend-service backend-id="frag" /></fragment>' };
const badError = {
  error: {
    code: "ValidationError",
    message: "One or more fields contain incorrect values:",
    details: [
      {
        code: "ValidationError",
        target: "set-backend-service",
        message: "Error in element 'set-backend-service' on line 2, column 4: Backend with id 'frag' could not be found.",
      },
    ],
  },
};

function open(shape: OperationShape, seconds = 0): Client & { pass(seconds: number): Promise<void> } {
  const clock = movableClock(new Date(Date.UTC(2026, 0, 1)));
  const client = openSandbox({ clock, seed: "demo" });
  client.sandbox.world.settings.operationShapes = { policyFragments: shape, namedValues: shape };
  client.sandbox.world.settings.operationSeconds = seconds;
  return {
    ...client,
    pass: (passed) => clock.advance(passed * 1000),
  };
}

const location = ({ headers }: { readonly headers: Headers }): string => headers.get("location") ?? "";
const status = ({ headers }: { readonly headers: Headers }): string => headers.get("azure-asyncoperation") ?? "";

describe("defaults are what was seen on real traffic", () => {
  test("a named value: 202 without a body, then the resource with 201 or 200", async () => {
    const client = openSandbox();
    const started = await client.put("namedValues/nv", { displayName: "nv", value: "v", secret: false });
    expect(started).toMatchObject({ status: 202, text: "" });
    expect(started.headers.get("azure-asyncoperation")).toBeNull();
    expect(started.headers.get("retry-after")).toBeNull();
    expect(location(started)).toMatch(
      new RegExp(`^${origin}${sandboxService.resourceId}/namedValues/nv\\?api-version=2024-05-01&asyncId=[0-9a-f]{24}&asyncCode=201$`),
    );
    const polled = await client.get(location(started));
    expect(polled.status).toBe(201);
    expect(polled.body.properties).toEqual({ displayName: "nv", value: "v", secret: false });
    expect(polled.headers.get("etag")).toBe((await client.get("namedValues/nv")).headers.get("etag"));

    const updated = await client.send("PATCH", "namedValues/nv", { properties: { value: "w" } }, { "if-match": "*" });
    expect(updated.status).toBe(202);
    expect(location(updated)).toContain("asyncCode=200");
    expect((await client.get(location(updated))).status).toBe(200);
    expect((await client.get("namedValues/nv")).body.properties).toEqual({ displayName: "nv", value: "w", secret: false });
  });

  test("a named value with the display name of another fails on the poll, with 400", async () => {
    const client = openSandbox({ seed: "demo" });
    const started = await client.put("namedValues/copy", { displayName: "openai-resource", value: "v" });
    expect(started.status).toBe(202);
    const polled = await client.get(location(started));
    expect(polled.status).toBe(400);
    expect(polled.body.error.details).toEqual([
      { code: "ValidationError", target: "name", message: "Property with the same name already exist." },
    ]);
    expect((await client.get("namedValues/copy")).status).toBe(404);
  });

  test("a fragment: 201 with Location alone; a failure is a poll that answers 200", async () => {
    const client = openSandbox({ seed: "demo" });
    const started = await client.put("policyFragments/frag", bad);
    expect(started.status).toBe(201);
    expect(location(started)).toMatch(/\/policyFragments\/frag\?api-version=2024-05-01&azure-asyncId=[0-9a-f]{24}&format=rawxml$/);
    expect(await client.get(location(started))).toMatchObject({ status: 200, body: { status: "Failed", ...badError } });
  });
});

const shapes: readonly (readonly [shape: OperationShape, start: number, failure: readonly [number, object]])[] = [
  ["accepted", 202, [400, badError]],
  ["async_operation", 201, [200, { status: "Failed", ...badError }]],
  ["created", 201, [200, { status: "Failed", ...badError }]],
  ["created_or_400", 201, [400, badError]],
];

describe.each(shapes)("%s", (shape, start, [failureStatus, failureBody]) => {
  test("success", async () => {
    const client = open(shape);
    const started = await client.put("policyFragments/frag", good);
    expect(started.status).toBe(start);
    if (shape === "async_operation") {
      expect(started.body.properties.provisioningState).toBe("InProgress");
      expect(await client.get(status(started))).toMatchObject({ status: 200, body: { status: "Succeeded" } });
    }
    const polled = await client.get(location(started));
    expect(polled.status).toBe(shape === "accepted" ? 201 : 200);
    expect(polled.body.name).toBe("frag");
    expect((await client.get("policyFragments/frag?format=rawxml")).body.properties.value).toContain("aoai-pool");
    expect((await client.put("policyFragments/frag", good)).status).toBe(shape === "accepted" ? 202 : 200);
  });

  test("a failed update leaves what was there", async () => {
    const client = open(shape);
    const before = await client.get("policyFragments/aoai-auth");
    const started = await client.put("policyFragments/aoai-auth", bad);
    expect(started.status).toBe(shape === "accepted" ? 202 : 200);
    const polled = await client.get(shape === "async_operation" ? status(started) : location(started));
    expect(polled.status).toBe(failureStatus);
    expect(polled.body).toEqual(failureBody);
    const after = await client.get("policyFragments/aoai-auth");
    expect(after.text).toBe(before.text);
    expect(after.headers.get("etag")).toBe(before.headers.get("etag"));
  });

  test("in progress until its time has passed by the world's clock", async () => {
    const client = open(shape, 30);
    const started = await client.put("policyFragments/frag", good);
    const poll = shape === "async_operation" ? status(started) : location(started);
    await client.pass(29);
    const early = await client.get(poll);
    if (shape === "async_operation") expect(early).toMatchObject({ status: 200, body: { status: "InProgress" } });
    else expect(early).toMatchObject({ status: 202, text: "" });
    expect((await client.get("policyFragments/frag")).status).toBe(404);
    const second = await client.put("policyFragments/frag", good);
    expect(second).toMatchObject({ status: 409, body: { error: { code: "PessimisticConcurrencyConflict" } } });
    await client.pass(1);
    expect((await client.get(poll)).status).toBeLessThan(202);
    expect((await client.get("policyFragments/frag")).status).toBe(200);
  });
});

test("what is wrong with the request itself is answered at once", async () => {
  const client = open("accepted");
  expect((await client.send("PUT", "policyFragments/x", "{")).status).toBe(400);
  expect((await client.put("policyFragments/aoai-auth", good, { "if-none-match": "*" })).status).toBe(412);
  expect((await client.put("policyFragments/aoai-auth", good, { "if-match": '"AAAAAAAAAAE="' })).status).toBe(412);
});

test("an operation that nobody started is not found", async () => {
  const client = open("accepted");
  expect((await client.get("namedValues/openai-resource?asyncId=63093a6ba578e918506caa97&asyncCode=201")).status).toBe(404);
  expect((await client.get("tenant/operationResults/63093a6ba578e918506caa97")).status).toBe(404);
});

test("the failure of a fragment that is no XML names the fragment", async () => {
  const client = openSandbox({ seed: "demo" });
  const value = '<fragment>\n<set-header name="a"><value>@(b && c)</value></set-header>\n</fragment>';
  const polled = await client.get(location(await client.put("policyFragments/x", { format: "xml", value })));
  expect(polled.body.error).toEqual({
    code: "ValidationError",
    message: "The policy fragment is not a valid XML: An error occurred while parsing EntityName. Line 2, position 34.",
    details: null,
  });
});
