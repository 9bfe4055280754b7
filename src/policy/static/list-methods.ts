import type { Call } from "./access.ts";
import { converted } from "./casts.ts";
import { following, nothing, notUnderstood, Thrown, truth } from "./data.ts";
import { GivenUp, spend } from "./frame.ts";
import { membersOf } from "./json-text.ts";
import { applied, isLambda } from "./lambdas.ts";
import { numberOf, numericOf } from "./numbers.ts";
import { equality, ignoresCase, truthOf } from "./operators.ts";
import type { Known } from "./values.ts";

type Method = (items: readonly Known[], call: Call) => Known;

/** A method of an array, a `List` or what LINQ makes of them. */
export function listMethod(items: readonly Known[], call: Call): Known {
  const method = Object.hasOwn(methods, call.name) ? methods[call.name] : undefined;
  if (method === undefined) return notUnderstood(call.source);
  return method(items, call);
}

const list = (items: readonly Known[]): Known => ({ kind: "list", items });

const same: Method = (items) => list(items);

const methods: Readonly<Record<string, Method>> = {
  ToList: same,
  ToArray: same,
  AsEnumerable: same,
  ToHashSet: same,
  Contains: contains,
  Any: (items, call) => (call.arguments.length === 0 ? truth(items.length > 0) : quantified(items, call, true)),
  All: (items, call) => quantified(items, call, false),
  Count: (items, call) => over(items, call, (kept) => numberOf(kept.length, "int")),
  Where: (items, call) => over(items, call, list),
  First: (items, call) => over(items, call, (kept) => kept[0] ?? missing(call)),
  FirstOrDefault: (items, call) => over(items, call, (kept) => kept[0] ?? emptyDefault(items)),
  Last: (items, call) => over(items, call, (kept) => kept.at(-1) ?? missing(call)),
  LastOrDefault: (items, call) => over(items, call, (kept) => kept.at(-1) ?? emptyDefault(items)),
  Single: (items, call) => over(items, call, (kept) => (kept.length === 1 ? (kept[0] ?? nothing) : missing(call))),
  SingleOrDefault: (items, call) => over(items, call, (kept) => (kept.length > 1 ? missing(call) : (kept[0] ?? emptyDefault(items)))),
  Select: (items, call) => list(items.map((item, index) => apply(call, item, index))),
  Cast: (items, { types: [type] }) => list(type === undefined ? items : items.map((item) => converted(item, type))),
  ElementAt: (items, call) => at(items, call) ?? missing(call),
  ElementAtOrDefault: (items, call) => at(items, call) ?? emptyDefault(items),
  Skip: (items, { arguments: [count] }) => list(items.slice(Math.max(amount(count), 0))),
  Take: (items, { arguments: [count] }) => list(items.slice(0, Math.max(amount(count), 0))),
  Reverse: (items) => list(items.toReversed()),
  Concat: (items, { arguments: [others] }) => {
    if (others?.kind !== "list") throw new GivenUp();
    return list([...items, ...others.items]);
  },
  IndexOf: (items, call) => positionOf(items, call),
  Exists: (items, call) => quantified(items, call, true),
  Find: (items, call) => over(items, call, (kept) => kept[0] ?? emptyDefault(items)),
};

function missing({ source }: Call): never {
  throw new Thrown(`${source.slice(0, 80)} finds nothing`);
}

/** `default(T)` of a list whose items are of `T`. */
function emptyDefault(items: readonly Known[]): Known {
  // Of an empty list nothing says what its items would be: texts and tokens are null, numbers are not.
  if (items.some((item) => item.kind === "constant" && typeof item.value !== "string" && item.type !== "token" && item.value !== null)) {
    throw new GivenUp();
  }
  if (items.some((item) => item.kind === "constant" && item.type === "char")) throw new GivenUp();
  return nothing;
}

function amount(value: Known | undefined): number {
  const number = value === undefined ? null : numericOf(value);
  if (number === null) throw new GivenUp();
  return number.number;
}

const at = (items: readonly Known[], { arguments: [index] }: Call): Known | undefined => items[amount(index)];

function apply({ arguments: [lambda], frame }: Call, ...given: readonly (Known | number)[]): Known {
  if (lambda === undefined || !isLambda(lambda)) throw new GivenUp();
  spend(frame);
  const values = given.map((value) => (typeof value === "number" ? numberOf(value, "int") : value));
  return applied(lambda, values.slice(0, lambda.parameters.length), frame);
}

/** What the items come to that the lambda keeps; all where there is none. */
function over(items: readonly Known[], call: Call, make: (kept: readonly Known[]) => Known): Known {
  if (call.arguments.length === 0) return make(items);
  const kept: Known[] = [];
  for (const item of items) {
    const holds = apply(call, item);
    const decided = truthOf(holds);
    if (decided === null) return following([holds, ...items], call.source);
    if (decided) kept.push(item);
  }
  return make(kept);
}

function quantified(items: readonly Known[], call: Call, wanted: boolean): Known {
  const open: Known[] = [];
  for (const item of items) {
    const holds = apply(call, item);
    const decided = truthOf(holds);
    if (decided === wanted && open.length === 0) return truth(wanted);
    if (decided === wanted || decided === null) open.push(holds);
  }
  return open.length === 0 ? truth(!wanted) : (onlyOf(open, items, wanted) ?? following(open, call.source));
}

/** `Any` over one item says what that item says. */
const onlyOf = (open: readonly Known[], items: readonly Known[], wanted: boolean): Known | null =>
  wanted && items.length === 1 ? (open[0] ?? null) : null;

function contains(items: readonly Known[], call: Call): Known {
  const [item, comparer] = call.arguments;
  if (item === undefined) throw new GivenUp();
  const ignoring = ignoresCase(comparer);
  const open: Known[] = [];
  for (const candidate of items) {
    if (membersOf(candidate) !== null) throw new GivenUp();
    const equal = equality(item, candidate, ignoring, call.source, call.frame);
    const decided = truthOf(equal);
    if (decided === true && open.length === 0) return truth(true);
    if (decided !== false) open.push(equal);
  }
  if (open.length === 0) return truth(false);
  return items.length === 1 ? (open[0] ?? truth(false)) : following(open, call.source);
}

function positionOf(items: readonly Known[], { arguments: [item], source, frame }: Call): Known {
  if (item === undefined) throw new GivenUp();
  for (const [index, candidate] of items.entries()) {
    const decided = truthOf(equality(item, candidate, false, source, frame));
    if (decided === null) return following([item, ...items], source);
    if (decided) return numberOf(index, "int");
  }
  return numberOf(-1, "int");
}
