import { describe, expect, it } from "vitest";
import type { ValueType } from "../../src/policy/catalogue/types.ts";
import { isOutside, rangeInWords, typeFault } from "../../src/policy/rules/value-types.ts";

describe("typeFault", () => {
  it.each<[ValueType, readonly string[], readonly string[]]>([
    ["boolean", ["true", "false", "1", "0", " true\n"], ["True", "yes", "", "01"]],
    ["int", ["0", "-1", "+5", "2147483647", "-2147483648"], ["2147483648", "1.0", "1e3", "10k", "", "--1", "0x10"]],
    ["long", ["9223372036854775807"], ["9223372036854775808"]],
    ["integer", ["123456789012345678901234567890"], ["1.5"]],
    ["unsignedInt", ["0", "4294967295"], ["-1", "4294967296"]],
    ["positiveInteger", ["1"], ["0", "-1"]],
    ["nonNegativeInteger", ["0"], ["-1", "0.5"]],
    ["float", ["0.05", ".5", "5.", "1e-3", "INF", "NaN"], ["0,05", "high", "1e", "infinity"]],
    ["double", ["1"], ["one"]],
    ["dateTime", ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00.5+02:00"], ["2026-01-01", "2026-01-01 00:00:00"]],
    [
      ["all", "any"],
      ["all", " any "],
      ["All", "", "all any"],
    ],
    ["string", ["", "anything"], []],
    ["name", ["{x}"], []],
  ])("%j", (type, right, wrong) => {
    expect(right.filter((text) => typeFault(type, text) !== null)).toEqual([]);
    expect(wrong.filter((text) => typeFault(type, text) === null)).toEqual([]);
  });

  it("says it as .NET does", () => {
    expect(typeFault("int", "10k")).toEqual({
      datatype: "http://www.w3.org/2001/XMLSchema:int",
      detail: "The string '10k' is not a valid Int32 value.",
    });
    expect(typeFault("int", "2147483648")?.detail).toBe("Value '2147483648' was either too large or too small for Int32.");
  });
});

describe("a range", () => {
  it("has bounds that belong to it, and exceptions", () => {
    const range = { min: 300, max: 600, except: 0 };
    expect(["299", "300", "600", "601", "0", "-0", "x"].filter((text) => isOutside(text, range))).toEqual(["299", "601"]);
  });

  it.each([
    [{ min: 1, max: 300 }, "from 1 to 300"],
    [{ max: 50 }, "up to 50"],
    [{ min: 300, except: 0 }, "from 300, or 0"],
  ])("%j in words", (range, words) => expect(rangeInWords(range)).toBe(words));
});
