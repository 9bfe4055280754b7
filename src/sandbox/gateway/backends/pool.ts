import type { JsonObject } from "../../../gateway/documents.ts";
import { isObject, listAt, objectAt, textAt } from "../../json.ts";
import { nameOf } from "../../world.ts";
import { numberAt } from "./breaker-rule.ts";
import { nextInTurn, type Turns, type Weighted } from "./round-robin.ts";

export interface PoolMember extends Weighted {
  /** A backend's name in lower case. */
  readonly id: string;
  /** The smaller is used first. */
  readonly priority: number;
}

/**
 * The members of a pool document; a backend that is named twice counts once, as it first stands. Assumed: priority and weight are 1
 * where left out.
 */
export function membersIn(properties: JsonObject): readonly PoolMember[] {
  const members = new Map<string, PoolMember>();
  for (const item of listAt(objectAt(properties, "pool"), "services").filter(isObject)) {
    const id = nameOf(textAt(item, "id") ?? "").toLowerCase();
    if (id === "" || members.has(id)) continue;
    members.set(id, { id, priority: numberAt(item, "priority") ?? 1, weight: Math.max(0, numberAt(item, "weight") ?? 1) });
  }
  return [...members.values()];
}

/** The cookie that keeps a client on one member (https://learn.microsoft.com/azure/api-management/backends#session-affinity). */
export function affinityCookie(properties: JsonObject): string | null {
  const sessionId = objectAt(objectAt(objectAt(properties, "pool"), "sessionAffinity"), "sessionId");
  return textAt(sessionId, "source")?.toLowerCase() === "cookie" ? (textAt(sessionId, "name") ?? null) : null;
}

/**
 * The members that may take a request: the available ones of the first priority group that has any. "Lower priority groups will only be
 * used when all backends in higher priority groups are unavailable because circuit breaker rules are tripped"
 * (https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool).
 */
export function groupInUse(members: readonly PoolMember[], isAvailable: (id: string) => boolean): readonly PoolMember[] {
  const available = members.filter(({ id }) => isAvailable(id));
  const first = available.reduce((least, { priority }) => Math.min(least, priority), Number.POSITIVE_INFINITY);
  return available.filter(({ priority }) => priority === first);
}

/**
 * Chooses a member for one attempt; null where none is available. `sticky` is the member that a session's cookie names.
 *
 * Assumed: priorities come before sessions, so that a session fails over and back like everyone; a sticky member that is open or in
 * another group is passed over; a request of a session does not use up a turn.
 */
export function chooseMember(
  members: readonly PoolMember[],
  isAvailable: (id: string) => boolean,
  turns: Turns,
  sticky: string | null = null,
): { readonly member: PoolMember; readonly turns: Turns } | null {
  const group = groupInUse(members, isAvailable);
  const kept = group.find(({ id }) => id === sticky);
  return kept === undefined ? nextInTurn(group, turns) : { member: kept, turns };
}
