import type { TokenUsage } from "./policy.ts";
import { type JsonRecord, listIn, memberOf, parsedJson, recordIn } from "./untyped.ts";

/**
 * How many tokens a text has. Assumed: four characters a token; the service counts with the model's own tokenizer.
 */
export const estimatedTokens = (text: string): number => Math.ceil(text.length / 4);

/** Assumed: what the format of a chat adds to each message and to the whole, as OpenAI's tokenizers count it. */
const tokensPerMessage = 3;

/** The most that an image is counted as where prompts are estimated (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes). */
const tokensPerImage = 1200;

/** An estimate of the prompt in a request's body: chat, completions, responses or embeddings; 0 where it is none of them. */
export function promptTokens(body: string): number {
  const request = parsedRecord(body);
  if (request === null) return 0;
  const messages = listIn(request.messages) ?? [];
  const chat = messages.reduce<number>((sum, message) => sum + tokensPerMessage + contentTokens(memberOf(message, "content")), 0);
  return (
    chat + [request.prompt, request.input, request.instructions, request.system].reduce<number>((sum, part) => sum + contentTokens(part), 0)
  );
}

/** Messages hold parts, which hold texts; what is nested deeper than any of them is no model's request. */
const deepest = 10;

/** Text, parts of a message, or a list of either. */
function contentTokens(content: unknown, depth = 0): number {
  if (typeof content === "string") return estimatedTokens(content);
  if (depth > deepest) return 0;
  const parts = listIn(content);
  if (parts !== null) return parts.reduce<number>((sum, part) => sum + contentTokens(part, depth + 1), 0);
  const type = memberOf(content, "type");
  if (type === "image_url" || type === "input_image" || type === "image") return tokensPerImage;
  return contentTokens(memberOf(content, "text") ?? memberOf(content, "content") ?? "", depth + 1);
}

/** Whether a request asks for a stream of events. */
export const wantsStream = (body: string): boolean => parsedRecord(body)?.stream === true;

/** The `model` of an answer or an event; an empty one, as of Azure's first event, is none. */
function modelIn(message: unknown): string | null {
  const model = memberOf(message, "model");
  return typeof model === "string" && model !== "" ? model : null;
}

/** Reads token counts out of a model's answer while it passes. */
export interface UsageReader {
  push(bytes: Uint8Array): void;
  /** What has been counted so far; null where the answer is not a model's. */
  usage(): TokenUsage | null;
  /** The model that the answer names; null where it names none. */
  model(): string | null;
}

/** More of one event or of a whole answer is not kept: such a thing is not a model's answer. */
const longestText = 4 * 1024 * 1024;

/**
 * Reads the answer by its content type. The `usage` that the model states counts; where a stream has none, the text is counted
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes), with `prompt` for its other half.
 */
export function usageReader(contentType: string | null, prompt: () => number): UsageReader {
  return contentType?.startsWith("text/event-stream") === true ? streamReader(prompt) : documentReader();
}

function documentReader(): UsageReader {
  const decoder = new TextDecoder();
  let text = "";
  let read: JsonRecord | null | undefined;
  const answer = (): JsonRecord | null => {
    if (read === undefined) read = text.length < longestText ? parsedRecord(text) : null;
    return read;
  };
  return {
    push(bytes) {
      if (text.length >= longestText) return;
      text += decoder.decode(bytes, { stream: true });
      read = undefined;
    },
    usage: () => usageIn(answer()),
    model: () => modelIn(answer()),
  };
}

function streamReader(prompt: () => number): UsageReader {
  const decoder = new TextDecoder();
  let rest = "";
  let stated: TokenUsage | null = null;
  let model: string | null = null;
  let characters = 0;
  let events = 0;
  const read = (line: string) => {
    const event = line.startsWith("data:") ? parsedRecord(line.slice("data:".length)) : null;
    if (event === null) return;
    events++;
    stated = usageIn(event) ?? usageIn(event.response) ?? stated;
    model ??= modelIn(event) ?? modelIn(event.response);
    characters += deltaLength(event);
  };
  return {
    push(bytes) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? "";
      if (rest.length > longestText) rest = "";
      for (const line of lines) read(line);
    },
    usage() {
      if (stated !== null) return stated;
      if (events === 0) return null;
      const completion = Math.ceil(characters / 4);
      const asked = prompt();
      return { prompt: asked, completion, total: asked + completion, exact: false };
    },
    model: () => model,
  };
}

/** Characters that an event adds to the answer: of a chat's `choices`, or of a response's text. */
function deltaLength(event: JsonRecord): number {
  if (typeof event.delta === "string") return event.delta.length;
  return (listIn(event.choices) ?? []).reduce<number>((sum, choice) => {
    const text = memberOf(memberOf(choice, "delta"), "content") ?? memberOf(choice, "text");
    return sum + (typeof text === "string" ? text.length : 0);
  }, 0);
}

/** The `usage` of a chat, completion or embedding (`prompt_tokens`), or of a response or message (`input_tokens`). */
function usageIn(answer: unknown): TokenUsage | null {
  const usage = memberOf(answer, "usage");
  const prompt = countOf(usage, "prompt_tokens") ?? countOf(usage, "input_tokens");
  if (prompt === null) return null;
  const completion = countOf(usage, "completion_tokens") ?? countOf(usage, "output_tokens") ?? 0;
  return { prompt, completion, total: countOf(usage, "total_tokens") ?? prompt + completion, exact: true };
}

function countOf(usage: unknown, name: string): number | null {
  const count = memberOf(usage, name);
  return typeof count === "number" && Number.isFinite(count) ? count : null;
}

const parsedRecord = (text: string): JsonRecord | null => recordIn(parsedJson(text));
