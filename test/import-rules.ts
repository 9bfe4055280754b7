import { posix } from "node:path";

/** Who may import whom. Every file of `src/` and `tools/` belongs to exactly one layer. */
interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** Files of other layers; those of the own layer are always allowed. */
  readonly imports: readonly RegExp[];
  /** Files of which the types alone may be used. */
  readonly types?: readonly RegExp[];
  /** Packages and `node:` modules. */
  readonly packages: readonly RegExp[];
  /** Globals that reach out of the process are refused: no I/O. */
  readonly pure?: true;
}

const errors = /^src\/errors\.ts$/;
const gateway = /^src\/gateway\//;
const keys = /^src\/gateway\/keys\.ts$/;
const policy = /^src\/policy\//;
const quota = /^src\/quota\//;
const pool = /^src\/pool\//;
const usage = /^src\/usage\//;
const diagnose = /^src\/diagnose\//;
const change = /^src\/change\//;
const changeTypes = /^src\/change\/types\.ts$/;
const tool = /^src\/tool\.ts$/;
const offer = /^src\/(?:prompt|resource)\.ts$/;
const offered = /^src\/(?:prompts|resources)\//;
const azure = /^src\/azure\//;
const mcp = /^src\/mcp\//;
const sandbox = /^src\/sandbox\//;
const config = /^src\/config(?:\.ts$|\/)/;
const grammar = /^src\/grammar(?:-files)?\.ts$/;
const kql = /^src\/kql(?:-files)?\.ts$/;
const plain = /^src\/(?:log|version)\.ts$/;
const machine = /^src\/(?:processes|audit-log)\.ts$/;
const runtime = /^src\/(?:runtime|embedded-sandbox)\.ts$/;
const surface = /^src\/surface\.ts$/;
const cli = /^src\/cli\//;
const packageFile = /^package\.json$/;
const node = /^node:/;

