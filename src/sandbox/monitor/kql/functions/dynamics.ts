import type { Json } from "../../../../gateway/documents.ts";
import { isBag, isList, toDynamic, type Value } from "../conversions.ts";
import { nothing } from "../scalar.ts";
import { argumentAs, type Call, remembered, type ScalarFunction } from "./call.ts";

/** What is no JSON is a text (https://learn.microsoft.com/kusto/query/parse-json-function). */
function parsed(text: string): Json {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return text;
  }
}

const parseJson: ScalarFunction = (call) => {
  if (call.types[0] !== "string") return dynamicAt(call, 0);
  const [read = nothing] = call.args;
  const parse = remembered(parsed);
  return (row) => parse(String(read(row)));
};

function dynamicAt({ args, types }: Call, index: number) {
  const read = args[index] ?? nothing;
  const convert = toDynamic(types[index] ?? "dynamic");
  return (row: number): Value => convert(read(row));
}

const packList: ScalarFunction = (call) => {
  const readers = call.args.map((_, index) => dynamicAt(call, index));
  return (row) => readers.map((read) => read(row));
};

const packBag: ScalarFunction = (call) => {
  const names = call.args.flatMap((_, index) => (index % 2 === 0 ? [argumentAs(call, index, "string")] : []));
  const values = call.args.flatMap((_, index) => (index % 2 === 1 ? [dynamicAt(call, index)] : []));
  return (row) => Object.fromEntries(names.map((name, index) => [String(name(row)), values[index]?.(row) ?? null]));
};

const ofList =
  (compute: (list: readonly Json[]) => Value): ScalarFunction =>
  ({ args: [read = nothing] }) =>
  (row) => {
    const value = read(row);
    return isList(value) ? compute(value) : null;
  };

export const dynamics: Readonly<Record<string, ScalarFunction>> = {
  array_length: ofList((list) => list.length),
  array_sum: ofList((list) => list.reduce((sum: number, value) => sum + (typeof value === "number" ? value : 0), 0)),
  bag_has_key: (call) => {
    const [bag, key] = [call.args[0] ?? nothing, argumentAs(call, 1, "string")];
    return (row) => {
      const value = bag(row);
      return isBag(value) ? Object.hasOwn(value, String(key(row))) : null;
    };
  },
  bag_keys: ({ args: [read = nothing] }) => {
    return (row) => {
      const value = read(row);
      return isBag(value) ? Object.keys(value) : null;
    };
  },
  bag_pack: packBag,
  pack: packBag,
  pack_array: packList,
  pack_dictionary: packBag,
  parse_json: parseJson,
  parsejson: parseJson,
  strcat_array: (call) => {
    const [list, delimiter] = [call.args[0] ?? nothing, argumentAs(call, 1, "string")];
    return (row) => {
      const value = list(row);
      return isList(value)
        ? value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(String(delimiter(row)))
        : "";
    };
  },
  todynamic: parseJson,
};
