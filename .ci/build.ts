/** Bundles src/main.ts and all that it needs into dist/, with the notices of the packages that went in. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { schemasOf } from "../src/mcp/json-schema.ts";
import { tools } from "../tools/index.ts";

type Outputs = Metafile["outputs"];

const outdir = "dist";
const entry = `${outdir}/main.js`;
/** All that a server is, up to its list of tools. */
const start = "src/cli/program.ts";
/** A program of its own, bundled by itself: it shares much with the server, but a file that both load would hold what only one needs. */
const validator = "src/cli/validator.ts";
const grammarFolder = `${outdir}/grammar`;
/** Stands for the way to the grammar's folder. */
const fromGrammar = "grammar-folder:";

/**
 * Modules that the bundle never uses, but that would be parsed at each start: ajv (server and client are given a validator
 * of their own; its stand-in throws, so that a use of it cannot go unnoticed) and zod's translations. And the SDK's import of
 * `node:process`, where the global is the same: as a module it has every getter of `process` evaluated, for six milliseconds. jsonwebtoken
 * asks a library for versions whether this Node is newer than 6, 15 and 16.
 */
const leftOut: Plugin = {
  name: "left-out",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /[\\/]jsonwebtoken[\\/]lib[\\/]\w+Supported\.js$/ }, () => ({ contents: "module.exports = true;" }));
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

/** What is asked for of Azure's packages. All other exports would go in: of a package that is loaded when it is needed, any may be used. */
const azureClients = {
  "arm-apimanagement": { name: "ApiManagementClient", module: "./apiManagementClient.js" },
  "arm-monitor": { name: "MonitorClient", module: "./monitorClient.js" },
  identity: { name: "DefaultAzureCredential", module: "./credentials/defaultAzureCredential.js" },
  "monitor-query": { name: "LogsQueryClient", module: "./logsQueryClient.js" },
};

/** Modules of a package of Azure, by a pattern for their path. */
const ofAzure = (name: string, path: string): RegExp =>
  new RegExp(`/@azure/${name}/dist/esm/${path}\\.js$`.replaceAll("/", String.raw`[\\/]`));

/** A module with the same names as this one's and nothing behind them; null for the one that is used. */
async function uncalled(path: string, used?: string): Promise<{ contents: string } | null> {
  if (used !== undefined && path.endsWith(sep + used)) return null;
  const declared = (await readFile(path, "utf8")).matchAll(/^export (?:async )?(class|function) (\w+)/gm);
  return { contents: [...declared].map(([, kind, name]) => `export ${kind} ${name}${kind === "class" ? "" : "()"} {}`).join("\n") };
}

/**
 * Leaves out the typed operations of Azure's management clients and what describes their documents: raw JSON goes through the clients' pipelines, and only
 * the operations of Azure Monitor's `metrics` are called. A call of another throws a TypeError.
 */
const calledOfAzureOnly: Plugin = {
  name: "called-of-azure-only",
  setup({ onLoad }) {
    for (const [folder, { name, module }] of Object.entries(azureClients)) {
      onLoad({ filter: ofAzure(folder, "index") }, () => ({ contents: `export { ${name} } from "${module}";` }));
    }
    onLoad({ filter: ofAzure("arm-apimanagement", String.raw`operations/\w+`) }, ({ path }) => uncalled(path, "index.js"));
    onLoad({ filter: ofAzure("arm-monitor", String.raw`classic/\w+/index`) }, ({ path }) => uncalled(path, join("metrics", "index.js")));
    onLoad({ filter: ofAzure("arm-monitor", "api/operations") }, ({ path }) => uncalled(path));
    onLoad({ filter: ofAzure("arm-apimanagement", "models/(?:mappers|parameters)") }, () => ({ loader: "json", contents: "{}" }));
  },
};

/**
 * esbuild makes a chunk of the modules that the same entry points reach: a dozen small ones that every start would read one
 * by one, at one to two milliseconds each. Where every lazily loaded module reaches all of the start, that is one chunk.
 */
