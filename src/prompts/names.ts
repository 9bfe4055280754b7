import { GatewayError } from "../errors.ts";
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

const mostDays = 31;
const dayMinutes = 24 * 60;

/** Minutes of an ISO 8601 duration of weeks, days, hours and minutes; null for another text. https://www.rfc-editor.org/rfc/rfc3339#appendix-A */
function minutesIn(duration: string): number | null {
  const [whole, ...amounts] = /^P(?=.*\d)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?)?$/i.exec(duration.trim()) ?? [];
  if (whole === undefined) return null;
  const [weeks = 0, days = 0, hours = 0, minutes = 0] = amounts.map((amount) => Number(amount ?? 0));
  return (weeks * 7 + days) * dayMinutes + hours * 60 + minutes;
}

/** The duration that was given, as tools take it; `otherwise` where none was. Throws `invalid_input` for what no tool takes. */
export function periodOf(given: string | undefined, otherwise: string): string {
  if (given === undefined) return otherwise;
  const minutes = minutesIn(given);
  if (minutes !== null && minutes > 0 && minutes <= mostDays * dayMinutes) return given.trim().toUpperCase();
  throw new GatewayError(
    "invalid_input",
    `The period ${quoted(given)} is not an ISO 8601 duration of at most ${mostDays} days, such as P7D or PT6H.`,
  );
}

/** The time that was given, where a tool takes it as it is: ISO 8601 with an offset, or how long ago. */
export function timeOf(given: string | undefined): string | undefined {
  const text = given?.trim().toUpperCase() ?? "";
  const isAgo = text.startsWith("-") && (minutesIn(text.slice(1)) ?? 0) > 0;
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text));
  return isAgo || isTime ? text : undefined;
}

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
