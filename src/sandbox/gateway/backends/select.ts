import { isPool } from "../../arm/backends.ts";
import { objectAt, textAt } from "../../json.ts";
import { nameOf, type Resource, type World } from "../../world.ts";
import { type BackendTarget, type Call, type GatewayInstance, PolicyError } from "../policy.ts";
import { type BreakerRule, type BreakerState, closedBreaker, failuresIn, isOpen, observe } from "./breaker.ts";
import { breakerRule, numberAt, ruleFailureStatus } from "./breaker-rule.ts";
import { credentialsOf } from "./credentials.ts";
import { affinityCookie, chooseMember, membersIn } from "./pool.ts";
import type { Turns } from "./round-robin.ts";

/** What one gateway instance knows of backends, by their names in lower case: two pools with a common member share its breaker. */
interface BackendsState {
  readonly breakers: Map<string, BreakerState>;
  /** By pool. */
  readonly turns: Map<string, Turns>;
}

const backendsKey = Symbol("backends");

const stateOf = (instance: GatewayInstance): BackendsState =>
  instance.state(backendsKey, (): BackendsState => ({ breakers: new Map(), turns: new Map() }));

/** What a selection needs of a call. */
export type SelectingCall = Pick<Call, "world" | "instance" | "request">;

/**
 * The backend for one attempt at `backendId`, a backend or a pool of the service; each attempt selects anew. Null where its breaker, or
 * the breakers of all members, are open: `failureStatus` is the answer then. Throws `PolicyError` where there is no such backend.
 *
 * Assumed: a member that has been deleted is passed over; a pool may hold pools.
 */
export async function selectBackend(call: SelectingCall, backendId: string): Promise<BackendTarget | null> {
  const backend = backendOf(call.world, backendId);
  if (backend === undefined) throw unknownBackend(backendId);
  const selection = select(call, backend);
  return selection === null ? null : target(call, backend, selection);
}

/**
 * What the gateway answers where no backend of `backendId` is available: 503, or the `failureResponse` of the pool or, of a backend named
 * by itself, of its breaker's rule. Assumed: `failureResponse`, of which the specification names the status alone, means this answer.
 */
export function failureStatus(world: World, backendId: string): number {
  const properties = backendOf(world, backendId)?.properties ?? {};
  const status = isPool(properties)
    ? numberAt(objectAt(objectAt(properties, "pool"), "failureResponse"), "statusCode")
    : ruleFailureStatus(properties);
  return status ?? 503;
}

/** How an instance sees the breaker of a backend. */
interface BreakerView {
  readonly backendId: string;
  readonly open: boolean;
  /** In the rule's interval, up to now. */
  readonly failures: number;
  /** Null where it is closed. */
  readonly resumesAt: Date | null;
}

/** Every backend that has a breaker, in the order of their creation. */
export function breakerStates(world: World, instance: GatewayInstance): readonly BreakerView[] {
  const now = world.now().getTime();
  return world.list("backends").flatMap((backend) => {
    const rule = ruleOf(world, backend);
    if (rule === null) return [];
    const state = stateOf(instance).breakers.get(keyOf(backend)) ?? closedBreaker;
    const open = isOpen(state, now);
    const resumesAt = open && state.openUntil !== null ? new Date(state.openUntil) : null;
    return [{ backendId: nameOf(backend.path), open, failures: failuresIn(rule, state, now), resumesAt }];
  });
}

/** Closes an instance's breakers and begins its turns anew. */
export function resetBackends(instance: GatewayInstance): void {
  const { breakers, turns } = stateOf(instance);
  breakers.clear();
  turns.clear();
}

/** `Retry-After` in seconds, from its number or its date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); null where it is neither. */
export function retryAfterSeconds(headers: Headers, now: Date): number | null {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const date = /^[A-Z][a-z]+,? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, (date - now.getTime()) / 1000);
}

interface Selection {
  readonly backend: Resource;
  readonly setCookie?: string;
}

