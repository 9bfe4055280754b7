import { once } from "node:events";
import { Agent, type IncomingMessage, request as open } from "node:http";

/** What is sent again and again. */
export interface Shot {
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly body: string;
  /** The client leaves as soon as the first bytes of the answer are there. */
  readonly leaves?: boolean;
}

export interface Load {
  /** By their status; 0 where no answer came. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly perSecond: number;
  /** Milliseconds, from the shortest. */
  readonly latencies: readonly number[];
}

/** Sends so many requests over so many connections, each as soon as the one before it on its connection is answered. */
export async function load(origin: string, shots: readonly Shot[], count: number, connections: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const statuses = new Map<number, number>();
  const latencies: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const shot = shots[next++ % shots.length];
      if (shot === undefined) return;
      const began = performance.now();
      const status = await fire(origin, agent, shot);
      latencies.push(performance.now() - began);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, work));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  return { statuses, perSecond: count / seconds, latencies: latencies.sort((a, b) => a - b) };
}

export const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;

async function fire(origin: string, agent: Agent, { path, headers, body, leaves = false }: Shot): Promise<number> {
  const request = open(origin + path, { method: "POST", agent, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
  request.end(body);
  try {
    const [response]: IncomingMessage[] = await once(request, "response");
    if (response === undefined) return 0;
    if (leaves) {
      request.destroy();
      return response.statusCode ?? 0;
    }
    response.resume();
    await once(response, "end");
    return response.statusCode ?? 0;
  } catch {
    return 0;
  } finally {
    request.on("error", () => undefined);
  }
}
