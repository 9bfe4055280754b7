import type { JsonObject } from "../../gateway/documents.ts";
import { subscriptionKeys } from "../gateway/keys.ts";
import type { Upstream } from "../gateway/policy.ts";
import { textAt } from "../json.ts";
import { nameOf, type World } from "../world.ts";
import { createModelBackend, type ModelBackend, type ModelBackendOptions } from "./backend.ts";
import { regionIn } from "./regions.ts";

/** Every Azure OpenAI resource that the gateway may call, each made when it is first asked for. */
export interface ModelBackends extends Upstream {
  /** Those behind the service's backends, and those that have been called. */
  readonly all: readonly ModelBackend[];
  /** By host (`aoai-eastus.openai.azure.com`) or by the id of a backend resource; undefined where that is no model backend. */
  of(hostOrBackendId: string): ModelBackend | undefined;
  reset(): void;
}

export type ModelBackendsOptions = Omit<Partial<ModelBackendOptions>, "host" | "region" | "clock">;

const azureHost =
  /^[a-z0-9][a-z0-9.-]*\.(?:openai\.azure\.(?:com|us|cn)|cognitiveservices\.azure\.(?:com|us|cn)|(?:services|models)\.ai\.azure\.com)$/i;

/** Hosts may come from an expression: more than these do not exist. */
const knownHosts = 200;

/**
 * Fakes for the world's model hosts, also for those that it gets later. All regions share options, seed among them. The gateway's own
 * subscription keys are no keys of a model backend, so that authentication which a policy loses is seen.
 */
export function modelBackends(world: World, given: ModelBackendsOptions = {}): ModelBackends {
  const options = { acceptsKey: foreignKeys(world), ...given };
  const fakes = new Map<string, ModelBackend>();
  const at = (host: string): ModelBackend | undefined => {
    const key = host.toLowerCase();
    const known = fakes.get(key);
    if (known !== undefined || !azureHost.test(key) || fakes.size >= knownHosts) return known;
    const fake = createModelBackend({ ...options, host: key, region: regionOf(world, key), clock: world.clock });
    fakes.set(key, fake);
    return fake;
  };
  const ofBackend = (properties: JsonObject): ModelBackend | undefined => {
    const host = hostOf(properties);
    return host === undefined ? undefined : at(host);
  };
  return {
    matches: ({ hostname }) => azureHost.test(hostname),
    fetch(request) {
      const { hostname } = new URL(request.url);
      return at(hostname)?.fetch(request) ?? Promise.reject(unknownHost(hostname));
    },
    get all() {
      for (const { properties } of world.list("backends")) ofBackend(properties);
      return [...fakes.values()];
    },
    of(name) {
      const backend = world.get(`backends/${nameOf(name)}`);
      return backend === undefined ? at(name) : ofBackend(backend.properties);
    },
    reset() {
      for (const fake of fakes.values()) fake.reset();
    },
  };
}

function foreignKeys(world: World): (key: string) => boolean {
  let own = { revision: Number.NaN, keys: new Set<string>() };
  return (key) => {
    if (own.revision !== world.revision) {
      const keys = world.list("subscriptions").flatMap(({ path }) => Object.values(subscriptionKeys(world.secret, nameOf(path))));
      own = { revision: world.revision, keys: new Set(keys) };
    }
    return key !== "" && !own.keys.has(key);
  };
}

function hostOf(properties: JsonObject): string | undefined {
  const url = textAt(properties, "url") ?? "";
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** As a backend at this host says: its `azureRegion`, its title, its name; else as the host does; else the service's own. */
function regionOf(world: World, host: string): string {
  const named = world
    .list("backends")
    .filter(({ properties }) => hostOf(properties)?.toLowerCase() === host)
    .flatMap(({ path, properties }) => [textAt(properties, "azureRegion"), textAt(properties, "title"), nameOf(path)]);
  const found = [...named, host].flatMap((text) => regionIn(text ?? "") ?? []);
  return found[0] ?? world.service.location;
}

/** As `fetch` rejects for a name that no resolver knows. */
function unknownHost(hostname: string): TypeError {
  const code = "ENOTFOUND";
  return new TypeError("fetch failed", { cause: Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, hostname }) });
}
