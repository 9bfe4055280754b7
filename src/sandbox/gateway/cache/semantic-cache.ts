import { managedIdentityToken } from "../backends/credentials.ts";
import { selectBackend } from "../backends/select.ts";
import type { Call, Flow, PolicyNode } from "../policy.ts";
import { cosineDistance, promptIn, vectorIn } from "./prompt.ts";
import { cachesOf, type SemanticEntry } from "./state.ts";
import { answerAgain, storable } from "./stored-response.ts";

/** What a lookup that found nothing leaves for the store. */
const looked = new WeakMap<Call, Pick<SemanticEntry, "partition" | "vector">>();

/**
 * `llm-semantic-cache-lookup` and its `azure-openai-` twin (https://learn.microsoft.com/azure/api-management/llm-semantic-cache-lookup-policy): finds the
 * nearest stored prompt of the same partition, by the embeddings of the policy's backend, and answers with its response where the distance is
 * at most the threshold. A lookup that fails is a miss, without an error.
 *
 * Assumed: the distance is that of cosines; embeddings come from wherever the backend is, so with the sandbox's own models this is lexical;
 * streamed answers are neither looked up nor stored; entries of other APIs are not found.
 */
export async function semanticCacheLookup(node: PolicyNode, call: Call): Promise<Flow> {
  const prompt = promptIn(await call.requestText(), await call.boolean(node, "ignore-system-messages", false));
  const mostMessages = await call.number(node, "max-message-count", Number.POSITIVE_INFINITY);
  if (prompt === null || prompt.stream || prompt.messages > mostMessages) return "next";
  const vector = await embedding(node, call, prompt.text);
  call.record.cache = "miss";
  if (vector === null) return "next";
  const partition = await partitionOf(node, call);
  const threshold = await call.number(node, "score-threshold");
  const nearest = nearestEntry(cachesOf(call).semantic.current(call.clock.now().getTime()), partition, vector);
  if (nearest === null || nearest.distance > threshold) {
    looked.set(call, { partition, vector });
    return "next";
  }
  call.record.cache = "hit";
  call.response = answerAgain(nearest.entry.response);
  return "cached";
}

/** `llm-semantic-cache-store` (https://learn.microsoft.com/azure/api-management/llm-semantic-cache-store-policy). Assumed: of successful answers only. */
export async function semanticCacheStore(node: PolicyNode, call: Call): Promise<Flow> {
  const pending = looked.get(call);
  if (pending === undefined || call.response?.status !== 200) return "next";
  const response = await storable(call);
  const seconds = await call.number(node, "duration");
  if (response !== null) cachesOf(call).semantic.set(call.id, { ...pending, response }, call.clock.now().getTime() + seconds * 1000);
  return "next";
}

async function partitionOf(node: PolicyNode, call: Call): Promise<string> {
  const parts: string[] = [call.context.api.id];
  for (const child of node.children) if (child.name === "vary-by") parts.push(await call.content(child));
  return JSON.stringify(parts);
}

interface Nearest {
  readonly entry: SemanticEntry;
  readonly distance: number;
}

function nearestEntry(all: Iterable<SemanticEntry>, partition: string, vector: readonly number[]): Nearest | null {
  let nearest: Nearest | null = null;
  for (const entry of all) {
    if (entry.partition !== partition) continue;
    const distance = cosineDistance(vector, entry.vector);
    if (nearest === null || distance < nearest.distance) nearest = { entry, distance };
  }
  return nearest;
}

/** Fetched from the embeddings backend, whose URL is that of the deployment; null where that fails. */
async function embedding(node: PolicyNode, call: Call, text: string): Promise<readonly number[] | null> {
  try {
    const target = await selectBackend(call, await call.text(node, "embeddings-backend-id"));
    if (target === null) return null;
    const headers = new Headers(target.headers);
    headers.set("content-type", "application/json");
    if ((await call.text(node, "embeddings-backend-auth")) === "system-assigned" && !headers.has("authorization"))
      headers.set("authorization", `Bearer ${managedIdentityToken("https://cognitiveservices.azure.com/")}`);
    const request = new Request(target.url, { method: "POST", headers, body: JSON.stringify({ input: text }) });
    const answer = await call.send(request, call.signal);
    return answer.ok ? vectorIn(await answer.text()) : null;
  } catch (error) {
    if (call.signal.aborted) throw error;
    return null;
  }
}
