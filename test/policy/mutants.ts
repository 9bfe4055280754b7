import fc from "fast-check";
import { expressions } from "./generated-policies.ts";

const junk = fc.constantFrom(
  "",
  "<",
  ">",
  '"',
  "'",
  "@(",
  "@{",
  ")",
  "}",
  "&",
  "</",
  "<!--",
  "-->",
  "\\",
  "\n",
  "\u0000",
  "\ud800",
  ...expressions,
);
const place = fc.double({ min: 0, max: 1, noNaN: true });
/** What comes to a place, instead of some characters there: junk, or a piece of the same document. */
const mutation = fc.record({ at: place, removed: fc.nat(40), junk, copiedFrom: place, copied: fc.constantFrom(0, 0, 20, 200) });

/** Documents made of the given ones by a few changes anywhere in them. */
export function mutantsOf(sources: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...sources), fc.array(mutation, { minLength: 1, maxLength: 4 })).map(([source, mutations]) =>
    mutations.reduce((text, { at, removed, junk, copiedFrom, copied }) => {
      const start = Math.floor(at * text.length);
      const from = Math.floor(copiedFrom * text.length);
      return text.slice(0, start) + junk + text.slice(from, from + copied) + text.slice(start + removed);
    }, source),
  );
}