/** `above`: the pools that it was reached through, which a pool that holds itself must not enter again. */
function select(call: SelectingCall, backend: Resource, above: readonly string[] = []): Selection | null {
  if (!isPool(backend.properties)) return isAvailable(call, backend) ? { backend } : null;
  const { turns } = stateOf(call.instance);
  const key = keyOf(backend);
  const cookie = affinityCookie(backend.properties);
  const sticky = cookie === null ? null : memberNamedBy(call.request.headers, cookie);
  const members = membersIn(backend.properties);
  const chosen = chooseMember(members, availability(call, [...above, key]), turns.get(key) ?? new Map(), sticky);
  const member = chosen === null ? undefined : backendOf(call.world, chosen.member.id);
  if (chosen === null || member === undefined) return null;
  // Members that left the pool are forgotten with it.
  turns.set(key, new Map([...chosen.turns].filter(([id]) => members.some((known) => known.id === id))));
  const inner = select(call, member, [...above, key]);
  if (inner === null || cookie === null || chosen.member.id === sticky) return inner;
  return { ...inner, setCookie: setCookie(cookie, chosen.member.id) };
}

/** Whether a member can take traffic. */
const availability =
  (call: SelectingCall, above: readonly string[]) =>
  (id: string): boolean => {
    const backend = backendOf(call.world, id);
    return backend !== undefined && !above.includes(id) && isAvailable(call, backend, above);
  };

function isAvailable(call: SelectingCall, backend: Resource, above: readonly string[] = []): boolean {
  if (isPool(backend.properties)) return membersIn(backend.properties).some(({ id }) => availability(call, [...above, keyOf(backend)])(id));
  if (ruleOf(call.world, backend) === null) return true;
  return !isOpen(stateOf(call.instance).breakers.get(keyOf(backend)) ?? closedBreaker, call.world.now().getTime());
}

function target(call: SelectingCall, asked: Resource, { backend, setCookie: cookie }: Selection): BackendTarget {
  const { headers, query } = credentialsOf(call.world, backend.properties);
  return {
    backendId: nameOf(backend.path),
    poolId: isPool(asked.properties) ? nameOf(asked.path) : null,
    url: withQuery(urlOf(backend), query),
    headers,
    ...(cookie === undefined ? {} : { setCookie: cookie }),
    report(outcome) {
      // Assumed: editing a backend does not reset its breaker; the rule that stands when the answer comes judges it.
      const rule = ruleOf(call.world, backendOf(call.world, backend.path) ?? backend);
      if (rule === null) return;
      const { breakers } = stateOf(call.instance);
      const key = keyOf(backend);
      breakers.set(key, observe(rule, breakers.get(key) ?? closedBreaker, outcome, call.world.now().getTime()));
    },
  };
}

/** "Currently, the backend circuit breaker isn't supported in the Consumption tier": https://learn.microsoft.com/azure/api-management/backends */
const ruleOf = (world: World, { properties }: Resource): BreakerRule | null =>
  world.service.sku.name === "Consumption" ? null : breakerRule(properties);

const backendOf = (world: World, id: string): Resource | undefined => world.get(`backends/${nameOf(id)}`);

const keyOf = ({ path }: Resource): string => nameOf(path).toLowerCase();

function urlOf({ path, properties }: Resource): URL {
  const text = textAt(properties, "url");
  if (text === undefined || !URL.canParse(text)) throw backendError(`Backend with id '${nameOf(path)}' has no URL.`);
  return new URL(text);
}

function withQuery(url: URL, query: readonly (readonly [name: string, value: string])[]): string {
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url.href;
}

// The value names the member, so that every instance understands it. Assumed: its form and attributes; a client must take it as opaque.
const setCookie = (name: string, id: string): string => `${name}=${Buffer.from(id).toString("base64url")}; Path=/; HttpOnly`;

function memberNamedBy(headers: Headers, cookie: string): string | null {
  const pairs = (headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${cookie}=`));
  return found === undefined ? null : Buffer.from(found.slice(cookie.length + 1), "base64url").toString();
}

// Assumed: reason and words.
const backendError = (message: string): PolicyError =>
  new PolicyError({ source: "set-backend-service", reason: "BackendNotFound", message });

const unknownBackend = (id: string): PolicyError => backendError(`Backend with id '${id}' could not be found.`);
