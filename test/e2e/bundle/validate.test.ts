import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { finished, offline } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "aigw-validate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const good = join(folder, "good.xml");
const bad = join(folder, "bad.xml");
writeFileSync(good, "<policies><inbound><base /></inbound></policies>");
writeFileSync(bad, "<policies>\n<wait />\n</policies>");

const wrong = join(folder, "wrong.xml");
const notExecutable = join(folder, "not-executable.xml");
writeFileSync(notExecutable, '<policies>\n<outbound><base /><jsonp callback-parameter-name="cb" /></outbound>\n</policies>');
writeFileSync(wrong, '<policies>\n<inbound><set-header name="@(context.Subscriptoin.Id)" /></inbound>\n</policies>');

test.for<[readonly string[], number, string, string]>([
  [["validate", good], 0, "1 file, 0 errors, 0 warnings\n", ""],
  [["validate", bad], 1, `${bad}:2:2: error `, ""],
  // By both programs, each of which finds the grammar from where its own file is.
  [["validate", wrong], 1, `${wrong}:2:`, ""],
  [["--scope", "api", "validate", wrong], 1, "Subscriptoin", ""],
  [["validate", notExecutable], 0, "0 errors", ""],
  [["validate", "--executable", notExecutable], 1, "cannot execute jsonp", ""],
  [["--executable", "validate", notExecutable], 1, "cannot execute jsonp", ""],
  [["validate", good, join(folder, "missing.xml")], 2, "1 file, 0 errors", "missing.xml"],
  [["validate"], 2, "", "Name the files to check"],
  [["validate", "--scope", "everywhere", good], 2, "", "--scope"],
  [["--scope", "api", "validate", bad], 1, `${bad}:2:2: error `, ""],
  [["--scope", "api", "validate"], 2, "", "Name the files to check"],
  [["validate", "--help"], 0, "validate FILE...", ""],
])("%j", async ([args, status, stdout, stderr]) => {
  expect(await finished(args, { environment: offline })).toEqual({
    status,
    stdout: expect.stringContaining(stdout),
    stderr: stderr === "" ? "" : expect.stringContaining(stderr),
  });
});

test("stdin, and an answer that is longer than a pipe holds", async () => {
  const input = `<policies>${"<wait />\n".repeat(5000)}</policies>`;
  const { status, stdout } = await finished(["validate", "--json", "-"], { environment: offline, input });
  const [{ file, diagnostics }] = JSON.parse(stdout);
  expect([status, file, diagnostics.length]).toEqual([1, "-", 5000]);
});
