import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../../../src/sandbox/gateway/expressions/compile.ts";
import { ExpressionError } from "../../../../src/sandbox/gateway/expressions/errors.ts";
import { toText } from "../../../../src/sandbox/gateway/expressions/values.ts";
import { contextWith, csharp, shown } from "./context.ts";

const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.integer({ min: -10, max: 10 }),
  fc.constantFrom(2 ** 31 - 1, -(2 ** 31)),
);
const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), fc.bigInt({ min: -10n, max: 10n }));

/** Text as a C# literal; half of a surrogate pair too. */
function literal(text: string): string {
  return `"${text.replaceAll(/[^ -~]|["\\]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

function parsed(code: string): unknown {
  return JSON.parse(shown(code));
}

const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", ",", " ", "é", "\n", "😀"), maxLength: 12 });

describe("arithmetic is that of C#", () => {
  const operations: Readonly<Record<string, (one: bigint, other: bigint) => bigint>> = {
    "+": (one, other) => one + other,
    "-": (one, other) => one - other,
    "*": (one, other) => one * other,
    "/": (one, other) => one / other,
    "%": (one, other) => one % other,
    "&": (one, other) => one & other,
    "|": (one, other) => one | other,
    "^": (one, other) => one ^ other,
  };

  /** An expression with the number that it must be; null where .NET throws. */
  interface Term {
    readonly code: string;
    readonly value: bigint | null;
  }

  function terms(bits: number, leaf: fc.Arbitrary<bigint>, suffix: string): fc.Arbitrary<Term> {
    const least = -(2n ** BigInt(bits - 1));
    const { term } = fc.letrec<{ term: Term }>((tie) => ({
      term: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        leaf.map((value) => ({ code: value < 0n ? `(${value}${suffix})` : `${value}${suffix}`, value })),
        fc.tuple(tie("term"), fc.constantFrom(...Object.keys(operations)), tie("term")).map(([one, operator, other]) => {
          const [a, b] = [one.value, other.value];
          const divides = operator === "/" || operator === "%";
          const throws = a === null || b === null || (divides && (b === 0n || (a === least && b === -1n)));
          return {
            code: `(${one.code} ${operator} ${other.code})`,
            value: throws ? null : BigInt.asIntN(bits, operations[operator]?.(a, b) ?? 0n),
          };
        }),
      ),
    }));
    return term;
  }

  test.each([
    ["int", 32, int32.map(BigInt), ""],
    ["long", 64, int64, "L"],
  ] as const)("of %s", (_, bits, leaf, suffix) => {
    fc.assert(
      fc.property(terms(bits, leaf, suffix), ({ code, value }) => {
        if (value === null) expect(shown(`@(${code})`)).toMatch(/^(?:DivideByZero|Overflow)Exception: /);
        else expect(shown(`@(${code})`)).toBe(String(value));
      }),
    );
  });

  test("of double", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const written = (each: number) => (Object.is(each, -0) ? "-0" : String(each));
    fc.assert(
      fc.property(number, fc.constantFrom("+", "-", "*", "/"), number, (one, operator, other) => {
        const code = `@(double.Parse("${written(one)}") ${operator} double.Parse("${written(other)}"))`;
        const wanted = { "+": one + other, "-": one - other, "*": one * other, "/": one / other }[operator] ?? 0;
        const found = shown(code).replace("E+", "e");
        expect(Object.is(Number(found), wanted) || (Number.isNaN(Number(found)) && Number.isNaN(wanted))).toBe(true);
      }),
    );
  });

  test("of decimal: sums and products are exact", () => {
    const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: 0, max: 6 }));
    const written = ([unscaled, scale]: readonly [bigint, number]) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
      const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
      return `${unscaled < 0n ? "-" : ""}${text}`;
    };
    fc.assert(
      fc.property(decimal, decimal, (one, other) => {
        const scale = Math.max(one[1], other[1]);
        const sum = one[0] * 10n ** BigInt(scale - one[1]) + other[0] * 10n ** BigInt(scale - other[1]);
        expect(shown(`@((${written(one)}m) + (${written(other)}m))`)).toBe(written([sum, scale]));
        expect(shown(`@((${written(one)}m) * (${written(other)}m))`)).toBe(written([one[0] * other[0], one[1] + other[1]]));
      }),
    );
  });

  test("a quotient of decimals times its divisor is the dividend but for the last digit", () => {
    const decimal = fc.integer({ min: 1, max: 10 ** 9 });
    fc.assert(
      fc.property(decimal, decimal, (one, other) => {
        const back = Number(shown(`@(${one}m / ${other}m * ${other}m)`));
        expect(Math.abs(back - one)).toBeLessThan(1e-9 * one);
      }),
    );
  });

  test("numbers keep their value through text and back", () => {
    fc.assert(
      fc.property(int64, (number) => {
        expect(shown(`@(long.Parse(${literal(String(number))}).ToString())`)).toBe(String(number));
        expect(shown(`@(Convert.ToInt64(long.Parse("${number}").ToString("N0").Replace(",", "")))`)).toBe(String(number));
      }),
    );
  });
});

describe("texts are those of .NET", () => {
  test("literals", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(shown(`@(${literal(text)})`)).toBe(text);
        expect(shown(`@($"{${literal(text)}}")`)).toBe(text);
        // XML has no NUL, and the parser takes it for the end.
        if (!text.includes("\0")) expect(shown(`@(@"${text.replaceAll('"', '""')}")`)).toBe(text);
      }),
    );
  });

  test("Substring, IndexOf, Split, Replace, Trim and padding", () => {
    fc.assert(
      fc.property(letters, letters, fc.nat(12), (text, other, number) => {
        const [one, two] = [literal(text), literal(other)];
        if (number <= text.length) expect(shown(`@(${one}.Substring(${number}))`)).toBe(text.slice(number));
        else expect(shown(`@(${one}.Substring(${number}))`)).toMatch(/^ArgumentOutOfRangeException: /);
        expect(shown(`@(${one}.IndexOf(${two}))`)).toBe(String(text.indexOf(other)));
        expect(shown(`@(${one}.Contains(${two}))`)).toBe(text.includes(other) ? "True" : "False");
        expect(shown(`@(${one}.PadLeft(${number}, '*') + ${one}.PadRight(${number}) + "|")`)).toBe(
          `${text.padStart(number, "*")}${text.padEnd(number)}|`,
        );
        expect(shown(`@(string.Join(${two}, ${one}.Split(',')))`)).toBe(text.split(",").join(other));
        expect(shown(`@(${one}.Trim())`)).toBe(text.trim());
        if (other !== "") expect(shown(`@(${one}.Replace(${two}, "-"))`)).toBe(text.replaceAll(other, "-"));
      }),
    );
  });

  test("bytes and Base64", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(shown(`@(Convert.ToBase64String(Encoding.UTF8.GetBytes(${literal(text)})))`)).toBe(Buffer.from(text).toString("base64"));
        expect(
          shown(`@(Encoding.UTF8.GetString(Convert.FromBase64String(Convert.ToBase64String(Encoding.UTF8.GetBytes(${literal(text)})))))`),
        ).toBe(text);
        expect(shown(`@(Uri.UnescapeDataString(Uri.EscapeDataString(${literal(text)})))`)).toBe(text);
        expect(shown(`@(WebUtility.UrlDecode(WebUtility.UrlEncode(${literal(text)})))`)).toBe(text);
        expect(shown(`@(WebUtility.HtmlDecode(WebUtility.HtmlEncode(${literal(text)})))`)).toBe(text);
      }),
    );
  });
});

