import type { Call } from "./access.ts";
import { following, truth } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { isChar, isText, numericOf } from "./numbers.ts";
import { defaultOf } from "./type-names.ts";
import type { Known, Present } from "./values.ts";

/** A `Dictionary<K, V>`. */
interface DictionaryValue extends Present {
  readonly entries: ReadonlyMap<string, Known>;
  readonly ignoresCase: boolean;
  /** Name of `V`. */
  readonly valueType: string;
}

export const dictionary = (entries: ReadonlyMap<string, Known>, ignoresCase: boolean, valueType: string): DictionaryValue => ({
  kind: "present",
  what: "Dictionary",
  entries,
  ignoresCase,
  valueType,
});

const isDictionary = (value: Known): value is DictionaryValue => "entries" in value;

/** By key, as `keyOf` spells it; null where the value is no dictionary. */
export const entriesOf = (value: Known): ReadonlyMap<string, Known> | null => (isDictionary(value) ? value.entries : null);

/** What an entry is found by. Throws `GivenUp` where that is not surely equality of texts or numbers. */
export function keyOf(key: Known, ignoresCase: boolean): string {
  if (isText(key) && key.type === undefined) return `s:${ignoresCase ? key.value.toUpperCase() : key.value}`;
  const number = isChar(key) ? null : numericOf(key);
  if (number === null) throw new GivenUp();
  return `n:${number.number}`;
}

/** Null where there is none of that key; undefined where the value is no dictionary. */
export function entryOf(value: Known, key: Known): Known | null | undefined {
  if (!isDictionary(value)) return undefined;
  return value.entries.get(keyOf(key, value.ignoresCase)) ?? null;
}

/** With an entry added or replaced. */
export function withEntry(value: Known, key: Known, entry: Known): Known | null {
  if (!isDictionary(value)) return null;
  return { ...value, entries: new Map(value.entries).set(keyOf(key, value.ignoresCase), entry) } as DictionaryValue;
}

export function dictionaryMethod(target: Known, { name, arguments: [key, fallback], outs, source, frame }: Call): Known {
  if (!isDictionary(target) || key === undefined) throw new GivenUp();
  if (key.kind === "unknown" || key.kind === "several") return following([key, ...target.entries.values()], source);
  const entry = entryOf(target, key) ?? null;
  switch (name) {
    case "ContainsKey":
      return truth(entry !== null);
    case "TryGetValue":
      for (const out of outs) frame.locals.set(out, entry ?? defaultOf(target.valueType));
      return truth(entry !== null);
    case "GetValueOrDefault":
      return entry ?? fallback ?? defaultOf(target.valueType);
    default:
      throw new GivenUp();
  }
}
