import type { Json, JsonObject } from "../../gateway/documents.ts";
import { contextLengthExceeded, invalidRequest } from "./answers.ts";
import { integerAt } from "./body.ts";
import { answeredModel } from "./deployments.ts";
import { embeddingDimensions, lexicalHash } from "./lexical-hash.ts";
import type { ModelOperation } from "./operation.ts";
import { tokensOf } from "./tokens.ts";

/** https://learn.microsoft.com/azure/ai-services/openai/reference#embeddings */
const mostInputs = 2048;
const mostTokens = 8192;

interface Input {
  readonly text: string;
  readonly tokens: number;
}

/** `POST .../embeddings`: vectors of 1536 dimensions, or fewer where asked, as numbers or as base64 of little-endian 32-bit floats. */
export const embeddings: ModelOperation = {
  id: "Embeddings_Create",
  shownName: "embeddings",
  kind: "embeddings",
  prepare(body) {
    const inputs = readInputs(body);
    const dimensions = integerAt(body, "dimensions", 1, embeddingDimensions) ?? embeddingDimensions;
    const encode = encodingOf(body);
    const tokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
    return {
      estimatedTokens: tokens,
      answer: ({ deployment, vectors }) => ({
        usage: { prompt: tokens, completion: 0 },
        json: {
          object: "list",
          data: inputs.map(({ text }, index) => ({
            object: "embedding",
            index,
            embedding: encode(vectors.get(text) ?? lexicalHash(text, dimensions)),
          })),
          model: answeredModel(deployment),
          usage: { prompt_tokens: tokens, total_tokens: tokens },
        },
      }),
    };
  },
};

function readInputs({ input }: JsonObject): readonly Input[] {
  if (input === undefined) throw invalidRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  const items: readonly Json[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  const inputs = items.map(readInput);
  if (inputs.length === 0 || inputs.length > mostInputs) {
    throw invalidRequest(`Invalid 'input': expected 1 to ${mostInputs} texts, got ${inputs.length}.`, "input");
  }
  const longest = Math.max(...inputs.map(({ tokens }) => tokens));
  if (longest > mostTokens) throw contextLengthExceeded(mostTokens, longest);
  return inputs;
}

function readInput(input: Json): Input {
  if (typeof input === "string" && input !== "") return { text: input, tokens: tokensOf(input) };
  if (Array.isArray(input) && isTokens(input)) return { text: input.map((token) => `token${token}`).join(" "), tokens: input.length };
  throw invalidRequest("Invalid 'input': expected a text or a list of tokens that is not empty.", "input");
}

const isTokens = (input: readonly Json[]): boolean => input.length > 0 && input.every((item) => Number.isInteger(item));

function encodingOf(body: JsonObject): (vector: readonly number[]) => Json {
  switch (body.encoding_format ?? "float") {
    case "float":
      return (vector) => [...vector];
    case "base64":
      return base64;
    default:
      throw invalidRequest("Invalid value for 'encoding_format': expected 'float' or 'base64'.", "encoding_format");
  }
}

function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