test("JSON stays the same through a tree", () => {
  const dateLike = /^\d{4}-\d\d-\d\dT/;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value, (_, each) => (Object.is(each, -0) ? 0 : each));
      fc.pre(!dateLike.test(text) && !/-?\d{19,}/.test(text));
      expect(parsed(`@(new JArray(JToken.Parse(${literal(text)})).ToString(Formatting.None))`)).toEqual([JSON.parse(text)]);
      expect(parsed(`@(new JArray(JToken.Parse(${literal(text)}).DeepClone()).ToString())`)).toEqual([JSON.parse(text)]);
    }),
  );
});

describe("regular expressions match as those of JavaScript do, where both mean the same", () => {
  // Where a turn of a loop may match nothing, .NET leaves the loop and JavaScript tries the turn again: only what matches something is repeated.
  const { pattern } = fc.letrec<{ pattern: string; solid: string }>((tie) => ({
    solid: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w"),
      fc.tuple(tie("solid"), tie("pattern")).map(([one, other]) => one + other),
      fc.tuple(tie("solid"), tie("solid")).map(([one, other]) => `(?:${one}|${other})`),
      tie("solid").map((inner) => `(${inner})`),
    ),
    pattern: fc.oneof(
      { maxDepth: 4 },
      tie("solid"),
      fc.constantFrom("^", "$", "\\b", "\\B"),
      fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => one + other),
      fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => `(?:${one}|${other})`),
      fc.tuple(tie("solid"), fc.constantFrom("*", "+", "?", "{1,2}", "*?", "+?", "??")).map(([inner, many]) => `(?:${inner})${many}`),
      fc.tuple(tie("pattern"), fc.constantFrom("?=", "?!", "?<=", "?<!")).map(([inner, look]) => `(${look}${inner})`),
    ),
  }));

  test("IsMatch and the place of the first match", () => {
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom("a", "b", "c", "1", " "), maxLength: 8 }), (source, text) => {
        // JavaScript's \w and \d know only ASCII, as these texts do; lookbehind walks the other way, so that greedy parts may differ.
        const wanted = new RegExp(source, "s").exec(text);
        const found = shown(`@(Regex.Match(${literal(text)}, ${literal(source)}, RegexOptions.Singleline).Success)`);
        expect(found).toBe(wanted === null ? "False" : "True");
        if (wanted !== null && !/\?</.test(source))
          expect(
            shown(
              `@{ var m = Regex.Match(${literal(text)}, ${literal(source)}, RegexOptions.Singleline); return m.Index + ":" + m.Value; }`,
            ),
          ).toBe(`${wanted.index}:${wanted[0]}`);
      }),
      { numRuns: 300 },
    );
  });
});

