import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { isConnectionReset } from "./faults.ts";
import type { Sandbox } from "./sandbox.ts";
import { sandboxService } from "./service.ts";

/** What a second process needs to work on a served sandbox. */
export interface SandboxAddress {
  /** Origin of the management API and of Azure Monitor's metrics. */
  readonly arm: string;
  /** Origin of the log query API. */
  readonly logs: string;
  readonly token: string;
  /** Whole ARM id of the service. */
  readonly service: string;
}

export interface ServedSandbox {
  readonly ready: SandboxAddress;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Serves a sandbox over http on the loopback address, on a free port unless one is given. Rejects where the port is taken. */
export async function serveSandbox(sandbox: Sandbox, options: { readonly port?: number }): Promise<ServedSandbox> {
  const server = createServer(listener(sandbox));
  const port = await listening(server, options.port ?? 0);
  const origin = `http://127.0.0.1:${port}`;
  return {
    ready: { arm: origin, logs: origin, token: sandbox.token, service: sandboxService.resourceId },
    close: () => closed(server),
  };
}

/** A scripted reset breaks the connection: the client gets no answer. */
function listener(sandbox: Sandbox): ReturnType<typeof getRequestListener> {
  return getRequestListener(
    async (request, { incoming }) => {
      try {
        return await sandbox.fetch(request);
      } catch (error) {
        if (!isConnectionReset(error)) throw error;
        incoming.socket.resetAndDestroy();
        return new Response(null);
      }
    },
    { overrideGlobalObjects: false },
  );
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}
