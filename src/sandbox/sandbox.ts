import { randomBytes } from "node:crypto";
import { armApp } from "./arm.ts";
import { steadyHistory } from "./monitor/history.ts";
import { seedDemo } from "./seed.ts";
import { createWorld, type World } from "./world.ts";

/** One embedded API Management service. */
export interface Sandbox {
  readonly world: World;
  /** What a request must carry as `Authorization: Bearer ...`. */
  readonly token: string;
  /** The management API and Azure Monitor's metrics. Rejects only where a scripted fault breaks the connection. */
  readonly fetch: (request: Request) => Promise<Response>;
}

export interface SandboxOptions {
  /** The sandbox's one clock; the machine's where left out. */
  readonly now?: () => Date;
  /** `demo` (default): a small AI gateway. `empty`: the service alone. */
  readonly seed?: "demo" | "empty";
  /** A random one where left out. */
  readonly token?: string;
}

export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { now = () => new Date(), seed = "demo", token = randomBytes(24).toString("base64url") } = options;
  const world = createWorld(now, steadyHistory("azure-openai", "East US"));
  if (seed === "demo") seedDemo(world);
  const app = armApp(world, token);
  const logged = async (request: Request): Promise<Response> => {
    const { method, headers, url } = request;
    const { pathname, search } = new URL(url);
    const { authorization: _, ...kept } = Object.fromEntries(headers);
    let status: number | null = null;
    try {
      const response = await app.fetch(request);
      status = response.status;
      return response;
    } finally {
      world.log({ method, path: pathname + search, headers: kept, status });
    }
  };
  return { world, token, fetch: logged };
}
