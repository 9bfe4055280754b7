import type { Input, Known, StaticCall, Unknown, Variables } from "./values.ts";

/** What an expression reads besides itself. */
export interface Facts {
  readonly call: StaticCall;
  readonly variables: Variables;
}

/** One evaluation of an expression. */
export interface Frame extends Facts {
  locals: Map<string, Known>;
  /** Steps that are left before the evaluation is given up: loops in a loop have no other bound. */
  readonly budget: { left: number };
  /** What was met that is not known, in the order in which it was. */
  readonly unsure: Unknown[];
  /** Values with which some calls have left a block. */
  readonly returns: Returned[];
  /** Ways that have left a loop or a `switch` while others go on in it. */
  readonly escapes: Escape[];
  /** Whether something was chosen by the digits of a number that stands as data. */
  judged: boolean;
}

export interface Escape {
  readonly kind: "break" | "continue";
  readonly locals: ReadonlyMap<string, Known>;
  readonly inputs: readonly Input[];
}

/** A value that is returned on one of several ways. */
interface Returned {
  readonly value: Known;
  readonly inputs: readonly Input[];
}

/** Evaluates one node of an expression. Throws `Thrown` where C# would throw, `Exhausted` where the budget is spent. */
export type Code = (frame: Frame) => Known;

/** Something is not understood; what holds it is not known. */
export class GivenUp {}

/** The whole expression is not followed any further. */
export class Exhausted {}

/** Far more than any real expression needs. */
const mostSteps = 20_000;

export const newFrame = ({ call, variables }: Facts): Frame => ({
  call,
  variables,
  locals: new Map(),
  budget: { left: mostSteps },
  unsure: [],
  returns: [],
  escapes: [],
  judged: false,
});

/** Takes one step. */
export function spend({ budget }: Frame, steps = 1): void {
  budget.left -= steps;
  if (budget.left < 0) throw new Exhausted();
}