describe("whatever is written, the answer is a value or an ExpressionError", () => {
  const word = fc.constantFrom(
    "context",
    "x",
    "y",
    "list",
    "o",
    "Math",
    "string",
    "JObject",
    "int",
    "Regex",
    "DateTime",
    "Convert",
    "Guid",
    "nothing",
  );
  const member = fc.constantFrom(
    "Length",
    "Count",
    "Id",
    "Request",
    "Variables",
    "Body",
    "Value",
    "ToString()",
    "Max(1, 2)",
    "Parse(x)",
    "Select(i => i)",
    "First()",
    "ToList()",
    "Substring(1)",
    "AddDays(1)",
    "As<JObject>(true)",
    "Properties()",
  );
  const { expression, statement } = fc.letrec<{ expression: string; statement: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(
        "1",
        "2.5",
        "1.5m",
        "5L",
        '"a"',
        "'c'",
        "null",
        "true",
        "x",
        "y",
        "list",
        "o",
        "new[] { 1, 2 }",
        "new JObject()",
        "DateTime.UtcNow",
        "context",
      ),
      fc
        .tuple(
          tie("expression"),
          fc.constantFrom("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "??", "&", "<<"),
          tie("expression"),
        )
        .map((parts) => `(${parts.join(" ")})`),
      fc.tuple(tie("expression"), fc.constantFrom(".", "?."), member).map((parts) => parts.join("")),
      fc.tuple(word, member).map((parts) => parts.join(".")),
      fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([test, one, other]) => `(${test} ? ${one} : ${other})`),
      fc
        .tuple(fc.constantFrom("int", "long", "double", "string", "bool", "JObject", "decimal?", "object", "List<int>"), tie("expression"))
        .map(([type, value]) => `((${type})${value})`),
      fc.tuple(tie("expression"), fc.constantFrom("int", "string", "JObject n", "null")).map(([value, type]) => `(${value} is ${type})`),
      fc.tuple(tie("expression"), tie("expression")).map(([target, index]) => `${target}[${index}]`),
      tie("expression").map((value) => `$"{${value.replaceAll('"', "")},3:N2}"`),
      tie("expression").map((value) => `string.Format("{0}{1}", ${value}, x)`),
      tie("expression").map((value) => `list.Select(i => ${value}).Where(i => i != null).Count()`),
    ),
    statement: fc.oneof(
      { maxDepth: 4 },
      tie("expression").map((value) => `x = ${value};`),
      tie("expression").map((value) => `o[${value}] = 1;`),
      tie("expression").map((value) => `return ${value};`),
      fc.tuple(tie("expression"), tie("statement")).map(([test, body]) => `if (${test}) { ${body} }`),
      fc.tuple(tie("expression"), tie("statement")).map(([many, body]) => `foreach (var i in ${many}) { ${body} }`),
      tie("statement").map((body) => `try { ${body} } catch (Exception e) { return e.Message; } finally { x = 1; }`),
      tie("statement").map((body) => `while (x < 10) { x++; ${body} }`),
      fc.tuple(tie("expression"), tie("statement")).map(([value, body]) => `switch (${value}) { case 1: ${body} break; default: break; }`),
    ),
  }));

  function answers(code: string): void {
    try {
      expect(toText(compile(csharp, code).evaluate(contextWith()))).toBeTypeOf("string");
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionError);
      expect(String(error)).not.toContain("The sandbox failed");
    }
  }

  test("expressions", () => {
    fc.assert(
      fc.property(expression, (code) =>
        answers(`@{ var x = 1; string y = null; var list = new List<int> { 1, 2 }; var o = new JObject(); return ${code}; }`),
      ),
      { numRuns: 400 },
    );
  });

  test("statements", () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), (body) =>
        answers(`@{ var x = 1; string y = null; var list = new List<int> { 1, 2 }; var o = new JObject(); ${body.join(" ")} return x; }`),
      ),
      { numRuns: 300 },
    );
  });

  test("texts that are no C#", () => {
    const piece = fc.constantFrom(
      "(",
      ")",
      "{",
      "}",
      "[",
      "]",
      "<",
      ">",
      "?",
      ".",
      ",",
      ";",
      "=>",
      '"',
      "'",
      '$"',
      "context",
      "new",
      "JObject",
      "1",
      "+",
      "if",
      "return",
      "is",
      "as",
      "@",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 15 }), fc.boolean(), (pieces, isBlock) =>
        answers(isBlock ? `@{${pieces.join(" ")}}` : `@(${pieces.join(" ")})`),
      ),
      {
        numRuns: 400,
      },
    );
  });
});
