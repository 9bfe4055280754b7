import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { auth, chat, global, guard, include, product, signIn } from "./authenticated.ts";
import { change, document, fragment, jwt, policy, serviceOf, textOf, verdictOf } from "./judged.ts";

describe("properties", () => {
  const leaf = fc.constantFrom(
    jwt,
    signIn,
    `<ip-filter action="allow" />`,
    "<cors />",
    `<set-header name="authorization"><value>x</value></set-header>`,
    "<base />",
  );
  const content: fc.Arbitrary<string> = fc.letrec<{ parts: string; node: string }>((tie) => ({
    parts: fc.array(tie("node"), { maxLength: 3 }).map((parts) => parts.join("")),
    node: fc.oneof(
      { maxDepth: 3, depthIdentifier: "policy" },
      leaf,
      fc
        .tuple(tie("parts"), tie("parts"))
        .map(([a, b]) => `<choose><when condition="@(x)">${a}</when><otherwise>${b}</otherwise></choose>`),
      tie("parts").map((inner) => `<choose><when condition="@(y)">${inner}</when></choose>`),
      tie("parts").map((inner) => `<retry condition="@(z)">${inner}</retry>`),
    ),
  })).parts;

  /** Each piece of the section is either there itself or in a fragment of its own. */
  const pieces = fc.array(
    fc.tuple(
      content.map((text) => text.replaceAll("<base />", "")),
      fc.boolean(),
    ),
    { maxLength: 4 },
  );
  const inline = (parts: readonly (readonly [string, boolean])[]) => parts.map(([text]) => text).join("");
  const indirect = (side: string, parts: readonly (readonly [string, boolean])[]) => ({
    text: parts.map(([text, apart], index) => (apart ? `<include-fragment fragment-id="${side}${index}" />` : text)).join(""),
    fragments: Object.fromEntries(parts.map(([text], index) => [`${side}${index}`, textOf(fragment(text))])),
  });

  test("a fragment in between never changes the verdict", () => {
    fc.assert(
      fc.property(pieces, pieces, fc.constantFrom(global, product, chat), (was, is, id) => {
        const [before, after] = [indirect("was", was), indirect("is", is)];
        const world = (text: string, fragments: Record<string, string>) =>
          serviceOf({ apis: { chat: null }, products: { aoai: ["chat"] }, policies: { [id]: textOf(policy(text)) }, fragments });
        const plain = change(world(inline(was), {}), { [id]: policy(inline(is)) });
        const apart = change(world(before.text, { ...before.fragments, ...after.fragments }), { [id]: policy(after.text) });
        expect(verdictOf(apart, guard)).toBe(verdictOf(plain, guard));
      }),
      { numRuns: 300 },
    );
  });

  test("changing the fragments is judged as changing the policies that include them", () => {
    fc.assert(
      fc.property(content, content, (was, is) => {
        const [before, after] = [was, is].map((text) => text.replaceAll("<base />", ""));
        const service = serviceOf({
          apis: { chat: null },
          policies: { [chat]: textOf(policy(`<base />${include}`)) },
          fragments: { auth: textOf(fragment(before ?? "")) },
        });
        const plain = serviceOf({ apis: { chat: null }, policies: { [chat]: textOf(policy(`<base />${before}`)) } });
        expect(verdictOf(change(service, { [auth]: fragment(after ?? "") }), guard)).toBe(
          verdictOf(change(plain, { [chat]: policy(`<base />${after}`) }), guard),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("adding never blocks, and taking a check that always runs away always does", () => {
    fc.assert(
      fc.property(content, content, fc.constantFrom(jwt, signIn), (before, more, check) => {
        const clean = before.replaceAll("<base />", "");
        expect(verdictOf(document(chat, policy(clean), policy(`${clean}${more}`)), guard)).not.toBe("blocked");
        expect(verdictOf(document(chat, policy(`${clean}${check}`), policy(clean)), guard)).toBe("blocked");
      }),
      { numRuns: 300 },
    );
  });
});
