import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grouped, inPage, nameInPage } from "../../../src/diagnose/report/text.ts";

describe("a text in a page", () => {
  test.for([
    ["Team Growth", "Team Growth"],
    ["a_b-c.d", "a_b-c.d"],
    ["a | b", "a \\| b"],
    ["a\\| b", "a\\\\\\| b"],
    ["one\n## two\r\n- three\u2028four\u0085five", "one ## two - three four five"],
    ["[click](https://evil.example)", "\\[click\\](https\\://evil.example)"],
    ["![x](//evil)", "!\\[x\\](//evil)"],
    ["<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"],
    ["see www.evil.example", "see www\\.evil.example"],
    ["`code` **bold** ~~gone~~", "\\`code\\` \\*\\*bold\\*\\* \\~\\~gone\\~\\~"],
    ["  ", ""],
  ] as const)("%j", ([text, shown]) => expect(inPage(text)).toBe(shown));

  test("is never more than a line and its length, and has no mark of its own", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.stringMatching(/^[|\\\n<[\]`* a]{0,80}$/)), (text) => {
        const shown = nameInPage(text);
        expect(shown).not.toMatch(/[\r\n\u0085\u2028\u2029]/);
        const plain = shown.replace(/\\[\\`*[\]<>|~:.]/g, "_");
        expect(plain).not.toMatch(/[\\`*[\]<>|~]|:\/\//);
        expect([...plain].length).toBeLessThanOrEqual(40);
      }),
    );
  });

  test("a name that is too long keeps its end, which tells it from others", () => {
    const shown = nameInPage(`team-${"x".repeat(100)}-of-the-north`);
    expect(shown).toMatch(/^team-x+….*north$/);
  });
});

test.for([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [12_345_678, "12,345,678"],
] as const)("%d is written %s", ([value, text]) => expect(grouped(value)).toBe(text));