const startInOneChunk = (lazy: ReadonlySet<string>): Plugin => ({
  name: "start-in-one-chunk",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const contents = await readFile(path, "utf8");
      return { loader: "ts", contents: lazy.has(path) ? `${contents}\nimport ${JSON.stringify(resolve(start))};` : contents };
    });
  },
});

/** Leaves the validator to its own bundle where main.ts loads it. */
const validatorApart: Plugin = {
  name: "validator-apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/validator\.ts$/ }, ({ importer }) =>
      importer === resolve("src/main.ts") ? { path: "./validator.js", external: true } : null,
    );
  },
};

/** What of the sandbox the validator asks with `--executable`: it is in the server's bundle, and a file beside the validator leads there. */
const executable = "src/sandbox/gateway/executable.ts";
const executableApart: Plugin = {
  name: "executable-apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/gateway\/executable\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./executable.js", external: true } : null,
    );
  },
};

/**
 * Leaves the C# grammar and its parser to files of their own: both programs load them at the first policy expression, and no start does. The
 * parser of KQL too: the sandbox loads it at the first log query. Where those files are, seen from the file that loads them, is known only once that one is written.
 */
const grammarApart: Plugin = {
  name: "grammar-apart",
  setup({ onResolve }) {
    onResolve({ filter: /^web-tree-sitter$|\/(?:grammar|kql)-files\.ts$/ }, ({ path }) => ({
      path: `${fromGrammar}${basename(path, ".ts")}.js`,
      external: true,
    }));
  },
};

// In one piece: by default it comes in hundreds, each a way to another thread and back.
const decompression = `
  import { brotliDecompressSync } from "node:zlib";
  const decompress = (bytes) => brotliDecompressSync(bytes, { chunkSize: 8 * 1024 * 1024 });`;

/** The grammar's and the parser's files inside modules, compressed: they are found by whatever way the package was installed. */
const compressedGrammar: Plugin = {
  name: "compressed-grammar",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]grammar-files\.ts$/ }, () => ({
      resolveDir: ".",
      contents: `${decompression}
        import runtime from "web-tree-sitter/web-tree-sitter.wasm";
        import csharp from "tree-sitter-c-sharp/tree-sitter-c_sharp.wasm";
        export const grammarFiles = async () => ({ runtime: decompress(runtime), csharp: decompress(csharp) });`,
    }));
    onLoad({ filter: /[\\/]src[\\/]kql-files\.ts$/ }, () => ({
      resolveDir: ".",
      contents: `${decompression}
        import bridge from "@kusto/language-service-next/bridge.min.js";
        import language from "@kusto/language-service-next/Kusto.Language.Bridge.min.js";
        const text = (bytes) => decompress(bytes).toString("utf8");
        export const kqlFiles = async () => ({ bridge: text(bridge), language: text(language) });`,
    }));
    onLoad({ filter: /\.wasm$|[\\/]language-service-next[\\/].*\.min\.js$/ }, async ({ path }) => ({
      loader: "binary",
      contents: await compressed(await readFile(path)),
    }));
  },
};

/** The best quality takes seconds: what has been compressed once is kept beside the packages. */
async function compressed(bytes: Uint8Array): Promise<Uint8Array> {
  const kept = join("node_modules/.cache/bundle", `${createHash("sha256").update(bytes).digest("hex")}.br`);
  if (existsSync(kept)) return readFile(kept);
  const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_LGWIN: window } = constants;
  const smaller = await promisify(brotliCompress)(bytes, { params: { [quality]: constants.BROTLI_MAX_QUALITY, [window]: 24 } });
  const written = `${kept}.${process.pid}`;
  await mkdir(dirname(kept), { recursive: true });
  await writeFile(written, smaller);
  await rename(written, kept);
  return smaller;
}

const plugins = [leftOut, computed, usedMessagesOnly, calledOfAzureOnly, validatorApart, grammarApart];
const options = {
  entryPoints: ["src/main.ts"],
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Nothing may depend on the name of a function or class: errors carry theirs as a member.
  minifySyntax: true,
  minifyWhitespace: true,
  minifyIdentifiers: true,
  legalComments: "none",
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
  write: false,
} satisfies BuildOptions;

