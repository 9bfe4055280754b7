import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { run } from "../../src/cli/run.ts";
import { sarifLog } from "../../src/cli/sarif.ts";
import { type ValidateFilesOptions, validateFiles } from "../../src/cli/validate.ts";
import { runValidate } from "../../src/cli/validator.ts";
import { validate } from "../../src/policy/validate.ts";

const folder = mkdtempSync(join(tmpdir(), "aigw-validate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, source);
  return path;
}

const limit = '<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="1" estimate-prompt-tokens="true" />';
const good = file("good.xml", `<policies>\n  <inbound>\n    <base />\n    ${limit}\n  </inbound>\n</policies>\n`);
const doubtful = file(
  "doubtful.xml",
  '<policies>\n  <inbound>\n    <set-backend-service backend-id="{id}" />\n  </inbound>\n</policies>\n',
);
const bad = file("bad.xml", "<policies>\n    <wait />\n</policies>\n");
const fragment = file("fragment.xml", `<fragment>\n    ${limit}\n</fragment>\n`);
const unknownMember = file(
  "unknown-member.xml",
  '<policies>\n  <inbound>\n    <set-variable name="id"\n      value="@(context.Subscriptoin.Id)" />\n  </inbound>\n</policies>\n',
);
const notExecutable = file(
  "not-executable.xml",
  '<policies>\n  <inbound>\n    <base />\n    <set-variable name="x"\n      value="@(new XElement("a").ToString())" />\n  </inbound>\n  <outbound>\n    <jsonp callback-parameter-name="cb" />\n  </outbound>\n</policies>\n',
);
const missing = join(folder, "missing.xml");

/** The command line behind `validate`, without a process around it. */
async function validated(...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const output = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const status = await run(["validate", ...argv], output, () => runValidate);
  return { status, out: out.join(""), err: err.join("") };
}

async function checked(files: readonly string[], changed: Partial<ValidateFilesOptions>) {
  const out: string[] = [];
  const status = await validateFiles({
    files,
    rules: {},
    executable: false,
    format: "text",
    colour: false,
    readInput: async () => "",
    out: (text) => out.push(text),
    err: () => {},
    ...changed,
  });
  return { status, out: out.join("") };
}

describe("the exit status", () => {
  test.for<[string, readonly string[], number]>([
    ["0 without errors", [good, fragment], 0],
    ["0 with warnings", [doubtful], 0],
    ["1 with an error in any file", [good, bad, good], 1],
    ["1 with an error inside an expression", [good, unknownMember], 1],
    ["1 by the rules of a tier", [good, "--tier", "consumption"], 1],
    ["0 by the rules of another tier", [good, "--tier", "standardv2"], 0],
    ["1 by the rules of a scope", [good, "--scope", "fragment"], 1],
    ["0 by the rules of another scope", [good, "--scope", "product"], 0],
    ["0 with what the sandbox cannot execute", [notExecutable], 0],
    ["1 with what the sandbox cannot execute, where that is asked for", [good, notExecutable, "--executable"], 1],
    ["0 where the sandbox can execute all of it", [good, fragment, "--executable"], 0],
    ["2 with a file that cannot be read, even with an error in another", [bad, missing], 2],
    ["2 with a folder", [folder], 2],
  ])("is %s", async ([, argv, status]) => {
    expect(await validated(...argv)).toMatchObject({ status });
  });
});

describe("a command line that cannot be understood", () => {
  test.for<[readonly string[], string]>([
    [[], "Name the files to check"],
    [["--scope", "everywhere", good], "'--scope' must be one of global, workspace, product, api, operation, fragment"],
    [["--scope", good], "'--scope' must be one of"],
    [[good, "--scope"], "'--scope' needs a value"],
    [["--tier", "gold", good], "'--tier' must be one of developer, basic, standard, premium, basicv2, standardv2, premiumv2, consumption"],
    [["--scop", "api", good], "Unknown flag '--scop'"],
    [["--json", "--sarif", good], "exclude one another"],
    [["--sandbox", good], "'--sandbox' has no meaning for 'validate'"],
    [["--json=yes", good], "'--json' takes no value"],
  ])("%j", async ([argv, message]) => {
    await expect(validated(...argv)).rejects.toMatchObject({ code: "invalid_input", message: expect.stringContaining(message) });
  });
});

describe("the report", () => {
  test("has a line for each diagnostic, its fix below, and a sum", async () => {
    const { out } = await validated(good, bad, doubtful);
    const lines = out.split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(`${bad}:2:6: error unexpected-child: Error in element 'wait' on line 2, column 6: `);
    expect(lines[1]).toMatch(/^ {4}\S/);
    expect(lines[2]).toMatch(`${doubtful}:3:6: warning template-placeholder: `);
    expect(lines.slice(-2)).toEqual(["3 files, 1 error, 1 warning", ""]);
  });

  test("says what is wrong inside an expression, where it is in the file", async () => {
    const { out } = await validated(unknownMember);
    expect(out).toMatch(`${unknownMember}:4:24: error expression-member: `);
    expect(out).toContain("1 file, 1 error, 0 warnings");
  });

  test("names what the sandbox cannot execute, in its place", async () => {
    const { out } = await validated(notExecutable, "--executable");
    expect(out).toMatch(
      /:5:\d+: error not-executable: The sandbox cannot execute .*XElement.*: the sandbox cannot evaluate it\. Line 5, position \d+\.\n/,
    );
    expect(out).toContain(`${notExecutable}:8:6: error not-executable: The sandbox cannot execute jsonp: the sandbox has no such policy.`);
    const [log] = JSON.parse((await validated(notExecutable, "--executable", "--sarif")).out).runs;
    expect(log.tool.driver.rules).toContainEqual({ id: "not-executable", shortDescription: { text: "Not executable" } });
  });

  test("goes on behind a file that cannot be read, which stderr names", async () => {
    const { out, err } = await validated(missing, good);
    expect(out).toBe("1 file, 0 errors, 0 warnings\n");
    expect(err).toMatch(`Cannot read '${missing}': ENOENT`);
  });

  test("is coloured on demand only", async () => {
    const control = "\u001b";
    expect((await checked([bad], { colour: true })).out).toContain(`${control}[31merror${control}[39m`);
    expect((await checked([bad], { colour: false })).out).not.toContain(control);
  });

  test("lets no policy leave its line or steer the terminal", async () => {
    const hostile = '<policies>\n<inbound \u001b[2J="" />\n<inbound \u202e\u009b="a" />\n<in\u001b]0;x\u0007 a="\n\n</policies>';
    const { out } = await checked(["-"], { readInput: async () => hostile });
    expect(out).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
    expect(out.split("\n").filter((line) => !/^(-:\d+:\d+: error | {4}\S|1 file, |$)/.test(line))).toEqual([]);
  });
});

test("- is what stdin holds, read once, and named as it was given", async () => {
  let reads = 0;
  const readInput = async () => {
    reads++;
    return "<policies><wait /></policies>";
  };
  const { status, out } = await checked(["-", good, "-"], { readInput, format: "json" });
  expect([status, reads]).toEqual([1, 1]);
  expect(JSON.parse(out)).toMatchObject([
    { file: "-", diagnostics: [{ code: "unexpected-child", line: 1, column: 12 }] },
    { file: good, diagnostics: [] },
    { file: "-", diagnostics: [{ code: "unexpected-child" }] },
  ]);
});

test("--json has each file as it was given, with its diagnostics", async () => {
  const given = `${folder}/./bad.xml`;
  const { status, out } = await validated("--json", given, good, missing);
  expect(status).toBe(2);
  expect(JSON.parse(out)).toEqual([
    {
      file: given,
      diagnostics: [
        {
          severity: "error",
          code: "unexpected-child",
          message: expect.stringContaining("The element 'policies' has invalid child element 'wait'."),
          line: 2,
          column: 6,
          endLine: 2,
          endColumn: 13,
          fix: expect.any(String),
        },
      ],
    },
    { file: good, diagnostics: [] },
  ]);
});

describe("--sarif", () => {
  /** What the schema of SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0) says of the objects that we write. */
  const message = z.strictObject({ text: z.string() });
  const uriReference = z.string().regex(/^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/);
  const position = z.int().min(1);
  const result = z.strictObject({
    ruleId: z.string(),
    ruleIndex: z.int().min(-1),
    level: z.enum(["none", "note", "warning", "error"]),
    message,
    locations: z.array(
      z.strictObject({
        physicalLocation: z.strictObject({
          artifactLocation: z.strictObject({ uri: uriReference }),
          region: z.strictObject({ startLine: position, startColumn: position, endLine: position, endColumn: position }),
        }),
      }),
    ),
  });
  const driver = z.strictObject({
    name: z.string(),
    version: z.string(),
    rules: z.array(z.strictObject({ id: z.string(), shortDescription: message })),
  });
  const log = z.strictObject({
    $schema: z.url(),
    version: z.literal("2.1.0"),
    runs: z.tuple([
      z.strictObject({
        tool: z.strictObject({ driver }),
        columnKind: z.enum(["utf16CodeUnits", "unicodeCodePoints"]),
        results: z.array(result),
      }),
    ]),
  });

  test("is a log by the schema, with a rule for each code that it met", async () => {
    const { status, out } = await validated("--sarif", good, bad, doubtful, bad);
    const { runs } = log.parse(JSON.parse(out));
    const [{ tool, results }] = runs;
    expect(status).toBe(1);
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(["template-placeholder", "unexpected-child"]);
    expect(results.map(({ level, ruleId, ruleIndex }) => [level, ruleId, tool.driver.rules[ruleIndex]?.id])).toEqual([
      ["error", "unexpected-child", "unexpected-child"],
      ["warning", "template-placeholder", "template-placeholder"],
      ["error", "unexpected-child", "unexpected-child"],
    ]);
    expect(results[0]?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: pathToFileURL(bad).href },
      region: { startLine: 2, startColumn: 6, endLine: 2, endColumn: 13 },
    });
  });

  test("is a log without findings, too", async () => {
    const { out } = await validated("--sarif", good);
    const [{ tool, results }] = log.parse(JSON.parse(out)).runs;
    expect([tool.driver.rules, results]).toEqual([[], []]);
  });

  test.for([
    ["policies/api.xml", "policies/api.xml"],
    ["./with space/#1?.xml", "./with%20space/%231%3F.xml"],
    ["a:b/ü.xml", "a%3Ab/%C3%BC.xml"],
    ["-", "-"],
  ])("writes the path %s as a relative reference", ([given = "", uri]) => {
    const source = "<policies><wait /></policies>";
    const [{ results }] = log.parse(sarifLog([{ file: given, diagnostics: validate(source, {}) }], "1.0.0")).runs;
    expect(results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(uri);
  });
});
