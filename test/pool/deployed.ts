import { loadGrammar } from "../../src/grammar.ts";
import { movableClock } from "../../src/sandbox/clock.ts";
import { createGateway } from "../../src/sandbox/gateway/gateway.ts";
import { subscriptionKeys } from "../../src/sandbox/gateway/keys.ts";
import { historyOf } from "../../src/sandbox/monitor/history.ts";
import { armId, createWorld, type World } from "../../src/sandbox/world.ts";
import type { Parts } from "./service.ts";

export interface Deployed {
  readonly world: World;
  /** Sends to the gateway, and says to which hosts; what fails answers with the outage's status, 503 where none is given. */
  send(call: Call, failing?: ReadonlySet<string>, outage?: Outage): Promise<{ readonly status: number; readonly hosts: readonly string[] }>;
}

/** A status, or no answer at all. */
export type Outage = number | "refused";

export interface Call {
  /** `chat` where left out. */
  readonly api?: string;
  /** Below the API. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A product of which the caller has a key. */
  readonly product?: string;
}

/** The service of a pure test as the sandbox runs it, with hosts that only answer. */
export function deploy(parts: Parts): Deployed {
  const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
  const world = createWorld({ clock, history: historyOf([]) });
  let hosts: string[] = [];
  let down: ReadonlySet<string> = new Set();
  let how: Outage = 503;
  world.upstreams.push({
    matches: ({ hostname }) => hostname.endsWith(".example"),
    fetch: ({ url }) => {
      const host = new URL(url).hostname.replace(".example", "");
      hosts.push(host);
      if (!down.has(host)) return Promise.resolve(new Response("ok"));
      return how === "refused"
        ? Promise.reject(new TypeError("connection refused"))
        : Promise.resolve(new Response("down", { status: how }));
    },
  });
  for (const [id, serviceUrl] of Object.entries(parts.apis ?? { chat: "https://origin.example/" })) {
    world.put(`apis/${id}`, { displayName: id, path: id, serviceUrl, subscriptionRequired: false, isCurrent: true, apiRevision: "1" });
    for (const operation of ["create", "other"]) {
      world.put(`apis/${id}/operations/${operation}`, { displayName: operation, method: "POST", urlTemplate: `/${operation}` });
    }
  }
  for (const [id, properties] of Object.entries(parts.backends ?? {})) world.put(`backends/${id}`, properties);
  for (const [index, [displayName, value]] of Object.entries(parts.namedValues ?? {}).entries()) {
    world.put(`namedValues/nv-${index}`, { displayName, value, secret: value === null });
  }
  for (const [id, value] of Object.entries(parts.fragments ?? {})) world.put(`policyFragments/${id}`, { format: "rawxml", value });
  for (const [id, apis] of Object.entries(parts.products ?? {})) {
    world.put(`products/${id}`, { displayName: id, subscriptionRequired: true, state: "published" });
    for (const api of apis) world.put(`products/${id}/apis/${api}`, {});
    world.put(`subscriptions/of-${id}`, { displayName: id, scope: armId(`products/${id}`), state: "active" });
  }
  for (const [id, value] of Object.entries(parts.policies ?? {})) world.put(id, { format: "rawxml", value });
  const gateway = createGateway(world, { grammar: loadGrammar });
  return {
    world,
    async send({ api = "chat", path = "other", headers = {}, product }, failing = new Set(), outage = 503) {
      hosts = [];
      down = failing;
      how = outage;
      const key = product === undefined ? {} : { "ocp-apim-subscription-key": subscriptionKeys(world.secret, `of-${product}`).primary };
      const request = new Request(`https://gateway.example/${api}/${path}`, {
        method: "POST",
        headers: { ...headers, ...key },
        body: "{}",
      });
      const answer = await gateway.fetch(request);
      const text = await answer.text();
      if (answer.status === 500 && failing.size === 0) throw new Error(text);
      return { status: answer.status, hosts };
    },
  };
}
