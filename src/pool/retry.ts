import { conditionText } from "../policy/conditions.ts";
import { attribute } from "../policy/document.ts";
import { allSteps, type Place, type Step, type StepReader } from "../policy/steps.ts";

/** A `retry` around the call to the backend: https://learn.microsoft.com/azure/api-management/retry-policy */
export interface Retry {
  /** Retries after the first try, as the policy writes it: a number or an expression. */
  readonly count: string;
  readonly condition: string;
  readonly source: Place;
}

/** The retry that holds the `forward-request` of a backend section; null where there is none. */
export function retryOf(backend: readonly Step[], reader: StepReader): Retry | null {
  const step = [...allSteps(backend)].find(({ element, children }) => element.name === "retry" && forwards(children()));
  if (step === undefined) return null;
  return {
    count: reader.resolve(attribute(step.element, "count") ?? "").text,
    condition: conditionText(attribute(step.element, "condition") ?? "", reader),
    source: step.place,
  };
}

export const forwards = (steps: readonly Step[]): boolean => [...allSteps(steps)].some(({ element }) => element.name === "forward-request");
