import fc from "fast-check";

/** C# as policy expressions have it, each whole and with something in it that a naive reader trips over. */
export const expressions: readonly string[] = [
  "@(context.Subscription.Id)",
  '@(context.Subscription?.Id == "growth" && context.Request.Headers.ContainsKey("x"))',
  '@("a)b" + \')\' + @"c:\\" + "\\")")',
  '@($"{context.Api.Id}-{(true ? "}" : "{{")}")',
  '@($@"{"a"}""{{" /* ) " */)',
  '@{ // it\'s a ) and a "\n  if (a < b) { return "}"; }\n  return \'"\'; }',
  "@(context.Variables.GetValueOrDefault&lt;string&gt;(&quot;a)&quot;))",
  '@((string)((JObject)context.Variables["x"])["{y}"])',
  "@{ return new Dictionary<string, List<int>>() { }; }",
];

const whiteSpace = fc.constantFrom("", " ", "\n", "\r\n", "\n\t", "\r\n    ", "  \n  ");
const name = fc.constantFrom("inbound", "choose", "when", "set-header", "llm-token-limit", "value", "x", "a:b", "_1.2-3");
const literal = fc.string({ unit: fc.constantFrom("a", "ä", "😀", " ", "1", ">", "'", "&amp;", "&quot;", "&#65;", "{{nv}}", "x@", "/") });
const expression = fc.tuple(whiteSpace, fc.constantFrom(...expressions), whiteSpace).map((parts) => parts.join(""));
const attributeText = fc
  .tuple(fc.constantFrom("a", "b", "counter-key", "condition"), fc.oneof(literal, expression), fc.boolean())
  .map(([key, value, single]) => {
    const quote = single && !value.includes("'") ? "'" : '"';
    return { key, text: `${key}=${quote}${value}${quote}` };
  });
const attributes = fc
  .uniqueArray(attributeText, { selector: ({ key }) => key, maxLength: 3 })
  .map((found) => found.map(({ text }) => ` ${text}`).join(""));

const { node } = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.tuple(name, attributes).map(([tag, attrs]) => `<${tag}${attrs} />`),
    literal.filter((text) => text.trim() !== ""),
    fc.constantFrom('<!-- ) " @{ -->', "<![CDATA[ <x> & ]]>", "<?pi x?>"),
    fc.tuple(name, attributes, expression).map(([tag, attrs, text]) => `<${tag}${attrs}>${text}</${tag}>`),
    fc
      .tuple(name, attributes, whiteSpace, fc.array(fc.tuple(tie("node"), whiteSpace), { maxLength: 4 }))
      .map(([tag, attrs, space, children]) => `<${tag}${attrs}>${space}${children.flat().join("")}</${tag}>`),
  ),
}));

/** Well-formed documents with raw and escaped expressions, mixed line endings and everything that XML has. */
export const generatedPolicy: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("", "\uFEFF", '<?xml version="1.0"?>\n'),
    whiteSpace,
    fc.array(fc.tuple(node, whiteSpace), { maxLength: 5 }),
    whiteSpace,
  )
  .map(([start, outer, children, inner]) => `${start}<policies>${inner}${children.flat().join("")}</policies>${outer}`);
