import { subscriptionName } from "../gateway/model.ts";
import type { PromptArgument } from "../prompt.ts";

/** Arguments that several prompts have. */

export const api = {
  name: "api",
  description: "API id",
  known: async ({ gateway }) => (await gateway.apis()).map(({ id }) => id),
} as const satisfies PromptArgument;

export const product = {
  name: "product",
  description: "Product id",
  known: async ({ gateway }) => (await gateway.products()).map(({ id }) => id),
} as const satisfies PromptArgument;

export const team = {
  name: "team",
  description: "Subscription id",
  known: async ({ gateway }) => (await gateway.subscriptions()).map(subscriptionName),
} as const satisfies PromptArgument;

/** How long back, as an ISO 8601 duration. */
export const period = {
  name: "period",
  description: "How long back as an ISO 8601 duration, P7D where left out",
  known: async () => ["P1D", "P7D", "P14D", "P31D"],
} as const satisfies PromptArgument;

/** A call as a model is to make it; what is not given is left out. */
export const call = (tool: string, input: Readonly<Record<string, unknown>> = {}): string => `\`${tool} ${JSON.stringify(input)}\``;

/** A text of the user in a sentence: on one line, in quotes that it cannot leave. */
export const quoted = (text: string): string => JSON.stringify(text.replace(/\s+/g, " ").trim().slice(0, 200));

/** Numbered lines under a first one. */
export const steps = (first: string, ...rest: readonly string[]): string =>
  [first, "", ...rest.map((step, index) => `${index + 1}. ${step}`)].join("\n");

/** How every change goes. */
export const planShowApply =
  "Show me the plan: its `confirm` line, the diff, who is affected, every warning and guard. Only once I agree, call `apply_change` with its `plan_id` and `confirm`, word for word. `undo_change` plans the way back.";
