import { originOf, type Piece, type PiecedText } from "./text-pieces.ts";
import type { Constant, Input, JsonValue, Known, Origin, Present, Several, Throws, Unknown } from "./values.ts";

/** What C# would throw; caught where an expression ends, and where another way may be taken. */
export class Thrown {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** A text whose characters can be followed to where they stand. */
export interface TextConstant extends Constant {
  readonly value: string;
  readonly pieces?: readonly Piece[];
}

/** An unknown truth of which it is known when it holds: where this deployment is asked for. */
export interface UnknownTruth extends Unknown {
  readonly asks: string;
}

/** A variable that some calls have and others do not. */
export interface MaybeSet extends Unknown {
  readonly ifSet: Known;
}

export const isMaybeSet = (value: Known): value is MaybeSet => "ifSet" in value;

export const constant = (value: Constant["value"], type?: Constant["type"], origin: Origin | null = null): Constant =>
  type === undefined ? { kind: "constant", value, origin } : { kind: "constant", value, type, origin };

export const nothing: Constant = constant(null);
export const yes: Constant = constant(true);
export const no: Constant = constant(false);
export const truth = (value: boolean): Constant => (value ? yes : no);

export const text = ({ text, pieces }: PiecedText): TextConstant => ({ kind: "constant", value: text, origin: originOf(pieces), pieces });

export const present = (what: string): Present => ({ kind: "present", what });

export const thrown = (why: string): Throws => ({ kind: "throws", why });

/** What one input brings along, whole. */
export function brought(what: Input["what"], name: string, why = whyOf({ what, name })): Unknown {
  const input = { what, name };
  return { kind: "unknown", parts: [input], inputs: [input], why };
}

export const notUnderstood = (source: string): Unknown => brought("expression", shortened(source));

/** What follows from others in a way that is not followed further. `source` is the expression's text. */
export function following(from: readonly Known[], source: string): Unknown {
  const inputs = inputsOf(from);
  const [only, ...others] = inputs;
  if (only === undefined) return notUnderstood(source);
  const whole = others.length === 0 && only.what !== "subscription-key";
  const parts = whole ? [only] : [{ what: "expression" as const, name: shortened(source) }];
  return { kind: "unknown", parts, inputs, why: whysOf(inputs) };
}

export function unknownOf(inputs: readonly Input[], source: string): Unknown {
  return following([{ kind: "unknown", parts: [], inputs, why: "" }], source);
}

export function inputsOf(values: readonly Known[]): readonly Input[] {
  const found = new Map<string, Input>();
  for (const value of values) {
    if (value.kind === "list") for (const input of inputsOf(value.items)) found.set(keyOf(input), input);
    if (value.kind !== "unknown" && value.kind !== "several") continue;
    for (const input of value.inputs) found.set(keyOf(input), input);
  }
  return [...found.values()];
}

const keyOf = ({ what, name }: Input): string => `${what}:${name}`;

export function mergedInputs(...lists: readonly (readonly Input[])[]): readonly Input[] {
  const found = new Map<string, Input>();
  for (const input of lists.flat()) found.set(keyOf(input), input);
  return [...found.values()];
}

const longestName = 120;

/** On one line. */
export function shortened(source: string): string {
  const line = source
    .slice(0, longestName * 4)
    .trim()
    .replace(/\s+/g, " ");
  return line.length > longestName ? `${line.slice(0, longestName - 3)}...` : line;
}

const phrases: Readonly<Record<Input["what"], (name: string) => string>> = {
  deployment: () => "the deployment that each call asks for",
  header: (name) => `the header '${name}' of each call`,
  query: (name) => `the query parameter '${name}' of each call`,
  path: (name) => `the path of each call (${name})`,
  body: (name) => `the body of each call${name === "" ? "" : ` (${name})`}`,
  claim: (name) => `the token of each call (${name})`,
  address: () => "the address that each call comes from",
  user: (name) => `the user of each call (${name})`,
  certificate: () => "the client certificate of each call",
  method: () => "the method of each call",
  api: (name) => `the API of each call (${name})`,
  product: (name) => `the product of each call (${name})`,
  operation: (name) => `the operation of each call (${name})`,
  "subscription-key": () => "the key of the subscription",
  gateway: (name) => `the gateway that serves the call (${name})`,
  time: (name) => `the time of each call (${name})`,
  cache: (name) => `what the cache holds (${name})`,
  response: (name) => `what a backend or service answers (${name})`,
  variable: (name) => `the variable '${name}', which is set as the call is served`,
  "named-value": (name) => `the named value '${name}'`,
  expression: (name) => `the expression ${name}, which is not followed`,
};

/** Where to look for it. */
function whyOf({ what, name }: Input): string {
  return phrases[what](name);
}

export function whysOf(inputs: readonly Input[]): string {
  const [first, second, ...others] = inputs.map(whyOf);
  return [first, second, ...(others.length > 0 ? [`${others.length} more`] : [])].filter((why) => why !== undefined).join(", ");
}

/** More than these are not told apart. */
const mostValues = 64;

/** Either of two values, by what these inputs bring along. */
export function eitherOf(one: Known, other: Known, inputs: readonly Input[], source: string): Known {
  if (one === other) return one;
  if (one.kind === "throws" || other.kind === "throws") return thatGoesOn(one, other, inputs, source);
  const all = [...constantsOf(one), ...constantsOf(other)];
  if (all.length === 0 || !isConstants(one) || !isConstants(other)) return eitherUnknown(one, other, inputs, source);
  const values: (Constant | JsonValue)[] = [];
  for (const value of all) if (!values.some((known) => sameConstant(known, value))) values.push(value);
  const [only, ...others] = values;
  if (only !== undefined && others.length === 0) return only;
  const from = mergedInputs(inputs, inputsOf([one, other]));
  return values.length > mostValues ? unknownOf(from, source) : { kind: "several", values, inputs: from };
}

/** A call that throws gets no further: of those that do, the other value is true. Where it is not understood which ones do, nothing is said. */
function thatGoesOn(one: Known, other: Known, inputs: readonly Input[], source: string): Known {
  if (one.kind === "throws" && other.kind === "throws") return one;
  return inputs.some(({ what }) => what === "expression") ? unknownOf(inputs, source) : one.kind === "throws" ? other : one;
}

function eitherUnknown(one: Known, other: Known, inputs: readonly Input[], source: string): Unknown {
  return unknownOf(mergedInputs(inputs, inputsOf([one, other])), source);
}

const isConstants = (value: Known): value is Constant | JsonValue | Several =>
  value.kind === "constant" || value.kind === "json" || value.kind === "several";

const constantsOf = (value: Known): readonly (Constant | JsonValue)[] =>
  value.kind === "several" ? value.values : value.kind === "constant" || value.kind === "json" ? [value] : [];

function sameConstant(one: Constant | JsonValue, other: Constant | JsonValue): boolean {
  if (one.kind === "constant" && other.kind === "constant") return one.value === other.value && one.type === other.type;
  return one === other;
}

/** Not traced to where it stands as data: other digits there might choose another value. */
export function withoutOrigin(value: Known): Known {
  if (value.kind === "several") return { ...value, values: value.values.map(untraced) };
  return value.kind === "constant" || value.kind === "json" ? untraced(value) : value;
}

function untraced(value: Constant | JsonValue): Constant | JsonValue {
  if (value.kind === "json") return { kind: "json", value: value.value, origin: shownOnly(value.origin) };
  const { pieces: _, ...rest } = value as TextConstant;
  return { ...rest, origin: shownOnly(value.origin) };
}

const shownOnly = (origin: Origin | null): Origin | null => (origin?.text === "expression" ? origin : null);

export const sameKnown = (one: Known, other: Known): boolean =>
  one === other || (one.kind === "constant" && other.kind === "constant" && sameConstant(one, other) && one.origin === other.origin);
