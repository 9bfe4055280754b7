import { regexOf } from "./regex.ts";
import { composed, constantOf, converted, nothing, type Run, type Scalar } from "./scalar.ts";
import { NotExecutable } from "./types.ts";

type Test = (text: string, wanted: string) => boolean;

/**
 * Whether `wanted` stands in `text` as a term: with no letter or digit before and behind it that would make it a part of one
 * (https://learn.microsoft.com/kusto/query/datatypes-string-operators#what-is-a-term). `from` and `to` say which sides are looked at.
 */
function hasTerm(text: string, wanted: string, sides: "both" | "start" | "end"): boolean {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    const begins = sides === "end" || !joins(text, at - 1, at);
    if (begins && (sides === "start" || !joins(text, end - 1, end))) return true;
    if (wanted === "") return true;
  }
  return false;
}

const isAlphanumeric = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

const joins = (text: string, before: number, after: number): boolean => isAlphanumeric(text[before]) && isAlphanumeric(text[after]);

const tests: Readonly<Record<string, Test>> = {
  contains: (text, wanted) => text.includes(wanted),
  startswith: (text, wanted) => text.startsWith(wanted),
  endswith: (text, wanted) => text.endsWith(wanted),
  has: (text, wanted) => hasTerm(text, wanted, "both"),
  hasprefix: (text, wanted) => hasTerm(text, wanted, "start"),
  hassuffix: (text, wanted) => hasTerm(text, wanted, "end"),
};

/** `has`, `!contains_cs`, `=~`, `matches regex`, ...; undefined for another operator. Case counts where the name ends in `_cs`. */
export function textOperator(operator: string, left: Scalar, right: Scalar): Scalar | undefined {
  if (operator === "matches regex") return matching(left, right);
  if (operator === "=~") return tested((text, wanted) => text === wanted, true, false, left, right);
  if (operator === "!~") return tested((text, wanted) => text === wanted, true, true, left, right);
  const [, not, name = "", isCase] = /^(!?)([a-z]+?)(_cs)?$/.exec(operator) ?? [];
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  return test === undefined ? undefined : tested(test, isCase === undefined, not === "!", left, right);
}

function tested(test: Test, ignoresCase: boolean, negated: boolean, left: Scalar, right: Scalar): Scalar {
  const [text, wanted] = [converted(left, "string"), converted(right, "string")];
  return composed("bool", [text, wanted], ([read = nothing, readWanted = nothing], run) => {
    const fold = ignoresCase ? (value: string): string => value.toLowerCase() : (value: string): string => value;
    const fixed = constantOf(wanted, run);
    if (typeof fixed === "string") {
      const folded = fold(fixed);
      return (row) => test(fold(String(read(row))), folded) !== negated;
    }
    return (row) => test(fold(String(read(row))), fold(String(readWanted(row)))) !== negated;
  });
}

function matching(left: Scalar, right: Scalar): Scalar {
  const [text, pattern] = [converted(left, "string"), converted(right, "string")];
  return composed("bool", [text, pattern], ([read = nothing, readPattern = nothing]) => (row) => {
    return regexOf(String(readPattern(row)), "").test(String(read(row)));
  });
}

/** `has_any` and `has_all` of a list that is the same for every row. */
export function hasTerms(left: Scalar, wanted: readonly Scalar[], all: boolean): Scalar {
  if (!wanted.every(({ constant }) => constant)) throw new NotExecutable("has_any or has_all of a list that differs by row");
  const terms = (run: Run): readonly string[] =>
    wanted.flatMap((scalar) => {
      const value = constantOf(scalar, run);
      return (Array.isArray(value) ? value : [value ?? ""]).map((one) => String(one).toLowerCase());
    });
  return composed("bool", [converted(left, "string")], ([read = nothing], run) => {
    const known = terms(run);
    const has = (text: string) => (term: string) => hasTerm(text, term, "both");
    return (row) => {
      const text = String(read(row)).toLowerCase();
      return all ? known.every(has(text)) : known.some(has(text));
    };
  });
}
