import { createHmac } from "node:crypto";
import { nameOf, type World } from "../world.ts";

/** A subscription's two keys, 32 hexadecimal digits each, as the service generates them. */
interface SubscriptionKeys {
  readonly primary: string;
  readonly secondary: string;
}

/** The keys of a subscription: derived, so that no document ever holds them. Another secret gives other keys. */
export function subscriptionKeys(secret: Uint8Array, sid: string): SubscriptionKeys {
  const derive = (which: string): string =>
    createHmac("sha256", secret).update(`${which}\n${sid.toLowerCase()}`).digest("hex").slice(0, 32);
  return { primary: derive("primary"), secondary: derive("secondary") };
}

/** Primary keys of all subscriptions, by their ids. */
export function primaryKeys(world: World): Readonly<Record<string, string>> {
  const ids = world.list("subscriptions").map(({ path }) => nameOf(path));
  return Object.fromEntries(ids.map((sid) => [sid, subscriptionKeys(world.secret, sid).primary]));
}
