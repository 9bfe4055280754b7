/** Writes README's generated tables (tools, configuration); with `--check` only says whether they are up to date. */
import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { configurationTable } from "../src/config.ts";
import { tools } from "../tools/index.ts";

const readme = new URL("../README.md", import.meta.url);

const effects = { read: "reads", plan: "plans", write: "**writes**" } as const;

function toolTable(): string {
  const rows = tools.map(
    ({ name, effect, description, input }) => `| \`${name}\` | ${effects[effect]} | ${inputs(input)} | ${description} |`,
  );
  return ["| Tool | | Inputs | What it is for |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** Names of the inputs; optional ones with a question mark. */
function inputs(input: z.ZodObject): string {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: "input" });
  return Object.keys(properties)
    .map((name) => `\`${name}${required.includes(name) ? "" : "?"}\``)
    .join(", ");
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
function withSection(text: string, name: string, content: string): string {
  const section = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- /${name} -->)`);
  if (!section.test(text)) throw new Error(`README.md has no section '${name}'`);
  return text.replace(section, (_, open: string, close: string) => open + content + close);
}

const current = await readFile(readme, "utf8");
const generated = withSection(withSection(current, "tools", toolTable()), "configuration", configurationTable());
if (!process.argv.includes("--check")) {
  await writeFile(readme, generated);
} else if (generated !== current) {
  process.stderr.write("README.md is out of date: npm run docs\n");
  process.exitCode = 1;
}
