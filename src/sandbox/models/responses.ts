import type { JsonObject } from "../../gateway/documents.ts";
import { isObject, listAt, textAt } from "../json.ts";
import { contextLengthExceeded, invalidRequest } from "./answers.ts";
import { integerAt } from "./body.ts";
import { contextTokens, unstatedCompletion } from "./chat.ts";
import { answeredModel, type ModelUsage } from "./deployments.ts";
import { namedEvent } from "./event-stream.ts";
import type { ModelOperation } from "./operation.ts";
import { type Generated, pieces, type Writing } from "./text.ts";
import { contentText, promptTokens } from "./tokens.ts";

/** `POST .../responses`: https://platform.openai.com/docs/api-reference/responses. Nothing is stored; tools are never called. */
export const responses: ModelOperation = {
  id: "Responses_Create",
  shownName: "responses",
  kind: "chat",
  prepare(body) {
    const items = readInput(body);
    const most = integerAt(body, "max_output_tokens", 1, contextTokens);
    const prompt = promptTokens(items);
    if (prompt > contextTokens) throw contextLengthExceeded(contextTokens, prompt);
    const text = items.map(({ role, content }) => `${role}: ${contentText(content)}`).join("\n");
    return {
      estimatedTokens: prompt + (most ?? unstatedCompletion),
      answer({ identifier, now, deployment, write }) {
        const head = {
          id: `resp_${identifier(48)}`,
          object: "response",
          created_at: Math.floor(now.getTime() / 1000),
          model: answeredModel(deployment),
          ...echoed(body),
        };
        const message = { id: `msg_${identifier(48)}`, type: "message", role: "assistant" };
        const writing = write(text, 1, most, prompt);
        const { usage } = writing;
        return body.stream === true ? { usage, events: events(head, message, writing) } : { usage, json: finished(head, message, writing) };
      },
    };
  },
};

function readInput(body: JsonObject): readonly JsonObject[] {
  const { input, instructions } = body;
  const system = typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  if (typeof input === "string") return [...system, { role: "user", content: input }];
  if (input === undefined) throw invalidRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  const items = listAt(body, "input");
  if (items.length === 0 || !items.every(isObject))
    throw invalidRequest("Invalid 'input': expected a string or an array of items.", "input");
  return [...system, ...items.filter(isObject).map((item) => ({ role: textAt(item, "role") ?? "user", content: item.content ?? "" }))];
}

const echoed = (body: JsonObject): JsonObject => ({
  error: null,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  metadata: body.metadata ?? {},
  parallel_tool_calls: true,
  previous_response_id: null,
  temperature: body.temperature ?? 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: body.top_p ?? 1,
  truncation: "disabled",
});

const begun = (head: JsonObject): JsonObject => ({ ...head, status: "in_progress", incomplete_details: null, output: [], usage: null });

function finished(head: JsonObject, message: JsonObject, { choices, usage }: Writing): JsonObject {
  const isCut = choices.some(({ finish }) => finish === "length");
  return {
    ...head,
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: choices.map((choice) => outputItem(message, choice)),
    usage: usageOf(usage),
  };
}

const outputItem = (message: JsonObject, { text, finish }: Generated): JsonObject => ({
  ...message,
  status: finish === "length" ? "incomplete" : "completed",
  content: [textPart(text)],
});

const textPart = (text: string): JsonObject => ({ type: "output_text", text, annotations: [] });

const usageOf = ({ prompt, completion }: ModelUsage): JsonObject => ({
  input_tokens: prompt,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: completion,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: prompt + completion,
});

/** https://platform.openai.com/docs/api-reference/responses-streaming */
function* events(head: JsonObject, message: JsonObject, writing: Writing): Generator<string> {
  let sequence = 0;
  const event = (type: string, members: JsonObject): string => namedEvent(type, { type, sequence_number: sequence++, ...members });
  yield event("response.created", { response: begun(head) });
  yield event("response.in_progress", { response: begun(head) });
  for (const [index, choice] of writing.choices.entries()) {
    const place = { item_id: message.id ?? "", output_index: index, content_index: 0 };
    yield event("response.output_item.added", { output_index: index, item: { ...message, status: "in_progress", content: [] } });
    yield event("response.content_part.added", { ...place, part: textPart("") });
    for (const delta of pieces(choice.text)) yield event("response.output_text.delta", { ...place, delta });
    yield event("response.output_text.done", { ...place, text: choice.text });
    yield event("response.content_part.done", { ...place, part: textPart(choice.text) });
    yield event("response.output_item.done", { output_index: index, item: outputItem(message, choice) });
  }
  const response = finished(head, message, writing);
  yield event(`response.${response.status}`, { response });
}
