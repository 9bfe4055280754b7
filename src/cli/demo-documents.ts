import * as z from "zod";
import type { Address } from "./demo-traffic.ts";

/** Documents of a service by their paths below it, each as the management API writes it. */
export type Documents = ReadonlyMap<string, string>;

const list = z.object({ value: z.array(z.looseObject({ id: z.string() })) });

/** Collections below the service, and of each member of theirs. */
const collections: Readonly<Record<string, readonly string[]>> = {
  policies: [],
  policyFragments: [],
  namedValues: [],
  backends: [],
  apis: ["policies", "operations"],
  products: ["policies"],
};

/** All that decides what becomes of a call, read over the management API and past the server. */
export async function readDocuments({ arm, service, token }: Address): Promise<Documents> {
  const documents = new Map<string, string>();
  const read = async (path: string): Promise<readonly string[]> => {
    const response = await fetch(`${arm}${path}?api-version=2024-05-01`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`The sandbox refused to list ${path}: ${await response.text()}`);
    const { value } = list.parse(await response.json());
    for (const document of value) documents.set(document.id.slice(service.length + 1), JSON.stringify(document));
    return value.map(({ id }) => id);
  };
  for (const [collection, children] of Object.entries(collections)) {
    for (const id of await read(`${service}/${collection}`)) for (const child of children) await read(`${id}/${child}`);
  }
  return documents;
}

/** Those of `before` that are not what they were. */
export const changedSince = (before: Documents, now: Documents): readonly string[] =>
  [...before].flatMap(([path, text]) => (now.get(path) === text ? [] : [path]));
