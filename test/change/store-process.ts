import { directoryStore } from "../../src/change/directory-store.ts";

/** A process of its own that creates the same keys as its siblings and prints those that it was the first to create. */
const [path = "", name = "", count = "0"] = process.argv.slice(2);
const store = directoryStore(path);
const created: string[] = [];
for (let number = 0; number < Number(count); number++) {
  const key = `chg-${number}/applying`;
  if (await store.create(key, { by: name, padding: "x".repeat(2_000) })) created.push(key);
}
process.stdout.write(JSON.stringify(created));
