import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { type ElicitRequestFormParams, ElicitRequestSchema, type ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { type Harness, type HarnessOptions, openHarness } from "../harness.ts";

export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

/** A user behind a client that shows forms, and what they have been asked. */
export interface User extends Harness {
  readonly chat: Client;
  readonly questions: readonly ElicitRequestFormParams[];
  call(tool: string, input: Record<string, unknown>, signal?: AbortSignal): Promise<ToolAnswer>;
}

export interface UserOptions extends HarnessOptions {
  /** What the client says of itself; default: that it shows forms. */
  readonly elicitation?: Record<string, object> | null;
  readonly answer?: (client: Client) => ElicitResult | Promise<ElicitResult>;
}

export const yes: ElicitResult = { action: "accept", content: { apply: true } };

/** A real client whose user answers questions as told, before the real server on a sandbox. */
export async function openUser({ elicitation = { form: {} }, answer = () => yes, ...options }: UserOptions = {}): Promise<User> {
  const harness = await openHarness(options);
  const questions: ElicitRequestFormParams[] = [];
  const client = new Client({ name: "chat", version: "2.0" }, elicitation === null ? {} : { capabilities: { elicitation } });
  if (elicitation !== null) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      if (params.mode === "url") throw new Error("asked for a URL");
      questions.push(params);
      return answer(client);
    });
  }
  await harness.join(client);
  onTestFinished(() => client.close());
  return {
    ...harness,
    chat: client,
    questions,
    async call(tool, input, signal) {
      const result = await client.callTool({ name: tool, arguments: input }, undefined, signal === undefined ? {} : { signal });
      const [block] = Array.isArray(result.content) ? result.content : [];
      return { isError: result.isError === true, text: String(block?.text), structured: { ...(result.structuredContent as object) } };
    },
  };
}
