import { existsSync, readdirSync, readFileSync } from "node:fs";

const fixtures = new URL("../../../shared/fixtures/", import.meta.url);

/** A policy document that someone else wrote, with what APIM is known to say about it. */
export interface RealPolicy {
  readonly file: string;
  readonly source: string;
  readonly root: string;
  /** `accept`, `accept_after_substitution`, `accept_if_named_values_exist`, `reject` ... */
  readonly verdict: string;
}

/** Whether the collection of real documents is on this machine. */
export const haveRealPolicies = existsSync(new URL("policies/index.csv", fixtures));

export function realPolicies(): readonly RealPolicy[] {
  if (!haveRealPolicies) return [];
  const folder = new URL("policies/", fixtures);
  const index = readFileSync(new URL("index.csv", folder), "utf8");
  const [header = [], ...rows] = index.trim().split("\n").map(csvFields);
  const column = (row: readonly string[], name: string): string => row[header.indexOf(name)] ?? "";
  const byFile = new Map(rows.map((row) => [column(row, "file"), row]));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".xml"))
    .map((file) => {
      const row = byFile.get(file) ?? [];
      const source = readFileSync(new URL(file.split("/").map(encodeURIComponent).join("/"), folder), "utf8");
      return { file, source, root: column(row, "root"), verdict: column(row, "apim_would_accept") };
    });
}

/** A wrong document with the line of its defect. */
export interface WrongPolicy {
  readonly name: string;
  readonly scope: "global" | "product" | "api" | "operation" | "fragment";
  readonly xml: string;
  readonly line: number;
}

export function wrongPolicies(): readonly WrongPolicy[] {
  return JSON.parse(readFileSync(new URL("policy-invalid.json", fixtures), "utf8"));
}

function csvFields(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}
