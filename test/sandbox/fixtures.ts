import { existsSync, readdirSync, readFileSync } from "node:fs";

const root = new URL("../../../shared/fixtures/", import.meta.url);

export const hasFixtures = existsSync(root);
/** For the name of a suite that cannot run without them. */
export const fixtureNote = hasFixtures ? "" : " (skipped: no ../shared/fixtures)";

/** A JSON file of the fixtures, taken for what the caller says it is. */
export const fixture = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, root), "utf8"));

/** Every real policy document, by its path in the fixtures. */
export function realPolicies(): readonly (readonly [name: string, text: string])[] {
  const folder = new URL("policies/", root);
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".xml"))
    .map((name) => [name, readFileSync(new URL(name, folder), "utf8")]);
}
