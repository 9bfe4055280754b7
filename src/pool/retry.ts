import { conditionText } from "../policy/conditions.ts";
import { attribute } from "../policy/document.ts";
import { allSteps, type Place, type Step, type StepReader } from "../policy/steps.ts";

/** A `retry` around the call to the backend: https://learn.microsoft.com/azure/api-management/retry-policy */
export interface Retry {
  /** Retries after the first try, as the policy writes it: a number or an expression. */
  readonly count: string;
  readonly condition: string;
  readonly source: Place;
  /** Whether an answer of 503 is retried; null where that cannot be told. */
  readonly onServerError: boolean | null;
  /** The same of an answer of 500, and of no answer: a refused connection or a timeout. */
  readonly onInternalError: boolean | null;
  readonly onNoAnswer: boolean | null;
  /** Whether the next try sends the request's body again. */
  readonly buffersBody: boolean;
}

/** Whether a condition holds; null where that is not known. */
export type Decides = (condition: string, place: Place) => boolean | null;

/** The retry that holds the `forward-request` of a backend section; null where there is none. */
export function retryOf(backend: readonly Step[], reader: StepReader, decides: Decides = () => null): Retry | null {
  const step = [...allSteps(backend)].find(({ element, children }) => element.name === "retry" && forwards(children()));
  if (step === undefined) return null;
  const { element, place } = step;
  const condition = attribute(element, "condition") ?? "";
  const calls = [...allSteps(step.children())].map(({ element: inner }) => inner).filter(({ name }) => name === "forward-request");
  return {
    count: reader.resolve(attribute(element, "count") ?? "", place.document).text,
    condition: conditionText(condition, { resolve: (text) => reader.resolve(text, place.document) }),
    source: place,
    onServerError: decides(answeredWith(condition, 503), place),
    onInternalError: decides(answeredWith(condition, 500), place),
    onNoAnswer: decides(unanswered(condition), place),
    buffersBody: calls.every((call) => attribute(call, "buffer-request-body")?.trim().toLowerCase() === "true"),
  };
}

/** How a backend fails: with a status, or without any answer. */
export type Outage = 503 | 500 | "no answer";

/** Retries of a call in an outage, as a number; null where an expression counts them or it cannot be told what is retried. */
export function retriesIn(retry: Retry | null, outage: Outage): number | null {
  if (retry === null) return 0;
  const retried = outage === 503 ? retry.onServerError : outage === 500 ? retry.onInternalError : retry.onNoAnswer;
  if (retried !== true) return retried === false ? 0 : null;
  const count = Number(retry.count);
  return Number.isInteger(count) ? count : null;
}

/** A condition about the answer, for an answer with this status. */
const answeredWith = (condition: string, status: number): string =>
  condition
    .replace(/context\s*\.\s*Response\s*!=\s*null/g, "true")
    .replace(/context\s*\.\s*Response\s*==\s*null/g, "false")
    .replace(/context\s*\.\s*Response\s*\??\.\s*StatusCode/g, `${status}`);

/** A condition about the answer where there is none. */
const unanswered = (condition: string): string =>
  condition.replace(/context\s*\.\s*Response\s*!=\s*null/g, "false").replace(/context\s*\.\s*Response\s*==\s*null/g, "true");

export const forwards = (steps: readonly Step[]): boolean => [...allSteps(steps)].some(({ element }) => element.name === "forward-request");
