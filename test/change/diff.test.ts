import { applyPatch } from "diff";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { documentDiff } from "../../src/change/diff.ts";

const policyId = "products/aoai/policies/policy";
const policy = (limit: number, ending = "\n") => ({
  format: "rawxml",
  value: [
    "<policies>",
    "  <inbound>",
    "    <base />",
    `    <rate-limit calls="${limit}" />`,
    "    <cors />",
    "  </inbound>",
    "  <backend />",
    "</policies>",
  ].join(ending),
});

describe("documentDiff", () => {
  test("shows a policy by line, with the document's id and few lines around", () => {
    expect(documentDiff(policyId, policy(200), policy(100))).toEqual({
      id: policyId,
      action: "update",
      diff: [
        `--- ${policyId}`,
        `+++ ${policyId}`,
        "@@ -1,7 +1,7 @@",
        " <policies>",
        "   <inbound>",
        "     <base />",
        `-    <rate-limit calls="200" />`,
        `+    <rate-limit calls="100" />`,
        "     <cors />",
        "   </inbound>",
        "   <backend />",
        "",
      ].join("\n"),
    });
  });

  test("leaves line endings out, which APIM sets itself", () => {
    expect(documentDiff(policyId, policy(200, "\r\n"), policy(100)).diff).toBe(documentDiff(policyId, policy(200), policy(100)).diff);
  });

  test("shows JSON by property, in its own order", () => {
    const { action, diff } = documentDiff(
      "backends/eastus",
      { url: "https://a", protocol: "http" },
      { url: "https://b", protocol: "http" },
    );
    expect(action).toBe("update");
    expect(diff).toContain(`-  "url": "https://a",\n+  "url": "https://b",\n   "protocol": "http"`);
  });

  test("shows what a fragment has besides its text", () => {
    const { diff } = documentDiff(
      "policyFragments/f",
      { description: "old", value: "<fragment />" },
      { description: "new", value: "<fragment />" },
    );
    expect(diff).toContain(`-  "description": "old"\n+  "description": "new"`);
    expect(diff).not.toContain("-<fragment />");
  });

  test.each([
    ["create", null, { url: "https://a" }, "--- /dev/null\n+++ backends/eastus"],
    ["delete", { url: "https://a" }, null, "--- backends/eastus\n+++ /dev/null"],
  ] as const)("a %s has one side", (action, before, after, header) => {
    const shown = documentDiff("backends/eastus", before, after);
    expect(shown.action).toBe(action);
    expect(shown.diff.startsWith(header)).toBe(true);
  });

  test("says it all: applied to the text before, a diff gives the text after", () => {
    const text = fc.array(fc.constantFrom("<a />", "<b />", "  <c>", "", "\tx")).map((lines) => lines.join("\n"));
    const asFile = (value: string) => `${value.replace(/\n$/, "")}\n`;
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { diff } = documentDiff(policyId, { value: before }, { value: after });
        expect(applyPatch(asFile(before), diff)).toBe(asFile(after));
      }),
    );
  });
});
