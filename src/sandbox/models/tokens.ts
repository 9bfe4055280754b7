import type { Json, JsonObject } from "../../gateway/documents.ts";
import { isObject } from "../json.ts";

/**
 * How many tokens a text is taken for. Assumed, for the sandbox has no tokenizer: one for every four characters begun, which is what
 * OpenAI gives as a rule of thumb for English (https://help.openai.com/en/articles/4936856).
 */
export const tokensOf = (text: string): number => Math.ceil(text.length / charactersPerToken);

export const charactersPerToken = 4;

/** What surrounds each message, and what opens the answer: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken */
const perMessage = 3;
const perAnswer = 3;
/** An image of low detail. Assumed of every image. */
const perImage = 85;

/** Tokens of a list of messages or of input items. */
export const promptTokens = (messages: readonly JsonObject[]): number =>
  perAnswer + messages.reduce((sum, message) => sum + perMessage + tokensOf(textAtRole(message)) + contentTokens(message.content), 0);

/** The text of a message's content, of its parts together. */
export const contentText = (content: Json | undefined): string =>
  parts(content)
    .map((part) => part.text)
    .join("\n");

const textAtRole = ({ role }: JsonObject): string => (typeof role === "string" ? role : "");

const contentTokens = (content: Json | undefined): number =>
  parts(content).reduce((sum, { text, isImage }) => sum + (isImage ? perImage : tokensOf(text)), 0);

function parts(content: Json | undefined): readonly { readonly text: string; readonly isImage: boolean }[] {
  if (typeof content === "string") return [{ text: content, isImage: false }];
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).map(({ type, text }) => ({
    text: typeof text === "string" ? text : "",
    isImage: type === "image_url" || type === "input_image",
  }));
}
