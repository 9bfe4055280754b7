import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
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

/** Starts a server as a child process and speaks MCP with it over stdio. `onLine` gets each line that it writes to stderr. */
export async function connectProcess(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void = () => undefined,
): Promise<Connection> {
  const transport = new StdioClientTransport({ command, args: [...args], stderr: "pipe" });
  const lines = transport.stderr;
  if (lines instanceof Readable) createInterface({ input: lines }).on("line", onLine);
  return await connect(transport);
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
