/** Writes the generated sections of the READMEs; with `--check` only says whether they are up to date. */
import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { configurationTable } from "../src/config/table.ts";
import { catalogueTables } from "../src/policy/catalogue-tables.ts";
import { prompts } from "../src/prompts/index.ts";
import { resources } from "../src/resources/index.ts";
import { fidelityTables } from "../src/sandbox/fidelity-table.ts";
import { tools } from "../tools/index.ts";

/** What is generated: by file, the content of each section. */
const generated: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "README.md": { tools: toolTable, prompts: promptTable, resources: resourceTable, configuration: configurationTable },
  "src/policy/README.md": { catalogue: catalogueTables },
  "src/sandbox/README.md": { fidelity: fidelityTables },
};

const effects = { read: "reads", plan: "plans", write: "**writes**" } as const;

function toolTable(): string {
  const rows = tools.map(
    ({ name, effect, description, input }) => `| \`${name}\` | ${effects[effect]} | ${inputs(input)} | ${description} |`,
  );
  return ["| Tool | | Inputs | What it is for |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function promptTable(): string {
  const rows = prompts.map(
    ({ name, description, arguments: all }) =>
      `| \`${name}\` | ${all.map((argument) => `\`${argument.name}${argument.required === true ? "" : "?"}\``).join(", ")} | ${description} |`,
  );
  return ["| Prompt | Arguments | What it is for |", "| --- | --- | --- |", ...rows].join("\n");
}

function resourceTable(): string {
  const rows = [
    ...resources.templates.map(({ uriTemplate, description }) => `| \`${uriTemplate}\` | ${description} |`),
    ...resources.references.map(({ uri, description = "" }) => `| \`${uri}\` | ${description} |`),
  ];
  return ["| Resource | What it is |", "| --- | --- |", ...rows].join("\n");
}

/** Names of the inputs; optional ones with a question mark. */
function inputs(input: z.ZodObject): string {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: "input" });
  return Object.keys(properties)
    .map((name) => `\`${name}${required.includes(name) ? "" : "?"}\``)
    .join(", ");
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
function withSection(file: string, text: string, name: string, content: string): string {
  const section = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- /${name} -->)`);
  if (!section.test(text)) throw new Error(`${file} has no section '${name}'`);
  return text.replace(section, (_, open: string, close: string) => open + content + close);
}

for (const [file, sections] of Object.entries(generated)) {
  const path = new URL(`../${file}`, import.meta.url);
  const current = await readFile(path, "utf8");
  const updated = Object.entries(sections).reduce((text, [name, content]) => withSection(file, text, name, content()), current);
  if (!process.argv.includes("--check")) {
    await writeFile(path, updated);
  } else if (updated !== current) {
    process.stderr.write(`${file} is out of date: npm run docs\n`);
    process.exitCode = 1;
  }
}
