import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lexicalHash, toUnitLength } from "../../../src/sandbox/models/lexical-hash.ts";

/** Cosine distance of two texts. */
function distance(a: string, b: string): number {
  const [x, y] = [lexicalHash(a), lexicalHash(b)];
  return 1 - x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
}

const words = "capital region gateway token budget cluster service policy cache restart invoice order delete customer france payment".split(
  " ",
);
const sentence = fc.uniqueArray(fc.constantFrom(...words), { minLength: 2, maxLength: 8 });

describe("the distance of texts", () => {
  it.each<[string, string, string, number, number]>([
    ["the same", "What is the capital of France?", "What is the capital of France?", 0, 1e-9],
    ["another case and punctuation", "What is the capital of France?", "what is the CAPITAL of france", 0, 1e-9],
    ["a courtesy left out", "Please explain how the semantic cache works.", "Explain how the semantic cache works.", 0.0001, 0.05],
    ["a negation", "Is it safe to restart the production cluster?", "Is it not safe to restart the production cluster?", 0.05, 0.5],
    ["a negation by contraction", "The payment went through", "The payment didn't go through", 0.05, 0.8],
    ["another order", "Does Alice owe Bob money?", "Does Bob owe Alice money?", 0.05, 0.3],
    ["another animal", "How do I look after kittens at home?", "How do I look after puppies at home?", 0.1, 0.4],
    ["another number", "How many tokens are in 100 words?", "How many tokens are in 200 words?", 0.1, 0.4],
    ["other words for the same", "How do I reset my password?", "I forgot my login credentials", 0.6, 1.1],
    ["nothing in common", "What is the capital of France?", "Write a poem about rusty bicycles", 0.8, 1.1],
    ["texts without a letter", "?!", "...", 0.5, 2],
    ["another script", "Wie heißt die Hauptstadt?", "首都はどこですか", 0.6, 1.4],
  ])("%s", (_, a, b, least, most) => {
    expect(distance(a, b)).toBeGreaterThanOrEqual(least === 0 ? -1e-9 : least);
    expect(distance(a, b)).toBeLessThanOrEqual(most);
  });

  it("a negation in a short sentence is never a near-duplicate at 0.05", () => {
    fc.assert(
      fc.property(sentence, fc.nat(8), fc.constantFrom("not", "never", "no", "without"), (given, place, negation) => {
        const negated = [...given.slice(0, place), negation, ...given.slice(place)];
        expect(distance(given.join(" "), negated.join(" "))).toBeGreaterThan(0.05);
      }),
    );
  });

  it("of a text from itself is 0, and the same both ways", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(distance(a, a)).toBeCloseTo(0, 9);
        expect(distance(a, b)).toBeCloseTo(distance(b, a), 12);
      }),
    );
  });
});

describe("a vector", () => {
  it("has unit length and its dimensions, for every text, and is the same each time", () => {
    const dimensions = fc.oneof(fc.constant(1536), fc.integer({ min: 1, max: 1536 }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "grapheme" }),
          sentence.map((found) => found.join(" ")),
        ),
        dimensions,
        (text, count) => {
          const vector = lexicalHash(text, count);
          expect(vector).toHaveLength(count);
          expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
          expect(lexicalHash(text, count)).toEqual(vector);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("that has cancelled out is one all the same", () => {
    expect(toUnitLength(new Float64Array(3))).toEqual([1, 0, 0]);
    expect(toUnitLength(new Float64Array([3, -4]))).toEqual([0.6, -0.8]);
  });
});
