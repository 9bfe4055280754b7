/** What a model costs, per million tokens. */
interface Price {
  readonly prompt: number;
  readonly completion: number;
}

/** Prices that the operator has given. */
export interface Prices {
  /** What the numbers are in, as the operator calls it; null where that is not said. */
  readonly currency: string | null;
  /** By the model's name in lower case. */
  readonly models: ReadonlyMap<string, Price>;
}

/** Letters, digits and signs of currencies: `EUR`, `US$`. */
const currencyForm = /^[\p{L}\p{N}\p{Sc}][\p{L}\p{N}\p{Sc} .]{0,11}$/u;
/** Names of models and deployments. */
const modelForm = /^[\p{L}\p{N}][\p{L}\p{N}._:-]{0,63}$/u;
const amountForm = /^\d{1,9}(?:\.\d{1,9})?$/;

/**
 * Prices out of a text: `gpt-4o=2.5/10,gpt-4o-mini=0.15/0.6,currency=EUR`, of prompts and completions per million tokens; or JSON,
 * `{"gpt-4o": {"in": 2.5, "out": 10}, "currency": "EUR"}`. Null where it is neither, a model stands in it twice, or none does.
 */
export function pricesOf(text: string): Prices | null {
  const entries = text.trimStart().startsWith("{") ? jsonEntries(text) : textEntries(text);
  if (entries === null) return null;
  const models = new Map<string, Price>();
  let currency: string | null = null;
  for (const [name, value] of entries) {
    if (typeof value === "string") {
      if (name.toLowerCase() !== "currency" || currency !== null || !currencyForm.test(value)) return null;
      currency = value;
    } else {
      const model = name.toLowerCase();
      if (!modelForm.test(name) || models.has(model)) return null;
      models.set(model, value);
    }
  }
  return models.size === 0 ? null : { currency, models };
}

type Entry = readonly [name: string, value: Price | string];

function textEntries(text: string): readonly Entry[] | null {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry): Entry | null => {
      const [, name = "", value = ""] = /^([^=]+)=(.*)$/.exec(entry) ?? [];
      if (name.trim().toLowerCase() === "currency") return ["currency", value.trim()];
      const [prompt = "", completion = "", ...more] = value.split("/").map((amount) => amount.trim());
      if (more.length > 0 || !amountForm.test(prompt) || !amountForm.test(completion)) return null;
      return [name.trim(), { prompt: Number(prompt), completion: Number(completion) }];
    });
  return entries.some((entry) => entry === null) ? null : entries.filter((entry) => entry !== null);
}

function jsonEntries(text: string): readonly Entry[] | null {
  const entries = Object.entries(parsed(text)).map(([name, value]): Entry | null => {
    if (typeof value === "string") return [name, value];
    if (typeof value !== "object" || value === null || !("in" in value) || !("out" in value)) return null;
    const { in: prompt, out: completion } = value;
    return isAmount(prompt) && isAmount(completion) ? [name, { prompt, completion }] : null;
  });
  return entries.some((entry) => entry === null) ? null : entries.filter((entry) => entry !== null);
}

const isAmount = (value: unknown): value is number => typeof value === "number" && value >= 0 && value < 1e9;

/** Nothing where it is no JSON: then it holds no model either. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What the service appends to a model's name: `-2024-08-06`, `-0613`. */
const version = /^-\d[\d-]*$/;

/** The price of a model by its name, or by its name without the version behind it; null where there is none. */
export function priceOf({ models }: Prices, model: string): Price | null {
  const name = model.toLowerCase();
  const own = models.get(name);
  if (own !== undefined) return own;
  const unversioned = [...models].find(([known]) => name.startsWith(known) && version.test(name.slice(known.length)));
  return unversioned?.[1] ?? null;
}
