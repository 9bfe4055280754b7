import type { CompleteResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { Prompt } from "../prompt.ts";
import type { Resources } from "../resource.ts";
import type { ReadContext } from "../tool.ts";
import { findPrompt, invalid } from "./prompts.ts";
import { visible } from "./sanitize.ts";

/** What knows the values of an argument. */
type Known = (context: ReadContext) => Promise<readonly string[]>;

/** Values that were read shortly before: a client asks again at every key. */
export type Recent = Map<Known, { readonly time: number; readonly values: Promise<readonly string[]> }>;

const recentMs = 30_000;

/** https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion#completion-results */
const mostValues = 100;

const asked = z.looseObject({
  ref: z.union([
    z.looseObject({ type: z.literal("ref/prompt"), name: z.string() }),
    z.looseObject({ type: z.literal("ref/resource"), uri: z.string() }),
  ]),
  argument: z.looseObject({ name: z.string(), value: z.string() }),
});

/** Values that begin with what is typed, then those that hold it. None where the service cannot be read: nobody has asked a question that could fail. */
export async function complete(
  { prompts, resources }: { readonly prompts: readonly Prompt[]; readonly resources: Resources },
  params: unknown,
  read: () => Promise<ReadContext>,
  recent: Recent,
): Promise<CompleteResult> {
  const request = asked.safeParse(params);
  if (!request.success) throw invalid("A completion takes a reference to a prompt or a resource, and an argument.");
  const { ref, argument } = request.data;
  const known =
    ref.type === "ref/prompt"
      ? findPrompt(prompts, ref.name).arguments.find(({ name }) => name === argument.name)?.known
      : resources.templates.find(({ uriTemplate }) => uriTemplate === ref.uri && uriTemplate.endsWith(`{${argument.name}}`))?.known;
  const fitting = matches(known === undefined ? [] : await valuesOf(known, read, recent), argument.value);
  return { completion: { values: fitting.slice(0, mostValues), total: fitting.length, hasMore: fitting.length > mostValues } };
}

async function valuesOf(known: Known, read: () => Promise<ReadContext>, recent: Recent): Promise<readonly string[]> {
  const found = recent.get(known);
  if (found !== undefined && performance.now() - found.time < recentMs) return found.values;
  const values = read()
    .then(known)
    .catch((error: unknown) => {
      recent.delete(known);
      if (error instanceof GatewayError) return [];
      throw error;
    });
  recent.set(known, { time: performance.now(), values });
  return values;
}

function matches(values: readonly string[], typed: string): string[] {
  const wanted = visible(typed).toLowerCase();
  const shown = [...new Set(values.map(visible))];
  const first = shown.filter((value) => value.toLowerCase().startsWith(wanted));
  return [...first, ...shown.filter((value) => !first.includes(value) && value.toLowerCase().includes(wanted))];
}
