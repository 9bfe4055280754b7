import type { JsonObject } from "../../gateway/documents.ts";
import type { Clock } from "../clock.ts";
import type { Upstream } from "../gateway/policy.ts";
import { textAt } from "../json.ts";
import { accessDenied, deploymentNotFound, ModelError, notFound, rateLimited, serverError, wrongOperation } from "./answers.ts";
import { readJson } from "./body.ts";
import { chatCompletions } from "./chat.ts";
import { answeredModel, type Deployment, type DeploymentList, deploymentList, type ModelUsage } from "./deployments.ts";
import { embeddings } from "./embeddings.ts";
import { eventStream } from "./event-stream.ts";
import { deploymentLimits } from "./limits.ts";
import type { AnswerContext, ModelOperation } from "./operation.ts";
import { hashText, identifiers } from "./random.ts";
import { responses } from "./responses.ts";
import { type Behaviour, type ModelScript, modelScript } from "./script.ts";
import { type ServedCalls, servedCalls } from "./served-calls.ts";
import { cut, writeText } from "./text.ts";

/** A fake of one Azure OpenAI resource. */
export interface ModelBackend extends Upstream {
  readonly host: string;
  /** As `x-ms-region` names it, e.g. `East US`. */
  readonly region: string;
  readonly script: ModelScript;
  /** Vectors that stand for texts in place of their own, as they are. */
  readonly vectors: Map<string, readonly number[]>;
  readonly deployments: DeploymentList;
  /** Whether the sandbox's token has the rights to read the resource over the management API. */
  isReadable: boolean;
  /** Requests that it has taken in, whatever became of them. */
  readonly received: number;
  /** What it has answered to requests for its deployments. */
  readonly served: Pick<ServedCalls, "traffic">;
  /** Forgets its script, its vectors and what its limits have counted; deployments and rights are those that it had at first. */
  reset(): void;
}

export interface ModelBackendOptions {
  readonly host: string;
  readonly region: string;
  readonly clock: Clock;
  /** The only ones that there are at first; deployments of any name where left out. */
  readonly deployments?: readonly Deployment[];
  readonly seed?: number;
  /** Between two chunks of a stream; 0 where left out. */
  readonly chunkMs?: number;
  /** Whether an `api-key` is the resource's own; any that is not empty where left out. */
  readonly acceptsKey?: (key: string) => boolean;
}

/** Makes a fake that answers at once, unless its script says otherwise, and always the same for the same seed. */
export function createModelBackend(options: ModelBackendOptions): ModelBackend {
  const { host, region, clock, seed = 1 } = options;
  const script = modelScript();
  const limits = deploymentLimits();
  const vectors = new Map<string, readonly number[]>();
  const deployments = deploymentList(options.deployments);
  const served = servedCalls(host);
  const identifier = identifiers(hashText(host, seed));
  let received = 0;

  async function answer(asked: RightRequest | WrongRequest, request: Request, common: Record<string, string>): Promise<ModelAnswer> {
    const scripted = script.take(asked.deployment);
    if ((scripted?.latencyMs ?? 0) > 0) await clock.wait(scripted?.latencyMs ?? 0, request.signal);
    const behaviour: Behaviour = scripted?.behaviour ?? { kind: "answer" };
    await fail(behaviour, asked, request);
    if (!isAuthorized(request.headers, options.acceptsKey ?? ((key) => key !== ""))) throw accessDenied();
    if ("error" in asked) throw asked.error;
    const { operation, body, apiVersion } = asked;
    const deployment = deployments.called(asked.deployment);
    if (deployment === undefined) throw deploymentNotFound();
    if (deployment.kind !== operation.kind) throw wrongOperation(operation.shownName, deployment.model);
    const prepared = operation.prepare(body);
    const taken = limits.take(deployment, prepared.estimatedTokens, clock.now());
    if ("what" in taken) throw rateLimited(taken.what, operation.id, apiVersion, taken.seconds);
    const write = writer(deployment, seed, behaviour);
    const made = prepared.answer({ deployment, identifier, now: clock.now(), vectors, write });
    const { usage } = made;
    const headers = {
      ...common,
      "x-ms-deployment-name": deployment.name.replace(/[^\x20-\x7e]/gu, "?"),
      "x-ratelimit-limit-requests": String(deployment.requestsPerMinute),
      "x-ratelimit-limit-tokens": String(deployment.tokensPerMinute),
      "x-ratelimit-remaining-requests": String(taken.requests),
      "x-ratelimit-remaining-tokens": String(taken.tokens),
    };
    if ("json" in made) return { response: Response.json(made.json, { headers }), usage };
    const pacing = {
      clock,
      chunkMs: behaviour.kind === "slow_stream" ? behaviour.chunkMs : (options.chunkMs ?? 0),
      breakAfter: behaviour.kind === "broken_stream" ? behaviour.chunks : null,
      signal: request.signal,
    };
    const stream = { ...headers, "content-type": "text/event-stream; charset=utf-8" };
    return { response: new Response(eventStream(made.events, pacing), { headers: stream }), usage };
  }

  async function answered(asked: RightRequest | WrongRequest, request: Request): Promise<ModelAnswer> {
    const id = [8, 4, 4, 4, 12].map(identifier).join("-");
    const common = { "x-ms-region": region, "x-request-id": id, "apim-request-id": id };
    try {
      return await answer(asked, request, common);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      const headers = { ...common, ...error.headers };
      return { response: Response.json({ error: error.error }, { status: error.status, headers }), usage: null };
    }
  }

  return {
    host,
    region,
    script,
    vectors,
    deployments,
    isReadable: true,
    get received() {
      return received;
    },
    served,
    matches: (url) => url.host.toLowerCase() === host.toLowerCase(),
    async fetch(request) {
      received += 1;
      request.signal.throwIfAborted();
      const at = clock.now();
      const asked = await readRequest(request);
      const { response, usage } = await answered(asked, request);
      const deployment = deployments.find(asked.deployment ?? "");
      if (deployment !== undefined) served.record({ at, deployment, status: response.status, usage });
      return response;
    },
    reset() {
      script.clear();
      vectors.clear();
      deployments.reset();
      this.isReadable = true;
      limits.reset();
    },
  };
}

