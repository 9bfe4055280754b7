import { conversion, missing, type Reader, type Value } from "../conversions.ts";
import { nothing } from "../scalar.ts";
import { argumentAs, type Call, type ScalarFunction } from "./call.ts";

const isEmpty = (value: Value): boolean => value === null || value === "";

const asked =
  (test: (value: Value) => boolean): ScalarFunction =>
  ({ args: [read = nothing] }) =>
  (row) =>
    test(read(row));

/** `case(condition, value, ..., otherwise)`; `iff` is one with a single condition. A condition that is null does not hold. */
const choice: ScalarFunction = (call) => {
  const last = call.args.length - 1;
  const conditions: Reader[] = [];
  const values: Reader[] = [];
  for (let index = 0; index < last; index += 2) {
    conditions.push(call.args[index] ?? nothing);
    values.push(resultAt(call, index + 1));
  }
  const otherwise = resultAt(call, last);
  return (row) => {
    for (let index = 0; index < conditions.length; index++) if (conditions[index]?.(row) === true) return values[index]?.(row) ?? null;
    return otherwise(row);
  };
};

const resultAt = (call: Call, index: number): Reader => argumentAs(call, index, call.type);

/** The first that is not null; of texts the first that is not empty. */
const coalesce: ScalarFunction = (call) => {
  const readers = call.args.map((_, index) => resultAt(call, index));
  return (row) => {
    for (const read of readers) {
      const value = read(row);
      if (!isEmpty(value)) return value;
    }
    return missing(call.type);
  };
};

/** A conversion to the type that the binder gives the call. */
const converting: ScalarFunction = ({ args: [read = nothing], types: [from = "dynamic"], type }) => {
  const convert = conversion(from, type);
  return (row) => convert(read(row));
};

/** Of what is missing too: a dynamic null is an empty text. */
const toText: ScalarFunction = (call) => argumentAs(call, 0, "string");

export const choices: Readonly<Record<string, ScalarFunction>> = {
  case: choice,
  coalesce,
  iff: choice,
  iif: choice,
  isempty: asked(isEmpty),
  isnotempty: asked((value) => !isEmpty(value)),
  isnotnull: asked((value) => value !== null),
  isnull: asked((value) => value === null),
  not: ({ args: [read = nothing] }) => {
    return (row) => {
      const value = read(row);
      return typeof value === "boolean" ? !value : null;
    };
  },
  notempty: asked((value) => !isEmpty(value)),
  notnull: asked((value) => value !== null),
  tobool: converting,
  toboolean: converting,
  todatetime: converting,
  todouble: converting,
  toint: converting,
  tolong: converting,
  toreal: converting,
  tostring: toText,
  totimespan: converting,
};
