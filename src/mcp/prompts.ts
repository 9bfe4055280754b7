import { ErrorCode, type GetPromptResult, type ListPromptsResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { GatewayError, nearest } from "../errors.ts";
import type { Prompt } from "../prompt.ts";
import { visible } from "./sanitize.ts";

export const listPrompts = (prompts: readonly Prompt[]): ListPromptsResult => ({
  prompts: prompts.map(({ name, title, description, arguments: all }) => ({
    name,
    title,
    description,
    arguments: all.map((argument) => ({
      name: argument.name,
      description: argument.description,
      required: argument.required === true,
    })),
  })),
});

const asked = z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.string()).default({}) });

/** The instruction of a prompt. Throws "invalid params" for an unknown prompt or argument, where one that is required is not given, and for a value that cannot be. */
export function getPrompt(prompts: readonly Prompt[], params: unknown): GetPromptResult {
  const request = asked.safeParse(params);
  if (!request.success) throw invalid("A prompt takes a name, and arguments that are texts.");
  const prompt = findPrompt(prompts, request.data.name);
  const names = prompt.arguments.map(({ name }) => name);
  const given = Object.entries(request.data.arguments)
    .map(([name, value]) => [name, visible(value).trim()] as const)
    .filter(([, value]) => value !== "");
  for (const [name] of given)
    if (!names.includes(name)) throw invalid(`${prompt.name} has no argument '${visible(name)}'. It has: ${names.join(", ")}.`);
  const missing = prompt.arguments.find(({ name, required }) => required === true && !given.some(([known]) => known === name));
  if (missing !== undefined) throw invalid(`${prompt.name} needs the argument '${missing.name}': ${missing.description}.`);
  return {
    description: prompt.description,
    messages: [{ role: "user", content: { type: "text", text: textOf(prompt, Object.fromEntries(given)) } }],
  };
}

function textOf(prompt: Prompt, given: Readonly<Record<string, string>>): string {
  try {
    return prompt.text(given);
  } catch (error) {
    if (error instanceof GatewayError && error.code === "invalid_input") throw invalid(visible(error.message));
    throw error;
  }
}

export function findPrompt(prompts: readonly Prompt[], name: string): Prompt {
  const prompt = prompts.find((candidate) => candidate.name === name);
  if (prompt !== undefined) return prompt;
  const known = prompts.map((candidate) => candidate.name);
  const near = nearest(name, known);
  throw invalid(
    `Unknown prompt '${visible(name)}'. ${near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Prompts: ${known.join(", ")}.`}`,
  );
}

/** An error with a code of the protocol's. The SDK's own puts that into the message too, at both ends. */
export const refusal = (code: number, message: string): Error => Object.assign(new Error(message), { code });

export const invalid = (message: string): Error => refusal(ErrorCode.InvalidParams, message);