const { metafile: asWritten } = await build({ ...options, plugins });
const lazy = Object.values(asWritten.outputs).flatMap(({ entryPoint }) => (entryPoint?.startsWith("src/") ? [resolve(entryPoint)] : []));
const [whole, apart, grammar] = await Promise.all([
  build({ ...options, plugins: [...plugins, startInOneChunk(new Set(lazy.filter((path) => path !== resolve("src/main.ts"))))] }),
  build({ ...options, entryPoints: [validator], splitting: false, plugins: [...plugins, executableApart] }),
  build({
    ...options,
    entryPoints: ["src/grammar-files.ts", "src/kql-files.ts", "web-tree-sitter"].map((path) => ({ in: path, out: basename(path, ".ts") })),
    outdir: grammarFolder,
    splitting: false,
    plugins: [compressedGrammar],
  }),
]);
checkLoaded(whole.metafile.outputs, start, /node_modules\/(@azure|@azure-rest|@typespec|hono|@hono|ajv)\/|src\/(azure|sandbox)\//);
checkLoaded(apart.metafile.outputs, validator, /node_modules\/(@modelcontextprotocol|@azure|hono)\/|^tools\/|src\/(azure|sandbox)\//);
await rm(outdir, { recursive: true, force: true });
for (const { path, text } of [whole, apart, grammar].flatMap(({ outputFiles }) => outputFiles)) {
  await mkdir(dirname(path), { recursive: true });
  const toGrammar = path.includes(`${sep}chunks${sep}`) ? "../grammar/" : "./grammar/";
  await writeFile(path, withRequire(text.replaceAll(fromGrammar, toGrammar)), { mode: path === resolve(entry) ? 0o755 : 0o644 });
}
await writeFile(`${outdir}/executable.js`, `export * from ".${outputOf(whole.metafile.outputs, executable).slice(outdir.length)}";\n`);
const outputs: Outputs = { ...whole.metafile.outputs, ...apart.metafile.outputs, ...grammar.metafile.outputs };
await writeFile(`${outdir}/THIRD_PARTY_NOTICES.txt`, await notices(outputs));
if (!process.argv.includes("--quiet")) report(outputs);

/** The file that holds a module which is loaded by itself. */
function outputOf(outputs: Outputs, source: string): string {
  const [found] = Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === source);
  if (found === undefined) throw new Error(`${source} is in no file of its own`);
  return found;
}

/** CommonJS packages inside an ES module need a `require` of their own; it is made only where it is used. */
function withRequire(text: string): string {
  const made = 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);';
  return /\brequire\b/.test(text) ? `${made}\n${text}` : text;
}

/** What is loaded at once with a module must hold nothing that it has no use for, and of zod only what is used. */
function checkLoaded(outputs: Outputs, source: string, unwanted: RegExp): void {
  const loaded = new Set(Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === source));
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]?.imports ?? []) if (kind === "import-statement") loaded.add(next);
  const found = [...loaded]
    .flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
    .filter(([input, { bytesInOutput }]) => bytesInOutput > 0 && (unwanted.test(input) || input.endsWith("/from-json-schema.js")));
  if (loaded.size === 0 || found.length > 0) {
    throw new Error(
      `Loaded with ${source} (zod: import it as a namespace, so that the rest of it can be left out):\n${found.map(([input]) => input).join("\n")}`,
    );
  }
}

/** The licences of all bundled packages; packages with one and the same text share it. */
async function notices(outputs: Outputs): Promise<string> {
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

function report(outputs: Outputs): void {
  const sizes = Object.entries(outputs).sort(([, a], [, b]) => b.bytes - a.bytes);
  for (const [path, { bytes }] of sizes) process.stdout.write(`${(bytes / 1024).toFixed(1).padStart(9)} kB  ${path}\n`);
}
