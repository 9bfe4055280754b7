import type { JsonObject } from "../gateway/documents.ts";
import { type JournalStore, keyParts } from "./journal-store.ts";

/** A journal that ends with the process. */
export function memoryStore(): JournalStore {
  const documents = new Map<string, JsonObject>();
  return {
    async create(key, document) {
      keyParts(key);
      if (documents.has(key)) return false;
      documents.set(key, structuredClone(document));
      return true;
    },
    async read(key) {
      keyParts(key);
      return structuredClone(documents.get(key) ?? null);
    },
    async list() {
      return [...documents.keys()];
    },
    async remove(key) {
      keyParts(key);
      documents.delete(key);
    },
    place: (key) => key,
  };
}
