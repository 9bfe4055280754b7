/** The service that the inventory's bench reads, in a process of its own: every request waits before it is answered. Says what was asked when it is asked. */
import { setTimeout as wait } from "node:timers/promises";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { fillService, largeService } from "./large-service.ts";

/** What the server says first: where it is. */
export interface Ready {
  readonly arm: string;
  readonly service: string;
  readonly token: string;
}

/** Paths with their queries of all requests since it was asked before, in their order. */
export type Asked = readonly string[];

const [latency = "20"] = process.argv.slice(2);

const sandbox = createSandbox({ seed: "empty" });
fillService(sandbox.world, largeService);
let asked: string[] = [];
const { ready } = await serveSandbox(
  {
    ...sandbox,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push(pathname + search);
      await wait(Number(latency));
      return sandbox.fetch(request);
    },
  },
  {},
);
process.on("message", () => {
  process.send?.(asked);
  asked = [];
});
process.on("disconnect", () => process.exit());
process.send?.({ arm: ready.arm, service: ready.service, token: ready.token } satisfies Ready);
