import type { JsonObject } from "../../gateway/documents.ts";
import { isObject, listAt, objectAt } from "../json.ts";
import { contextLengthExceeded, invalidRequest } from "./answers.ts";
import { integerAt } from "./body.ts";
import { answeredModel, type ModelUsage } from "./deployments.ts";
import { dataEvent } from "./event-stream.ts";
import type { AnswerContext, ModelOperation } from "./operation.ts";
import { hashText } from "./random.ts";
import { type Generated, pieces, type Writing } from "./text.ts";
import { contentText, promptTokens } from "./tokens.ts";

/** What a model of the demo takes in at most, prompt and answer together: https://learn.microsoft.com/azure/ai-services/openai/concepts/models */
export const contextTokens = 128_000;
/** Assumed: what a request counts for beyond its prompt where it does not say how long the answer may be. */
export const unstatedCompletion = 16;

/** `POST .../chat/completions`: https://learn.microsoft.com/azure/ai-services/openai/reference#chat-completions */
export const chatCompletions: ModelOperation = {
  id: "ChatCompletions_Create",
  shownName: "chatCompletion",
  kind: "chat",
  prepare(body) {
    const messages = readMessages(body);
    const choices = integerAt(body, "n", 1, 128) ?? 1;
    const most = integerAt(body, "max_completion_tokens", 1, contextTokens) ?? integerAt(body, "max_tokens", 1, contextTokens);
    const prompt = promptTokens(messages);
    if (prompt > contextTokens) throw contextLengthExceeded(contextTokens, prompt);
    const text = messages.map(({ role, content }) => `${role}: ${contentText(content)}`).join("\n");
    const includeUsage = objectAt(body, "stream_options").include_usage === true;
    return {
      estimatedTokens: prompt + choices * (most ?? unstatedCompletion),
      answer(context) {
        const writing = context.write(text, choices, most, prompt);
        const head = {
          id: `chatcmpl-${context.identifier(29)}`,
          created: Math.floor(context.now.getTime() / 1000),
          model: answeredModel(context.deployment),
          system_fingerprint: fingerprint(context),
        };
        const { usage } = writing;
        return body.stream === true ? { usage, events: chunks(head, writing, includeUsage) } : { usage, json: completion(head, writing) };
      },
    };
  },
};

function readMessages(body: JsonObject): readonly JsonObject[] {
  if (body.messages === undefined)
    throw invalidRequest("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  const messages = listAt(body, "messages");
  if (messages.length === 0) throw invalidRequest("Invalid 'messages': expected an array with at least one message.", "messages");
  return messages.map((message, index) => {
    if (isObject(message) && typeof message.role === "string") return message;
    throw invalidRequest(`Invalid value for 'messages[${index}]': expected an object with a role.`, `messages[${index}]`);
  });
}

const fingerprint = ({ deployment }: AnswerContext): string => `fp_${hashText(answeredModel(deployment)).toString(16).padStart(10, "0")}`;

function completion(head: JsonObject, { choices, usage }: Writing): JsonObject {
  return {
    ...head,
    object: "chat.completion",
    prompt_filter_results: promptFilter,
    choices: choices.map(({ text, finish }, index) => ({
      index,
      message: { role: "assistant", content: text, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: finish,
      content_filter_results: harmless,
    })),
    usage: usageOf(usage),
  };
}

function* chunks(head: JsonObject, { choices, usage }: Writing, includeUsage: boolean): Generator<string> {
  const chunk = (members: JsonObject): string =>
    dataEvent({ ...head, object: "chat.completion.chunk", ...(includeUsage ? { usage: null } : {}), ...members });
  // The service sends what it found in the prompt first, under no identifier.
  yield chunk({ id: "", created: 0, model: "", choices: [], prompt_filter_results: promptFilter });
  for (const [index, choice] of choices.entries()) yield* choiceChunks(chunk, index, choice);
  if (includeUsage) yield chunk({ choices: [], usage: usageOf(usage) });
  yield dataEvent("[DONE]");
}

function* choiceChunks(chunk: (members: JsonObject) => string, index: number, { text, finish }: Generated): Generator<string> {
  const choice = (delta: JsonObject, members: JsonObject = {}): string =>
    chunk({ choices: [{ index, delta, logprobs: null, finish_reason: null, content_filter_results: {}, ...members }] });
  yield choice({ role: "assistant", content: "", refusal: null });
  for (const content of pieces(text)) yield choice({ content }, { content_filter_results: harmless });
  yield choice({}, { finish_reason: finish });
}

const usageOf = ({ prompt, completion: written }: ModelUsage): JsonObject => ({
  prompt_tokens: prompt,
  completion_tokens: written,
  total_tokens: prompt + written,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
});

const harmless: JsonObject = Object.fromEntries(
  ["hate", "self_harm", "sexual", "violence"].map((category) => [category, { filtered: false, severity: "safe" }]),
);
const promptFilter = [{ prompt_index: 0, content_filter_results: harmless }];
