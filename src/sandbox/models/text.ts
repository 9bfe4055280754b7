import { seededRandom } from "../gateway/instances.ts";
import type { ModelUsage } from "./deployments.ts";
import { hashText } from "./random.ts";
import { charactersPerToken, tokensOf } from "./tokens.ts";

const words =
  `the a this that our one each request answer model gateway region token budget team service traffic limit policy backend cache route sample
   value result order note plan step short clear steady early late quick same other next first last keeps takes gives shows needs holds
   follows begins ends returns counts moves waits and or but with without from into over under before after while when often never again here`.split(
    /\s+/,
  );

/** Text that a model wrote, and why it ended. */
export interface Generated {
  readonly text: string;
  readonly tokens: number;
  readonly finish: "stop" | "length";
}

/** What a model writes and is paid for. */
export interface Writing {
  readonly choices: readonly Generated[];
  readonly usage: ModelUsage;
}

/** Twenty to eighty words without meaning: the same for the same prompt, model and seed, whichever region answers. */
export function writeText(key: string, seed: number): string {
  const random = seededRandom(hashText(key, seed));
  const pick = (count: number): number => Math.floor(random() * count);
  let left = 20 + pick(61);
  const sentences: string[] = [];
  while (left > 0) {
    const length = Math.min(left, 5 + pick(8));
    const sentence = Array.from({ length }, () => words[pick(words.length)]).join(" ");
    sentences.push(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
    left -= length;
  }
  return sentences.join(" ");
}

/** A text cut to the tokens that a request allows. */
export function cut(text: string, most: number | null): Generated {
  if (most === null || tokensOf(text) <= most) return { text, tokens: tokensOf(text), finish: "stop" };
  return { text: text.slice(0, most * charactersPerToken), tokens: most, finish: "length" };
}

/** The pieces in which a stream brings a text, about a token each; together they are the text. */
export const pieces = (text: string): readonly string[] => text.match(/\s*\S+|\s+$/g) ?? [];
