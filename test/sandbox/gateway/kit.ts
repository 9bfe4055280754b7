import type { JsonObject } from "../../../src/gateway/documents.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { type MovableClock, movableClock } from "../../../src/sandbox/clock.ts";
import { createGateway, type FinishedCall, type Gateway } from "../../../src/sandbox/gateway/gateway.ts";
import { subscriptionKeys } from "../../../src/sandbox/gateway/keys.ts";
import type { Upstream } from "../../../src/sandbox/gateway/policy.ts";
import { historyOf } from "../../../src/sandbox/monitor/history.ts";
import { sandboxService } from "../../../src/sandbox/service.ts";
import { armId, createWorld, type World } from "../../../src/sandbox/world.ts";

export const start = new Date("2026-11-20T10:00:00Z");

/** What a backend has received. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A host in the process that writes down what it gets and answers as it is told. */
export interface Backend extends Upstream {
  readonly received: Received[];
  /** Answers the next requests, in their order; what is left out is answered with 200 and `ok`. */
  answers: ((request: Request) => Response | Promise<Response>)[];
}

export function backend(host = "backend.test"): Backend {
  const received: Received[] = [];
  const self: Backend = {
    received,
    answers: [],
    matches: (url) => url.hostname === host,
    async fetch(request) {
      const next = self.answers.shift();
      const copy = request.clone();
      received.push({ method: copy.method, url: copy.url, headers: copy.headers, body: await copy.text() });
      return next === undefined ? new Response("ok") : await next(request);
    },
  };
  return self;
}

export interface Kit {
  readonly world: World;
  readonly gateway: Gateway;
  readonly clock: MovableClock;
  readonly backend: Backend;
  readonly finished: FinishedCall[];
  readonly key: (sid: string) => string;
  /** Sends to the API `echo`, whose one operation takes everything. */
  send(init?: RequestInit & { readonly path?: string; readonly address?: string }): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly text: string;
}

export interface KitOptions {
  /** Sections of the API's policy, without `<base />` where they are given. */
  readonly inbound?: string;
  readonly backend?: string;
  readonly outbound?: string;
  readonly onError?: string;
  readonly regions?: readonly string[];
  /** More resources, after the kit's own. */
  readonly resources?: readonly (readonly [path: string, properties: JsonObject])[];
}

export const policyDocument = ({ inbound, backend: middle, outbound, onError }: KitOptions): JsonObject => ({
  format: "rawxml",
  value: `<policies>
  <inbound>${inbound ?? "<base />"}</inbound>
  <backend>${middle ?? "<base />"}</backend>
  <outbound>${outbound ?? "<base />"}</outbound>
  <on-error>${onError ?? "<base />"}</on-error>
</policies>`,
});

/** A gateway on a service with one API that needs no subscription, in front of a backend in the process, on a clock that stands still. */
export function openKit(options: KitOptions = {}): Kit {
  const clock = movableClock(start);
  const world = createWorld({
    clock,
    history: historyOf([]),
    ...(options.regions === undefined ? {} : { regions: options.regions }),
  });
  const api = backend();
  world.upstreams.push(api);
  for (const [path, properties] of [
    ...echo,
    ["apis/echo/policies/policy", policyDocument(options)] as const,
    ...(options.resources ?? []),
  ]) {
    world.put(path, properties);
  }
  const finished: FinishedCall[] = [];
  const gateway = createGateway(world, { grammar: loadGrammar, onFinished: (call) => finished.push(call) });
  return {
    world,
    gateway,
    clock,
    backend: api,
    finished,
    key: (sid) => subscriptionKeys(world.secret, sid).primary,
    async send({ path = "/echo/thing", address, ...init } = {}) {
      const client = address === undefined ? undefined : { address };
      return await answerOf(await gateway.fetch(new Request(`https://gateway.example${path}`, init), 0, client));
    },
  };
}

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, reason: response.statusText, headers: response.headers, text: await response.text() };
}

const echo: readonly (readonly [path: string, properties: JsonObject])[] = [
  [
    "apis/echo",
    {
      displayName: "Echo",
      path: "echo",
      serviceUrl: "https://backend.test/base",
      subscriptionRequired: false,
      isCurrent: true,
      apiRevision: "1",
    },
  ],
  ...["GET", "POST", "PUT"].map(
    (method) => [`apis/echo/operations/${method}`, { displayName: method, method, urlTemplate: "/*" }] as const,
  ),
];

export const subscription = (scope: string, more: JsonObject = {}): JsonObject => ({
  displayName: "Team",
  scope: scope === "" ? `${sandboxService.resourceId}/` : armId(scope),
  state: "active",
  createdDate: "2026-01-12T08:00:00.000Z",
  ...more,
});

export const message = (answer: Answer): unknown => JSON.parse(answer.text);
