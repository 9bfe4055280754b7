import * as z from "zod";
import type { Fault, FaultOutcome } from "../faults.ts";
import { durationMs } from "../gateway/backends/breaker-rule.ts";
import { readAll } from "../gateway/messages.ts";
import { PolicyError } from "../gateway/policy.ts";
import type { SafetyFinding } from "../models/content-safety.ts";
import { type Deployment, deploymentOf } from "../models/deployments.ts";
import type { Behaviour, ScriptedBehaviour } from "../models/script.ts";
import { ControlError, resettable } from "./operations.ts";

const count = z.int().min(0);
const times = z.int().min(1).exactOptional();
const milliseconds = z.number().min(0).max(86_400_000);
const status = z.int().min(200).max(599);
const headers = z.record(z.string(), z.string()).exactOptional();
const answer = { status, body: z.json().exactOptional(), headers };
const text = z.string().min(1);

/** How far the clock is to go, in milliseconds. */
export const clockInput = z.strictObject({
  advance: z.string().transform((duration, context) => {
    const given = durationMs(duration);
    if (given !== null) return given;
    context.addIssue({ code: "custom", message: 'must be an ISO 8601 duration such as "PT5M"' });
    return z.NEVER;
  }),
});

const error = z.strictObject({
  code: text,
  message: z.string(),
  details: z
    .array(z.strictObject({ code: z.string(), target: z.string(), message: z.string() }))
    .nullable()
    .default(null),
});

const outcome = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("answer"), ...answer }),
  z.strictObject({ kind: z.literal("answer_after_apply"), ...answer }),
  z.strictObject({ kind: z.enum(["reset_before_apply", "reset_after_apply", "truncated_after_apply", "drip_after_apply"]) }),
  z.strictObject({ kind: z.literal("failed_operation"), error }),
]) satisfies z.ZodType<FaultOutcome>;

/** A fault as JSON: in place of a pattern there is the text of one. */
export const faultInput = z
  .strictObject({ method: text.exactOptional(), path: text.exactOptional(), pattern: text.exactOptional(), times, outcome })
  .transform(({ pattern, ...fault }, context): Fault => {
    if (pattern === undefined) return fault;
    try {
      if (fault.path === undefined) return { ...fault, path: new RegExp(pattern, "i") };
      context.addIssue({ code: "custom", path: ["pattern"], message: "stands in place of path, not beside it" });
    } catch (wrong) {
      context.addIssue({ code: "custom", path: ["pattern"], message: String(wrong) });
    }
    return z.NEVER;
  });

const behaviour = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("answer"),
    text: z.string().exactOptional(),
    usage: z.strictObject({ prompt: count, completion: count }).exactOptional(),
  }),
  z.strictObject({ kind: z.literal("throttle"), retryAfterSeconds: count }),
  z.strictObject({ kind: z.literal("status"), status: status.min(400), retryAfterSeconds: count.exactOptional() }),
  z.strictObject({ kind: z.enum(["hang", "refuse"]) }),
  z.strictObject({ kind: z.literal("slow_stream"), chunkMs: milliseconds }),
  z.strictObject({ kind: z.literal("broken_stream"), chunks: count }),
]) satisfies z.ZodType<Behaviour>;

const scripted = z.strictObject({
  deployment: text.exactOptional(),
  times,
  latencyMs: milliseconds.exactOptional(),
  behaviour,
}) satisfies z.ZodType<ScriptedBehaviour>;

/** What is left out is as a deployment of this name has it by itself. */
const deployment = z
  .strictObject({
    name: text,
    model: text.exactOptional(),
    version: text.exactOptional(),
    kind: z.enum(["chat", "embeddings"]).exactOptional(),
    sku: text.exactOptional(),
    tokensPerMinute: count.exactOptional(),
    requestsPerMinute: count.exactOptional(),
  })
  .transform((given): Deployment => ({ ...deploymentOf(given.name), ...given }));

export const backendInput = z
  .strictObject({
    backend: text,
    script: z.array(scripted).exactOptional(),
    vectors: z.record(z.string(), z.array(z.number())).exactOptional(),
    deployments: z.array(deployment).exactOptional(),
    readable: z.boolean().exactOptional(),
  })
  .refine((given) => Object.keys(given).length > 1, "script, vectors, deployments or readable must be given");

/** Without a backend, all of them. */
export const clearInput = z.strictObject({ backend: text.exactOptional() });

const finding = z.union([
  z.strictObject({ words: text, category: text, severity: count }),
  z.strictObject({ words: text, blocklist: text }),
  z.strictObject({ words: text, attack: z.literal(true) }),
]) satisfies z.ZodType<SafetyFinding>;

export const contentSafetyInput = z.strictObject({ findings: z.array(finding) });

export const resetInput = z.strictObject({ what: z.array(z.enum(resettable)).min(1).exactOptional() });

/** How many of the newest rows are asked for. */
export const logsInput = z.strictObject({ last: z.coerce.number().int().min(0).max(1_000_000).default(1000) });

const largestInput = 16 * 1024 * 1024;

/** A request's JSON, an empty body as `{}`. Throws `ControlError` (400, 413) that says what is wrong with which member. */
export async function readInput<T>({ body }: Request, schema: z.ZodType<T>): Promise<T> {
  return checked(parsed(body === null ? "" : await readText(body)), schema);
}

export function checked<T>(input: unknown, schema: z.ZodType<T>): T {
  const { success, data, error: wrong } = schema.safeParse(input);
  if (success) return data;
  const problems = wrong.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  throw new ControlError(400, "InvalidInput", problems.join("; "));
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  try {
    return new TextDecoder().decode(await readAll(body, largestInput));
  } catch (tooMuch) {
    throw tooMuch instanceof PolicyError ? new ControlError(413, "InputTooLarge", tooMuch.message) : tooMuch;
  }
}

function parsed(text: string): unknown {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch (wrong) {
    throw new ControlError(400, "InvalidInput", `The body is not JSON: ${wrong instanceof Error ? wrong.message : wrong}`);
  }
}
