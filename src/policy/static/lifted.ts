import { eitherOf, following, inputsOf, Thrown, thrown } from "./data.ts";
import type { Constant, JsonValue, Known, Several } from "./values.ts";

/** More combinations than these are not tried. */
const mostCombinations = 64;

/**
 * What an operation makes of its operands, which it gets as constants, JSON, lists and objects: nothing is known where one is unknown; where
 * one is several, it is one of what they come to. `source` is the expression's text.
 */
export function lifted(operands: readonly Known[], source: string, apply: (operands: readonly Known[]) => Known): Known {
  let plain = true;
  for (const { kind } of operands) {
    if (kind === "unknown") return following(operands, source);
    if (kind === "throws") return following(operands, source);
    if (kind === "several") plain = false;
  }
  return plain ? apply(operands) : distributed(operands, source, apply);
}

function distributed(operands: readonly Known[], source: string, apply: (operands: readonly Known[]) => Known): Known {
  const combinations = operands.reduce<readonly (readonly Known[])[]>(
    (before, operand) =>
      before.length > mostCombinations ? before : before.flatMap((left) => alternativesOf(operand).map((value) => [...left, value])),
    [[]],
  );
  if (combinations.length > mostCombinations) return following(operands, source);
  const inputs = inputsOf(operands);
  const results = combinations.map((combination) => attempt(() => apply(combination)));
  const [first, ...others] = results;
  const either = others.reduce((joined: Known, result) => eitherOf(joined, result, inputs, source), first ?? thrown(source));
  if (either.kind === "throws") throw new Thrown(either.why);
  return either;
}

const alternativesOf = (value: Known): readonly Known[] => (value.kind === "several" ? value.values : [value]);

/** A value, or that there is none as C# throws. */
export function attempt(evaluate: () => Known): Known {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof Thrown) return thrown(error.why);
    throw error;
  }
}

export const isSeveral = (value: Known): value is Several => value.kind === "several";
export const isPlain = (value: Known): value is Constant | JsonValue => value.kind === "constant" || value.kind === "json";
