import type { JsonObject } from "../gateway/documents.ts";

/** Where a backend's model runs, and what says so: `name` is a guess from what people have called it. */
export interface Region {
  /** Azure's display name, e.g. `East US`. */
  readonly name: string;
  readonly by: "azureRegion" | "host" | "name";
}

/** https://learn.microsoft.com/azure/reliability/regions-list */
const names = (
  "Australia Central,Australia East,Australia Southeast,Austria East,Belgium Central,Brazil South,Canada Central,Canada East,Central India," +
  "Central US,Chile Central,East Asia,East US,East US 2,France Central,Germany West Central,Indonesia Central,Israel Central,Italy North," +
  "Japan East,Japan West,Jio India West,Korea Central,Korea South,Malaysia West,Mexico Central,New Zealand North,North Central US," +
  "North Europe,Norway East,Poland Central,Qatar Central,South Africa North,South Central US,South India,Southeast Asia,Spain Central," +
  "Sweden Central,Switzerland North,UAE North,UK South,UK West,West Central US,West Europe,West India,West US,West US 2,West US 3," +
  "USGov Arizona,USGov Virginia,China East 2,China North 3"
).split(",");

const spelled = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Long names first: `East US 2` is no `East US`. */
const byLength = names.toSorted((a, b) => b.length - a.length).map((name) => [name, spelled(name)] as const);

const named = (text: string): string | undefined => byLength.find(([, name]) => spelled(text) === name)?.[0];
const namedIn = (text: string): string | undefined => byLength.find(([, name]) => spelled(text).includes(name))?.[0];

/** Hosts of which a label is the region: https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains */
const regionalHost =
  /(?:^|\.)([a-z0-9]+)\.(?:api\.cognitive\.microsoft\.com|(?:models|inference)\.ai\.azure\.com|inference\.ml\.azure\.com)$/i;

/** The region of a backend, as far as its own document tells; null where it does not. */
export function regionOf(backendId: string, { azureRegion, title, url }: JsonObject): Region | null {
  if (typeof azureRegion === "string" && azureRegion !== "") return { name: named(azureRegion) ?? azureRegion, by: "azureRegion" };
  const host = typeof url === "string" && URL.canParse(url) ? new URL(url).hostname : "";
  const ofHost = named(regionalHost.exec(host)?.[1] ?? "");
  if (ofHost !== undefined) return { name: ofHost, by: "host" };
  const texts = [typeof title === "string" ? title : "", backendId, host.split(".")[0] ?? ""];
  const guessed = texts.map(namedIn).find((name) => name !== undefined);
  return guessed === undefined ? null : { name: guessed, by: "name" };
}

/** The region of this name, in any spelling (`East US`, `eastus`), as a backend's document writes it; null where there is none. */
export const regionId = (text: string): string | null => {
  const name = named(text);
  return name === undefined ? null : spelled(name);
};
