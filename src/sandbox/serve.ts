import type { Hono } from "hono";
import { closed, httpServer, listening } from "./http.ts";
import type { Sandbox } from "./sandbox.ts";
import { sandboxService } from "./service.ts";

/** What a second process needs to work on a served sandbox. */
export interface SandboxAddress {
  /** Origin of the management API and of Azure Monitor's metrics. */
  readonly arm: string;
  /** Origin of the log query API. */
  readonly logs: string;
  /** For the management API, the logs and the control API. */
  readonly token: string;
  /** Whole ARM id of the service. */
  readonly service: string;
  /** Origin of the gateway, which carries traffic. */
  readonly gateway: string;
  /** Origin of the control API. */
  readonly control: string;
  /** Primary keys of the subscriptions, by their ids. */
  readonly keys: Readonly<Record<string, string>>;
}

export interface ServedSandbox {
  readonly ready: SandboxAddress;
  /** Ends open connections too. */
  close(): Promise<void>;
  /** Lets the process end while it is served. */
  unref(): void;
}

/** Ports on the loopback address; a free one for each that is left out or 0. */
export interface ServeOptions {
  readonly port?: number;
  readonly gatewayPort?: number;
  readonly controlPort?: number;
}

/**
 * Serves a sandbox over http on the loopback address: the management API, the gateway and the control API, each on a port of its own. What the
 * gateway and the control API need is loaded at their first request. Rejects where a port is taken, and then serves nothing.
 */
export async function serveSandbox(sandbox: Sandbox, { port = 0, gatewayPort = 0, controlPort = 0 }: ServeOptions): Promise<ServedSandbox> {
  const arm = httpServer(sandbox.fetch);
  const gateway = httpServer(async (request, peer) => (await sandbox.gateway()).fetch(request, undefined, peer));
  const control = httpServer(controlOf(sandbox));
  const servers = [arm, gateway, control];
  const close = async (): Promise<void> => void (await Promise.all(servers.map(closed)));
  try {
    const origin = await listening(arm, port);
    const ready = {
      arm: origin,
      logs: origin,
      token: sandbox.token,
      service: sandboxService.resourceId,
      gateway: await listening(gateway, gatewayPort),
      control: await listening(control, controlPort),
      keys: sandbox.keys(),
    };
    return { ready, close, unref: () => servers.forEach((server) => void server.unref()) };
  } catch (error) {
    await close();
    throw error;
  }
}

function controlOf(sandbox: Sandbox): (request: Request) => Promise<Response> {
  let app: Promise<Hono> | undefined;
  return async (request) => {
    app ??= import("./control.ts").then(({ controlApp }) => controlApp(sandbox));
    return (await app).fetch(request);
  };
}
