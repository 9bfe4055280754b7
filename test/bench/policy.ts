import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SaxesParser } from "saxes";
import { descendants, type Element, parse, print } from "../../src/policy/document.ts";
import { expressions, generatedPolicy } from "../policy/generated-policies.ts";
import { mutantsOf } from "../policy/mutants.ts";
import { realPolicies } from "../policy/real-policies.ts";
import { median, type Row } from "./row.ts";
import { startBare } from "./start.ts";

const size = 256 * 1024;
const mutants = 100_000;

/** What APIM accepts of the real documents, or a stand-in where they are not on this machine. */
const accepted = realPolicies().flatMap(({ source, verdict }) => (verdict.startsWith("accept") ? [source] : []));
const policies = accepted.length > 0 ? accepted : expressions.map(standIn);

function standIn(expression: string): string {
  return `<policies>
    <inbound>
        <base />
        <!-- A branch by subscription -->
        <choose>
            <when condition="${expression}">
                <set-variable name="team" value="${expression}" />
                <llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="5000" estimate-prompt-tokens="true" />
            </when>
        </choose>
    </inbound>
</policies>
`;
}

/** Reading a policy of 256 KiB with everything that it holds, against an XML parser on the same text without its expressions. */
export function parseRows(): Row[] {
  const source = largePolicy();
  const masked = withoutExpressions(source);
  const own: number[] = [];
  const saxes: number[] = [];
  // In turns, so that whatever else the machine does meets both alike.
  for (let turn = 0; turn < 100; turn++) {
    own.push(timed(() => parse(source)));
    saxes.push(timed(() => new SaxesParser({ position: true }).write(masked).close()));
  }
  return [
    { what: "parse of a policy of 256 KiB", value: median(own), unit: "ms" },
    { what: "parse of it against saxes", value: median(own) / median(saxes), unit: "x", bound: 3 },
  ];
}

/** The contents of as many sections as it takes. */
function largePolicy(): string {
  let contents = "";
  for (let index = 0; contents.length < size; index++) {
    const source = policies[index % policies.length] ?? "";
    const { root, problems } = parse(source);
    for (const section of problems.length === 0 && root !== null ? root.children : []) {
      if (section.type === "element" && section.closeTag !== null) contents += source.slice(section.openTag.end, section.closeTag.start);
    }
  }
  return `<policies><inbound>${contents}</inbound></policies>`;
}

/** The text with as many letters for each expression. */
function withoutExpressions(source: string): string {
  const { root } = parse(source);
  const elements: Iterable<Element> = root === null ? [] : descendants(root);
  const values = [...elements].flatMap(({ attributes, children }) => [
    ...attributes.map(({ value }) => value),
    ...children.flatMap((child) => (child.type === "text" ? child.value : [])),
  ]);
  let result = "";
  let copied = 0;
  for (const { span, raw, kind } of values.sort((a, b) => a.span.start - b.span.start)) {
    if (kind === "literal") continue;
    result += source.slice(copied, span.start) + raw.replace(/\S/g, "x");
    copied = span.end;
  }
  return result + source.slice(copied);
}

function timed(run: () => unknown): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}

/**
 * Ten policies by the command line, from the start of the process to the last byte of its answer: as they are, and without
 * expressions, for which the grammar of C# is loaded.
 */
export async function validateRows(node: string, bundle: string): Promise<Row[]> {
  const chosen = Array.from({ length: 10 }, (_, index) => policies[Math.floor((index * policies.length) / 10)] ?? "");
  return [
    { what: "validation of ten policies against bare node", ...(await validateCost(node, bundle, chosen)), bound: 5 },
    { what: "the same without expressions", ...(await validateCost(node, bundle, chosen.map(withoutExpressions))), bound: 3 },
  ];
}

async function validateCost(node: string, bundle: string, sources: readonly string[]): Promise<Pick<Row, "value" | "unit">> {
  const folder = mkdtempSync(join(tmpdir(), "aigw-bench-"));
  const files = sources.map((source, index) => {
    const file = join(folder, `${index}.xml`);
    writeFileSync(file, source);
    return file;
  });
  const bare: number[] = [];
  const validated: number[] = [];
  for (let turn = 0; turn < 15; turn++) {
    bare.push(await startBare(node));
    validated.push(await validate(node, [bundle, "validate", ...files]));
  }
  rmSync(folder, { recursive: true });
  return { value: median(validated) / median(bare), unit: "x" };
}

async function validate(node: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(node, args, { stdio: ["ignore", "pipe", "inherit"] });
  let answer = "";
  for await (const chunk of child.stdout) answer += chunk;
  const took = performance.now() - began;
  if (child.exitCode === null) await once(child, "exit");
  if (child.exitCode === 2 || !answer.includes("10 files")) throw new Error(`no answer: ${answer}`);
  return took;
}

/** Changed documents that the parser throws on or does not give back to the byte; one on which it hangs shows as well. */
export function mutantRow(): Row {
  const sources = accepted.length > 0 ? realPolicies().map(({ source }) => source) : fc.sample(generatedPolicy, 200);
  const { failed, errorInstance, counterexample } = fc.check(
    fc.property(mutantsOf(sources), (mutant) => print(parse(mutant)) === mutant),
    { numRuns: mutants },
  );
  if (failed) process.stderr.write(`${errorInstance}\n${JSON.stringify(counterexample)}\n`);
  return { what: `failures among ${mutants} mutants`, value: failed ? 1 : 0, unit: "", bound: 0 };
}
