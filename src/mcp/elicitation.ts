import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { ElicitRequestFormParams, RequestId } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { Reply } from "./audit.ts";

/** Puts a question to the user; rejects where there is no answer: the client refuses, is gone, takes too long. */
export type Ask = (question: string) => Promise<Reply>;

/** The one field of the form. It has no default: some clients send defaults for a user who has pressed nothing but "accept". */
const form: ElicitRequestFormParams["requestedSchema"] = {
  type: "object",
  properties: { apply: { type: "boolean", title: "Apply this change" } },
  required: ["apply"],
};

/** What comes with an "accept"; anything else is no answer. The SDK does not check it against the form here. */
const filled = z.strictObject({ apply: z.boolean() });

/** People read a diff in the time; a plan lives longer. */
const longestWaitMs = 5 * 60 * 1000;

/**
 * How the user behind a client can be asked within a call of it; null where the client does not show forms. Once
 * `over` is aborted, a question has no answer.
 * https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export function askThrough(server: Server, relatedRequestId: RequestId, over: readonly AbortSignal[]): Ask | null {
  if (server.getClientCapabilities()?.elicitation?.form === undefined) return null;
  return async (message) => {
    const options = { relatedRequestId, signal: AbortSignal.any([...over]), timeout: longestWaitMs };
    const { action, content } = await server.elicitInput({ mode: "form", message, requestedSchema: form }, options);
    if (action !== "accept") return action === "decline" ? "declined" : "cancelled";
    return filled.parse(content).apply ? "accepted" : "declined";
  };
}
