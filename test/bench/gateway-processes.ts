import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** `model`: the bare fake. `proxy`: a bare proxy before it. `gateway`: the gateway before it. `sandbox`: the gateway with its fakes in one process. */
export type Mode = "model" | "proxy" | "gateway" | "sandbox";

/** What a server says: where it is, then, each time that it is asked, what it holds after a collection of garbage. */
export type Report = { readonly url: string; readonly key: string } | { readonly heapMegabytes: number };

export interface Served {
  readonly url: string;
  readonly key: string;
  heapMegabytes(): Promise<number>;
  close(): void;
}

export async function serve(mode: Mode, backend = ""): Promise<Served> {
  const child = fork(fileURLToPath(new URL("./gateway-server.ts", import.meta.url)), [mode, backend], { execArgv: ["--expose-gc"] });
  const ready = await reportOf(child);
  if (!("url" in ready)) throw new Error(`${mode} did not say where it listens`);
  return {
    ...ready,
    async heapMegabytes() {
      child.send("memory");
      const report = await reportOf(child);
      return "heapMegabytes" in report ? report.heapMegabytes : Number.NaN;
    },
    close: () => child.disconnect(),
  };
}

async function reportOf(child: ChildProcess): Promise<Report> {
  const [report] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([status]) => {
      throw new Error(`a server of the bench ended with ${status}`);
    }),
  ]);
  return report;
}
