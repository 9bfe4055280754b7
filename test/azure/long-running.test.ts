import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { describe, expect, it } from "vitest";
import type { ArmResponse } from "../../src/azure/arm-response.ts";
import { untilStored } from "../../src/azure/long-running.ts";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { failureOf } from "./wire.ts";

const resourceUrl = "https://management.azure.com/service/policyFragments/f?api-version=2024-05-01";
const operation = "https://management.azure.com/operationResults/1";
const attempt = { what: "write of fragment 'f'", writes: true, kind: "fragment" } as const;

const answer = (status: number, headers: Record<string, string> = {}, body: JsonObject | null = null): ArmResponse => ({
  status,
  headers: createHttpHeaders(headers),
  body,
});

async function run(started: ArmResponse, polls: readonly (ArmResponse | Error)[]) {
  const asked: string[] = [];
  const waits: number[] = [];
  const poll = async (url: string) => {
    const next = polls[Math.min(asked.length, polls.length - 1)];
    asked.push(url);
    if (next === undefined || next instanceof Error) throw next ?? new Error("not polled");
    return next;
  };
  const wait = async (milliseconds: number) => {
    waits.push(milliseconds);
  };
  const outcome = await untilStored(started, resourceUrl, attempt, { poll, wait }).then(
    ({ unfinished }) => unfinished ?? "stored",
    (error: unknown) => (error instanceof GatewayError ? error : Promise.reject(error)),
  );
  return { outcome, asked, waits };
}

const resource = (provisioningState?: string): JsonObject => ({
  id: "x",
  properties: { value: "v", ...(provisioningState && { provisioningState }) },
});
const details = [{ code: "ValidationError", target: "set-backend-service", message: "Backend with id 'frag' could not be found." }];
const validation = { code: "ValidationError", message: "One or more fields contain incorrect values:", details };

describe("untilStored: success", () => {
  it.each<[string, ArmResponse, ArmResponse[], string[]]>([
    ["an answer at once", answer(200, {}, resource()), [], []],
    ["a delete at once", answer(204), [], []],
    [
      "202 with Location; the poll gives the resource",
      answer(202, { location: operation }),
      [answer(202, { location: operation }), answer(201, {}, resource())],
      [operation, operation],
    ],
    [
      "201 with both links: the operation's is asked",
      answer(201, { location: resourceUrl, "azure-asyncoperation": operation }, resource("InProgress")),
      [answer(200, {}, { status: "InProgress" }), answer(200, {}, { status: "Succeeded" })],
      [operation, operation],
    ],
    ["201 with Location only", answer(201, { location: operation }), [answer(200, {}, resource())], [operation]],
    [
      "an operation in a resource's form",
      answer(201, { "azure-asyncoperation": operation }),
      [answer(200, {}, { properties: { status: "Started" } }), answer(200, {}, { properties: { status: "Succeeded" } })],
      [operation, operation],
    ],
    ["provisioning without a link", answer(201, {}, resource("Creating")), [answer(200, {}, resource("Succeeded"))], [resourceUrl]],
    ["a link that is a path", answer(202, { location: "/operationResults/1" }), [answer(200)], [operation]],
    [
      "a link that moves",
      answer(202, { location: operation }),
      [answer(202, { location: `${operation}2` }), answer(204)],
      [operation, `${operation}2`],
    ],
  ])("%s", async (_, started, polls, expected) => {
    expect(await run(started, polls)).toMatchObject({ outcome: "stored", asked: expected });
  });
});

describe("untilStored: failure", () => {
  it.each<[string, ArmResponse, Partial<GatewayError>]>([
    [
      "200 with status Failed",
      answer(200, {}, { status: "Failed", error: validation }),
      { code: "policy_invalid", details: ["Backend with id 'frag' could not be found."] },
    ],
    [
      "400",
      answer(400, {}, { error: { code: "ValidationError", message: "no XML", details: null } }),
      { code: "policy_invalid", details: ["no XML"] },
    ],
    [
      "a resource whose provisioning failed",
      answer(200, {}, { properties: { provisioningState: "Failed", error: validation } }),
      { code: "policy_invalid" },
    ],
    ["a cancelled operation", answer(200, {}, { status: "Canceled" }), { code: "unavailable" }],
    ["a conflict", answer(200, {}, { status: "Failed", error: { code: "Conflict", message: "busy" } }), { code: "conflict" }],
    ["412", answer(412, {}, { error: { code: "PreconditionFailed", message: "x" } }), { code: "conflict" }],
    [
      "the service's own error",
      answer(200, {}, { status: "Failed", error: { code: "InternalServerError", message: "x" } }),
      { code: "unavailable" },
    ],
  ])("%s", async (_, poll, expected) => {
    const { outcome } = await run(answer(201, { location: operation }), [poll]);
    expect(outcome).toMatchObject(expected);
  });

  it("is thrown for an answer at once that says so", async () => {
    const error = await failureOf(
      untilStored(answer(200, {}, { properties: { provisioningState: "Failed" } }), resourceUrl, attempt, {
        poll: () => Promise.reject(new Error("not polled")),
        wait: async () => {},
      }),
    );
    expect(error).toMatchObject({ code: "unavailable" });
  });
});

describe("untilStored: an end that is not seen", () => {
  it.each<[string, ArmResponse | Error, string]>([
    ["403, which is said of the poll only", answer(403), "asking for it was answered with HTTP 403."],
    ["404", answer(404), "asking for it was answered with HTTP 404."],
    ["500", answer(500), "asking for it was answered with HTTP 500."],
    ["no answer", new GatewayError("unauthenticated", "token expired"), "token expired"],
    ["a service that is still at it", answer(202), "Azure was still at it after two minutes."],
  ])("%s", async (_, poll, reason) => {
    const { outcome } = await run(answer(201, { location: operation }), [poll]);
    expect(outcome).toBe(reason);
  });
});

describe("untilStored: waiting", () => {
  it("gives up after two minutes, asking ever more rarely", async () => {
    const { waits } = await run(answer(202, { location: operation }), [answer(202)]);
    const total = waits.reduce((sum, wait) => sum + wait, 0);
    expect(total).toBeGreaterThanOrEqual(120_000);
    expect(total).toBeLessThan(131_000);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits[0]).toBeLessThanOrEqual(1000);
  });

  it("waits as long as it is asked to, up to 30 s", async () => {
    const started = answer(202, { location: operation, "retry-after": "7" });
    const { waits } = await run(started, [answer(202, { "retry-after": "400" }), answer(200)]);
    expect(waits).toEqual([7000, 30_000]);
  });
});
