import { describe, expect, it } from "vitest";
import { descendants, type Element, type PolicyDocument, parse } from "../../../src/policy/document.ts";
import { applyEdits } from "../../../src/policy/edit.ts";
import { branchAround, type Decides, ownBefore, type Team, withoutOwn } from "../../../src/quota/edits/branch.ts";
import { choose } from "../gateway-under-test.ts";

/** Conditions by subscription are decided as C# would; any other is not. */
const decides: Decides = (condition) => {
  const named = /^@\(context\.Subscription\??\.Id == "(.*)"\)$/.exec(condition)?.[1];
  return named === undefined ? null : named === "growth";
};
const growth: Team = { subscriptionId: "growth", decides };
const is = (team: string): string => `@(context.Subscription?.Id == "${team}")`;
const header = '@(context.Request.Headers.ContainsKey("x"))';

function marked(document: PolicyDocument): Element {
  const found = [...(document.root === null ? [] : descendants(document.root))].find(({ attributes }) =>
    attributes.some(({ value }) => value.text === "here"),
  );
  if (found === undefined) throw new Error("nothing is marked");
  return found;
}

const inbound = (xml: string): string => `<inbound>\n    ${xml.replaceAll("\n", "\n    ")}\n</inbound>`;

const here = '<a x="here" />';
const other = '<a x="other" />';
const own = '<a x="own" />';

describe("a team's own element", () => {
  it.each([
    ["gets a choose around what is for all", here, choose([is("growth"), own], [null, here])],
    [
      "joins a choose that tells subscriptions apart",
      choose([is("core"), other], [null, here]),
      choose([is("core"), other], [is("growth"), own], [null, here]),
    ],
    [
      "goes into the branch where that asks for something else",
      choose([header, here], [null, other]),
      choose([header, choose([is("growth"), own], [null, here])], [null, other]),
    ],
    [
      "goes into the branch where that holds more",
      choose([is("core"), other], [null, `<b />\n${here}`]),
      choose([is("core"), other], [null, `<b />\n${choose([is("growth"), own], [null, here])}`]),
    ],
  ])("%s", (_, before, after) => {
    const document = parse(inbound(before));
    expect(applyEdits(document.source, [branchAround(document, marked(document), own, growth)])).toBe(inbound(after));
  });

  it.each([
    ["goes before what all go on to meet", `<b />\n${here}`, `<b />\n${choose([is("growth"), own])}\n${here}`],
    [
      "joins the choose that is there for another team",
      `${choose([is("core"), other])}\n${here}`,
      `${choose([is("core"), other], [is("growth"), own])}\n${here}`,
    ],
    [
      "joins none that has something for everyone else",
      `${choose([is("core"), other], [null, "<b />"])}\n${here}`,
      `${choose([is("core"), other], [null, "<b />"])}\n${choose([is("growth"), own])}\n${here}`,
    ],
    [
      "joins none that asks for something else",
      `${choose([header, other])}\n${here}`,
      `${choose([header, other])}\n${choose([is("growth"), own])}\n${here}`,
    ],
  ])("before another %s", (_, before, after) => {
    const document = parse(inbound(before));
    expect(applyEdits(document.source, [ownBefore(document, marked(document), own, growth)])).toBe(inbound(after));
  });

  it.each([
    ["alone", `<b />\n${here}`, "<b />"],
    ["with its branch", choose([is("growth"), here], [is("core"), other], [null, other]), choose([is("core"), other], [null, other])],
    ["with the last branch, what is for all moves out", `<b />\n${choose([is("growth"), here], [null, other])}`, `<b />\n${other}`],
    [
      "with the last branch, all that is for all",
      choose([is("growth"), here], [null, `<b />\n<!-- c -->\n${other}`]),
      `<b />\n<!-- c -->\n${other}`,
    ],
    ["with its choose", `<b />\n${choose([is("growth"), here])}`, "<b />"],
    [
      "out of a branch that holds more",
      choose([is("growth"), `<b />\n${here}`], [null, other]),
      choose([is("growth"), "<b />"], [null, other]),
    ],
  ])("goes %s", (_, before, after) => {
    const document = parse(inbound(before));
    const edit = withoutOwn(document, marked(document), growth);
    expect(edit === null ? null : applyEdits(document.source, [edit])).toBe(inbound(after));
  });

  it("does not go where another branch would take its place", () => {
    const document = parse(inbound(choose([header, here], [null, other])));
    expect(withoutOwn(document, marked(document), growth)).toBeNull();
  });

  it.each(["\n", "\r\n"])("comes and goes to the byte, line ending %j", (lineEnding) => {
    const source = inbound(`<b />\n${here}\n<c />`).replaceAll("    ", "\t").replaceAll("\n", lineEnding);
    const document = parse(source);
    const branched = applyEdits(source, [branchAround(document, marked(document), '<a y="own" />', growth)]);
    expect(branched.replaceAll(lineEnding, "")).not.toMatch(/[\r\n]/);
    const again = parse(branched.replace('x="here"', 'x="there"').replace('y="own"', 'y="here"'));
    const edit = withoutOwn(again, marked(again), growth);
    expect(edit === null ? "" : applyEdits(again.source, [edit]).replace('x="there"', 'x="here"')).toBe(source);
  });
});
