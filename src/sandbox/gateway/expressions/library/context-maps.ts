import { KeyValue } from "../collections.ts";
import { type Type, type } from "../types.ts";
import { NetObject, type Value } from "../values.ts";

/** A read-only dictionary of `context`: variables, headers, query, matched parameters, claims. */
export class ContextMap extends NetObject {
  override readonly type: Type;
  readonly #get: (name: string) => Value | undefined;
  readonly #entries: () => Iterable<readonly [string, Value]>;
  readonly #pair: Type;

  constructor(
    kind: "Variables" | "Lists" | "Parameters",
    get: (name: string) => Value | undefined,
    entries: () => Iterable<readonly [string, Value]>,
  ) {
    super();
    this.type = type(kind);
    this.#get = get;
    this.#entries = entries;
    this.#pair = type(
      { Variables: "KeyValuePair<string, object>", Lists: "KeyValuePair<string, string[]>", Parameters: "KeyValuePair<string, string>" }[
        kind
      ],
    );
  }

  /** Undefined where there is none. */
  get(name: string): Value | undefined {
    return this.#get(name);
  }

  entries(): readonly (readonly [string, Value])[] {
    return [...this.#entries()];
  }

  *items(): Generator<KeyValue> {
    for (const [name, value] of this.#entries()) yield new KeyValue(this.#pair, name, value);
  }
}
