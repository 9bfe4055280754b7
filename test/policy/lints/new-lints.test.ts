import { describe, expect, it } from "vitest";
import { parse } from "../../../src/policy/document.ts";
import { lint, newLints } from "../../../src/policy/lints/lint.ts";
import { cached, lookup, rateLimit, store } from "./kit.ts";

describe("newLints", () => {
  const before = cached(lookup("0.3") + rateLimit("@(context.Subscription.Id)"));

  it("are all where there was no document", () => {
    const document = parse(before);
    expect(newLints(null, document)).toEqual(lint(document));
    expect(newLints(null, document)).toHaveLength(1);
  });

  it.each<[string, string, readonly string[]]>([
    ["nothing changed", before, []],
    ["the place moved", before.replace("<inbound>", "<inbound>\n\n  "), []],
    ["the tag was written over more lines", before.replace(" embeddings-backend-id", "\n    embeddings-backend-id"), []],
    ["something else changed", before.replace('calls="1"', 'calls="2"'), []],
    ["the value became another wrong one", before.replace("0.3", "0.9"), ["loose-cache-threshold"]],
    ["the value was mended", before.replace("0.3", "0.05"), []],
    ["something else went", before.replace(store, ""), ["cache-lookup-without-store"]],
    ["the same stands there twice", before.replace(lookup("0.3"), lookup("0.3") + lookup("0.3")), ["loose-cache-threshold"]],
    ["a section was emptied", before.replace("<on-error><base /></on-error>", "<on-error />"), ["missing-base"]],
  ])("where %s", (_, after, codes) => {
    expect(newLints(parse(before), parse(after), { scope: "api" }).map(({ code }) => code)).toEqual(codes);
  });

  it("are none where an empty section is written another way", () => {
    const open = parse(before.replace("<on-error><base />", "<on-error>"));
    const closed = parse(before.replace("<on-error><base /></on-error>", "<on-error />"));
    expect(lint(open, { scope: "api" }).map(({ code }) => code)).toContain("missing-base");
    expect(newLints(open, closed, { scope: "api" })).toEqual([]);
  });

  it("are keys that were not there, at their own line", () => {
    const header = (name: string): string => `<set-header name="${name}">\n<value>${name} key-of-its-own</value></set-header>`;
    const old = cached(header("Authorization"), "<base />");
    const after = cached(header("api-key") + header("Authorization"), "<base />");
    expect(newLints(parse(old), parse(after))).toEqual([expect.objectContaining({ code: "key-in-clear", line: 2 })]);
  });

  it("point at the new document", () => {
    const after = before.replace("<outbound>", `<outbound>\n${lookup("0.9")}`);
    expect(newLints(parse(before), parse(after), { scope: "api" }).map(({ line }) => line)).toContain(2);
  });
});
