/** What a start and a policy cost: prints a table against its bounds; status 1 where one is missed. Run by `npm run bench` on a fresh build. */
import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { listing } from "../../src/mcp/listing.ts";
import { tools } from "../../tools/index.ts";
import { mutantRow, parseRows, validateRows } from "./policy.ts";
import type { Row } from "./row.ts";
import { measureStarts } from "./start.ts";

const bundle = "dist/main.js";
const mebibyte = 1024 * 1024;

/** The machine's own Node, outside of the packages of the project, unless `MACHINE_NODE` names one. */
function machineNode(): string {
  const places = (process.env.PATH ?? "").split(delimiter).filter((place) => !place.includes("node_modules"));
  const found = places.map((place) => join(place, "node")).find((path) => existsSync(path));
  return realpathSync(process.env.MACHINE_NODE || found || process.execPath);
}

async function startRows(node: string): Promise<Row[]> {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const bound = Number(/^v(\d+)/.exec(version)?.[1]) < 22 ? 3 : 4;
  const { bare, initialize, list, peakMemory } = await measureStarts(node, bundle, 15);
  return [
    { what: `${version}: bare node -e 0`, value: bare, unit: "ms" },
    { what: `${version}: start to initialize`, value: initialize, unit: "ms" },
    { what: `${version}: start to tools/list`, value: list, unit: "ms" },
    { what: `${version}: tools/list against bare node`, value: list / bare, unit: "x", bound },
    ...(peakMemory === null ? [] : [{ what: `${version}: peak memory after tools/list`, value: peakMemory / mebibyte, unit: "MiB" }]),
  ];
}

function tokenRows(): Row[] {
  const listings = tools.map(listing);
  const asked = listings.map(({ name, description, inputSchema }) => countTokens(JSON.stringify({ name, description, inputSchema })));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return [
    { what: "tokens of names, descriptions and inputs", value: sum(asked), unit: "", bound: 3000 },
    { what: "tokens of tools/list", value: sum(listings.map((tool) => countTokens(JSON.stringify(tool)))), unit: "", bound: 6500 },
  ];
}

function packedRow(): Row {
  const packed: unknown = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" }));
  // npm 11 answers a list, later ones an object by package name.
  const [first] = Array.isArray(packed) ? packed : Object.values(packed as object);
  return { what: "packed size", value: first.size / 1e6, unit: "MB", bound: 1.6 };
}

const nodes = [...new Set([machineNode(), realpathSync(process.execPath)])];
const rows: Row[] = [];
for (const node of nodes) rows.push(...(await startRows(node)));
rows.push(...tokenRows(), packedRow(), ...(await validateRows(machineNode(), bundle)), ...parseRows(), mutantRow());

const missed = rows.filter(({ value, bound }) => bound !== undefined && value > bound);
for (const row of rows) {
  const { what, value, unit, bound } = row;
  const shown = `${value.toFixed(Number.isInteger(value) ? 0 : 2)} ${unit}`.padStart(14);
  const limit = bound === undefined ? "" : `   at most ${bound} ${unit}${missed.includes(row) ? "   MISSED" : ""}`;
  process.stdout.write(`${what.padEnd(46)}${shown}${limit}\n`);
}
process.exitCode = missed.length === 0 ? 0 : 1;
