import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { priceOf, pricesOf } from "../../src/gateway/prices.ts";

const pair = { prompt: 2.5, completion: 10 };

describe("prices", () => {
  test.for([
    ["gpt-4o=2.5/10", null, { "gpt-4o": pair }],
    [" GPT-4o = 2.5 / 10 , currency = US$ ,", "US$", { "gpt-4o": pair }],
    ["gpt-4o=2.5/10,gpt-4o-mini=0/0,currency=EUR", "EUR", { "gpt-4o": pair, "gpt-4o-mini": { prompt: 0, completion: 0 } }],
    ['{"gpt-4o": {"in": 2.5, "out": 10}, "currency": "CHF"}', "CHF", { "gpt-4o": pair }],
    ['{"currency": {"in": 2.5, "out": 10}}', null, { currency: pair }],
  ] as const)("%s", ([text, currency, models]) => {
    expect(pricesOf(text)).toEqual({ currency, models: new Map(Object.entries(models)) });
  });

  test.for([
    "",
    "currency=EUR",
    "gpt-4o",
    "gpt-4o=2.5",
    "gpt-4o=2.5/10/1",
    "gpt-4o=-1/2",
    "gpt-4o=1e3/2",
    "gpt-4o=NaN/2",
    "gpt-4o=1/2,GPT-4o=1/3",
    "a|b=1/2",
    "gpt-4o=1/2,currency=E|R",
    "gpt-4o=1/2,currency=",
    "gpt-4o=1/2,currency=EUR,currency=USD",
    "{",
    "{}",
    '{"gpt-4o": [1, 2]}',
    '{"gpt-4o": {"in": "1", "out": 2}}',
    '{"gpt-4o": {"in": 1}}',
    '{"gpt-4o": {"in": -1, "out": 2}}',
    '{"gpt-4o": {"in": 1, "out": 2}, "other": "EUR"}',
    '{"gpt-4o": {"in": 1, "out": 2}, "currency": "E\\nR"}',
  ])("%j are none", (text) => expect(pricesOf(text)).toBeNull());

  test("no text makes them throw, or gives a price that is no number", () => {
    const amount = fc.constantFrom("0", "2.5", "999999999", "1e3", "1e400", "-1", "NaN", "Infinity", "", "1.", ".5", "null", '"1"');
    const written = fc.oneof(
      fc.tuple(amount, amount).map((both) => `gpt-4o=${both.join("/")}`),
      fc.tuple(amount, amount).map(([prompt, completion]) => `{"gpt-4o": {"in": ${prompt}, "out": ${completion}}}`),
    );
    const numbers = (text: string) =>
      [...(pricesOf(text)?.models.values() ?? [])].flatMap(({ prompt, completion }) => [prompt, completion]);
    fc.assert(
      fc.property(fc.oneof(written, fc.string(), fc.json(), fc.stringMatching(/^[a-z=/,.{}":0-9-]{0,30}$/)), (text) => {
        expect(numbers(text).filter((number) => !(number >= 0 && Number.isFinite(number)))).toEqual([]);
      }),
    );
  });
});

describe("the price of a model", () => {
  const prices = pricesOf("gpt-4o=2.5/10,gpt-4=30/60,gpt-35-turbo=0.5/1.5");
  if (prices === null) throw new Error("no prices");

  test.for([
    ["gpt-4o", 2.5],
    ["GPT-4o", 2.5],
    ["gpt-4o-2024-08-06", 2.5],
    ["gpt-35-turbo-0613", 0.5],
    ["gpt-4-0613", 30],
    ["gpt-4o-mini", null],
    ["gpt-4o-mini-2024-07-18", null],
    ["gpt-4-32k", null],
    ["gpt-4-turbo", null],
    ["gpt-4.1", null],
    ["gpt", null],
    ["none", null],
    ["", null],
  ] as const)("%s: %s", ([model, prompt]) => expect(priceOf(prices, model)?.prompt ?? null).toBe(prompt));
});
