/** Bundles src/main.ts and all that it needs into dist/, with the notices of the packages that went in. */
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

const outdir = "dist";
const entry = `${outdir}/main.js`;

/**
 * Modules that the bundle never uses, but that would be parsed at each start: ajv (the server and the client are given
 * their own validator) and zod's translations. Ajv's stand-in throws, so that a use of it cannot go unnoticed.
 */
const leftOut: Plugin = {
  name: "left-out",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export {};" }));
    onLoad({ filter: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: 'export class AjvJsonSchemaValidator { constructor() { throw new Error("not bundled: pass a jsonSchemaValidator"); } }',
    }));
  },
};

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minify: true,
  keepNames: true,
  legalComments: "none",
  chunkNames: "chunks/[name]-[hash]",
  // CommonJS packages inside an ES module need a require of their own.
  banner: { js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);' },
  plugins: [leftOut],
  metafile: true,
});
checkStart(metafile);
await writeFile(`${outdir}/THIRD_PARTY_NOTICES.txt`, await notices(metafile));
await chmod(entry, 0o755);
if (!process.argv.includes("--quiet")) report(metafile);

/** What a start loads must hold neither Azure's packages nor the sandbox: a list of tools needs none of them. */
function checkStart({ outputs }: Metafile): void {
  const loaded = new Set([entry, ...loadedBy(outputs, /src\/mcp\/stdio\.ts$/), ...loadedBy(outputs, /tools\/index\.ts$/)]);
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]?.imports ?? []) if (kind === "import-statement") loaded.add(next);
  const unwanted = [...loaded]
    .flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}))
    .filter((input) => /node_modules\/(@azure|@azure-rest|@typespec|hono|@hono|ajv)\/|src\/(azure|sandbox)\//.test(input));
  if (unwanted.length > 0) throw new Error(`loaded at every start:\n${unwanted.join("\n")}`);
}

/** The output of a dynamically imported module. */
function loadedBy(outputs: Metafile["outputs"], source: RegExp): string[] {
  const found = Object.keys(outputs).filter((path) => source.test(outputs[path]?.entryPoint ?? ""));
  if (found.length === 0) throw new Error(`no chunk of its own: ${source}`);
  return found;
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
