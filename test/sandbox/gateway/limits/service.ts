import { type Answer, type Kit, type KitOptions, openKit, subscription } from "../kit.ts";

/** A gateway of a classic tier, which slides its windows, or of a v2 tier, which fills buckets. */
export function openTier(sku: "Standard" | "StandardV2", options: KitOptions): Kit {
  const kit = openKit(options);
  kit.world.service = { ...kit.world.service, sku: { name: sku, capacity: 1 } };
  return kit;
}

export const openClassic = (options: KitOptions): Kit => openTier("Standard", options);

/** Two teams that may call everything. */
export const teams = [
  ["subscriptions/red", subscription("")],
  ["subscriptions/blue", subscription("")],
] as const;

/** The header that says which team calls. */
export const as = (kit: Kit, team: "red" | "blue"): { readonly headers: Readonly<Record<string, string>> } => ({
  headers: { "ocp-apim-subscription-key": kit.key(team) },
});

/** A model's answer that has cost so many tokens. */
export const costing = (tokens: number) => (): Response =>
  Response.json({ choices: [], usage: { prompt_tokens: 4, completion_tokens: tokens - 4, total_tokens: tokens } });

export const chat = (content = "Say hello", more: object = {}): { readonly method: string; readonly body: string } => ({
  method: "POST",
  body: JSON.stringify({ messages: [{ role: "user", content }], ...more }),
});

/** The status, and the message of what is no success. */
export function seen({ status, text }: Answer): readonly [status: number, message: string] {
  return [status, status < 400 ? "" : JSON.parse(text).message];
}

/** An answer that waits until it is released. */
export interface Held {
  readonly answer: () => Promise<Response>;
  /** Once the request has come in. */
  readonly arrived: Promise<void>;
  release(response: Response): void;
}

export function held(): Held {
  const [arrived, answered] = [settled<void>(), settled<Response>()];
  return {
    answer() {
      arrived.resolve();
      return answered.promise;
    },
    arrived: arrived.promise,
    release: answered.resolve,
  };
}

function settled<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}