interface ModelAnswer {
  readonly response: Response;
  /** Null where no model has written. */
  readonly usage: ModelUsage | null;
}

interface RightRequest {
  readonly operation: ModelOperation;
  readonly body: JsonObject;
  readonly deployment: string;
  readonly apiVersion: string;
}

/** A request of which the path or the body is wrong; its deployment is known where the path names it. */
interface WrongRequest {
  readonly error: ModelError;
  readonly deployment: string | null;
}

const routes: readonly { readonly path: RegExp; readonly operation: ModelOperation }[] = [
  { path: /^\/openai\/deployments\/([^/]+)\/chat\/completions$/, operation: chatCompletions },
  { path: /^\/openai\/deployments\/([^/]+)\/embeddings$/, operation: embeddings },
  { path: /^\/(?:(?:openai|openai\/v1|models|v1)\/)?chat\/completions$/, operation: chatCompletions },
  { path: /^\/(?:(?:openai|openai\/v1|models|v1)\/)?embeddings$/, operation: embeddings },
  { path: /^\/openai(?:\/v1)?\/responses$/, operation: responses },
];

async function readRequest(request: Request): Promise<RightRequest | WrongRequest> {
  const { pathname, searchParams } = new URL(request.url);
  const route = routes.find(({ path }) => path.test(pathname));
  if (route === undefined || request.method !== "POST") {
    await request.body?.cancel();
    return { error: notFound(), deployment: null };
  }
  const inPath = route.path.exec(pathname)?.[1];
  const named = inPath === undefined ? null : decoded(inPath);
  try {
    const body = await readJson(request);
    const deployment = named ?? textAt(body, "model") ?? "";
    return { operation: route.operation, body, deployment, apiVersion: searchParams.get("api-version") ?? "v1" };
  } catch (error) {
    if (error instanceof ModelError) return { error, deployment: named };
    throw error;
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const isAuthorized = (headers: Headers, acceptsKey: (key: string) => boolean): boolean =>
  /^bearer \S/i.test(headers.get("authorization") ?? "") || acceptsKey(headers.get("api-key") ?? "");

/** What a script puts in place of an answer: throws, or never comes back. */
async function fail(behaviour: Behaviour, asked: RightRequest | WrongRequest, request: Request): Promise<void> {
  switch (behaviour.kind) {
    case "refuse":
      throw connectionRefused(new URL(request.url));
    case "hang":
      return untilAborted(request.signal);
    case "throttle": {
      const [operation, apiVersion] = "error" in asked ? [chatCompletions.id, "v1"] : [asked.operation.id, asked.apiVersion];
      throw rateLimited("token", operation, apiVersion, behaviour.retryAfterSeconds);
    }
    case "status": {
      const { status, error } = serverError(behaviour.status);
      const seconds = behaviour.retryAfterSeconds;
      throw new ModelError(
        status,
        { ...error, message: String(error.message) },
        seconds === undefined ? {} : { "retry-after": String(seconds) },
      );
    }
  }
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/** As `fetch` rejects where nobody listens. */
function connectionRefused({ hostname, port, protocol }: URL): TypeError {
  const code = "ECONNREFUSED";
  const number = Number(port) || (protocol === "https:" ? 443 : 80);
  const cause = Object.assign(new Error(`connect ${code} ${hostname}:${number}`), {
    code,
    syscall: "connect",
    address: hostname,
    port: number,
  });
  return new TypeError("fetch failed", { cause });
}

/** Writes as the deployment's model does, or as the script has it. */
const writer =
  (deployment: Deployment, seed: number, behaviour: Behaviour): AnswerContext["write"] =>
  (prompt, count, most, promptTokens) => {
    const scripted = behaviour.kind === "answer" ? behaviour : { text: undefined, usage: undefined };
    const choices = Array.from({ length: count }, (_, index) =>
      cut(scripted.text ?? writeText(`${answeredModel(deployment)}\n${index}\n${prompt}`, seed), most),
    );
    const written = choices.reduce((sum, { tokens }) => sum + tokens, 0);
    return { choices, usage: scripted.usage ?? { prompt: promptTokens, completion: written } };
  };
