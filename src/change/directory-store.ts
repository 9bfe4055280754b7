import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";
import { type JournalStore, keyParts } from "./journal-store.ts";

const directoryMode = 0o700;
const fileMode = 0o600;
const documentName = /^([a-z0-9][a-z0-9_-]*)\.json$/;

/**
 * A journal in a directory: one directory per change, one file per state. Safe with several processes and with a kill at
 * any moment: a file is written whole under a temporary name, synced, and then linked to its own name, which fails where
 * that exists. Readable by the user alone.
 */
export function directoryStore(path: string): JournalStore {
  const fileOf = (key: string) => {
    const { change, state } = keyParts(key);
    return { directory: join(path, change), name: `${state}.json` };
  };
  return {
    create: (key, document) =>
      reportingPath(path, async () => {
        const { directory, name } = fileOf(key);
        const made = await mkdir(directory, { recursive: true, mode: directoryMode });
        if (made !== undefined) await syncDirectory(path);
        return createFile(directory, name, JSON.stringify(document));
      }),
    read: (key) =>
      reportingPath(path, async () => {
        const { directory, name } = fileOf(key);
        const text = await orWhereMissing(readFile(join(directory, name), "utf8"), null);
        return text === null ? null : parseDocument(text);
      }),
    list: () =>
      reportingPath(path, async () => {
        const entries = await orWhereMissing(readdir(path, { withFileTypes: true }), []);
        const changes = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
        return (await Promise.all(changes.map((change) => keysOf(path, change)))).flat();
      }),
  };
}

async function keysOf(path: string, change: string): Promise<readonly string[]> {
  const names = await orWhereMissing(readdir(join(path, change)), []);
  return names.flatMap((name) => {
    const state = documentName.exec(name)?.[1];
    return state === undefined ? [] : [`${change}/${state}`];
  });
}

/** `link` and not `rename`: it never replaces a file, and either both names hold the whole text or the new one does not exist. */
async function createFile(directory: string, name: string, text: string): Promise<boolean> {
  const temporary = join(directory, `.${name}.${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", fileMode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, join(directory, name));
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await orWhereMissing(unlink(temporary), undefined);
  }
  await syncDirectory(directory);
  return true;
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directories; NTFS journals names by itself.
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseDocument(text: string): JsonObject {
  const document: JsonObject = JSON.parse(text);
  return document;
}

async function orWhereMissing<T, D>(reading: Promise<T>, missing: D): Promise<T | D> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return missing;
    throw error;
  }
}

/** File system errors as errors that name the directory and the variable that moves it. */
async function reportingPath<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new GatewayError(
      "internal",
      `The journal in ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      {
        hint: "Set AIGW_STATE to a directory that this user can write to.",
        cause: error,
      },
    );
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
