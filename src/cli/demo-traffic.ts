import * as z from "zod";

/** What the tour reads of the server's ready line. */
const address = z.object({
  arm: z.string(),
  service: z.string(),
  gateway: z.string(),
  control: z.string(),
  token: z.string(),
  keys: z.record(z.string(), z.string()),
});

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
  readonly retryAfter: string | null;
}

/** Breakers of one gateway instance, as far as the tour shows them. */
const state = z.object({
  instances: z.array(
    z.object({ breakers: z.array(z.object({ backendId: z.string(), open: z.boolean(), resumesAt: z.string().nullable() })) }),
  ),
});

/** The applications of the teams, and who runs the models: everything goes over HTTP, as it would outside of a tour. */
export interface Traffic {
  /** Chats with a team's key, one after the other. */
  ask(team: string, times: number): Promise<readonly Answered[]>;
  /** The model of a backend behaves so from now on. */
  script(backend: string, behaviour: object): Promise<void>;
  /** All models answer as they do by themselves. */
  clear(): Promise<void>;
  /** Forgets what limits have counted. */
  reset(): Promise<void>;
  /** Backends with an open breaker, and until when. */
  openBreakers(): Promise<readonly string[]>;
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
  const askOnce = async (team: string): Promise<Answered> => {
    const response = await fetch(`${gateway}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`, {
      method: "POST",
      headers: { "api-key": keys[team] ?? "", "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Summarise this ticket." }] }),
    });
    await response.text();
    const { status, headers } = response;
    return { status, region: status < 400 ? headers.get("x-ms-region") : null, retryAfter: headers.get("retry-after") };
  };
  return {
    async ask(team, times) {
      const answers: Answered[] = [];
      while (answers.length < times) answers.push(await askOnce(team));
      return answers;
    },
    async script(backend, behaviour) {
      await controls("POST", "/backend", { backend, script: [{ behaviour }] });
    },
    async clear() {
      await controls("DELETE", "/backend");
    },
    async reset() {
      await controls("POST", "/reset", { what: ["limits"] });
    },
    async openBreakers() {
      const { instances } = state.parse(await controls("GET", "/state"));
      return instances.flatMap(({ breakers }) =>
        breakers.filter(({ open }) => open).map(({ backendId, resumesAt }) => `${backendId} until ${resumesAt}`),
      );
    },
  };
}
