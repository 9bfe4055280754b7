/** Bundles src/main.ts and all that it needs into dist/, with the notices of the packages that went in. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { schemasOf } from "../src/mcp/json-schema.ts";
import { tools } from "../tools/index.ts";

const outdir = "dist";
const entry = `${outdir}/main.js`;
/** All that is loaded at every start, main.ts itself apart, and all that a server is, up to its list of tools. */
const starts = ["src/cli/run.ts", "src/cli/serve.ts"];

/**
 * Modules that the bundle never uses, but that would be parsed at each start: ajv (server and client are given a validator
 * of their own; its stand-in throws, so that a use of it cannot go unnoticed) and zod's translations. And the SDK's import of
 * `node:process`, where the global is the same: as a module it has every getter of `process` evaluated, for six milliseconds.
 */
const leftOut: Plugin = {
  name: "left-out",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:process$/ }, ({ importer }) =>
      /[\\/]@modelcontextprotocol[\\/]/.test(importer) ? { path: "process", namespace: "global" } : null,
    );
    onLoad({ filter: /^process$/, namespace: "global" }, () => ({ contents: "export default globalThis.process;" }));
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export {};" }));
    onLoad({ filter: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: 'export class AjvJsonSchemaValidator { constructor() { throw new Error("not bundled: pass a jsonSchemaValidator"); } }',
    }));
  },
};

/** What can be computed once here instead of at each start: the tools' JSON schemas. */
const computed: Plugin = {
  name: "computed",
  setup({ onLoad }) {
    const schemas = JSON.stringify(Object.fromEntries(tools.map((tool) => [tool.name, schemasOf(tool)])));
    onLoad({ filter: /[\\/]src[\\/]mcp[\\/]json-schema\.ts$/ }, () => ({
      contents: `const schemas = JSON.parse(${JSON.stringify(schemas)}); export const schemasOf = ({ name }) => schemas[name];`,
    }));
  },
};

/**
 * The SDK makes a schema of every message of the protocol. Each is marked as without effect of its own, so that those which
 * nothing uses fall away.
 */
const usedMessagesOnly: Plugin = {
  name: "used-messages-only",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]sdk[\\/]dist[\\/]esm[\\/]types\.js$/ }, async ({ path }) => {
      const statements = (await readFile(path, "utf8")).split(/^(?=export |const |class |\/\*\*)/m);
      const schema = /^((?:export )?const \w+ = )((?:z|\w+Schema)\.[\s\S]*);\s*$/;
      return { contents: statements.map((statement) => statement.replace(schema, "$1/* @__PURE__ */ (() => $2)();\n")).join("") };
    });
  },
};

/**
 * esbuild makes a chunk of the modules that the same entry points reach: a dozen small ones that every start would read one
 * by one, at one to two milliseconds each. Where every lazily loaded module reaches all of a start, that is one chunk.
 */
const startsInOneChunk = (lazy: ReadonlySet<string>): Plugin => ({
  name: "starts-in-one-chunk",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const contents = await readFile(path, "utf8");
      const reached = lazy.has(path) ? starts.map((start) => `\nimport ${JSON.stringify(resolve(start))};`) : [];
      return { loader: "ts", contents: [contents, ...reached].join("") };
    });
  },
});

const plugins = [leftOut, computed, usedMessagesOnly];
const options = {
  entryPoints: ["src/main.ts"],
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Names are kept by leaving them alone: to restore each at run time costs more than to read them.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
  write: false,
} satisfies BuildOptions;

const { metafile: asWritten } = await build({ ...options, plugins });
const lazy = Object.values(asWritten.outputs).flatMap(({ entryPoint }) => (entryPoint?.startsWith("src/") ? [resolve(entryPoint)] : []));
const { metafile, outputFiles } = await build({
  ...options,
  plugins: [...plugins, startsInOneChunk(new Set(lazy.filter((path) => path !== resolve("src/main.ts"))))],
});
checkStart(metafile);
await rm(outdir, { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, withRequire(text), { mode: path === resolve(entry) ? 0o755 : 0o644 });
}
await writeFile(`${outdir}/THIRD_PARTY_NOTICES.txt`, await notices(metafile));
if (!process.argv.includes("--quiet")) report(metafile);

/** CommonJS packages inside an ES module need a `require` of their own; it is made only where it is used. */
function withRequire(text: string): string {
  const made = 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);';
  return /\brequire\b/.test(text) ? `${made}\n${text}` : text;
}

/** What a start loads must hold neither Azure's packages nor the sandbox, and of zod only what is used. */
function checkStart({ outputs }: Metafile): void {
  const loaded = new Set([entry]);
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]?.imports ?? []) if (kind === "import-statement") loaded.add(next);
  const unwanted =
    /node_modules\/(@azure|@azure-rest|@typespec|hono|@hono|ajv)\/|src\/(azure|sandbox)\/|zod\/v4\/classic\/from-json-schema\.js$/;
  const found = [...loaded]
    .flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
    .filter(([input, { bytesInOutput }]) => bytesInOutput > 0 && unwanted.test(input));
  if (found.length > 0) {
    throw new Error(
      `Loaded at every start (zod: import it as a namespace, so that the rest of it can be left out):\n${found.map(([input]) => input).join("\n")}`,
    );
  }
}

/** The licences of all bundled packages; packages with one and the same text share it. */
async function notices({ outputs }: Metafile): Promise<string> {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const roots = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []));
  const packagesByLicence = new Map<string, string[]>();
  for (const root of [...roots].sort()) {
    const { name, version, license, author } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const licence = (await licenceFile(root)) ?? `Published without a licence text, under ${license}, by ${author?.name ?? author}.`;
    packagesByLicence.set(licence, [...(packagesByLicence.get(licence) ?? []), `${name} ${version} (${license})`]);
  }
  return [...packagesByLicence].map(([licence, packages]) => `${packages.join("\n")}\n\n${licence}\n`).join(`\n${"-".repeat(80)}\n\n`);
}

async function licenceFile(root: string): Promise<string | undefined> {
  const file = (await readdir(root)).find((name) => /^licen[cs]e/i.test(name));
  return file === undefined ? undefined : (await readFile(join(root, file), "utf8")).replaceAll("\r\n", "\n").trim();
}

function report({ outputs }: Metafile): void {
  const sizes = Object.entries(outputs).sort(([, a], [, b]) => b.bytes - a.bytes);
  for (const [path, { bytes }] of sizes) process.stdout.write(`${(bytes / 1024).toFixed(1).padStart(9)} kB  ${path}\n`);
}
