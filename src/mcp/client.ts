import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { uncheckedJsonSchemas } from "./validator.ts";

/** A tool call's answer as a client sees it: both forms, and whether it is an error. */
export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

/** A client that has shaken hands with a server. */
export interface Connection {
  /** Rejects on a protocol error; a tool's own error is an answer. */
  call(tool: string, input: Record<string, unknown>): Promise<ToolAnswer>;
  toolNames(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A client before a server in this process. */
export async function connectServer(server: Server): Promise<Connection> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  return await connect(near);
}

/** Speaks MCP over any transport. */
export async function connect(transport: Transport): Promise<Connection> {
  const client = new Client({ name: "azure-ai-gateway-demo", version: "1.0.0" }, { jsonSchemaValidator: uncheckedJsonSchemas });
  await client.connect(transport);
  return {
    async call(tool, input) {
      const result = await client.callTool({ name: tool, arguments: input });
      const blocks = Array.isArray(result.content) ? result.content : [];
      return {
        isError: result.isError === true,
        text: blocks.map((block: { text?: unknown }) => (typeof block.text === "string" ? block.text : "")).join("\n"),
        structured: (result.structuredContent ?? {}) as Record<string, unknown>,
      };
    },
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    close: () => client.close(),
  };
}
