import { attribute } from "../policy/document.ts";
import type { Known, StaticCall } from "../policy/static/values.ts";
import type { StaticPolicies, Verdict } from "../policy/static/walk.ts";
import { allSteps, type Step } from "../policy/steps.ts";

/** The policies of one kind of call, as far as they can be followed before any call is made. */
export interface Followed {
  /** Whether any call meets a policy of the backend section: none does where all of them end before. */
  readonly reachesBackend: boolean;
  /** What an attribute comes to; null where the step has none of that name, undefined where no call comes to it. */
  value(step: Step, attribute: string): Known | null | undefined;
  /** For each `when` of a `choose` whether its calls take it; null where nothing in the `choose` is ever met. */
  verdicts(whens: readonly Step[], branches: readonly Step[]): readonly Verdict[] | null;
}

export function followed(policies: StaticPolicies, call: StaticCall): Followed {
  const backend = policies.met(call, "backend");
  const met = new Map([...policies.met(call, "inbound"), ...backend].map((one) => [one.step, one]));
  return {
    reachesBackend: backend.length > 0,
    value: (step, name) => met.get(step)?.value(name),
    verdicts(whens, branches) {
      // Nothing has changed a variable before the first step of a branch.
      const first = branches.flatMap((branch) => [...allSteps(branch.children())]).find((step) => met.has(step));
      const variables = first === undefined ? undefined : met.get(first)?.variables;
      if (variables === undefined) return null;
      return whens.map(({ element, place }) => policies.decide(attribute(element, "condition") ?? "", call, variables, place.document));
    },
  };
}
