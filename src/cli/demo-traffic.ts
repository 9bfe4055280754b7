import * as z from "zod";

/** What the tour reads of the server's ready line. */
const address = z.object({ gateway: z.string(), control: z.string(), token: z.string(), keys: z.record(z.string(), z.string()) });

export type Address = z.output<typeof address>;

/** The address in a line of the server's log; null where it is another line. */
export function addressIn(line: string): Address | null {
  try {
    return address.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** How the gateway has answered an application. */
export interface Answered {
  readonly status: number;
  /** Of the model that has answered; null where none has. */
  readonly region: string | null;
  /** What is left of the team's tokens. */
  readonly remaining: string | null;
  readonly retryAfter: string | null;
}

/** Breakers of one gateway instance, as far as the tour shows them. */
const state = z.object({
  instances: z.array(
    z.object({ breakers: z.array(z.object({ backendId: z.string(), open: z.boolean(), resumesAt: z.string().nullable() })) }),
  ),
});

const attempts = z.object({ rows: z.array(z.object({ Target: z.string(), ResultCode: z.string() })) });

/** The applications of the teams, and who runs the models: everything goes over HTTP, as it would outside of a tour. */
export interface Traffic {
  /** One chat with a team's key. */
  ask(team: string): Promise<Answered>;
  /** Chats one after the other. */
  askTimes(team: string, times: number): Promise<readonly Answered[]>;
  /** The model of a backend answers so from now on: a number of times, or until it is cleared. */
  script(backend: string, behaviour: object, times?: number): Promise<void>;
  clear(): Promise<void>;
  /** Forgets what the limits have counted. */
  resetLimits(): Promise<void>;
  openBreakers(): Promise<readonly string[]>;
  /** Requests that have reached each model's host, and how many of them it has failed. */
  attempts(): Promise<ReadonlyMap<string, { readonly all: number; readonly failed: number }>>;
}

export function trafficOn({ gateway, control, token, keys }: Address): Traffic {
  const controls = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${control}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`The sandbox refused ${method} ${path}: ${await response.text()}`);
    return await response.json();
  };
  const ask = async (team: string): Promise<Answered> => {
    const { status, headers, ...answer } = await chat(gateway, keys[team] ?? "");
    await answer.text();
    return {
      status,
      region: status < 400 ? headers.get("x-ms-region") : null,
      remaining: headers.get("x-ratelimit-remaining-tokens"),
      retryAfter: headers.get("retry-after"),
    };
  };
  return {
    ask,
    async askTimes(team, times) {
      const answers: Answered[] = [];
      while (answers.length < times) answers.push(await ask(team));
      return answers;
    },
    async script(backend, behaviour, times) {
      await controls("POST", "/backend", { backend, script: [{ behaviour, ...(times === undefined ? {} : { times }) }] });
    },
    async clear() {
      await controls("DELETE", "/backend");
    },
    async resetLimits() {
      await controls("POST", "/reset", { what: ["limits"] });
    },
    async openBreakers() {
      const { instances } = state.parse(await controls("GET", "/state"));
      return instances.flatMap(({ breakers }) => breakers.filter(({ open }) => open).map(({ backendId, resumesAt }) => `${backendId} until ${resumesAt}`));
    },
    async attempts() {
      const { rows } = attempts.parse(await controls("GET", "/logs/AppDependencies"));
      const byHost = new Map<string, { all: number; failed: number }>();
      for (const { Target, ResultCode } of rows) {
        const counts = byHost.get(Target) ?? { all: 0, failed: 0 };
        byHost.set(Target, { all: counts.all + 1, failed: counts.failed + (ResultCode < "400" ? 0 : 1) });
      }
      return byHost;
    },
  };
}

async function chat(gateway: string, key: string): Promise<Pick<Response, "status" | "headers" | "text">> {
  const response = await fetch(`${gateway}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`, {
    method: "POST",
    headers: { "api-key": key, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "Summarise this ticket" }] }),
  });
  return { status: response.status, headers: response.headers, text: () => response.text() };
}
