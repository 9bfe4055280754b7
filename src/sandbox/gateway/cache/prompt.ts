import { listIn, memberOf, parsedJson, recordIn } from "../untyped.ts";

/** What of a request a semantic cache compares. */
export interface Prompt {
  readonly text: string;
  /** Of the dialogue, without those that are left out. */
  readonly messages: number;
  readonly stream: boolean;
}

/** The prompt of a chat or of the Responses API; null where the body is neither. */
export function promptIn(body: string, ignoreSystemMessages: boolean): Prompt | null {
  const request = recordIn(parsedJson(body));
  if (request === null) return null;
  const messages = memberOf(request, "messages") ?? memberOf(request, "input");
  const all = typeof messages === "string" ? [{ role: "user", content: messages }] : listIn(messages);
  if (all === null) return null;
  const kept = all.filter((message) => !(ignoreSystemMessages && isSystem(memberOf(message, "role"))));
  return {
    text: kept.map((message) => textIn(memberOf(message, "content"))).join("\n"),
    messages: kept.length,
    stream: memberOf(request, "stream") === true,
  };
}

const isSystem = (role: unknown): boolean => role === "system" || role === "developer";

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return (listIn(content) ?? [])
    .map((part) => memberOf(part, "text"))
    .filter((text) => typeof text === "string")
    .join("\n");
}

/** The vector in an embedding's answer; null where it holds none. */
export function vectorIn(answer: string): readonly number[] | null {
  const embedding = listIn(memberOf(listIn(memberOf(parsedJson(answer), "data"))?.[0], "embedding"));
  return embedding?.every((part): part is number => typeof part === "number") === true ? embedding : null;
}

/** 0 for vectors of one direction, 1 for unrelated ones; 1 where they cannot be compared. */
export function cosineDistance(one: readonly number[], other: readonly number[]): number {
  if (one.length !== other.length) return 1;
  let [dot, oneSquare, otherSquare] = [0, 0, 0];
  for (const [index, value] of one.entries()) {
    const second = other[index] ?? 0;
    dot += value * second;
    oneSquare += value * value;
    otherSquare += second * second;
  }
  const length = Math.sqrt(oneSquare * otherSquare);
  return length === 0 ? 1 : 1 - dot / length;
}