const layers: readonly Layer[] = [
  { name: "errors", files: errors, imports: [], packages: [/^zod$/, /^fastest-levenshtein$/], pure: true },
  { name: "gateway", files: gateway, imports: [errors], packages: [/^zod$/], pure: true },
  { name: "policy", files: policy, imports: [errors, gateway], packages: [/^saxes$/, /^web-tree-sitter$/], pure: true },
  { name: "quota", files: quota, imports: [errors, gateway, policy], packages: [], pure: true },
  { name: "pool", files: pool, imports: [errors, gateway, policy], packages: [], pure: true },
  { name: "usage", files: usage, imports: [errors, gateway], packages: [], pure: true },
  { name: "diagnose", files: diagnose, imports: [errors, gateway, policy, quota, pool, usage], packages: [], pure: true },
  {
    name: "change (stores)",
    files: /^src\/change\/(?:directory-store|blob-store|state-directory)\.ts$/,
    imports: [change, errors, gateway],
    packages: [node],
  },
  {
    name: "change",
    files: change,
    imports: [errors, gateway, policy, quota, pool, usage, diagnose],
    packages: [/^zod$/, /^diff$/, /^node:crypto$/],
    pure: true,
  },
  {
    name: "tool",
    files: tool,
    imports: [errors, gateway],
    types: [changeTypes, /^src\/policy\/expression-syntax\.ts$/],
    packages: [/^zod$/],
    pure: true,
  },
  { name: "tools/index", files: /^tools\/index\.ts$/, imports: [/^tools\//, tool], packages: [], pure: true },
  {
    name: "a tool",
    files: /^tools\/[a-z-]+\.ts$/,
    imports: [tool, errors, gateway, policy, quota, pool, usage, diagnose, change],
    packages: [/^zod$/],
    pure: true,
  },
  { name: "what a prompt or a resource is", files: offer, imports: [], types: [tool], packages: [], pure: true },
  {
    name: "prompts and resources",
    files: offered,
    imports: [offer, errors, gateway, policy, /^src\/sandbox\/fidelity-table\.ts$/],
    types: [tool],
    packages: [],
    pure: true,
  },
  { name: "azure", files: azure, imports: [errors, gateway, packageFile], packages: [/^@azure\//, node] },
  { name: "mcp", files: mcp, imports: [tool, errors, keys], types: [offer], packages: [/^@modelcontextprotocol\/sdk\//, /^zod$/, node] },
  {
    name: "sandbox",
    files: sandbox,
    imports: [/^src\/policy\/(?:document|lexer|expression[a-z-]*)\.ts$/],
    types: [gateway],
    // zod for what comes over the control API: it knows nothing of Azure.
    packages: [/^hono$/, /^jose$/, /^zod$/, node],
  },
  { name: "log and version", files: plain, imports: [packageFile], packages: [] },
  {
    name: "config",
    files: config,
    imports: [errors, /^src\/gateway\/prices\.ts$/, /^src\/change\/guards\/names\.ts$/],
    packages: [/^zod$/],
  },
  { name: "grammar", files: grammar, imports: [/^src\/policy\/expression-(?:syntax|generic-calls)\.ts$/], packages: [node] },
  { name: "kql", files: kql, imports: [/^src\/sandbox\/monitor\/kql\/parser\.ts$/], packages: [node] },
  { name: "processes and audit log", files: machine, imports: [errors, plain], types: [change, mcp], packages: [node] },
  {
    name: "runtime",
    files: runtime,
    imports: [errors, config, grammar, kql, plain, machine, change, azure, sandbox],
    types: [gateway, tool],
    packages: [node],
  },
  { name: "surface", files: surface, imports: [/^tools\/index\.ts$/, offered, errors, config, plain, machine, mcp, runtime], packages: [] },
  {
    name: "cli",
    files: cli,
    imports: [
      /^tools\//,
      tool,
      errors,
      gateway,
      policy,
      diagnose,
      config,
      grammar,
      kql,
      plain,
      mcp,
      sandbox,
      surface,
      /^src\/change\/drill\/answer\.ts$/,
    ],
    packages: [/^zod$/, node],
  },
  { name: "main", files: /^src\/main\.ts$/, imports: [cli], packages: [node] },
];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** What breaks the rules in a set of sources by path, in words: `file: what is wrong`. */
export function violations(sources: ReadonlyMap<string, string>): string[] {
  return [...[...sources].flatMap(([path, source]) => ofFile(path, source)), ...cycles(sources)];
}

function ofFile(path: string, source: string): string[] {
  const own = layerOf(path);
  if (own === undefined) return [`${path}: belongs to no layer`];
  const found = importsOf(source).flatMap((imported) => {
    const reason = refusal(own, path, imported);
    return reason === null ? [] : [`${path}: ${reason}`];
  });
  if (/\bimport\s*\(\s*[^"\s]/.test(withoutComments(source))) found.push(`${path}: imports something computed`);
  return own.pure === true ? [...found, ...reachesOut(path, source)] : found;
}

const layerOf = (path: string): Layer | undefined => layers.find(({ files }) => files.test(path));

function refusal(own: Layer, path: string, { specifier, typeOnly }: Import): string | null {
  if (!specifier.startsWith("."))
    return own.packages.some((allowed) => allowed.test(specifier)) ? null : `${own.name} must not import ${specifier}`;
  const target = posix.join(posix.dirname(path), specifier);
  if (layerOf(target) === own && own.name !== "a tool") return null;
  if (own.imports.some((allowed) => allowed.test(target))) return null;
  if (own.types?.some((allowed) => allowed.test(target)) !== true) return `${own.name} must not import ${target}`;
  return typeOnly ? null : `${own.name} may import only types from ${target}`;
}

const statement = /(?:^|[;\n])\s*(?:import|export)\s+(?:([\w$*{},\s]+?)\s+from\s+)?"([^"\n]+)"/g;
const call = /\bimport\s*\(\s*"([^"\n]+)"\s*\)(\.[A-Z])?/g;

/** Every import, re-export, dynamic import and type query of a source. */
function importsOf(source: string): Import[] {
  const text = withoutComments(source);
  return [
    ...[...text.matchAll(statement)].map(([, clause = "", specifier = ""]) => ({ specifier, typeOnly: isTypeOnly(clause.trim()) })),
    ...[...text.matchAll(call)].map(([, specifier = "", member]) => ({ specifier, typeOnly: member !== undefined })),
  ];
}

function isTypeOnly(clause: string): boolean {
  if (/^type\b/.test(clause)) return true;
  const names = /^\{([^}]*)\}$/
    .exec(clause)?.[1]
    ?.split(",")
    .map((name) => name.trim());
  return names?.filter((name) => name !== "").every((name) => /^type\b/.test(name)) ?? false;
}

const withoutComments = (source: string): string => source.replace(/\/\*[\s\S]*?\*\/|(?<![:"'`\\/])\/\/[^\n]*/g, "");

/** What reaches out of a module: the process, the network, the clock, timers, the machine's own randomness. */
const outside =
  /\b(?:process\.|console\.|globalThis\b|navigator\b|crypto\.|fetch\(|XMLHttpRequest\b|WebSocket\(|EventSource\(|Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|setTimeout\(|setInterval\(|setImmediate\()/g;

/** Uses of what is outside in a module that must be given it. */
function reachesOut(path: string, source: string): string[] {
  const text = withoutComments(source).replace(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, '""');
  return [...new Set(text.match(outside) ?? [])].map((use) => `${path}: uses ${use}`);
}

/** Each circle of imports once, types apart: those are gone before anything runs. */
function cycles(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`);
    if (done.has(path) || trail.includes(path)) return;
    for (const { specifier, typeOnly } of importsOf(sources.get(path) ?? "")) {
      if (specifier.startsWith(".") && !typeOnly) visit(posix.join(posix.dirname(path), specifier), [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return found;
}
