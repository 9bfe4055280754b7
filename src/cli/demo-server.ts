import { readConfiguration } from "../config.ts";
import { type Connection, connectServer } from "../mcp/client.ts";
import { buildServer } from "../mcp/server.ts";
import { openSurface } from "../surface.ts";
import { version } from "../version.ts";
import type { DemoClock } from "./demo-clock.ts";
import { type Address, addressIn } from "./demo-traffic.ts";

/** A client that has shaken hands with a server on the sandbox, and where that sandbox listens. */
interface DemoServer {
  readonly server: Connection;
  readonly address: Address;
}

const announcedWithinMs = 10_000;

/**
 * This program's server on its sandbox, and an MCP client before it, both in this process: they share the tour's clock. The sandbox is served
 * on loopback, as it is for any client.
 */
export async function openDemoServer({ now, wait }: DemoClock): Promise<DemoServer> {
  let announce: (line: string) => void = () => undefined;
  const address = new Promise<Address>((resolve, reject) => {
    // Nothing else keeps the process alive until then.
    const silence = setTimeout(() => reject(new Error("The server has not said where its sandbox listens.")), announcedWithinMs);
    announce = (line) => {
      const found = addressIn(line);
      if (found === null) return;
      clearTimeout(silence);
      resolve(found);
    };
  });
  const surface = openSurface(readConfiguration({ sandbox: "true" }, {}), { environment: {}, err: () => undefined, now, wait, announce });
  const server = await connectServer(buildServer({ ...surface, version }));
  return { server, address: await address };
}
