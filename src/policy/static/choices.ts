import { following, inputsOf } from "./data.ts";
import type { Known, Unknown } from "./values.ts";

/** Those whose name may be the text of which this is known. */
export function fitting(
  members: ReadonlyMap<string, Known>,
  { parts }: Unknown,
  nameOf: (key: string) => string = (key) => key,
): readonly Known[] {
  const [first, last] = [parts[0], parts.length > 1 ? parts.at(-1) : undefined];
  const [start, end] = [typeof first === "string" ? first : "", typeof last === "string" ? last : ""];
  return [...members]
    .filter(([key]) => {
      const name = nameOf(key);
      return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
    })
    .map(([, value]) => value);
}

const mostChoices = 64;

/** One of these, by what the index depends on. */
export function oneOf(values: readonly Known[], index: Unknown, source: string): Known {
  const constants = values.filter((value) => value.kind === "constant" || value.kind === "json");
  const [only, ...others] = constants;
  if (constants.length < values.length || only === undefined || constants.length > mostChoices)
    return following([index, ...values], source);
  if (others.length === 0) return only;
  return { kind: "several", values: constants, inputs: inputsOf([index]) };
}
