import { hashText } from "./random.ts";

/** As `text-embedding-3-small`. */
export const embeddingDimensions = 1536;

/** Words that carry little of what a text asks for. */
const fillers = new Set(
  "a an the is are was were be been am do does did to of in on at for and or it its this that please could would can will you me my i".split(
    " ",
  ),
);
/** Words that turn a text into its opposite. */
const negations = new Set("not no never none nothing without cannot nor neither".split(" "));

const weights = { word: 1, filler: 0.25, negation: 2, trigram: 0.35, pair: 0.6 } as const;

/**
 * A vector of unit length for a text, out of its words, the three-letter parts of them and its pairs of words, each hashed to a
 * coordinate and a sign. It is *lexical*: texts that share words are near, whatever they mean. So it finds near-duplicates, and says
 * nothing about how often a semantic cache would hit with a real model.
 */
export function lexicalHash(text: string, dimensions = embeddingDimensions): readonly number[] {
  const vector = new Float64Array(dimensions);
  for (const [feature, weight] of features(text)) {
    const hash = hashText(feature);
    const index = (hash >>> 1) % dimensions;
    vector[index] = (vector[index] ?? 0) + (hash & 1 ? weight : -weight);
  }
  return toUnitLength(vector);
}

function* features(text: string): Generator<readonly [feature: string, weight: number]> {
  const words = wordsOf(text);
  // A text without a letter or digit still differs from the next.
  if (words.length === 0) yield [`text:${text}`, 1];
  for (const [index, word] of words.entries()) {
    yield [`word:${word}`, weightOf(word)];
    if (!fillers.has(word)) for (const part of trigrams(word)) yield [`part:${part}`, weights.trigram];
    const next = words[index + 1];
    if (next !== undefined) yield [`pair:${word} ${next}`, weights.pair * Math.min(weightOf(word), weightOf(next))];
  }
}

const weightOf = (word: string): number =>
  negations.has(word) || word.endsWith("n't") ? weights.negation : fillers.has(word) ? weights.filler : weights.word;

const wordsOf = (text: string): readonly string[] =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll("’", "'")
    .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? [];

const trigrams = (word: string): readonly string[] => {
  const letters = [...`^${word}$`];
  return letters.slice(2).map((_, index) => letters.slice(index, index + 3).join(""));
};

/** A vector of length 1 in the same direction; what has cancelled out altogether becomes the first axis. */
export function toUnitLength(vector: Float64Array): readonly number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? Array.from(vector, (_, index) => (index === 0 ? 1 : 0)) : Array.from(vector, (value) => value / length);
}
