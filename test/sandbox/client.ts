import { createSandbox, type Sandbox, type SandboxOptions } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";

export interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly code: string; readonly target: string; readonly message: string }[] | null;
}

/** What an answer may hold; a test reads the members that its answer must have. */
export interface Body {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly value: readonly Body[];
  readonly count: number;
  readonly nextLink: string;
  readonly error: ErrorAnswer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

const noBody: Body = JSON.parse("{}");

/** Talks to a sandbox as a client does, with paths below its service. */
export interface Client {
  readonly sandbox: Sandbox;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  put(path: string, properties: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export const origin = "https://management.example";

export function openSandbox(options: SandboxOptions = { seed: "empty" }): Client {
  const sandbox = createSandbox(options);
  const send: Client["send"] = async (method, path, body, headers = {}) => {
    const url = path.startsWith("http") ? path : `${origin}${sandboxService.resourceId}${path === "" ? "" : "/"}${path}`;
    const versioned = url.includes("api-version=") ? url : `${url}${url.includes("?") ? "&" : "?"}api-version=2024-05-01`;
    const request = new Request(versioned, {
      method,
      headers: { authorization: `Bearer ${sandbox.token}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return answerOf(await sandbox.fetch(request));
  };
  return {
    sandbox,
    send,
    get: (path) => send("GET", path),
    put: (path, properties, headers) => send("PUT", path, { properties }, headers),
  };
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return { status: response.status, headers: response.headers, text, body: isJson && text !== "" ? JSON.parse(text) : noBody };
}

/** The messages of `error.details[]`, or else the error's own message. */
export const messagesOf = ({ body }: Answer): readonly string[] =>
  body.error.details === null ? [body.error.message] : body.error.details.map(({ message }) => message);
